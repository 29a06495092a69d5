"""Each listener's smiles and cheeks differ from side to side as people's do."""

import numpy as np
import pytest

from reactface_node.schema import indices_of
from reactface_node.session.sides import Sides

SMILE, CHEEKS = indices_of("mouthSmile"), indices_of("cheekSquint")


def leaned(seed, amount=1.0):
    face = np.full((3, 58), 0.5, np.float32)
    Sides(np.random.default_rng(seed)).lean(face, amount)
    return face


def shares(faces, channels):
    """Difference of left and right as a share of their mean, for each face."""
    left, right = faces[:, 0, channels[0]], faces[:, 0, channels[1]]
    return (left - right) / ((left + right) / 2)


def test_the_differences_are_those_of_people_to_both_sides():
    faces = np.stack([leaned(seed) for seed in range(2000)])
    for channels, people in ((SMILE, 0.09), (CHEEKS, 0.21)):
        found = shares(faces, channels)
        assert np.abs(found).mean() == pytest.approx(people, rel=0.1)
        assert abs(found.mean()) < 0.01
    untouched = [i for i in range(58) if i not in (*SMILE, *CHEEKS)]
    assert (faces[:, :, untouched] == 0.5).all()


def test_a_listener_keeps_its_sides_and_none_are_asked_for_without_them():
    assert (leaned(3) == leaned(3)).all()
    assert (leaned(3, 0.0) == 0.5).all()
    assert leaned(3)[:, SMILE].sum() == pytest.approx(leaned(3, 0.0)[:, SMILE].sum())

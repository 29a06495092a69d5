"""The head's pose in the avatar: the sign of each axis, and the motion of near and far parts."""

import numpy as np
import pytest
from rigs.render_marker import EYEBALL, SKIN, area, centre, marker, seen

from reactface_node.render.avatar import Avatar


@pytest.fixture(scope="module")
def eyeballs():
    return marker(*EYEBALL)


@pytest.fixture(scope="module")
def skin():
    return marker(*SKIN)


def test_turns_move_the_features_further_than_the_face(eyeballs, skin):
    def moved(part: Avatar, axis: int, **pose: float) -> float:
        return float((centre(part, **pose) - centre(part))[axis])

    # +y to the subject's left, which is the picture's right; +x nods down.
    for name, axis in (("rotationY", 0), ("rotationX", 1)):
        assert moved(eyeballs, axis, **{name: 0.25}) > 3
        assert moved(eyeballs, axis, **{name: -0.25}) < -3
        assert moved(eyeballs, axis, **{name: 0.25}) > moved(skin, axis, **{name: 0.25}) + 1


def test_a_turn_narrows_the_far_eye(eyeballs):
    # Turned to the picture's right, the eye there is the far one.
    shares = {}
    for turn in (-0.35, 0.0, 0.35):
        x, _ = seen(eyeballs, rotationY=turn)
        ordered = np.unique(x)
        gap = int(np.argmax(np.diff(ordered)))
        shares[turn] = (gap + 1) / (len(ordered) - gap - 1)
    assert shares[0.35] > 1.15 and shares[-0.35] < 1 / 1.15 and abs(shares[0.0] - 1) < 0.05


def test_roll_lifts_the_subjects_left(eyeballs):
    left, right = (centre(eyeballs, half, rotationZ=0.2) for half in (1, -1))
    assert left[1] < right[1] - 6
    left, right = (centre(eyeballs, half, rotationZ=-0.2) for half in (1, -1))
    assert left[1] > right[1] + 6


def test_translation_moves_and_scales_the_head(eyeballs):
    rest = centre(eyeballs)
    assert centre(eyeballs, translationX=0.02)[0] > rest[0] + 5
    assert centre(eyeballs, translationY=0.02)[1] < rest[1] - 5
    assert area(eyeballs, translationZ=0.1) > 1.1 * area(eyeballs)

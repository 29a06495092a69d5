"""Measures and learned blendshapes as one: which source gives what."""

import numpy as np
import pytest

from reactface_node.perception.fusion import LEARNED, MEASURED, fused
from reactface_node.schema import ARKIT_NAMES, index_of, stem_of

ALL = np.ones(len(ARKIT_NAMES), bool)


def weights(**values):
    found = np.zeros(len(ARKIT_NAMES))
    for name, value in values.items():
        found[index_of(name)] = value
    return found


def test_the_tables_name_blendshapes_and_none_twice():
    stems = {stem_of(name) for name in ARKIT_NAMES}
    assert LEARNED.keys() | MEASURED.keys() <= stems
    assert not LEARNED.keys() & MEASURED.keys()


def test_each_source_gives_its_own():
    measured = weights(mouthPucker=0.1, jawOpen=0.2, mouthFrownRight=0.3, eyeBlinkLeft=1.0)
    learned = weights(mouthPucker=0.9, jawOpen=0.8, mouthFrownRight=0.0, eyeBlinkLeft=0.5)
    expected = weights(mouthPucker=0.9, jawOpen=0.8, mouthFrownRight=0.3, eyeBlinkLeft=1.0)
    np.testing.assert_array_equal(fused(measured, learned, ALL), expected)


def test_what_the_model_does_not_give_stays_measured():
    given = ALL.copy()
    given[index_of("jawOpen")] = False
    measured, learned = weights(jawOpen=0.2), weights(mouthPucker=0.4)
    expected = weights(jawOpen=0.2, mouthPucker=0.4)
    np.testing.assert_array_equal(fused(measured, learned, given), expected)


@pytest.mark.parametrize(
    ("learned", "measured", "smile"),
    [
        (0.51, 0.8, 0.6),
        (0.85, 1.0, 1.0),
        # A yell, in which the model alone sees a smile, and bared teeth, in which the measures do.
        (0.6, 0.0, 0.0),
        (0.0, 0.8, 0.0),
        (0.6, 0.1, 0.16),
    ],
)
def test_a_smile_needs_both_sources(learned, measured, smile):
    found = fused(weights(mouthSmileLeft=measured), weights(mouthSmileLeft=learned), ALL)
    assert found[index_of("mouthSmileLeft")] == pytest.approx(smile)
    assert found[index_of("mouthSmileRight")] == 0.0


def test_a_squint_counts_as_far_as_its_side_smiles_or_lifts_the_cheek():
    learned = weights(eyeSquintLeft=0.6, eyeSquintRight=0.7, mouthSmileLeft=0.34)
    measured = weights(cheekSquintRight=0.2, eyeSquintLeft=1.0, mouthSmileLeft=1.0)
    found = fused(measured, learned, ALL)
    assert found[index_of("eyeSquintLeft")] == pytest.approx(0.4)
    assert found[index_of("eyeSquintRight")] == 0.2
    assert fused(weights(), weights(eyeSquintLeft=0.6), ALL)[index_of("eyeSquintLeft")] == 0.0

"""Emotions by their prototypes, and action units by their codes."""

import numpy as np
import pytest
from rigs.outputs import face_of, mirrored

from reactface_node.outputs.expression import EMOTIONS, NEUTRAL, PROTOTYPES, express
from reactface_node.outputs.facs import DERIVED, EYES, HEAD, UNITS, action_units

# The action units of EMFACS at 0.8, as shapes.
FACES = {
    "happy": face_of(mouthSmile=0.8, cheekSquint=0.8),
    "sad": face_of(browInnerUp=0.8, browDown=0.4, mouthFrown=0.8, mouthShrugLower=0.5),
    "angry": face_of(browDown=0.8, eyeWide=0.4, eyeSquint=0.8, mouthPress=0.8),
    "surprised": face_of(browInnerUp=0.8, browOuterUp=0.8, eyeWide=0.8, jawOpen=0.8),
    "scared": face_of(
        browInnerUp=0.8, browOuterUp=0.8, browDown=0.8, eyeWide=0.8, mouthStretch=0.8, jawOpen=0.8
    ),
    "disgusted": face_of(noseSneer=0.8, mouthUpperUp=0.8, mouthFrown=0.8, mouthLowerDown=0.8),
}


@pytest.mark.parametrize("name", EMOTIONS)
def test_each_prototype_gives_its_name(name):
    found = express(FACES[name])
    assert found.name == name
    assert found.confidence > 0.5


@pytest.mark.parametrize(
    ("name", "valence", "arousal"),
    [
        ("happy", 1, 1),
        ("sad", -1, -1),
        ("angry", -1, 1),
        ("surprised", 1, 1),
        ("scared", -1, 1),
        ("disgusted", -1, 1),
    ],
)
def test_valence_and_arousal_have_the_emotions_signs(name, valence, arousal):
    found = express(FACES[name])
    assert found.valence * valence > 0.05 and found.arousal * arousal > 0.05


def test_a_face_without_emotion_is_neutral():
    calm = express(face_of())
    assert calm == (NEUTRAL, 0.0, 0.0, 1.0)
    for face in (
        face_of(eyeBlink=1.0),
        face_of(jawOpen=0.5, mouthFunnel=0.3),
        face_of(mouthSmile=0.15),
        face_of(rotationX=0.4, translationZ=0.1),
    ):
        assert express(face).name == NEUTRAL


def test_sides_do_not_matter():
    rng = np.random.default_rng(2)
    for face in [*FACES.values(), *rng.uniform(0, 1, (20, 58)).astype(np.float32)]:
        found, other = express(face), express(mirrored(face))
        assert found.name == other.name
        np.testing.assert_allclose(found[1:], other[1:], atol=1e-12)


def test_values_stay_in_range_and_are_continuous():
    rng = np.random.default_rng(3)
    for start, end in rng.uniform(-0.5, 1.5, (50, 2, 58)):
        walk = np.linspace(start, end, 200)
        found = np.array([express(face)[1:] for face in walk])
        assert (np.abs(found[:, :2]) <= 1).all() and (found[:, 2] >= 0).all()
        assert (found[:, 2] <= 1).all()
        assert np.abs(np.diff(found[:, :2], axis=0)).max() < 0.1


def test_a_growing_smile_becomes_happy_at_one_point():
    names = [express(face_of(mouthSmile=s, cheekSquint=s)).name for s in np.linspace(0, 1, 50)]
    assert names == sorted(names, key=("neutral", "happy").index)
    assert {*names} == {"neutral", "happy"}


def test_what_is_no_number_is_neutral():
    assert express(np.full(58, np.nan)).name == NEUTRAL


def test_shares_of_a_prototype_sum_to_one():
    for shares, valence, arousal in PROTOTYPES.values():
        assert sum(s for s in shares.values() if s > 0) == pytest.approx(1)
        assert abs(valence) < 1 and abs(arousal) < 1


def units(**values):
    """{code: intensity} of what is not 0, without the neutral face's code 0."""
    intensity, _ = action_units(face_of(**values))
    return {code: round(float(intensity[code]), 3) for code in np.flatnonzero(intensity) if code}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"browInnerUp": 0.5}, {1: 0.5}),
        ({"browOuterUpLeft": 0.5}, {2: 0.5}),
        ({"browDownLeft": 0.25, "browDownRight": 0.5}, {4: 0.5}),
        ({"eyeWide": 0.5}, {5: 0.5}),
        ({"cheekSquint": 0.5}, {6: 0.5}),
        ({"eyeSquint": 0.5}, {7: 0.5}),
        ({"noseSneer": 0.5}, {9: 0.5}),
        ({"mouthUpperUp": 0.5}, {10: 0.5, 25: 0.5}),
        ({"mouthSmile": 1.5}, {12: 1.0}),
        ({"mouthDimple": 0.5}, {14: 0.5}),
        ({"mouthFrown": 0.5}, {15: 0.5}),
        ({"mouthLowerDown": 0.5}, {16: 0.5, 25: 0.5}),
        ({"mouthShrugLower": 0.5}, {17: 0.5}),
        ({"mouthPucker": 0.5}, {18: 0.5}),
        ({"tongueOut": 0.5}, {19: 0.5}),
        ({"mouthStretch": 0.5}, {20: 0.5}),
        ({"mouthFunnel": 0.5}, {22: 0.5}),
        ({"mouthPress": 0.5}, {24: 0.5}),
        ({"jawOpen": 0.35}, {25: 0.35, 26: 0.5}),
        ({"jawOpen": 1.0}, {25: 1.0, 26: 1.0, 27: 1.0}),
        ({"jawOpen": 0.35, "mouthClose": 0.35}, {8: 0.35, 26: 0.5}),
        ({"mouthRollUpper": 0.5}, {28: 0.5}),
        ({"jawForward": 0.5}, {29: 0.5}),
        ({"jawRight": 0.5}, {30: 0.5}),
        ({"cheekPuff": 0.5}, {34: 0.5}),
        ({"eyeBlink": 1.0}, {43: 1.0, 45: 1.0}),
        ({"eyeBlinkLeft": 1.0}, {46: 1.0}),
        ({"rotationY": np.pi / 8}, {51: 0.5}),
        ({"rotationY": -np.pi / 8}, {52: 0.5}),
        ({"rotationX": -np.pi / 8}, {53: 0.5}),
        ({"rotationX": np.pi / 8}, {54: 0.5}),
        ({"rotationZ": -np.pi / 8}, {55: 0.5}),  # the right side up: to the left shoulder
        ({"rotationZ": 2.0}, {56: 1.0}),
        ({"translationZ": 0.05}, {57: 0.5}),
        ({"translationZ": -0.05}, {58: 0.5}),
        ({"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5}, {61: 0.5}),
        ({"eyeLookInLeft": 0.5, "eyeLookOutRight": 0.5}, {62: 0.5}),
        ({"eyeLookUp": 0.5}, {63: 0.5}),
        ({"eyeLookDown": 0.5}, {64: 0.5}),
        ({"eyeLookOut": 0.5}, {65: 0.5}),
        ({"eyeLookIn": 0.5}, {66: 0.5}),
        ({}, {}),
    ],
    ids=str,
)
def test_action_units_lie_at_their_codes(values, expected):
    assert units(**values) == expected


def test_the_neutral_face_is_code_zero():
    assert action_units(face_of())[0][0] == 1
    assert action_units(face_of(mouthSmileLeft=0.75))[0][0] == 0.25


def test_confidence_is_zero_where_arkit_tells_nothing():
    intensity, confidence = action_units(np.ones(58))
    assert intensity.shape == confidence.shape == (99,)
    assert intensity.dtype == confidence.dtype == np.float32
    known = {0, *UNITS, *DERIVED, *HEAD, *EYES}
    assert {*np.flatnonzero(confidence)} == known
    assert not {3, 11, 13, 21, 23, 31, 40, 50, 59, 60, 70, 84, 98} & known
    assert {*np.flatnonzero(intensity)} <= known
    assert {float(confidence[code]) for code in DERIVED} == {0.5}


def test_intensities_stay_in_range_whatever_comes():
    rng = np.random.default_rng(4)
    for face in [*rng.uniform(-3, 3, (50, 58)), np.full(58, np.nan), np.full(58, np.inf)]:
        intensity, _ = action_units(face)
        assert ((intensity >= 0) & (intensity <= 1)).all()

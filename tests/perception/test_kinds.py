"""Kinds of expression: what a smile is and is not, by landmarks and by the classifier."""

import numpy as np
import pytest

from reactface_node.perception.emotions import EMOTIONS
from reactface_node.perception.kinds import CHANGE_S, KindReader, smile_belief
from reactface_node.schema import ARKIT_NAMES, KINDS, index_of


def weights(**stems):
    found = np.zeros(len(ARKIT_NAMES))
    for stem, value in stems.items():
        names = [name for name in (stem, f"{stem}Left", f"{stem}Right") if name in ARKIT_NAMES]
        found[[index_of(name) for name in names]] = value
    return found


def emotions(**shares):
    found = np.array([shares.get(name, 0.0) for name in EMOTIONS])
    found[EMOTIONS.index("neutral")] += 1.0 - found.sum()
    return found


def kind_of(found, corners=0.0, seen=None, seconds=1.5):
    reader = KindReader()
    for frame in range(round(25 * seconds)):
        shares = reader.read(frame / 25, found, corners, seen)
    assert shares.sum() == pytest.approx(1.0) and shares.dtype == np.float32
    return KINDS[int(shares.argmax())], float(shares.max())


CASES = {
    "neutral": (weights(), 0.0, {}),
    "smile": (weights(mouthSmile=0.6), 0.6, {"happiness": 0.9}),
    "laugh": (weights(mouthSmile=0.9, mouthUpperUp=0.8), 0.9, {"happiness": 1.0}),
    "surprise": (weights(jawOpen=0.7, eyeWide=0.6), 0.0, {"surprise": 0.8}),
    "frown": (weights(browDown=0.6, mouthFrown=0.3), 0.0, {"sadness": 0.4}),
    "grimace": (weights(mouthStretch=0.5, mouthUpperUp=0.5), 0.3, {"disgust": 0.6}),
    "yell": (weights(jawOpen=0.8, mouthLowerDown=0.9, mouthUpperUp=0.8), 0.5, {"anger": 0.6}),
    "cry": (weights(eyeBlink=0.9), 0.8, {"sadness": 0.9}),
    "yawn": (weights(jawOpen=0.8, eyeBlink=0.7), 0.0, {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_told_from_the_others(kind):
    found, corners, seen = CASES[kind]
    best, share = kind_of(found, corners, emotions(**seen))
    assert best == kind and share > 0.7


@pytest.mark.parametrize("kind", ["neutral", "smile", "laugh", "frown", "yell", "yawn"])
def test_some_are_told_by_landmarks_alone(kind):
    assert kind_of(CASES[kind][0], CASES[kind][1], None)[0] == kind


def test_lips_drawn_apart_yell_and_a_round_mouth_does_not():
    angry = emotions(anger=0.6)
    yell = weights(jawOpen=0.7, mouthLowerDown=0.35, mouthUpperUp=0.4, mouthStretch=0.45)
    assert kind_of(yell, 0.0, angry)[0] == "yell"
    gasp = weights(jawOpen=0.9, mouthLowerDown=0.35, mouthFunnel=0.4)
    assert kind_of(gasp, 0.0, angry)[0] != "yell"


def test_a_short_open_mouth_is_no_yawn_and_a_blink_no_crying():
    jaw = weights(jawOpen=0.8, eyeBlink=0.7)
    assert kind_of(jaw, 0.0, emotions(), seconds=0.3)[0] != "yawn"
    reader = KindReader()
    reader.read(0.0, weights(), 0.0, emotions())
    for frame in range(1, 4):
        shares = reader.read(frame / 25 / 2, weights(eyeBlink=1.0), 0.5, emotions(sadness=0.9))
    assert shares[KINDS.index("cry")] < 1.0 - np.exp(-0.06 / CHANGE_S) + 1e-6


@pytest.mark.parametrize(
    ("shares", "belief"),
    [
        ({"happiness": 1.0}, 1.0),
        # A small smile looks neutral.
        ({"happiness": 0.15}, 1.0),
        ({"happiness": 0.3, "sadness": 0.7}, 0.0),
        ({"sadness": 1.0}, 0.0),
        ({"anger": 0.5, "fear": 0.3, "happiness": 0.2}, 0.0),
        ({}, 0.0),
        ({"happiness": 0.5, "fear": 0.5}, 0.5),
    ],
)
def test_raised_corners_are_a_smile_where_the_face_looks_happy(shares, belief):
    assert smile_belief(emotions(**shares)) == pytest.approx(belief, abs=0.02)

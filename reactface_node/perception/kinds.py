"""Kind of expression: smile, cry, yell and others, as probabilities.

Landmarks alone take crying, yelling and grimacing for smiles: all of them lift the corners of the
mouth. The emotion classifier tells them apart, where its model file is there; lids, jaw and lips
say which of them it is. The limits were found by trial on eight labelled clips of acted faces and
checked on ten others; few people cry (1) or yell (1) in them, and none yawns.
"""

import math

import numpy as np

from reactface_node.perception.emotions import EMOTIONS
from reactface_node.schema import ARKIT_NAMES, KINDS, indices_of

CHANGE_S = 0.12
"""Time constant of the probabilities: a blink is no crying, a spoken vowel no yawning."""
YAWN_S = 0.8
"""A mouth that is open for so long yawns, if the eyes are narrow too."""
# Distress against happiness: shares at which a smile does not count, and counts fully.
NO_SMILE, SURE_SMILE = 0.4, 0.6
CALM_SHARE = 0.05
"""How much a neutral face speaks against a smile, compared to distress: small smiles look so."""

_DISTRESS = [EMOTIONS.index(name) for name in ("anger", "disgust", "fear", "sadness")]


def smile_belief(emotions: np.ndarray) -> float:
    """Probabilities of ``EMOTIONS`` (7,) -> how far raised corners of the mouth are a smile, in
    [0, 1]: happiness against distress."""
    happy = emotions[EMOTIONS.index("happiness")]
    distress = emotions[_DISTRESS].sum()
    against = distress + CALM_SHARE * (1.0 - happy - distress)
    return ramp(happy / max(happy + against, 1e-9), NO_SMILE, SURE_SMILE)


def ramp(value: float, low: float, high: float) -> float:
    """0 up to ``low``, 1 from ``high`` on, a line between them."""
    return min(max((float(value) - low) / (high - low), 0.0), 1.0)


class KindReader:
    """Reads the kind of one person's expression from image to image."""

    def __init__(self) -> None:
        self._shares = np.eye(len(KINDS))[0]
        self._last_s: float | None = None
        self._open_since_s: float | None = None

    def read(
        self, stamp_s: float, weights: np.ndarray, corners: float, emotions: np.ndarray | None
    ) -> np.ndarray:
        """Weights (52,), how far the corners of the mouth are raised before it is known whether
        that is a smile, and the classifier's probabilities (7,), None without it ->
        probabilities of ``KINDS`` (9,)."""
        found = dict(zip(ARKIT_NAMES, weights, strict=True))
        found |= dict(zip(_STEMS, weights[_SIDES].mean(axis=1), strict=True))
        looks = dict.fromkeys(EMOTIONS, 1.0)
        if emotions is not None:
            looks = dict(zip(EMOTIONS, emotions, strict=True))
        scores = _scores(found, corners, looks, self._open_s(stamp_s, found["jawOpen"]))
        scores["neutral"] = max(1.0 - max(scores.values()), 0.0)
        shares = np.array([scores[kind] for kind in KINDS])
        shares /= shares.sum()
        past_s = math.inf if self._last_s is None else max(stamp_s - self._last_s, 0.0)
        self._last_s = stamp_s
        new = 1.0 - math.exp(-past_s / CHANGE_S)
        self._shares = new * shares + (1.0 - new) * self._shares
        result: np.ndarray = self._shares.astype(np.float32)
        return result

    def _open_s(self, stamp_s: float, jaw: float) -> float:
        """For how long the mouth has been open."""
        if jaw < 0.4:
            self._open_since_s = None
            return 0.0
        if self._open_since_s is None:
            self._open_since_s = stamp_s
        return stamp_s - self._open_since_s


_STEMS = (
    "mouthSmile",
    "mouthFrown",
    "mouthStretch",
    "mouthUpperUp",
    "mouthLowerDown",
    "browDown",
    "eyeBlink",
    "eyeSquint",
    "eyeWide",
    "noseSneer",
)
_SIDES = np.array([indices_of(stem) for stem in _STEMS])


def _scores(
    found: dict[str, float], corners: float, looks: dict[str, float], open_s: float
) -> dict[str, float]:
    """Scores in [0, 1] of all kinds but the neutral one."""
    jaw, smile = found["jawOpen"], ramp(found["mouthSmile"], 0.15, 0.4)
    teeth = ramp(max(jaw, found["mouthUpperUp"]), 0.3, 0.6)
    narrow = ramp(max(found["eyeBlink"], found["eyeSquint"]), 0.3, 0.6)
    yawn = ramp(open_s, 0.5 * YAWN_S, YAWN_S) * narrow * (1.0 - smile)
    # A round mouth is as open, but its lips are not drawn apart and wide.
    drawn_apart = found["mouthLowerDown"] + found["mouthUpperUp"] + found["mouthStretch"]
    wide_open = ramp(jaw, 0.4, 0.6) * ramp(drawn_apart, 0.5, 1.0)
    yell = wide_open * ramp(looks["anger"] + looks["fear"], 0.2, 0.5) * (1.0 - smile) * (1 - yawn)
    drawn = max(corners, found["mouthStretch"], found["mouthUpperUp"], found["mouthFrown"])
    cry = ramp(looks["sadness"], 0.3, 0.6) * ramp(drawn, 0.15, 0.35) * narrow * (1.0 - smile)
    # A lowered brow wrinkles the nose too.
    sneer = found["noseSneer"] * ramp(looks["disgust"], 0.2, 0.4)
    bared = max(found["mouthStretch"], found["mouthUpperUp"], sneer)
    sour = ramp(looks["disgust"] + looks["anger"] + looks["fear"], 0.2, 0.5)
    grimace = ramp(bared, 0.15, 0.35) * sour * (1.0 - smile) * (1.0 - yell) * (1.0 - cry)
    surprise = ramp(looks["surprise"], 0.3, 0.6) * ramp(max(jaw, found["eyeWide"]), 0.2, 0.4)
    lowered = max(found["browDown"], found["mouthFrown"])
    return {
        "smile": smile * (1.0 - teeth),
        "laugh": smile * teeth,
        "surprise": surprise * (1.0 - smile) * (1.0 - yell) * (1.0 - yawn),
        "frown": ramp(lowered, 0.2, 0.4) * (1 - smile) * (1 - grimace) * (1 - cry) * (1 - yell),
        "grimace": grimace,
        "yell": yell,
        "cry": cry,
        "yawn": yawn,
    }

"""A face as action units, indexed by code as in hri_msgs/FacialActionUnits.

ARKit shape -> action unit: Melinda Ozel, "ARKit to FACS Cheat Sheet". Codes: Ekman & Friesen's FACS
with its head and eye movement codes. hri_msgs defines no range of intensity; here it is 0..1,
ARKit's weight. Of two sides the stronger one counts, as FACS codes a one-sided action as present.

Confidence: 1 if a shape is the action; 0.5 if the action is derived, or shares its shape with
another one (a closed eye, 43, and a blink, 45, differ in time only); 0 if no shape shows it.
"""

import math

import numpy as np

from reactface_node.outputs.face import gaze, rotation, weights
from reactface_node.schema import TRANSLATION, index_of, indices_of

NUM_UNITS = 99
# code -> the shapes, or stems of a left and a right one, that are this action
UNITS: dict[int, tuple[str, ...]] = {
    1: ("browInnerUp",),
    2: ("browOuterUp",),
    4: ("browDown",),
    5: ("eyeWide",),
    6: ("cheekSquint",),
    7: ("eyeSquint",),
    8: ("mouthClose",),
    9: ("noseSneer",),
    10: ("mouthUpperUp",),
    12: ("mouthSmile",),
    14: ("mouthDimple",),
    15: ("mouthFrown",),
    16: ("mouthLowerDown",),
    17: ("mouthShrugLower",),
    18: ("mouthPucker",),
    19: ("tongueOut",),
    20: ("mouthStretch",),
    22: ("mouthFunnel",),
    24: ("mouthPress",),
    28: ("mouthRollLower", "mouthRollUpper"),
    29: ("jawForward",),
    30: ("jawLeft", "jawRight"),
    34: ("cheekPuff",),
}
DERIVED = (25, 26, 27, 43, 45, 46)
HEAD = (51, 52, 53, 54, 55, 56, 57, 58)
EYES = (61, 62, 63, 64, 65, 66)
# A jaw drop (26) is complete at this weight of jawOpen; above it the mouth stretch (27) begins.
JAW_DROP = 0.7
# Head movements that have intensity 1.
FULL_TURN_RAD = math.pi / 4
FULL_SHIFT_M = 0.1

_SHAPES = {code: indices_of(*stems) for code, stems in UNITS.items()}
_JAW, _CLOSE = index_of("jawOpen"), index_of("mouthClose")
_BLINKS = indices_of("eyeBlink")


def action_units(face: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(58,) -> intensity (99,) and confidence (99,) float32 in 0..1, indexed by AU code."""
    weight = weights(face)
    intensity = np.zeros(NUM_UNITS, np.float32)
    for code, shapes in _SHAPES.items():
        intensity[code] = weight[shapes].max()
    intensity[list(DERIVED)] = _derived(weight, intensity)
    intensity[0] = 1.0 - intensity.max()
    intensity[list(HEAD)] = _both_ways(_head(face))
    intensity[list(EYES)] = _eyes(weight)
    return intensity, _confidence()


def _derived(weight: np.ndarray, intensity: np.ndarray) -> list[float]:
    jaw = weight[_JAW]
    parted = max(intensity[10], intensity[16], jaw - weight[_CLOSE])
    drop, stretch = min(jaw / JAW_DROP, 1.0), max(jaw - JAW_DROP, 0.0) / (1.0 - JAW_DROP)
    left, right = weight[_BLINKS]
    closed = min(left, right)
    return [parted, drop, stretch, closed, closed, abs(left - right)]


def _head(face: np.ndarray) -> list[float]:
    """Head turn to the left, up, tilt to the left shoulder, forward; each -1..1."""
    down, left, left_side_up = rotation(face) / FULL_TURN_RAD
    forward = float(np.nan_to_num(face[TRANSLATION][2])) / FULL_SHIFT_M
    return [left, -down, -left_side_up, forward]


def _eyes(weight: np.ndarray) -> list[float]:
    looks = gaze(weight)
    left, up = looks.mean(axis=0)
    outwards = min(looks[0, 0], -looks[1, 0])
    inwards = min(-looks[0, 0], looks[1, 0])
    return [*_both_ways([left, up]), max(outwards, 0.0), max(inwards, 0.0)]


def _both_ways(movements: list[float]) -> list[float]:
    """A signed movement as the intensities of two opposite codes."""
    return [min(max(way, 0.0), 1.0) for value in movements for way in (value, -value)]


def _confidence() -> np.ndarray:
    confidence = np.zeros(NUM_UNITS, np.float32)
    confidence[[0, *UNITS, *HEAD, *EYES]] = 1.0
    confidence[list(DERIVED)] = 0.5
    return confidence

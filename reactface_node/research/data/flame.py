"""FLAME's expression and pose to ARKit weights and head rotation.

What maps: the neck's rotation is the head's, and the jaw's rotation about x opens it. FLAME's axes
are ours (x to the subject's left, y up, z out of the face). The expression coefficients are
principal components without a meaning of their own; a linear map A (51, 103) says which of them
and which jaw rotation each ARKit weight stands for: columns 0-49 are the first 50 expressions,
50-99 the others, 100-102 the jaw. Such maps are fitted on FLAME's meshes, whose licence forbids to
pass them on, so that it is the user's own file: ``mat_final.npy`` of DualTalk's ARKit form is one.
With it, the weights are those within 0..1 that explain expressions and jaw best; without it only
the jaw is known.
"""

from pathlib import Path

import numpy as np
from scipy.optimize import lsq_linear
from scipy.signal import savgol_filter
from scipy.spatial.transform import Rotation

from reactface_node.errors import UserError
from reactface_node.files.arrays import load_array, usable
from reactface_node.schema import (
    ARKIT_NAMES,
    NUM_COEFFICIENTS,
    POSE_NAMES,
    ROTATION,
    index_of,
    indices_of,
)

EXPRESSIONS, MAP_SHAPE = 50, (51, 103)
JAW_OPEN_RAD = 0.35
"""Rotation of the jaw at jawOpen 1 without a map: chosen."""
LARGEST_HEAD_RAD = 1.0
EYES = tuple(name for name in ARKIT_NAMES if name.startswith("eyeLook"))
UNSEEN = (*EYES, "tongueOut", *POSE_NAMES[3:])
"""What FLAME's coefficients never say: gaze, tongue, place."""
# Weights of DualTalk's ARKit form: the jaw's columns are small, left and right are alike, and what
# the expressions leave open is small.
JAW_WEIGHT, ALIKE_WEIGHT, SMALL_WEIGHT = 50.0, 30.0, 3.0
JAWS = ("jawOpen", "jawLeft", "jawRight", "jawForward", "mouthClose")
PAIRS = ("Smile", "Frown", "Dimple", "Stretch", "Press", "LowerDown", "UpperUp")
SMOOTH_FRAMES, SMOOTH_ORDER = 7, 3

_SOLVED = [index for index, name in enumerate(ARKIT_NAMES[:51]) if name not in EYES]


class FlameMap:
    """A linear map of ARKit weights to FLAME's expression and jaw, (51, 103)."""

    def __init__(self, weights_to_flame: np.ndarray):
        self._design = _design(np.asarray(weights_to_flame, np.float64))

    def weights(self, expression: np.ndarray, jaw: np.ndarray) -> np.ndarray:
        """(t, 50) and the jaw's rotation vector (t, 3) -> (t, 52) within 0..1, 0 where unseen."""
        found = np.zeros((len(expression), len(ARKIT_NAMES)), np.float32)
        target = np.zeros(len(self._design))
        for frame, pair in enumerate(zip(expression, jaw, strict=True)):
            target[:EXPRESSIONS], target[EXPRESSIONS : EXPRESSIONS + 3] = (
                pair[0],
                pair[1] * JAW_WEIGHT,
            )
            solved = lsq_linear(self._design, target, (0.0, 1.0), method="bvls")
            found[frame, _SOLVED] = solved.x.clip(0.0, 1.0)
        return found


def read_map(path: Path) -> FlameMap:
    """UserError if the file does not hold such a map."""
    values = load_array(path)
    if values.shape != MAP_SHAPE or not usable(values).all():
        raise UserError(f"{path} does not hold {MAP_SHAPE[0]} x {MAP_SHAPE[1]} usable numbers")
    return FlameMap(values)


def missing_channels(has_map: bool) -> tuple[str, ...]:
    """Coefficients that are unknown with, or without, a map."""
    kept = {"jawOpen", *POSE_NAMES[:3]}
    return UNSEEN if has_map else tuple(n for n in (*ARKIT_NAMES, *POSE_NAMES) if n not in kept)


def to_coefficients(
    expression: np.ndarray, pose: np.ndarray, known: FlameMap | None = None
) -> np.ndarray:
    """expression (t, 50), pose (t, 6) rotation vectors of neck and jaw -> (t, 58) of ours, 0 where
    unknown. As in DualTalk's ARKit form, all but the jaw is smoothed."""
    neck, jaw = pose[:, :3], pose[:, 3:]
    ours = np.zeros((len(pose), NUM_COEFFICIENTS), np.float32)
    if known is None:
        ours[:, index_of("jawOpen")] = (jaw[:, 0] / JAW_OPEN_RAD).clip(0.0, 1.0)
    else:
        ours[:, : len(ARKIT_NAMES)] = known.weights(_smooth(expression), jaw)
    head = Rotation.from_rotvec(_smooth(neck)).as_euler("YXZ")
    ours[:, ROTATION] = head_rotation(head)
    return ours


def head_rotation(yaw_pitch_roll: np.ndarray) -> np.ndarray:
    """(t, 3) rad, R = Ry(yaw) Rx(pitch) Rz(roll), each limited to 1 rad -> (t, 3) of ours, R = Rz
    Ry Rx, relative to the median, as other trackers' are to a neutral pose."""
    limited = yaw_pitch_roll.clip(-LARGEST_HEAD_RAD, LARGEST_HEAD_RAD)
    ours = Rotation.from_euler("YXZ", limited).as_euler("xyz")
    centred: np.ndarray = ours - np.median(ours, axis=0)
    return centred


def _design(weights_to_flame: np.ndarray) -> np.ndarray:
    """(53 + 7 + 43, 43) rows: expressions and jaw, left like right, small."""
    place = {index: column for column, index in enumerate(_SOLVED)}
    seen = np.zeros((EXPRESSIONS + 3, len(_SOLVED)))
    seen[:EXPRESSIONS] = weights_to_flame[_SOLVED, :EXPRESSIONS].T
    for index in indices_of(*JAWS):
        seen[EXPRESSIONS:, place[index]] = weights_to_flame[index, 100:] * JAW_WEIGHT
    alike = np.zeros((len(PAIRS), len(_SOLVED)))
    for row, stem in enumerate(PAIRS):
        left, right = indices_of(f"mouth{stem}")
        alike[row, place[left]], alike[row, place[right]] = 1.0, -1.0
    small = np.eye(len(_SOLVED))
    return np.vstack([seen, ALIKE_WEIGHT**0.5 * alike, SMALL_WEIGHT**0.5 * small])


def _smooth(values: np.ndarray) -> np.ndarray:
    if len(values) < SMOOTH_FRAMES:
        return values
    smooth: np.ndarray = savgol_filter(values, SMOOTH_FRAMES, SMOOTH_ORDER, axis=0)
    return smooth

"""The values that outputs read from a face of 58 coefficients."""

import math

import numpy as np

from reactface_node.schema import EXPRESSION, ROTATION, indices_of

_OUT, _IN = indices_of("eyeLookOut"), indices_of("eyeLookIn")
_UP, _DOWN = indices_of("eyeLookUp"), indices_of("eyeLookDown")


def weights(face: np.ndarray) -> np.ndarray:
    """(58,) -> (52,) float64 expression weights in 0..1."""
    return np.clip(np.nan_to_num(np.asarray(face[EXPRESSION], np.float64)), 0.0, 1.0)


def rotation(face: np.ndarray) -> np.ndarray:
    """(58,) -> (3,) float64 radians as in ``schema``."""
    finite = np.nan_to_num(np.asarray(face[ROTATION], np.float64), posinf=0.0, neginf=0.0)
    return np.clip(finite, -math.pi, math.pi)


def gaze(weight: np.ndarray) -> np.ndarray:
    """(52,) weights -> (2, 2) in -1..1: left eye, right eye; to the subject's left, up."""
    outwards = weight[_OUT] - weight[_IN]
    return np.stack([outwards * (1.0, -1.0), weight[_UP] - weight[_DOWN]], axis=1)


def yaw_pitch_roll(angles: np.ndarray) -> tuple[float, float, float]:
    """(3,) radians, R = Rz @ Ry @ Rx -> the same R as Ry(yaw) @ Rx(pitch) @ Rz(roll).

    Senses as in ``schema``: + turns to the subject's left, nods down, tilts the left side up.
    """
    (sx, sy, sz), (cx, cy, cz) = ([f(float(a)) for a in angles] for f in (math.sin, math.cos))
    yaw = math.atan2(cz * sy * cx + sz * sx, cy * cx)
    pitch = math.asin(min(1.0, max(-1.0, cz * sx - sz * sy * cx)))
    roll = math.atan2(sz * cy, sz * sy * sx + cz * cx)
    return yaw, pitch, roll


def quaternion(angles: np.ndarray) -> tuple[float, float, float, float]:
    """(3,) radians, R = Rz @ Ry @ Rx -> (x, y, z, w) on the face's axes.

    The product of the three half-angle quaternions, q = qz qy qx.
    """
    (cx, cy, cz), (sx, sy, sz) = (
        [f(float(angle) / 2) for angle in angles] for f in (math.cos, math.sin)
    )
    x = sx * cy * cz - cx * sy * sz
    y = cx * sy * cz + sx * cy * sz
    z = cx * cy * sz - sx * sy * cz
    w = cx * cy * cz + sx * sy * sz
    return x, y, z, w

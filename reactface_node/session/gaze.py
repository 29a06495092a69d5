"""The direction of the eyes: reading it, moving it, and saccades.

Angles are (right, up) in radians, as the robot sees them.
"""

import math

import numpy as np

from reactface_node.schema import indices_of
from reactface_node.session.easing import smoothstep

IN, OUT = indices_of("eyeLookIn"), indices_of("eyeLookOut")
UP, DOWN = indices_of("eyeLookUp"), indices_of("eyeLookDown")
SACCADE_S, SACCADE_S_PER_RAD = 0.021, 0.126
"""The main sequence: a saccade takes 21 ms and 2.2 ms for each degree (Carpenter 1988)."""


class Saccades:
    """A direction of gaze that rests, or moves by saccades."""

    def __init__(self) -> None:
        self.target = self._origin = np.zeros(2)
        self.start_s, self._lasts_s = -math.inf, 1.0

    def jump(self, target: np.ndarray) -> None:
        """Rest at ``target`` from now on."""
        self.target, self.start_s = target, -math.inf

    def go(self, time_s: float, target: np.ndarray) -> None:
        """Start a saccade to ``target``."""
        self._origin = self.at(time_s)
        way_rad = float(np.linalg.norm(target - self._origin))
        self.target, self.start_s = target, time_s
        self._lasts_s = SACCADE_S + SACCADE_S_PER_RAD * way_rad

    def at(self, time_s: float) -> np.ndarray:
        """The direction (2,) at a time after the last ``go``."""
        share = smoothstep((time_s - self.start_s) / self._lasts_s)
        found: np.ndarray = self._origin + share * (self.target - self._origin)
        return found


def gaze_of(faces: np.ndarray) -> np.ndarray:
    """Gaze of the left and the right eye of faces (..., 58), (..., 2, 2) weights to the right and
    up."""
    inwards, up = faces[..., IN] - faces[..., OUT], faces[..., UP] - faces[..., DOWN]
    return np.stack([inwards * (1.0, -1.0), up], axis=-1)


def move_eyes(faces: np.ndarray, by: np.ndarray) -> None:
    """Add a gaze (..., 2) in weights to both eyes of faces (..., 58), in place.

    In and out of an eye, and up and down, then are not above 0 together.
    """
    moved = (gaze_of(faces) + by[..., None, :]).clip(-1.0, 1.0)
    inwards, up = moved[..., 0] * (1.0, -1.0), moved[..., 1]
    faces[..., IN], faces[..., OUT] = inwards.clip(0.0), (-inwards).clip(0.0)
    faces[..., UP], faces[..., DOWN] = up.clip(0.0), (-up).clip(0.0)


def move_some_eyes(faces: np.ndarray, by: np.ndarray) -> None:
    """``move_eyes`` for those of the faces (n, 58) that move at all."""
    if by.any():
        rows = np.flatnonzero(by.any(axis=1))
        moving = faces[rows]
        move_eyes(moving, by[rows])
        faces[rows] = moving

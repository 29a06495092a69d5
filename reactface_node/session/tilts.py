"""Tilts of the head to a side, as events. Times and angles are chosen by eye but for the rate."""

import math

import numpy as np

from reactface_node.session.easing import smootherstep

MEAN_WAIT_S, SHORTEST_WAIT_S = 70.0, 3.0
"""Waits are exponential. They give a tilt of 5 degrees and more in 15 % of 10 s (CCDb)."""
TILT_DEG = (6.5, 10.0)
TILT_S = (1.0, 4.0)
"""Time above half of the angle."""
MOVE_S = (0.4, 0.7)
"""Time of the motion to the side, and back."""


class Tilts:
    """Now and then the head is inclined to a side, and comes back."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self._start_s: float | None = None
        self._angle, self._move_s, self._lasts_s = 0.0, 1.0, 0.0

    def frames(self, times_s: np.ndarray) -> np.ndarray:
        """Roll (n,) in rad to add, at increasing times (n,) in seconds."""
        return np.array([self._roll(time_s) for time_s in times_s.tolist()], np.float32)

    def _roll(self, time_s: float) -> float:
        if self._start_s is None or time_s >= self._start_s + self._lasts_s + self._move_s:
            self._draw(time_s)
        since_s = time_s - (self._start_s or 0.0)
        return self._angle * (
            smootherstep(since_s / self._move_s)
            - smootherstep((since_s - self._lasts_s) / self._move_s)
        )

    def _draw(self, time_s: float) -> None:
        wait_s = SHORTEST_WAIT_S + self.rng.exponential(MEAN_WAIT_S)
        self._start_s = time_s + wait_s
        side = 1.0 if self.rng.random() < 0.5 else -1.0
        self._angle = side * math.radians(self.rng.uniform(*TILT_DEG))
        self._lasts_s = self.rng.uniform(*TILT_S)
        self._move_s = self.rng.uniform(*MOVE_S)

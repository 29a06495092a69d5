"""Stillness of a face: tells a picture on a wall or a held image from a living person."""

from collections import deque

import numpy as np

PERIOD_S, KEPT = 0.2, 50
"""The head's angles are averaged over this time, and so many averages are kept: 10 s."""
STILL_S, STILL_DEG = 5.0, 1.5
"""A face is still if its head has not turned by more than so many degrees for so long. Pictures
turned by up to 0.7 degrees in the noise of a camera, small ones by up to 1.3; the heads of 18
people turned by at least 1.8 in each of 513 spans of 5 s."""


class Stillness:
    """Watches the head of one person."""

    def __init__(self) -> None:
        self._means: deque[np.ndarray] = deque(maxlen=KEPT)
        self._period: list[np.ndarray] = []
        self._began_s = -np.inf

    def see(self, stamp_s: float, angles: np.ndarray) -> None:
        """Note the head's angles (3,) in radians in an image."""
        if stamp_s - self._began_s >= PERIOD_S:
            if self._period:
                self._means.append(np.mean(self._period, axis=0))
            self._began_s, self._period = stamp_s, []
        self._period.append(angles)

    @property
    def is_still(self) -> bool:
        """Whether the face has not moved for long; False until that is known."""
        if len(self._means) * PERIOD_S < STILL_S:
            return False
        return bool(np.degrees(np.ptp(np.stack(self._means), axis=0).max()) < STILL_DEG)

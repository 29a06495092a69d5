"""The head follows the speaker's slowly: at about 0.2 to 1.1 Hz, 0.6 s later, on the same side.

People who talk with each other do so, and less so in faster motion (Hale et al. 2019).
"""

import numpy as np

from reactface_node.schema import FRAME_RATE_HZ
from reactface_node.session.easing import hann

LAG_S, WIDTH_S = 0.6, 1.1
"""The recent motion: its delay, and the length of the low-pass kernel around it."""
USUAL_LAG_S, USUAL_WIDTH_S = 2.5, 5.0
"""The usual posture, from which the recent motion is counted."""
SHARES = np.array([0.13, -0.12, -0.12])
"""Share of the speaker's rotation about x, y, z; who faces somebody turns and tilts the other way.
The model follows in yaw and roll by itself; its nods are drawn apart. Chosen."""
MOST_RAD = 0.06
KEPT = round((USUAL_LAG_S + USUAL_WIDTH_S / 2) * FRAME_RATE_HZ) + 1


class HeadFollowing:
    """What one conversation adds to the listener's head, frame by frame."""

    def __init__(self) -> None:
        self._past = np.full((KEPT, 3), np.nan)
        self._kernel = hann(KEPT, LAG_S, WIDTH_S) - hann(KEPT, USUAL_LAG_S, USUAL_WIDTH_S)

    def frames(self, turns: np.ndarray) -> np.ndarray:
        """(n, 3) rad to add. turns: (n, 3) the speaker's rotation, NaN where it is not known: it
        then counts as unchanged."""
        return np.stack([self._frame(turn) for turn in turns])

    def _frame(self, turn: np.ndarray) -> np.ndarray:
        known = turn if np.isfinite(turn).all() else self._past[0]
        if not np.isfinite(known).all():
            return np.zeros(3)
        if not np.isfinite(self._past[0]).all():
            self._past[:] = known
        self._past[1:] = self._past[:-1]
        self._past[0] = known
        added: np.ndarray = SHARES * (self._kernel @ self._past)
        return added.clip(-MOST_RAD, MOST_RAD)

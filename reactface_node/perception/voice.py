"""Whether somebody speaks, told by loudness alone."""

import math
from collections import deque

import numpy as np

NEAR_S, HELD_S = 0.1, 0.5
VOICE_DB, QUIETEST_DB, FLOOR_S = 12.0, -55.0, 10.0
"""Voice: so far above the quietest tenth of the last seconds, and not below this level."""


class VoiceActivity:
    """Whether somebody speaks, from the loudness of the microphone's chunks."""

    def __init__(self) -> None:
        self._heard: deque[tuple[float, float, float]] = deque()

    def hear(self, stamp_s: float, duration_s: float, rms: float) -> None:
        """A chunk's time and length, and its root mean square, of full scale 1."""
        while self._heard and not 0.0 <= stamp_s - self._heard[0][0] <= FLOOR_S:
            self._heard.popleft()
        level = 20.0 * math.log10(max(rms, 1e-6))
        self._heard.append((stamp_s, stamp_s + duration_s, level))

    def active(self, stamp_s: float) -> bool:
        """At that time, or as it was last heard to be: an image comes before the sound of its
        time, which may be sent in long chunks."""
        near = [
            level
            for start_s, end_s, level in self._heard
            if start_s - NEAR_S <= stamp_s <= end_s + NEAR_S
        ]
        if not near and self._heard and 0.0 <= stamp_s - self._heard[-1][1] <= HELD_S:
            near = [self._heard[-1][2]]
        if not near:
            return False
        floor = float(np.quantile([level for *_, level in self._heard], 0.1))
        # Where it is never quiet the quietest tenth is speech itself.
        return max(near) > max(min(floor, -35.0) + VOICE_DB, QUIETEST_DB)

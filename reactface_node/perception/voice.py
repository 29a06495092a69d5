"""Voice activity from loudness alone."""

import math
from collections import deque

import numpy as np

# Chosen by hand, not derived; checked in tests/perception/test_people.py.
NEAR_S, HELD_S = 0.1, 0.5
"""Chunks count for times up to the first before and after them; without such a chunk the last one
counts for the second after it."""
VOICE_DB, QUIETEST_DB, FLOOR_S = 12.0, -55.0, 10.0
"""A voice is VOICE_DB louder than the quietest tenth of the last FLOOR_S seconds, and louder than
QUIETEST_DB (of full scale)."""


class VoiceActivity:
    """Tells whether somebody speaks, from the loudness of the microphone's chunks."""

    def __init__(self) -> None:
        self._heard: deque[tuple[float, float, float]] = deque()

    def hear(self, stamp_s: float, duration_s: float, rms: float) -> None:
        """Note a chunk: time of its first sample and length in seconds, RMS with full scale 1."""
        while self._heard and not 0.0 <= stamp_s - self._heard[0][0] <= FLOOR_S:
            self._heard.popleft()
        level = 20.0 * math.log10(max(rms, 1e-6))
        self._heard.append((stamp_s, stamp_s + duration_s, level))

    def active(self, stamp_s: float) -> bool:
        """Whether somebody speaks at that time, or did at the last chunk, at most HELD_S before.

        An image arrives before the audio of its time, which may come in long chunks.
        """
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
        # Without any silence the quietest tenth is speech itself, so the floor is limited.
        return max(near) > max(min(floor, -35.0) + VOICE_DB, QUIETEST_DB)

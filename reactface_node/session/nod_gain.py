"""Scales nods: the quick part of the head's pitch, the slow part stays."""

import math

import numpy as np

from reactface_node.schema import FRAME_RATE_HZ

SLOW_HZ = 0.4
"""Corner frequency between posture and nods. A nod goes up and down 0.8 to 2.2 times a second
(Schepens); the head follows the speaker's from 0.2 Hz on (Hale et al. 2019)."""
SHARE = 1.0 - math.exp(-2.0 * math.pi * SLOW_HZ / FRAME_RATE_HZ)


class NodGain:
    """Causal, frame by frame, without delay: the slow mean is a low-pass of second order."""

    def __init__(self) -> None:
        self._slow: tuple[float, float] | None = None

    def added(self, pitch: np.ndarray, gain: float) -> np.ndarray:
        """What to add to the pitch (n,) so that its difference from its slow mean is ``gain`` times
        as large; call it for all frames in order, also where gain is 1."""
        first, mean = self._slow or (float(pitch[0]), float(pitch[0]))
        quick = np.empty_like(pitch)
        for index, angle in enumerate(pitch):
            first += SHARE * (float(angle) - first)
            mean += SHARE * (first - mean)
            quick[index] = angle - mean
        self._slow = first, mean
        return (gain - 1.0) * quick

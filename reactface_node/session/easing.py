"""Courses from 0 to 1 that begin and end gently, and a window of such weights."""

import numpy as np

from reactface_node.schema import FRAME_RATE_HZ


def smoothstep(share: float) -> float:
    """0 up to 0, 1 from 1 on; the speed is 0 at both ends."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


def smootherstep(share: float) -> float:
    """0 up to 0, 1 from 1 on; speed and acceleration are 0 at both ends."""
    share = min(max(share, 0.0), 1.0)
    return share * share * share * (share * (6.0 * share - 15.0) + 10.0)


def hann(taps: int, lag_s: float, width_s: float) -> np.ndarray:
    """(taps,) weights of the newest to the oldest frame, of sum 1: a Hann window of ``width_s``
    around ``lag_s`` ago."""
    age_s = np.arange(taps) / FRAME_RATE_HZ
    phase = np.clip((age_s - lag_s) / width_s, -0.5, 0.5)
    kernel: np.ndarray = 0.5 + 0.5 * np.cos(2 * np.pi * phase)
    kernel /= kernel.sum()
    return kernel

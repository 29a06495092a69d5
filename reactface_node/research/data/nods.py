"""Finds nods in real head motion, describes them as events, and removes them.

A nod's phase is random, so a regression averages nods away; as events they can be learned.
"""

import numpy as np
from scipy.signal import find_peaks

from reactface_node.research.data.listener import Nod, nod_motion
from reactface_node.research.data.motion import frame_times
from reactface_node.schema import FRAME_RATE_HZ

SMALLEST_RAD = np.radians(0.9)
RHYTHM_HZ = (1.8, 3.7)  # ordinary nods (Hadar et al. 1983-85)
MOST_CYCLES = 4
# At half its height a cycle is half a period wide; slow sway is wider.
WIDTH_FRAMES = (0.35 * FRAME_RATE_HZ / RHYTHM_HZ[1], 0.65 * FRAME_RATE_HZ / RHYTHM_HZ[0])
LONGEST_GAP_S = 1.15 / RHYTHM_HZ[0]
BASE_FRAMES = 27


def find_nods(pitch: np.ndarray) -> tuple[Nod, ...]:
    """The nods in (T,) rad of head pitch, + down, in order of time; none overlap."""
    peaks, facts = find_peaks(
        pitch, prominence=SMALLEST_RAD, width=WIDTH_FRAMES, rel_height=0.5, wlen=BASE_FRAMES
    )
    if not len(peaks):
        return ()
    times = peaks / FRAME_RATE_HZ
    ends = np.flatnonzero(np.diff(times) > LONGEST_GAP_S) + 1
    nods: list[Nod] = []
    for group in np.split(np.arange(len(peaks)), ends):
        for part in np.split(group, range(MOST_CYCLES, len(group), MOST_CYCLES)):
            nods.append(_describe(times[part], facts["widths"][part], facts["prominences"][part]))
    return tuple(nods)


def without_nods(pitch: np.ndarray, nods: tuple[Nod, ...]) -> np.ndarray:
    """(T,) the pitch without the nods."""
    times = frame_times(len(pitch))
    result: np.ndarray = pitch - sum((nod_motion(times, nod) for nod in nods), np.zeros(len(pitch)))
    return result


def _describe(times: np.ndarray, widths: np.ndarray, depths: np.ndarray) -> Nod:
    period = np.diff(times).mean() if len(times) > 1 else 2.0 * widths[0] / FRAME_RATE_HZ
    hz = float(np.clip(1.0 / period, *RHYTHM_HZ))
    return Nod(float(times[0] - 0.5 / hz), len(times), float(depths[0]), hz)

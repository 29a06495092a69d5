"""Nods as events: their motion, and the frames at which they start.

A nod's phase is random, so a regression averages nods away; as events they can be learned.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from reactface_node.model.event_times import DECLINE, PAUSE_FRAMES, RETURN_S
from reactface_node.research.data.motion import frame_times, smoothstep
from reactface_node.schema import FRAME_RATE_HZ


@dataclass(frozen=True)
class Nod:
    """start_s: first movement. half_cycles: movements down or up, the first one down. depth_rad: of
    the largest half-cycle, from one extreme to the next. hz: cycles a second."""

    start_s: float
    half_cycles: int
    depth_rad: float
    hz: float

    @property
    def length_s(self) -> float:
        return self.half_cycles / (2.0 * self.hz)

    @property
    def end_s(self) -> float:
        return self.start_s + self.length_s


def nod_motion(times: np.ndarray, nod: Nod) -> np.ndarray:
    """(T,) rad of pitch, + down, at times (T,) in seconds; the same curve as ``model.nods``: each
    cycle is smaller than the one before, and a nod that ends with the head down rises slowly."""
    cycle = np.clip(times - nod.start_s, 0.0, nod.length_s) * nod.hz
    height = nod.depth_rad * DECLINE ** np.floor(cycle)
    back = smoothstep((times - nod.end_s) / RETURN_S)
    result: np.ndarray = 0.5 * height * (1.0 - np.cos(2.0 * np.pi * cycle)) * (1.0 - back)
    return result


def pitch_of(nods: Iterable[Nod], frames: int) -> np.ndarray:
    """(T,) rad: the motion of all nods."""
    times = frame_times(frames)
    return sum((nod_motion(times, nod) for nod in nods), np.zeros(frames))


def nod_starts(nods: Iterable[Nod], frames: int) -> np.ndarray:
    """(T, 3) float32: half-cycles, depth in rad and frequency in Hz at the frame at which a nod
    starts, 0 elsewhere."""
    starts = np.zeros((frames, 3), np.float32)
    for nod in nods:
        place = max(0, round(nod.start_s * FRAME_RATE_HZ))
        if place < frames:
            starts[place] = nod.half_cycles, nod.depth_rad, nod.hz
    return starts


def nods_of(starts: np.ndarray) -> tuple[Nod, ...]:
    """Inverse of ``nod_starts``."""
    return tuple(
        Nod(place / FRAME_RATE_HZ, round(float(row[0])), float(row[1]), float(row[2]))
        for place, row in ((index, starts[index]) for index in np.flatnonzero(starts[:, 0]))
    )


def may_start(nods: Iterable[Nod], frames: int) -> np.ndarray:
    """(T,) bool: False during a nod and shortly after it, when no other one starts."""
    free = np.ones(frames, bool)
    for nod in nods:
        start = max(0, round(nod.start_s * FRAME_RATE_HZ))
        end = round(nod.end_s * FRAME_RATE_HZ) + PAUSE_FRAMES
        free[start + 1 : max(end, 0)] = False
    return free


def frames_since(starts: np.ndarray, never: float) -> np.ndarray:
    """(T,) float32 frames since the last nod that started before each frame; starts: (T,) bool."""
    frames = len(starts)
    places = np.where(starts, np.arange(frames), -1)
    before = np.concatenate([[-1], np.maximum.accumulate(places)[:-1]]) if frames else places
    since = np.arange(frames) - before
    return np.where(before < 0, never, since).astype(np.float32)

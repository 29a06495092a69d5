"""Nods in head motion as annotators count them: any length, rhythm and number of half-cycles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from reactface_node.research.data.nods import Nod
from reactface_node.schema import FRAME_RATE_HZ

SMALLEST_RAD = np.radians(0.9)
"""Least size of a half-cycle; annotators of the nod corpus count tiny nods too."""
SLOWEST_HZ, FASTEST_HZ = 0.6, 6.5
"""Slower motion is sway; faster than the fast nods of Hale et al. (2019) is noise."""
LONGEST_REST_S = 0.25
"""Longest rest between two half-cycles of one nod."""
SINGLE_RAD, SINGLE_S = np.radians(2.0), 0.6
"""A nod of a single half-cycle goes down, at least so far, within this time. Smaller or slower
single movements are changes of posture."""
SLOW_PART = 0.15
"""A movement lasts while its speed is above this part of its largest speed, so that sway before and
after it is left out."""
COURSE = 1.0 - 2.0 * np.arcsin(SLOW_PART) / np.pi
"""The part of a cosine's half-cycle in which it is so fast."""


@dataclass(frozen=True)
class _Half:
    """One movement of the head; change_rad: + down."""

    start_s: float
    end_s: float
    change_rad: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


def head_nods(pitch: np.ndarray) -> tuple[Nod, ...]:
    """The nods in (T,) rad of head pitch, + down, at 25 Hz, in order of time."""
    if len(pitch) < 3:
        return ()
    padded = np.concatenate([pitch[:1], pitch, pitch[-1:]]).astype(np.float64)
    smooth = np.convolve(padded, [0.25, 0.5, 0.25], "valid")
    turns = turning_points(smooth, float(SMALLEST_RAD))
    groups: list[list[_Half]] = [[]]
    for start, end in pairwise(turns):
        half = _half(smooth, start, end)
        is_nod = 0.5 / FASTEST_HZ <= half.length_s <= 0.5 / SLOWEST_HZ
        if groups[-1] and (not is_nod or half.start_s - groups[-1][-1].end_s > LONGEST_REST_S):
            groups.append([])
        if is_nod:
            groups[-1].append(half)
    return tuple(_nod(group) for group in groups if _counts(group))


def turning_points(values: np.ndarray, least: float) -> list[int]:
    """Indices of the extremes between which (T,) values rise or fall by at least ``least``; smaller
    movements back are part of a larger one."""
    turns: list[int] = []
    low = high = 0
    direction = 0
    for index, value in enumerate(values):
        low = index if value < values[low] else low
        high = index if value > values[high] else high
        if direction <= 0 and value - values[low] >= least:
            turns.append(low)
            direction, high = 1, index
        elif direction >= 0 and values[high] - value >= least:
            turns.append(high)
            direction, low = -1, index
        if (direction > 0 and value >= values[high]) or (direction < 0 and value <= values[low]):
            high = low = index
    if direction:
        turns.append(high if direction > 0 else low)
    return turns


def _half(values: np.ndarray, start: int, end: int) -> _Half:
    """The movement between two extremes without what is slow before and after it."""
    change = float(values[end] - values[start])
    speed = np.diff(values[start : end + 1]) * np.sign(change)
    top = int(np.argmax(speed))
    least = SLOW_PART * speed[top]
    before = _steps_to(speed[top::-1], least)
    after = _steps_to(speed[top:], least)
    # A speed is that of the middle between two frames.
    middle = start + top + 0.5 + 0.5 * (after - before)
    half = 0.5 * (before + after) / COURSE
    return _Half((middle - half) / FRAME_RATE_HZ, (middle + half) / FRAME_RATE_HZ, change)


def _steps_to(speed: np.ndarray, least: float) -> float:
    """Steps from the first value to where the speed falls to ``least``; half a step after the last
    one if it does not."""
    slow = np.flatnonzero(speed <= least)
    if not len(slow):
        return len(speed) - 0.5
    at = int(slow[0])
    return at - float((least - speed[at]) / (speed[at - 1] - speed[at]))


def _counts(group: list[_Half]) -> bool:
    if len(group) != 1:
        return bool(group)
    return bool(group[0].change_rad >= SINGLE_RAD) and group[0].length_s <= SINGLE_S


def _nod(group: list[_Half]) -> Nod:
    depth = max(abs(half.change_rad) for half in group)
    start_s, end_s = group[0].start_s, group[-1].end_s
    return Nod(start_s, len(group), depth, len(group) / 2.0 / (end_s - start_s))


def without_nods(pitch: np.ndarray, nods: Sequence[Nod]) -> np.ndarray:
    """(T,) rad the pitch, with a straight course from the beginning to the end of each nod."""
    frames = np.arange(len(pitch))
    known = np.ones(len(pitch), bool)
    for nod in nods:
        start = max(0, math.floor(nod.start_s * FRAME_RATE_HZ))
        known[start + 1 : math.ceil(nod.end_s * FRAME_RATE_HZ)] = False
    calm: np.ndarray = np.interp(frames, frames[known], pitch[known]) if len(pitch) else pitch
    return calm

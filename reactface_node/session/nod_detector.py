"""Finds nods in the pitch of a shown head, frame by frame, from the past alone.

A nod is a head that goes down and comes back in the rhythm of nods. A change of posture goes down
and stays, drift is slower than any nod: neither is one. So a nod is known once its first cycle has
begun to return, 0.3 s after its onset at 2 Hz, and is told at once; its cycles, depth and rhythm
follow when it is over.
"""

from collections import deque
from dataclasses import dataclass

from reactface_node.schema import FRAME_RATE_HZ, ListenerEvent

SMALLEST_RAD = 0.0157
"""0.9 degrees, least depth of a nod's first cycle, as in ``research.data.head_nods``; chosen."""
SLOWEST_HZ = 0.8
"""10 % of people's nods are slower than 0.81 Hz (nod corpus, Schepens); the fast ones reach 6.5 Hz
(Hale et al. 2019), the most that 25 frames a second show."""
SHORTEST_QUARTER = 0.5
"""In frames; a single frame that jumps is no nod."""
# How far the head must come back, of the depth and at least, before the downward stroke counts.
# Chosen by hand: more than the overshoot of a posture shift, and than breath and sway.
RETURN_SHARE, LEAST_RETURN_RAD = 0.25, 0.006
LEAST_SHARE = 0.25
"""Later cycles are at least this share of the first one's depth: each has about 0.67 of the depth
of the one before (Mori et al. 2025)."""
MOST_PERIODS = 2.0
"""A nod is over when no cycle has followed the last one for so many periods."""

_STROKE_FRAMES = round(FRAME_RATE_HZ / (2.0 * SLOWEST_HZ))
"""Longest half cycle."""
_KEPT = 2 * _STROKE_FRAMES + 2


@dataclass
class _Nod:
    """A nod under way; frames count from the first one of the session, with fractions.

    first, last: the lowest points of its first and its last cycle. period: of a cycle, in frames.
    """

    onset: float
    first: float
    last: float
    period: float
    cycles: int
    depth_rad: float


class NodDetector:
    """The nods of one head. Each frame costs the same, whatever was shown before."""

    _frame: int

    def __init__(self) -> None:
        self._nod: _Nod | None = None
        self._begin()

    def step(self, frame: int, stamp_s: float, pitch_rad: float) -> list[ListenerEvent]:
        """The next frame: its number, when it is shown, and the head's pitch, + is down.

        After a gap in the numbers a nod under way ends, and another signal begins.
        """
        events: list[ListenerEvent] = []
        if self._kept and frame != self._frame + 1:
            shown_s = stamp_s - (frame - self._frame) / FRAME_RATE_HZ
            events += self._end(self._frame, shown_s)
            self._begin()
        self._frame = frame
        self._kept.append(pitch_rad)
        found = self._turn(pitch_rad)
        if found is not None:
            events += self._take(*found, stamp_s)
        if self._nod is not None and frame - self._nod.last > MOST_PERIODS * self._nod.period:
            events += self._end(frame, stamp_s)
        return events

    def _begin(self) -> None:
        """Forget the signal."""
        self._kept: deque[float] = deque(maxlen=_KEPT)
        self._goes_down = True
        self._extreme, self._extreme_frame = -10.0, 0
        self._frame = -1

    def _turn(self, pitch_rad: float) -> tuple[int, float] | None:
        """Follow the head; the lowest point of a stroke (its frame and its depth in rad) once the
        head has come back from it."""
        further = pitch_rad - self._extreme if self._goes_down else self._extreme - pitch_rad
        if further >= 0.0:
            self._extreme, self._extreme_frame = pitch_rad, self._frame
            return None
        if -further < LEAST_RETURN_RAD:
            return None
        lowest, depth = self._extreme_frame, 0.0
        if self._goes_down:
            if self._frame - lowest <= _STROKE_FRAMES:
                depth = self._extreme - min(self._before(lowest))
            if -further < RETURN_SHARE * depth:
                return None
        self._goes_down = not self._goes_down
        self._extreme, self._extreme_frame = pitch_rad, self._frame
        return (lowest, depth) if depth > 0.0 else None

    def _before(self, lowest: int) -> list[float]:
        """The pitches of the longest half cycle up to a frame, in order of time."""
        kept = list(self._kept)
        end = len(kept) - (self._frame - lowest)
        return kept[max(0, end - _STROKE_FRAMES - 1) : end]

    def _take(self, lowest: int, depth: float, stamp_s: float) -> list[ListenerEvent]:
        """A stroke with its lowest point: it begins a nod, continues one, or is none."""
        nod = self._nod
        is_next = nod is not None and depth >= max(SMALLEST_RAD / 2, LEAST_SHARE * nod.depth_rad)
        if not is_next and depth < SMALLEST_RAD:
            return []
        quarter = self._quarter(lowest, depth)
        if not SHORTEST_QUARTER < quarter <= FRAME_RATE_HZ / (4.0 * SLOWEST_HZ):
            return []
        place = self._between_frames(lowest)
        if nod is not None and is_next:
            nod.cycles += 1
            nod.last = place
            nod.period = (nod.last - nod.first) / (nod.cycles - 1)
            nod.depth_rad = max(nod.depth_rad, depth)
            return []
        quarter += place - lowest
        self._nod = _Nod(place - 2.0 * quarter, place, place, 4.0 * quarter, 1, depth)
        begun_s = self._stamp_s(self._nod.onset, stamp_s)
        return [ListenerEvent(begun_s, "listener", "nod", "start", _clearness(depth))]

    def _quarter(self, lowest: int, depth: float) -> float:
        """Frames from the middle of a stroke to its lowest point: a quarter of a cycle."""
        before = self._before(lowest)
        middle = before[-1] - depth / 2
        place = next(i for i in range(len(before) - 1, -1, -1) if before[i] <= middle)
        share = (middle - before[place]) / (before[place + 1] - before[place])
        return len(before) - 1 - place - share

    def _between_frames(self, lowest: int) -> float:
        """The vertex of the parabola through the lowest frame and its neighbours."""
        place = len(self._kept) - 1 - (self._frame - lowest)
        if place < 1:
            return float(lowest)
        before, at, after = (self._kept[place + offset] for offset in (-1, 0, 1))
        return lowest + 0.5 * (before - after) / (before - 2.0 * at + after)

    def _end(self, frame: int, stamp_s: float) -> list[ListenerEvent]:
        nod, self._nod = self._nod, None
        if nod is None:
            return []
        over = min(nod.last + nod.period / 2.0, frame)
        return [
            ListenerEvent(
                self._stamp_s(over, stamp_s, frame),
                "listener",
                "nod",
                "end",
                _clearness(nod.depth_rad),
                (over - nod.onset) / FRAME_RATE_HZ,
                nod.cycles,
                nod.depth_rad,
                FRAME_RATE_HZ / nod.period,
            )
        ]

    def _stamp_s(self, place: float, stamp_s: float, frame: int | None = None) -> float:
        """When a frame, with a fraction, is shown; stamp_s: of ``frame``, the newest if None."""
        newest = self._frame if frame is None else frame
        return stamp_s - (newest - place) / FRAME_RATE_HZ


def _clearness(depth_rad: float) -> float:
    """0.5 for the smallest nod, 1 from twice its depth on."""
    return min(1.0, 0.5 * depth_rad / SMALLEST_RAD)

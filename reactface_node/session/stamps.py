"""Timestamp checks: finds stamps that are invalid, far ahead, late, or of a clock that jumped."""

import math
from enum import Enum, auto
from typing import Any

from reactface_node.session.stats import TimelineStats

AHEAD_S = 2.0
"""A stamp further ahead of all known times than this is not believed at first."""
PERSIST_S = 0.5
"""A new time (ahead, or back on one stream) is believed after stamps that span this long, if no
input of the old time comes in between."""
LEAST_AHEAD = 3
"""Least number of such stamps of one stream: two wrong stamps are not a new time."""
MOST_HELD = 25
"""This many inputs back in time in a row are a new time, whatever span they cover."""
MOST_IMAGES = 4
"""Most images held while it is not known whether the clock jumped; images are large."""

IMAGE, AUDIO = "image", "audio"
_MAX_STAMP_S = 1e12


class Order(Enum):
    """A stamp compared with earlier ones.

    FORWARD: in order. BACK: late, or of a clock that jumped back; later inputs decide. JUMPED: the
    clock jumped back.
    """

    FORWARD = auto()
    BACK = auto()
    JUMPED = auto()


class Stamps:
    """The stamps of one timeline, in seconds on the inputs' clock."""

    def __init__(self, stats: TimelineStats, jump_s: float) -> None:
        """jump_s: a stamp further than this before the newest of its stream went back in time."""
        self._stats, self._jump_s = stats, jump_s
        self.newest_s: dict[str, float] = {}
        self.now_s = -math.inf
        self._claims: dict[str, tuple[float, float, int]] = {}

    def order(self, stream: str, stamp_s: float, lasts_s: float) -> Order:
        """Classify the stamp of an input that lasts ``lasts_s``, before it is pushed.

        A stamp is compared with its own stream, since audio in long chunks or from a slow device
        arrives long after the images of its time. Only the first stamp of a stream is compared
        with the other stream; of two that disagree, the one nearer to the current time is right.
        """
        end_s = stamp_s + lasts_s
        if not self.newest_s:
            return Order.JUMPED if end_s < self.now_s - self._jump_s else Order.FORWARD
        own_s = self.newest_s.get(stream)
        if own_s is not None:
            return Order.BACK if stamp_s < own_s - self._jump_s else Order.FORWARD
        other_s = max(self.newest_s.values())
        is_behind = end_s < other_s - self._jump_s
        is_nearer = abs(end_s - self.now_s) < abs(other_s - self.now_s)
        return Order.JUMPED if is_behind and is_nearer else Order.FORWARD

    def accept(self, stream: str, stamp_s: float, horizon_s: float | None) -> bool:
        """Whether a stamp is believed; a refused one is counted in the stats.

        Refused: a stamp that is no time, or one far beyond ``horizon_s`` that does not persist.
        horizon_s: the latest time known from other inputs, None if there is none.
        """
        if not is_time(stamp_s):
            self._stats.stamps_invalid += 1
            return False
        if horizon_s is not None and stamp_s > horizon_s + AHEAD_S:
            first, last, count = self._claims.get(stream, (stamp_s, stamp_s, 0))
            if abs(stamp_s - last) > AHEAD_S:
                first, count = stamp_s, 0
            self._claims[stream] = (first, stamp_s, count + 1)
            if stamp_s - first < PERSIST_S or count + 1 < LEAST_AHEAD:
                self._stats.stamps_ahead += 1
                return False
        self._claims.clear()
        self.newest_s[stream] = max(self.newest_s.get(stream, -math.inf), stamp_s)
        return True


class HeldInputs:
    """Inputs whose stamps went back in time, held until it is known whether the clock jumped.

    It jumped if the other stream goes back too, or if the inputs continue there and nothing comes
    at the old time. Otherwise they are late.
    """

    def __init__(self, stats: TimelineStats) -> None:
        self._stats = stats
        self._held: list[tuple[str, float, tuple[Any, ...]]] = []
        self._since_s: dict[str, float] = {}
        self._count = 0

    def jumped(self, stream: str, stamp_s: float, data: tuple[Any, ...]) -> bool:
        """Hold an input and tell whether the clock jumped; if so, call ``release`` next."""
        self._count += 1
        self._since_s.setdefault(stream, stamp_s)
        self._held.append((stream, stamp_s, data))
        images = [held for held in self._held if held[0] == IMAGE]
        if len(images) > MOST_IMAGES:
            self._held = [held for held in self._held if held is not images[0]]
            self._stats.images_late += 1
        lasts_s = stamp_s - self._since_s[stream]
        return len(self._since_s) > 1 or lasts_s >= PERSIST_S or self._count >= MOST_HELD

    def release(self) -> list[tuple[str, float, tuple[Any, ...]]]:
        """Return and forget the held inputs: (stream, stamp, data) in order of arrival."""
        held, self._held, self._since_s, self._count = self._held, [], {}, 0
        return held

    def refute(self) -> None:
        """An input came at the old time: drop the held inputs and count them as late."""
        for stream, *_ in self.release():
            if stream == IMAGE:
                self._stats.images_late += 1
            else:
                self._stats.audio_late += 1


def is_time(stamp_s: float) -> bool:
    """Whether a number is a usable time; False for NaN, infinity and beyond 1e12 s."""
    return abs(stamp_s) < _MAX_STAMP_S

"""Which stamps are believed: what is no time, far ahead, late, or on a clock that jumped back."""

import math
from enum import Enum, auto
from typing import Any

from reactface_node.session.stats import TimelineStats

AHEAD_S = 2.0
"""A stamp this far ahead of everything known is believed only if it persists ..."""
PERSIST_S = 0.5
"""... for this long by its own stamps, with nothing else arriving at the old time. So is a clock
that jumped back on one stream."""
LEAST_AHEAD = 3
"""So many of one stream have to be ahead: two wrong stamps are no new time."""
MOST_HELD = 25
"""As many inputs in a row are a new time, too, whatever their stamps say."""
MOST_IMAGES = 4
"""Images that are held meanwhile: they are large."""

IMAGE, AUDIO = "image", "audio"
_MAX_STAMP_S = 1e12


class Order(Enum):
    """Of a stamp and those before it on the same stream. BACK: it is late, or the clock jumped
    back, which only what comes next can tell. JUMPED: the clock did."""

    FORWARD = auto()
    BACK = auto()
    JUMPED = auto()


class Stamps:
    """Of one timeline. Stamps are seconds on the inputs' clock, as they were pushed."""

    def __init__(self, stats: TimelineStats, jump_s: float) -> None:
        """jump_s: a stamp that lies further than this before the newest of its stream is back."""
        self._stats, self._jump_s = stats, jump_s
        self.newest_s: dict[str, float] = {}
        self.now_s = -math.inf
        self._claims: dict[str, tuple[float, float, int]] = {}

    def order(self, stream: str, stamp_s: float, lasts_s: float) -> Order:
        """To be asked before an input is pushed that lasts so long.

        A stream is compared with itself: sound in long chunks, or from a slow device, comes long
        after the images of its time. Only the first stamp of a stream is compared with the other
        stream; of two that lie apart, the one that is nearer to now is right.
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
        """False, counted, for a stamp that is not a time, or that is alone in the far future:
        beyond ``horizon_s``, the latest time that anything else vouches for (None: nothing)."""
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


class BackInTime:
    """Inputs whose stamps went back, held until it is known whether they are late or the clock
    jumped: it did where the other stream follows, or where they go on with nothing else coming.
    """

    def __init__(self, stats: TimelineStats) -> None:
        self._stats = stats
        self._held: list[tuple[str, float, tuple[Any, ...]]] = []
        self._since_s: dict[str, float] = {}
        self._count = 0

    def jumped(self, stream: str, stamp_s: float, data: tuple[Any, ...]) -> bool:
        """Hold an input; whether the clock jumped, after which ``release`` is to be called."""
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
        """What is held, (stream, stamp, data), in order of arrival; nothing is afterwards."""
        held, self._held, self._since_s, self._count = self._held, [], {}, 0
        return held

    def refute(self) -> None:
        """Something came at the old time: what is held was late."""
        for stream, *_ in self.release():
            if stream == IMAGE:
                self._stats.images_late += 1
            else:
                self._stats.audio_late += 1


def is_time(stamp_s: float) -> bool:
    """Whether it can be one; NaN and infinity cannot."""
    return abs(stamp_s) < _MAX_STAMP_S

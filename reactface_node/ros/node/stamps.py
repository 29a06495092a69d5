"""Stamps of another clock: the offset of a stream to the clock of arrival is learned and removed.

A message cannot arrive before its content has ended. So the smallest time from that end to the
arrival is the offset of the sender's clock, or the delay that all messages have. The node, the
replay, ``inspect`` and data sets of recordings all place messages with ``StreamClock.place``. No
clock is read.
"""

import math
from collections.abc import Iterable

TOLERANCE_S = 0.11
"""An offset up to this is ordinary transport (or a chunk stamped at its end) and is ignored."""
STEP_S = 0.05
"""A learned offset is changed only if it is wrong by more than this."""
SETTLE_S = 1.0
"""For this time after a change the offset follows the smallest lag; then it is kept."""
PERSIST_S = 0.5
"""If all messages of this time are late, their smallest lag becomes the new offset."""
LEAP_SHARE = 0.75
"""Share of ``timeline.clock_jump_s``. Messages later than this get a new offset at once, before
the session takes them for a clock that jumped back."""
PAUSE_S, ONCE_S = 1.0, 0.2
"""At the start, or after a pause of the first time, one message that is later than the second time
sets a new offset."""


class StreamClock:
    """Converts the stamps of one stream to the clock of arrival.

    offset_s: added to stamps, 0 if they are right. late_s: how much later than that the newest
    message arrived, 0 if it was on time. added_s: added by ``place`` to the newest message's stamp,
    None if it had no usable stamp.
    """

    def __init__(self, leap_s: float, in_bursts: bool, offset_s: float = 0.0) -> None:
        """leap_s: a message that is later than this sets a new offset at once. in_bursts: several
        messages may arrive together (audio), so that the lag of the first is no offset. offset_s:
        the offset if it is known beforehand."""
        self.offset_s = offset_s
        self.late_s = 0.0
        self.added_s: float | None = None
        self._leap_s, self._in_bursts = leap_s, in_bursts
        self._stamp_s = self._arrival_s = self._set_s = -math.inf
        self._doubted_s: float | None = None
        self._repeats = 0
        self._late_since_s: float | None = None
        self._least_s = math.inf

    def expected_s(self, stamp_s: float | None, arrival_s: float) -> float:
        """What ``place`` gives, if the message says nothing new of the clock."""
        return stamp_s + self.offset_s if stamp_s else arrival_s

    def place(self, stamp_s: float | None, arrival_s: float, duration_s: float = 0.0) -> float:
        """The time at which a message's content began, on the clock of arrival.

        Without a usable stamp the content is taken to have ended when the message arrived.
        duration_s: of the content.
        """
        time_s = self.time_s(stamp_s, arrival_s, duration_s)
        self.added_s = None if time_s is None else self.offset_s
        return arrival_s - duration_s if time_s is None else time_s

    def time_s(
        self, stamp_s: float | None, arrival_s: float, duration_s: float = 0.0
    ) -> float | None:
        """The stamp on the clock of arrival. None without a usable stamp: it is missing, zero, or
        does not change while messages arrive."""
        self.late_s = 0.0
        if not stamp_s:
            return None
        lag_s = arrival_s - stamp_s - duration_s
        # A stamp that occurs twice may be a message sent twice; it tells nothing of the clock.
        self._repeats = self._repeats + 1 if stamp_s == self._stamp_s else 0
        self._stamp_s = stamp_s
        repeatable_s = (math.inf, self._leap_s, TOLERANCE_S)[min(self._repeats, 2)]
        if lag_s - self.offset_s > repeatable_s:
            return None
        if not self._repeats:
            self._learn(lag_s, arrival_s)
        self.late_s = max(0.0, lag_s - self.offset_s)
        return stamp_s + self.offset_s

    def __str__(self) -> str:
        side, action = ("before", "added") if self.offset_s > 0 else ("after", "taken off")
        size = f"{abs(self.offset_s):.2f} s"
        return (
            f"stamps lie {size} {side} their arrival: {size} are {action} from now on; the "
            "machines' clocks differ (chrony), or the sender is late"
        )

    @property
    def has_settled(self) -> bool:
        """Whether there is an offset that has not changed for SETTLE_S."""
        return self.offset_s != 0.0 and self._arrival_s - self._set_s >= SETTLE_S

    def _learn(self, lag_s: float, arrival_s: float) -> None:
        excess_s = lag_s - self.offset_s
        slack_s = STEP_S if self.offset_s else TOLERANCE_S
        has_paused = not 0.0 <= arrival_s - self._arrival_s < PAUSE_S
        self._arrival_s = arrival_s
        decides_s = ONCE_S if has_paused and not self._in_bursts else self._leap_s
        doubted_s, self._doubted_s = self._doubted_s, None
        if doubted_s is not None and abs(lag_s - doubted_s) < min(TOLERANCE_S, abs(excess_s)):
            self._set(doubted_s, arrival_s)
        elif excess_s < -slack_s or excess_s > decides_s:
            # If only this stamp is wrong, the next one restores the old offset.
            self._doubted_s = None if self._in_bursts or has_paused else self.offset_s
            self._set(lag_s, arrival_s)
            self._set_s = arrival_s
        elif excess_s > slack_s:
            self._wait_and_see(lag_s, arrival_s)
        else:
            self._late_since_s = None
            if self.offset_s and excess_s < 0.0 and arrival_s - self._set_s < SETTLE_S:
                self._set(lag_s, arrival_s)

    def _wait_and_see(self, lag_s: float, arrival_s: float) -> None:
        """Change the offset if all messages of PERSIST_S are late; one is ignored."""
        if self._late_since_s is None or arrival_s < self._late_since_s:
            self._late_since_s, self._least_s = arrival_s, lag_s
        self._least_s = min(self._least_s, lag_s)
        if arrival_s - self._late_since_s >= PERSIST_S:
            self._set(self._least_s, arrival_s)
            self._set_s = arrival_s

    def _set(self, lag_s: float, arrival_s: float) -> None:
        self.offset_s = _beyond_tolerance(lag_s)
        self._late_since_s = None


def stream_clock(stream: str, clock_jump_s: float, offset_s: float = 0.0) -> StreamClock:
    """The clock of an "image" or "audio" stream; clock_jump_s: ``timeline.clock_jump_s``."""
    return StreamClock(LEAP_SHARE * clock_jump_s, stream == "audio", offset_s)


def first_offset_s(lags_s: Iterable[float]) -> float:
    """The offset of messages of a short time; lags_s: arrival less stamp and duration of each."""
    return _beyond_tolerance(min(lags_s, default=0.0))


def _beyond_tolerance(lag_s: float) -> float:
    return 0.0 if abs(lag_s) <= TOLERANCE_S else lag_s

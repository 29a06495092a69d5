"""Internal errors: they are counted and logged, and end a node only if they repeat."""

import logging
import traceback
from collections import deque

from reactface_node.errors import one_line

RECENT_S = 10.0
"""For this time the diagnostics show an error, and it counts towards the end of the node."""
MOST_RECENT = 5
"""The fifth failure within RECENT_S ends the node."""
LOG_PERIOD_S = 1.0
"""The same error is logged again after this time at the earliest."""


class RepeatedFailure(Exception):
    """Several internal errors within a short time; the process ends with exit code 1."""


class FailureGuard:
    """Counts and logs unexpected exceptions and decides when a node has to end.

    Times are those of the ticks, in seconds. After a clock that jumped back, errors of the old
    time no longer count as recent. count: all errors so far.
    """

    def __init__(self) -> None:
        self.count = 0
        self._log = logging.getLogger(__name__)
        self._failures_s: deque[float] = deque(maxlen=MOST_RECENT)
        self._last: tuple[float, str] | None = None
        self._logged_s: dict[tuple[str, ...], float] = {}

    def note(self, what: str, error: Exception, now_s: float, is_fatal: bool = False) -> str:
        """Count and log an error -> one line of text that names it.

        An error is logged with a traceback the first time, then without one, at most once a
        second. what: what failed. is_fatal: the error counts towards the end of the node.
        """
        self.count += 1
        text = f"{what} failed: {one_line(error)}"
        self._last = now_s, text
        if is_fatal:
            self._failures_s.append(now_s)
        place = _place(error)
        logged_s = self._logged_s.get(place)
        if logged_s is None:
            self._logged_s[place] = now_s
            self._log.error("%s", text, exc_info=error)
        elif abs(now_s - logged_s) >= LOG_PERIOD_S:
            self._logged_s[place] = now_s
            self._log.error("%s (again, %d internal errors so far)", text, self.count)
        return text

    def recent(self, now_s: float) -> str:
        """The text of the last error; "" if it is older than RECENT_S."""
        if self._last is None or not 0.0 <= now_s - self._last[0] < RECENT_S:
            return ""
        return self._last[1]

    def is_repeating(self, now_s: float) -> bool:
        """Whether so many errors are recent that the node has to end."""
        recent = [at_s for at_s in self._failures_s if 0.0 <= now_s - at_s < RECENT_S]
        return len(recent) >= MOST_RECENT


def _place(error: BaseException) -> tuple[str, ...]:
    """The type and the line of code of an error, by which errors are told apart. Texts are not
    used, since they may hold numbers that differ each time."""
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    return (type(error).__name__, *(f"{frame.filename}:{frame.lineno}" for frame in frames))

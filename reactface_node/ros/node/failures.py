"""The safety net under every transport: internal errors are counted and said, and a node ends only
where they repeat."""

import logging
import traceback
from collections import deque

from reactface_node.errors import one_line

RECENT_S = 10.0
"""So long the diagnostics show an error, and so long it counts towards the end."""
MOST_RECENT = 5
"""The fifth failure within RECENT_S ends the node."""
SAID_S = 1.0
"""The same error is said again after this at the earliest."""


class RepeatedFailure(Exception):
    """An internal error came back again and again; the process ends with exit code 1."""


class FailureGuard:
    """Notes the exceptions that no code expected.

    Times are those of the ticks, in seconds. A time before the newest one means that the clock
    jumped back: what was noted on the old clock is then no longer recent.
    """

    def __init__(self) -> None:
        self.count = 0
        self._log = logging.getLogger(__name__)
        self._failures_s: deque[float] = deque(maxlen=MOST_RECENT)
        self._last: tuple[float, str] | None = None
        self._said_s: dict[tuple[str, ...], float] = {}

    def note(self, what: str, error: Exception, now_s: float, is_fatal: bool = False) -> str:
        """Counts an error and logs it -> a text that names it, of one line.

        The first time it is logged with a traceback, afterwards without, once a second at most.
        what: what was done. is_fatal: it counts towards the end of the node.
        """
        self.count += 1
        text = f"{what} failed: {one_line(error)}"
        self._last = now_s, text
        if is_fatal:
            self._failures_s.append(now_s)
        place = _place(error)
        said_s = self._said_s.get(place)
        if said_s is None:
            self._said_s[place] = now_s
            self._log.error("%s", text, exc_info=error)
        elif abs(now_s - said_s) >= SAID_S:
            self._said_s[place] = now_s
            self._log.error("%s (again, %d internal errors so far)", text, self.count)
        return text

    def recent(self, now_s: float) -> str:
        """What failed last, '' where that is longer ago than RECENT_S."""
        if self._last is None or not 0.0 <= now_s - self._last[0] < RECENT_S:
            return ""
        return self._last[1]

    def is_repeating(self, now_s: float) -> bool:
        """Whether the node is to end."""
        recent = [at_s for at_s in self._failures_s if 0.0 <= now_s - at_s < RECENT_S]
        return len(recent) >= MOST_RECENT


def _place(error: BaseException) -> tuple[str, ...]:
    """What tells errors apart: the kind and the line of code. Texts may hold numbers that differ
    every time."""
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    return (type(error).__name__, *(f"{frame.filename}:{frame.lineno}" for frame in frames))

"""Which processes of a launch are started again when they have ended."""

import signal
import time
from collections import deque
from collections.abc import Callable
from typing import Any

MOST, WITHIN_S = 5, 60.0
"""So many new starts within so many seconds; more would not help."""
DELAY_S = 2.0
USELESS = (0, 2, 130, -signal.SIGINT, -signal.SIGTERM)
"""Exit codes after which a new start is of no use: it ended as it was asked to, or a user has to
put something right first."""


class Restarts:
    """The new starts of one process."""

    def __init__(self) -> None:
        self._last_s: deque[float] = deque(maxlen=MOST)

    def allows(self, code: int, now_s: float) -> bool:
        """Whether a process that ended with this exit code is started again, which then counts.
        A negative code is the signal that ended it. now_s: of a clock that never jumps."""
        if code in USELESS:
            return False
        if len(self._last_s) == MOST and now_s - self._last_s[0] < WITHIN_S:
            return False
        self._last_s.append(now_s)
        return True


class Respawn:
    """What a launch process with ``respawn=True`` takes as its ``on_exit``: launch itself would
    start it again after every end."""

    def __init__(self, ended: Callable[[Any, Any], Any] = lambda event, context: None) -> None:
        """ended: another ``on_exit``, for an end that is one."""
        self._restarts, self._ended = Restarts(), ended

    def __call__(self, event: Any, context: Any) -> Any:
        from launch.actions import EmitEvent
        from launch.events import matches_action
        from launch.events.process import ShutdownProcess
        from launch.logging import get_logger

        if context.is_shutdown or self._restarts.allows(event.returncode, time.monotonic()):
            return None
        if event.returncode not in USELESS:
            get_logger(event.process_name).error(
                f"ended more than {MOST} times within {WITHIN_S:g} s: not started again"
            )
        # Before the delay is over, so that launch does not start it again.
        stop = EmitEvent(event=ShutdownProcess(process_matcher=matches_action(event.action)))
        return [stop, *filter(None, [self._ended(event, context)])]

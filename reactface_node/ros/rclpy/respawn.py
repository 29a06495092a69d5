"""Restarts the processes of a launch after a failure."""

import signal
import time
from collections import deque
from collections.abc import Callable
from typing import Any

MOST, WITHIN_S = 5, 60.0
"""At most so many restarts within so many seconds."""
DELAY_S = 2.0
"""Between the end and the restart."""
USELESS = (0, 2, 130, -signal.SIGINT, -signal.SIGTERM)
"""Exit codes without a restart: the process ended as asked, or the user has to act."""


class Restarts:
    """Counts the restarts of one process."""

    def __init__(self) -> None:
        self._last_s: deque[float] = deque(maxlen=MOST)

    def allows(self, code: int, now_s: float) -> bool:
        """Whether to restart a process that ended with this exit code; counts the restart.

        A negative code is the signal that ended it. now_s: of a monotonic clock.
        """
        if code in USELESS:
            return False
        if len(self._last_s) == MOST and now_s - self._last_s[0] < WITHIN_S:
            return False
        self._last_s.append(now_s)
        return True


class Respawn:
    """The ``on_exit`` of a launch process with ``respawn=True``, which launch would otherwise
    restart after every end."""

    def __init__(self, ended: Callable[[Any, Any], Any] = lambda event, context: None) -> None:
        """ended: another ``on_exit``, called if the process is not restarted."""
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
        # Sent before the delay of launch is over, which prevents its restart.
        stop = EmitEvent(event=ShutdownProcess(process_matcher=matches_action(event.action)))
        return [stop, *filter(None, [self._ended(event, context)])]

"""Load shedding: measures the node's load once per second and sets the session's level of work."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reactface_node.ros.node.protocols import Session
from reactface_node.session.overload import OverloadController, said_of


class ServingTime:
    """The time for which a thread has served nodes so far; several nodes can share it.

    busy_s: by the clock. cpu_s: CPU time of the whole thread, since it does nothing else.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """clock: seconds; a clock other than time.perf_counter is used for CPU time too."""
        self.busy_s, self._clock = 0.0, clock

    @property
    def cpu_s(self) -> float:
        return time.thread_time() if self._clock is time.perf_counter else self.busy_s

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A context whose time counts as work."""
        began_s = self._clock()
        try:
            yield
        finally:
            self.busy_s += self._clock() - began_s


class LoadShedder:
    """Measures the work of the serving thread and of the tracker and sets the session's level.

    level: index into ``overload.LEVELS``. load: the busier thread's share of the time between the
    last two calls of ``update``.
    """

    def __init__(
        self, session: Session, serving: ServingTime, clock: Callable[[], float], is_on: bool
    ) -> None:
        """serving: the work of the serving thread. clock: seconds. is_on: if False, the level
        stays 0."""
        self.level, self.load = 0, 0.0
        self._session, self._clock, self._is_on = session, clock, is_on
        self._controller = OverloadController()
        self._serving = serving
        self._busy_s, self._cpu_s = serving.busy_s, serving.cpu_s
        self._before = session.workload
        self._late = 0
        self._since_s = clock()

    def update(self, frames_late: int) -> None:
        """Call it once a second: measures the load and sets the level. frames_late: in all so
        far."""
        before, self._before, now_s = self._before, self._session.workload, self._clock()
        late, self._late = frames_late - self._late, frames_late
        span_s = max(now_s - self._since_s, 1e-3)
        busy_s, cpu_s = self._serving.busy_s, self._serving.cpu_s
        serving = (busy_s - self._busy_s) / span_s
        tracking = (self._before.tracker_busy_s - before.tracker_busy_s) / span_s
        self.load = max(serving, tracking)
        if self._is_on:
            level = self._controller.judge(
                serving,
                tracking,
                late,
                (cpu_s - self._cpu_s) / span_s,
                (self._before.tracker_cpu_s - before.tracker_cpu_s) / span_s,
                self._before.images_untracked - before.images_untracked,
            )
            self._change(level)
        self._busy_s, self._cpu_s, self._since_s = busy_s, cpu_s, now_s

    def reduction(self) -> str:
        """What is skipped at present, as text; "" at level 0."""
        return said_of(self.level, self._session.workload.tracking_hz) if self.level else ""

    def _change(self, level: int) -> None:
        if level == self.level:
            return
        self.level = level
        self._session.shed(level)
        log = logging.getLogger(__name__)
        text = said_of(level, self._session.workload.tracking_hz)
        if level:
            log.warning("%s", text)
        else:
            log.info("%s again", text)

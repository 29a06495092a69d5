"""How busy the node is, once a second, and what it therefore leaves out."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reactface_node.ros.node.protocols import Session
from reactface_node.session.overload import OverloadController, said_of


class Shedding:
    """Measures the serving thread's work and the tracker's, and tells the session what to leave
    out. level: of ``load.LEVELS``."""

    def __init__(self, session: Session, clock: Callable[[], float], is_on: bool):
        """clock: what work is measured with; another than the usual one tells CPU time too."""
        self.level = 0
        self._session, self._clock, self._is_on = session, clock, is_on
        self._cpu_clock = time.thread_time if clock is time.perf_counter else clock
        self._governor = OverloadController()
        self._busy_s = self._cpu_s = 0.0
        self._tracked_s, self._tracked_cpu_s = session.tracker_busy_s, session.tracker_cpu_s
        self._late = self._untracked = 0
        self._since_s = clock()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """What is done inside is the serving thread's work."""
        began_s, cpu_s = self._clock(), self._cpu_clock()
        try:
            yield
        finally:
            self._busy_s += self._clock() - began_s
            self._cpu_s += self._cpu_clock() - cpu_s

    def report(self, frames_late: float) -> dict[str, float]:
        """Once a second: ``load``, the busier thread's share of the time since the last report,
        and the level from now on. frames_late: in all, so far."""
        session, now_s = self._session, self._clock()
        tracked_s, tracked_cpu_s = session.tracker_busy_s, session.tracker_cpu_s
        untracked = int(session.stats().get("images_untracked", 0))
        span_s = max(now_s - self._since_s, 1e-3)
        serving, tracking = self._busy_s / span_s, (tracked_s - self._tracked_s) / span_s
        if self._is_on:
            level = self._governor.judge(
                serving,
                tracking,
                int(frames_late) - self._late,
                self._cpu_s / span_s,
                (tracked_cpu_s - self._tracked_cpu_s) / span_s,
                untracked - self._untracked,
            )
            self._change(level)
        self._busy_s, self._cpu_s, self._since_s = 0.0, 0.0, now_s
        self._tracked_s, self._tracked_cpu_s = tracked_s, tracked_cpu_s
        self._late, self._untracked = int(frames_late), untracked
        return {"load": max(serving, tracking), "load_level": self.level}

    def _change(self, level: int) -> None:
        if level == self.level:
            return
        self.level = level
        self._session.shed(level)
        log = logging.getLogger(__name__)
        text = said_of(level, self._session.stats()["tracking_hz"])
        if level:
            log.warning("%s", text)
        else:
            log.info("%s again", text)

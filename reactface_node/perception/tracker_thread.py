"""A face tracker on a thread of its own, so that nothing else waits for an image."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np

from reactface_node.schema import Observation


class Tracker(Protocol):
    """What a session needs of perception."""

    def track(self, stamp_s: float, rgb: np.ndarray) -> Observation: ...
    def hear(self, stamp_s: float, duration_s: float, rms: float) -> None: ...
    def change_person(self) -> None: ...
    def narrow(self, max_width_px: int) -> None: ...
    def reset(self) -> None: ...
    def close(self) -> None: ...


class TrackerThread:
    """One thread does what is asked, in the order in which it was asked: the same numbers as
    without it, later. busy_s: seconds of ``clock`` that the thread has worked so far. cpu_s: the
    part of them in which this process had a CPU: a landmark model has threads of its own."""

    def __init__(
        self,
        tracker: Tracker,
        clock: Callable[[], float],
        cpu_clock: Callable[[], float],
        tracking: Callable[[], AbstractContextManager[None]] = nullcontext,
    ):
        """clock: seconds that pass. cpu_clock: seconds for which the process had a CPU. tracking:
        gives the context in which each image is tracked, for a benchmark."""
        self.busy_s = self.cpu_s = 0.0
        self._tracker, self._clock, self._cpu_clock = tracker, clock, cpu_clock
        self._tracking = tracking
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="tracker")
        self._images: list[Future[Observation]] = []

    def track(self, stamp_s: float, rgb: np.ndarray) -> "Future[Observation]":
        """(H, W, 3) uint8 RGB -> what will be seen, or what the tracker raises."""
        future = self._pool.submit(self._timed, self._track, stamp_s, rgb)
        self._images = [*(image for image in self._images if not image.done()), future]
        return future

    def drop_waiting(self) -> int:
        """Images that the thread has not begun with are not tracked; how many there were."""
        dropped = sum(image.cancel() for image in self._images)
        self._images = [image for image in self._images if not image.done()]
        return dropped

    def hear(self, stamp_s: float, duration_s: float, rms: float) -> None:
        """As the tracker's."""
        self._do(self._tracker.hear, stamp_s, duration_s, rms)

    def change_person(self) -> None:
        """As the tracker's."""
        self._do(self._tracker.change_person)

    def narrow(self, max_width_px: int) -> None:
        """As the tracker's."""
        self._do(self._tracker.narrow, max_width_px)

    def reset(self) -> None:
        """As the tracker's."""
        self._do(self._tracker.reset)

    def close(self) -> None:
        """Ends the thread after what it is at, drops what waits, and frees the tracker."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._tracker.close()

    def _track(self, stamp_s: float, rgb: np.ndarray) -> Observation:
        with self._tracking():
            return self._tracker.track(stamp_s, rgb)

    def _do(self, act: Callable[..., None], *arguments: Any) -> None:
        self._pool.submit(self._timed, act, *arguments).add_done_callback(_say_failed)

    def _timed(self, act: Callable[..., Any], *arguments: Any) -> Any:
        began_s, cpu_s = self._clock(), self._cpu_clock()
        try:
            return act(*arguments)
        finally:
            took_s = self._clock() - began_s
            self.busy_s += took_s
            self.cpu_s += min(self._cpu_clock() - cpu_s, took_s)


def _say_failed(done: "Future[None]") -> None:
    """Nobody asks what became of these."""
    error = None if done.cancelled() else done.exception()
    if error is not None:
        logging.getLogger(__name__).error("the face tracker failed: %r", error)

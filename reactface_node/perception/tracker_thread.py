"""Runs a face tracker on its own thread, so that nothing else waits for it."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np

from reactface_node.perception.repeated_images import RepeatedImages
from reactface_node.schema import Observation

_MOST_HEARD = 25
"""Chunks of sound that wait for an image: half a second of usual ones."""


class Tracker(Protocol):
    """The interface between a session and perception; ``LandmarkTracker`` is the usual one."""

    def track(self, stamp_s: float, rgb: np.ndarray) -> Observation:
        """Image (H, W, 3) uint8 RGB -> the observation of the followed person."""
        ...

    def hear(self, stamp_s: float, mono: np.ndarray, rate_hz: float) -> None:
        """Note an audio chunk, (n,) float32 in [-1, 1]; stamp_s: time of its first sample."""

    def change_person(self) -> None:
        """Treat the next face as another person."""

    def narrow(self, max_width_px: int) -> None:
        """Shrink images to this width from now on."""

    def reset(self) -> None:
        """Forget everybody; stamps may start anew."""

    def close(self) -> None:
        """Free the tracker."""


class TrackerThread:
    """Calls a tracker on one thread, in the order of the calls, with the same results.

    Images of a frozen camera show nobody: they are not given to the tracker.

    busy_s: seconds of ``clock`` for which the thread has worked so far. cpu_s: the part of them in
    which this process used a CPU, on any of its threads, since a landmark model has its own.
    """

    def __init__(
        self,
        tracker: Tracker,
        clock: Callable[[], float],
        cpu_clock: Callable[[], float],
        tracking: Callable[[], AbstractContextManager[None]] = nullcontext,
    ):
        """clock: wall time in seconds. cpu_clock: CPU time of the process in seconds. tracking:
        gives the context in which each image is tracked, for a benchmark."""
        self.busy_s = self.cpu_s = 0.0
        self._tracker, self._clock, self._cpu_clock = tracker, clock, cpu_clock
        self._tracking = tracking
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="tracker")
        self._images: list[Future[Observation]] = []
        self._heard: list[tuple[float, np.ndarray, float]] = []
        self._repeated = RepeatedImages()

    def track(self, stamp_s: float, rgb: np.ndarray) -> "Future[Observation]":
        """Image (H, W, 3) uint8 RGB -> the future observation, or the tracker's error."""
        self._pass_on_sound()
        future = self._pool.submit(self._timed, self._track, stamp_s, rgb)
        self._images = [*(image for image in self._images if not image.done()), future]
        return future

    def drop_waiting(self) -> int:
        """Drop the images that the thread has not begun with; returns how many."""
        dropped = sum(image.cancel() for image in self._images)
        self._images = [image for image in self._images if not image.done()]
        return dropped

    def hear(self, stamp_s: float, mono: np.ndarray, rate_hz: float) -> None:
        """See ``Tracker``; runs after the calls before it, together with later chunks, since only
        the next image needs it."""
        self._heard.append((stamp_s, mono, rate_hz))
        if len(self._heard) == _MOST_HEARD:
            self._pass_on_sound()

    def change_person(self) -> None:
        """See ``Tracker``; runs after the calls before it."""
        self._pass_on_sound()
        self._do(self._tracker.change_person)

    def narrow(self, max_width_px: int) -> None:
        """See ``Tracker``; runs after the calls before it."""
        self._do(self._tracker.narrow, max_width_px)

    def reset(self) -> None:
        """See ``Tracker``; runs after the calls before it."""
        self._heard = []
        self._do(self._reset)

    def close(self) -> None:
        """End the thread after its current call, drop the waiting ones, and free the tracker."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._tracker.close()

    def _pass_on_sound(self) -> None:
        heard, self._heard = self._heard, []
        if heard:
            self._do(self._hear, heard)

    def _hear(self, heard: list[tuple[float, np.ndarray, float]]) -> None:
        for chunk in heard:
            self._tracker.hear(*chunk)

    def _reset(self) -> None:
        self._repeated.reset()
        self._tracker.reset()

    def _track(self, stamp_s: float, rgb: np.ndarray) -> Observation:
        if self._repeated.frozen(stamp_s, rgb):
            return Observation.missing()
        with self._tracking():
            return self._tracker.track(stamp_s, rgb)

    def _do(self, act: Callable[..., None], *arguments: Any) -> None:
        self._pool.submit(self._timed, act, *arguments).add_done_callback(_log_failed)

    def _timed(self, act: Callable[..., Any], *arguments: Any) -> Any:
        began_s, cpu_s = self._clock(), self._cpu_clock()
        try:
            return act(*arguments)
        finally:
            took_s = self._clock() - began_s
            self.busy_s += took_s
            self.cpu_s += min(self._cpu_clock() - cpu_s, took_s)


def _log_failed(done: "Future[None]") -> None:
    """Log the error of a call without a result."""
    error = None if done.cancelled() else done.exception()
    if error is not None:
        logging.getLogger(__name__).error("the face tracker failed: %r", error)

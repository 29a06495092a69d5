"""Tracking scheduler: chooses the images to track and fills a window's frames with the results."""

import logging
import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace

import numpy as np

from reactface_node.errors import one_line
from reactface_node.perception.tracker_thread import TrackerThread
from reactface_node.schema import FRAME_RATE_HZ, ROTATION, TRANSLATION, Observation
from reactface_node.session.timeline import BUFFER_S, Window

LATE_SLOTS = 25
"""Frames (1 s) for which the last observation is used while newer images are still being tracked:
a slow tracker must not lose the face."""
HEAD_EXTRAPOLATION = 0.5
"""Share of its speed with which the head continues between tracked images in frame mode. Found by
trial, not derived: see the table of ``TrackingScheduler.__init__``."""
ABSENT_SLOTS, ABSENT_EVERY = 125, 5
"""After 5 s without a face, a live session tracks five images a second: who comes is seen 0.2 s
later at most. Chosen."""
WARN_PERIOD_S = 1.0
"""Least time between two warnings about images that could not be tracked."""
# Images whose observations are never asked for must not pile up; the timeline keeps as many.
_MOST_OPEN = round(BUFFER_S * FRAME_RATE_HZ)


@dataclass(frozen=True, eq=False)
class TrackedImage:
    """An image that was given to the tracker: its frame slot and its future observation."""

    slot: int
    seen: "Future[Observation]"


@dataclass(frozen=True, eq=False)
class _Result:
    """The observation of a tracked image, with the image's frame slot."""

    slot: int
    observation: Observation


class TrackingScheduler:
    """Schedules the images of one session for tracking and assigns observations to frames.

    The observations of a window depend on the images alone, not on how long tracking takes,
    unless ``is_live`` is set: images are then dropped when a newer one comes before the tracker
    has begun with them.

    every: frame slots per tracked image; the first image of each group of slots is tracked.
    failed: images for which the tracker raised an error. untracked: images dropped.
    """

    def __init__(self, tracker: TrackerThread, hold_s: float, interpolates: bool, every: int = 1):
        """hold_s: how long the last observation replaces that of an image that failed.
        interpolates: frames between tracked images are interpolated; otherwise the last
        observation is held and the head continues at half its speed.

        RMS difference between tracking at 12.5 Hz and at 25 Hz over all frames of the clip of
        acted emotions (and of the sample recording), for the values and for their change from
        frame to frame. Continuing the head was tried at 0.1 to 1 times its speed:

        ===================  ==============  ==============  ===========  ===========
        .                    expression      its change      head, mrad   its change
        ===================  ==============  ==============  ===========  ===========
        interpolated         0.056 (0.037)   0.046 (0.035)   10.6 (5.2)   6.2 (3.8)
        held                 0.061 (0.044)   0.055 (0.045)   13.5 (5.9)   11.2 (4.9)
        0.25 of the speed    0.061 (0.044)   0.055 (0.045)   12.8 (5.8)   10.0 (4.7)
        0.5 of the speed     0.061 (0.044)   0.056 (0.046)   12.3 (5.7)   9.1 (4.7)
        the whole speed      0.064 (0.045)   0.060 (0.049)   11.7 (5.8)   8.7 (5.1)
        ===================  ==============  ==============  ===========  ===========
        """
        self.is_live = False
        self.every = every
        self.failed = self.untracked = 0
        self._tracker, self._interpolates = tracker, interpolates
        self._hold_slots = math.floor(hold_s * FRAME_RATE_HZ + 1e-6)
        self._warned_s = -math.inf
        self.reset()

    def reset(self) -> None:
        """Forget all images; slots count from 0 again."""
        self._newest: TrackedImage | None = None
        self._open: deque[TrackedImage] = deque(maxlen=_MOST_OPEN)
        self._asked: TrackedImage | None = None
        self._previous: _Result | None = None
        self._latest: _Result | None = None
        self._absent = 0

    def schedule(self, slot: int, stamp_s: float, image: np.ndarray | None) -> TrackedImage | None:
        """Give an image, (H, W, 3) uint8 RGB, to the tracker, or reuse the image of its group; that
        before it if the image was not read.

        The callback of the timeline (``perceive``). Images come in order of their slots.
        """
        newest, every = self._newest, self._every_now()
        if image is None or (newest is not None and slot // every == newest.slot // every):
            return newest
        if self.is_live:
            self.untracked += self._tracker.drop_waiting()
        self._newest = TrackedImage(slot, self._tracker.track(stamp_s, image))
        self._open.append(self._newest)
        return self._newest

    def needs(self, slot: int, waiting: int | None) -> bool:
        """Whether the pixels of an image are read, if it comes now.

        Not if an image of its group was given to the tracker, or waits to be. waiting: the slot of
        such an image; one of the same slot would be replaced.
        """
        every = self._every_now()
        known = [] if self._newest is None else [self._newest.slot]
        if waiting is not None and waiting != slot:
            known.append(waiting)
        return all(one // every != slot // every for one in known)

    def is_done(self, window: Window) -> bool:
        """Whether every image of the window has been tracked."""
        return all(image is None or image.seen.done() for image in window.frames)

    def seen_in(self, window: Window) -> list[Observation]:
        """One observation per frame of the window; call it for the windows in order.

        Waits for the tracker, unless ``is_live``: the last observation then replaces those that
        are not there yet.
        """
        first = window.index * len(window.frames)
        tracked = self._tracked(first + len(window.frames))
        results: list[_Result | None] = []
        for slot, image in enumerate(window.frames, first):
            while tracked and tracked[0].slot <= slot:
                self._remember(tracked.popleft(), window.end_s)
            results.append(self._shown_at(slot, image))
        if self._interpolates and self.every > 1:
            results = list(_fill_between(first, results))
        elif self.every > 1:
            results = [
                self._extrapolate(slot, result) for slot, result in enumerate(results, first)
            ]
        seen = [
            Observation.missing() if result is None else result.observation for result in results
        ]
        for one in seen:
            self._absent = 0 if one.face_found else self._absent + 1
        return seen

    def _every_now(self) -> int:
        """Frame slots per tracked image; a replay's must not depend on what was tracked."""
        if self.is_live and self._absent >= ABSENT_SLOTS:
            return max(self.every, ABSENT_EVERY)
        return self.every

    def _tracked(self, end_slot: int) -> deque[TrackedImage]:
        """Images before ``end_slot`` whose tracking is done, in order; each is returned once.

        Collected at once for a whole window: an image that became ready while the window's frames
        are filled would put them in the wrong order.
        """
        done: deque[TrackedImage] = deque()
        while self._open and self._open[0].slot < end_slot:
            if self.is_live and not self._open[0].seen.done():
                break
            done.append(self._open.popleft())
        return done

    def _remember(self, image: TrackedImage, now_s: float) -> None:
        self._asked = image
        result = self._result_of(image, now_s)
        if result is not None:
            self._previous, self._latest = self._latest, result

    def _shown_at(self, slot: int, image: TrackedImage | None) -> _Result | None:
        """The observation for a frame. For an image that failed, the last one for ``hold_s``."""
        if image is None:
            return None
        if image is not self._asked or image.seen.cancelled():
            return self._held(slot, LATE_SLOTS)
        if self._latest is not None and self._latest.slot == image.slot:
            return self._latest
        return self._held(slot, self._hold_slots)

    def _extrapolate(self, slot: int, result: _Result | None) -> _Result | None:
        """The result with its head moved on to ``slot``, until the next image is due.

        At most by the distance that the head moved between the last two images; if the next image
        is late, the head stays there.
        """
        before = self._previous
        if result is None or result is not self._latest or before is None:
            return result
        apart = result.slot - before.slot
        past = min(slot - result.slot, self.every - 1, apart)
        if past == 0 or apart > 2 * self.every:
            return result
        return _Result(slot, extrapolated(before.observation, result.observation, past / apart))

    def _held(self, slot: int, slots: int) -> _Result | None:
        last = self._latest
        return last if last is not None and slot + 1 - last.slot <= slots else None

    def _result_of(self, image: TrackedImage, now_s: float) -> _Result | None:
        if image.seen.cancelled():
            return None
        error = image.seen.exception()
        if error is None:
            return _Result(image.slot, image.seen.result())
        self.failed += 1
        if abs(now_s - self._warned_s) >= WARN_PERIOD_S:
            self._warned_s = now_s
            log = logging.getLogger(__name__)
            log.warning("an image could not be tracked: %s", one_line(error))
        return None


def extrapolated(first: Observation, second: Observation, steps: float) -> Observation:
    """``second`` with its head moved on by HEAD_EXTRAPOLATION * ``steps`` times the motion since
    ``first``; unchanged if ``first`` shows another person or nobody."""
    if first.person != second.person or not (first.face_found and second.face_found):
        return second
    values = second.coefficients.copy()
    moved = second.coefficients - first.coefficients
    for part in (ROTATION, TRANSLATION):
        values[part] += HEAD_EXTRAPOLATION * steps * moved[part]
    return replace(second, coefficients=values)


def _fill_between(first: int, results: list[_Result | None]) -> Iterator[_Result | None]:
    """Each frame interpolated between its result and the next one of the window.

    first: slot of the first frame. Without a next result the last one is held.
    """
    following = [_next(results, place) for place in range(len(results))]
    for slot, (result, other) in enumerate(zip(results, following, strict=True), first):
        if result is None or other is None:
            yield result
        else:
            share = (slot - result.slot) / (other.slot - result.slot)
            yield _Result(slot, interpolated(result.observation, other.observation, share))


def _next(results: list[_Result | None], place: int) -> _Result | None:
    """The next different result after ``place``; None if a frame without an image comes first."""
    return next((other for other in results[place:] if other is not results[place]), None)


def interpolated(first: Observation, second: Observation, share: float) -> Observation:
    """Linear mix of two observations, ``share`` 0..1 of the second, in channels valid in both;
    ``first`` unchanged if ``second`` shows another person or nobody."""
    valid = first.valid & second.valid
    if first.person != second.person or share == 0.0 or not valid.any():
        return first
    mixed = (1.0 - share) * first.coefficients + share * second.coefficients
    return replace(
        first,
        coefficients=np.where(valid, mixed, 0.0).astype(np.float32),
        valid=valid,
        reliability=(1.0 - share) * first.reliability + share * second.reliability,
    )

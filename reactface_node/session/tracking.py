"""Between timeline and tracker: which images are tracked, and what the frames of a window saw."""

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
"""The last observation stands this long for images that are still being tracked: a slow tracker
is no reason to lose a face."""
HEAD_GOES_ON = 0.5
WARN_PERIOD_S = 1.0
# Where nobody asks what was seen, the timeline keeps no more than this either.
_MOST_OPEN = round(BUFFER_S * FRAME_RATE_HZ)


@dataclass(frozen=True, eq=False)
class Glimpse:
    """An image that is tracked: the frame slot that it lies in, and what will be seen in it."""

    slot: int
    seen: "Future[Observation]"


@dataclass(frozen=True, eq=False)
class _Sight:
    """What was seen, and in which slot."""

    slot: int
    observation: Observation


class TrackingScheduler:
    """Of one session. What a frame saw depends on the images alone, never on how long tracking
    took, unless ``is_live`` lets it leave images out.

    every: of so many frame slots the first with an image is tracked. failed: images at which the
    tracker raised. untracked: images left out because a newer one came before their turn.
    """

    def __init__(self, tracker: TrackerThread, hold_s: float, interpolates: bool, every: int = 1):
        """hold_s: how long the last image stands for one that failed. interpolates: frames
        between tracked ones lie between them; else the last one is held, and the head goes on at
        half its speed.

        Tracked at 12.5 Hz against at 25 Hz, all frames, root mean square of acted emotions (and of
        the sample recording), of the values and of their steps from frame to frame; held was also
        compared with going on at 0.1 to 1 times the speed:

        ===================  ==============  ==============  ===========  ===========
        .                    expression      its steps       head, mrad   its steps
        ===================  ==============  ==============  ===========  ===========
        interpolated         0.056 (0.037)   0.046 (0.035)   10.6 (5.2)   6.2 (3.8)
        held                 0.061 (0.044)   0.055 (0.045)   13.5 (5.9)   11.2 (4.9)
        on at 0.25 of speed  0.061 (0.044)   0.055 (0.045)   12.8 (5.8)   10.0 (4.7)
        on at 0.5 of speed   0.061 (0.044)   0.056 (0.046)   12.3 (5.7)   9.1 (4.7)
        on at its speed      0.064 (0.045)   0.060 (0.049)   11.7 (5.8)   8.7 (5.1)
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
        """Slots begin anew."""
        self._newest: Glimpse | None = None
        self._open: deque[Glimpse] = deque(maxlen=_MOST_OPEN)
        self._answered: Glimpse | None = None
        self._before: _Sight | None = None
        self._last: _Sight | None = None

    def look(self, slot: int, stamp_s: float, image: np.ndarray) -> Glimpse | None:
        """The timeline's ``perceive``: what stands for an image, (H, W, 3) uint8 RGB."""
        newest = self._newest
        if newest is not None and slot // self.every == newest.slot // self.every:
            return newest
        if self.is_live:
            self.untracked += self._tracker.drop_waiting()
        self._newest = Glimpse(slot, self._tracker.track(stamp_s, image))
        self._open.append(self._newest)
        return self._newest

    def is_done(self, window: Window) -> bool:
        """Whether all that the window shows has been tracked."""
        return all(glimpse is None or glimpse.seen.done() for glimpse in window.frames)

    def seen_in(self, window: Window) -> list[Observation]:
        """What was seen in each frame of the window, to be asked in order of time.

        Waits for the tracker, unless ``is_live``: what was last seen then stands for what has not
        been tracked yet.
        """
        first = window.index * len(window.frames)
        tracked = self._tracked(first + len(window.frames))
        sights: list[_Sight | None] = []
        for slot, glimpse in enumerate(window.frames, first):
            while tracked and tracked[0].slot <= slot:
                self._remember(tracked.popleft(), window.end_s)
            sights.append(self._sight(slot, glimpse))
        if self._interpolates and self.every > 1:
            sights = list(_interpolated(first, sights))
        elif self.every > 1:
            sights = [self._onward(slot, sight) for slot, sight in enumerate(sights, first)]
        return [Observation.missing() if sight is None else sight.observation for sight in sights]

    def _tracked(self, end_slot: int) -> deque[Glimpse]:
        """Images before that slot that are done, in order, each given out once.

        Taken in one go: with an image that is done in the middle of a window, frames before it
        would lie between it and an older one in the wrong order.
        """
        done: deque[Glimpse] = deque()
        while self._open and self._open[0].slot < end_slot:
            if self.is_live and not self._open[0].seen.done():
                break
            done.append(self._open.popleft())
        return done

    def _remember(self, glimpse: Glimpse, now_s: float) -> None:
        self._answered = glimpse
        sight = self._ask(glimpse, now_s)
        if sight is not None:
            self._before, self._last = self._last, sight

    def _sight(self, slot: int, glimpse: Glimpse | None) -> _Sight | None:
        """An image that failed counts as none: the one before stands for it for a while."""
        if glimpse is None:
            return None
        if glimpse is not self._answered or glimpse.seen.cancelled():
            return self._held(slot, LATE_SLOTS)
        if self._last is not None and self._last.slot == glimpse.slot:
            return self._last
        return self._held(slot, self._hold_slots)

    def _onward(self, slot: int, sight: _Sight | None) -> _Sight | None:
        """The head goes on until the next image is to be tracked, and stays there if it is late.

        No further than it came between the last two images.
        """
        before = self._before
        if sight is None or sight is not self._last or before is None:
            return sight
        apart = sight.slot - before.slot
        past = min(slot - sight.slot, self.every - 1, apart)
        if past == 0 or apart > 2 * self.every:
            return sight
        return _Sight(slot, onward(before.observation, sight.observation, past / apart))

    def _held(self, slot: int, slots: int) -> _Sight | None:
        last = self._last
        return last if last is not None and slot + 1 - last.slot <= slots else None

    def _ask(self, glimpse: Glimpse, now_s: float) -> _Sight | None:
        if glimpse.seen.cancelled():
            return None
        error = glimpse.seen.exception()
        if error is None:
            return _Sight(glimpse.slot, glimpse.seen.result())
        self.failed += 1
        if abs(now_s - self._warned_s) >= WARN_PERIOD_S:
            self._warned_s = now_s
            log = logging.getLogger(__name__)
            log.warning("an image could not be tracked: %s", one_line(error))
        return None


def onward(first: Observation, second: Observation, steps: float) -> Observation:
    """The second one with its head so many times further on, at HEAD_GOES_ON of its speed; as it
    is where another person, or nobody, was before."""
    if first.person != second.person or not (first.face_found and second.face_found):
        return second
    values = second.coefficients.copy()
    moved = second.coefficients - first.coefficients
    for part in (ROTATION, TRANSLATION):
        values[part] += HEAD_GOES_ON * steps * moved[part]
    return replace(second, coefficients=values)


def _interpolated(first: int, sights: list[_Sight | None]) -> Iterator[_Sight | None]:
    """Each frame on the way from what stands for it to the next that was tracked in the window.

    first: the slot of the first one. Without a next one the last is held.
    """
    following = [_next(sights, place) for place in range(len(sights))]
    for slot, (sight, other) in enumerate(zip(sights, following, strict=True), first):
        if sight is None or other is None:
            yield sight
        else:
            share = (slot - sight.slot) / (other.slot - sight.slot)
            yield _Sight(slot, between(sight.observation, other.observation, share))


def _next(sights: list[_Sight | None], place: int) -> _Sight | None:
    """The next other one, unless there is a frame between in which nobody looked."""
    return next((other for other in sights[place:] if other is not sights[place]), None)


def between(first: Observation, second: Observation, share: float) -> Observation:
    """``share`` 0..1 of the way from one to the other, where both are valid; the first where
    another person follows, or nobody."""
    valid = first.valid & second.valid
    if first.person != second.person or share == 0.0 or not valid.any():
        return first
    mixed = (1.0 - share) * first.coefficients + share * second.coefficients
    return replace(first, coefficients=np.where(valid, mixed, 0.0).astype(np.float32), valid=valid)

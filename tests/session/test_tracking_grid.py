"""Tracking scheduler over rates and latencies: observations that are late, failed or missing."""

from concurrent.futures import Future
from itertools import pairwise

import numpy as np
import pytest

from reactface_node.config import TimelineConfig
from reactface_node.schema import Observation
from reactface_node.session.timeline import Timeline
from reactface_node.session.tracking import HEAD_EXTRAPOLATION, LATE_SLOTS, TrackingScheduler

TICK_S = 0.01
LATENCIES_S = {
    "none": [0.0],
    "half a frame": [0.02],
    "a frame": [0.04],
    "just over a frame": [0.045],
    "two frames": [0.081],
    "slow": [0.2],
    "very slow": [0.5],
    "over a second": [1.2],
    "varied": list(np.random.default_rng(0).uniform(0.0, 0.3, 23)),
    "bursts": [0.01] * 7 + [0.9],
}


class Sight(Future):
    """An image that is tracked when its time has come, or when somebody waits for it."""

    def __init__(self, value, latency_s, fails):
        super().__init__()
        self._value, self.latency_s, self.fails = value, latency_s, fails

    def finish(self):
        if self.done():
            return
        if self.fails:
            self.set_exception(RuntimeError("no graph"))
        else:
            value = np.full(58, self._value, np.float32)
            self.set_result(Observation(value, np.ones(58, bool), person=1))

    def exception(self, timeout=None):
        self.finish()
        return super().exception(timeout)


class SimulatedTracker:
    """``TrackerThread`` on simulated time. An image's stamp, in frames, is what is seen in it."""

    def __init__(self, latencies_s, fails_every):
        self._latencies_s, self._fails_every = latencies_s, fails_every
        self._given, self._queue, self._at_work, self._free_s = [], [], None, 0.0

    @property
    def failed(self):
        return sum(one.fails for one in self._given if one.done() and not one.cancelled())

    def track(self, stamp_s, rgb):
        count = len(self._given) + 1
        latency_s = self._latencies_s[count % len(self._latencies_s)]
        fails = self._fails_every > 0 and count % self._fails_every == 0
        self._given.append(Sight(stamp_s * 25, latency_s, fails))
        self._queue.append(self._given[-1])
        return self._given[-1]

    def drop_waiting(self):
        dropped = sum(sight.cancel() for sight in self._queue)
        self._queue.clear()
        return dropped

    def work_until(self, now_s):
        while True:
            if self._at_work is not None:
                if self._free_s > now_s:
                    return
                self._at_work.finish()
                self._at_work = None
            if not self._queue:
                return
            self._at_work = self._queue.pop(0)
            if not self._at_work.done():
                self._at_work.set_running_or_notify_cancel()
            self._free_s = max(now_s, self._free_s) + self._at_work.latency_s


def observe(live, window, every, latencies_s, fails_every=0, seconds=5.0, camera_hz=25.0):
    """What frames saw as a session asks for it, their slots, the scheduler and its tracker."""
    tracker = SimulatedTracker(latencies_s, fails_every)
    scheduler = TrackingScheduler(tracker, hold_s=0.25, interpolates=window > 1, every=every)
    scheduler.is_live = live
    timeline = Timeline(TimelineConfig(), window, scheduler.schedule, eager=window == 1)
    closed, seen, slots, images = [], [], [], 0
    for tick in range(round(seconds / TICK_S)):
        now_s = tick * TICK_S
        while images / camera_hz <= now_s:
            timeline.push_image(images / camera_hz, np.zeros((2, 2, 3), np.uint8))
            images += 1
        if tick % 2 == 0:
            timeline.push_audio(now_s, np.full(320, 0.1, np.float32), 16000)
        tracker.work_until(now_s)
        closed += [(now_s, one) for one in timeline.poll(now_s)]
        while closed and (
            scheduler.is_done(closed[0][1]) or now_s >= closed[0][0] + 0.04 or not live
        ):
            _, one = closed.pop(0)
            seen += scheduler.seen_in(one)
            slots += range(one.index * window, (one.index + 1) * window)
    return seen, np.array(slots), scheduler, tracker


@pytest.mark.parametrize("latency", LATENCIES_S)
@pytest.mark.parametrize("every", [1, 2, 3, 4, 5, 25])
@pytest.mark.parametrize("window", [1, 8])
@pytest.mark.parametrize("live", [True, False])
def test_every_image_counts_once_and_in_order(live, window, every, latency):
    for fails_every in (0, 3):
        seen, slots, scheduler, tracker = observe(
            live, window, every, LATENCIES_S[latency], fails_every
        )
        assert len(seen) >= 110
        values = np.stack([one.coefficients for one in seen])
        assert np.isfinite(values).all()
        found = np.array([one.face_found for one in seen])
        # What is seen is the time at which it was: it never goes back, nor ahead of its frame.
        faces, heads = values[found, 0], values[found, 52]
        assert (np.diff(faces) >= 0).all()
        assert (heads <= slots[found] + 1e-4).all()
        assert (heads >= faces).all() and (np.diff(heads) >= -HEAD_EXTRAPOLATION * every).all()
        # A head goes on for no more than one period of the tracker.
        assert (heads - faces <= HEAD_EXTRAPOLATION * (every - 1) + 1e-4).all()
        # What was seen more than a second ago is not shown.
        assert found.any() or (latency == "over a second" and live and window == 1)
        assert tracker.failed - 4 <= scheduler.failed <= tracker.failed


@pytest.mark.parametrize("every", [1, 2, 3, 5])
@pytest.mark.parametrize("window", [1, 8])
def test_offline_the_time_that_tracking_takes_changes_nothing(window, every):
    expected = observe(False, window, every, [0.0], 4)
    for latencies_s in LATENCIES_S.values():
        seen, slots, scheduler, _ = observe(False, window, every, latencies_s, 4)
        assert np.array_equal(slots, expected[1]) and scheduler.failed == expected[2].failed
        for one, other in zip(seen, expected[0], strict=True):
            np.testing.assert_array_equal(one.coefficients, other.coefficients)
            np.testing.assert_array_equal(one.valid, other.valid)


@pytest.mark.parametrize(("every", "latency_s"), [(2, 0.05), (3, 0.1), (2, 0.045)])
def test_a_late_image_is_shown_exactly_from_the_frame_at_which_it_was_ready(every, latency_s):
    """Frame by frame: what was seen is held, the head at half its speed for a period at most."""
    seen, slots, _, _ = observe(True, 1, every, [latency_s])
    faces = np.array([one.coefficients[0] for one in seen])[50:]
    heads = np.array([one.coefficients[52] for one in seen])[50:]
    on = np.minimum(slots[50:] - faces, every - 1)
    np.testing.assert_allclose(heads, faces + HEAD_EXTRAPOLATION * on, atol=1e-4)
    assert (faces % every == 0).all() and set(np.diff(faces)) == {0, every}


@pytest.mark.parametrize("camera_hz", [4.0, 10.0, 12.5, 30.0])
@pytest.mark.parametrize("latency", ["none", "slow", "varied"])
def test_any_camera_at_a_thinned_rate_live(camera_hz, latency):
    for window in (1, 8):
        for every in (2, 3, 5):
            latencies_s = LATENCIES_S[latency]
            seen, slots, _, _ = observe(True, window, every, latencies_s, camera_hz=camera_hz)
            heads = np.array([one.coefficients[52] for one in seen if one.face_found])
            assert len(heads) > 90 and np.isfinite(heads).all()
            assert (heads <= slots[-len(heads) :] + 1.0).all()


def test_a_tracker_that_hangs_costs_the_face_after_a_second_and_no_more():
    seen, _, scheduler, _ = observe(True, 1, 2, [0.01] * 39 + [1e9])
    found = np.array([one.face_found for one in seen])
    gone = int(np.flatnonzero(found)[-1]) + 1
    assert not found[gone:].any() and len(found) > gone + 15
    last = int(seen[gone - 1].coefficients[0])
    assert gone - last == LATE_SLOTS
    assert len(scheduler._open) < 100


def test_images_without_a_request_are_dropped_in_the_end():
    tracker = SimulatedTracker([0.0], 0)
    scheduler = TrackingScheduler(tracker, hold_s=0.25, interpolates=False)
    for slot in range(5000):
        scheduler.schedule(slot, slot / 25, np.zeros((2, 2, 3), np.uint8))
    assert len(scheduler._open) == 1500
    assert all(one.slot < other.slot for one, other in pairwise(scheduler._open))

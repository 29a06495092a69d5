"""The tracker on its own thread: the same numbers without blocking anything else."""

import logging
import threading
import time

import numpy as np
from rigs.model_inputs import engine_for, small_config
from rigs.session import ReadingTracker, joined, make_session, picture, run
from rigs.steps import poll_until

from reactface_node.perception.tracker_thread import TrackerThread
from reactface_node.schema import Observation
from reactface_node.session.session import ReactionSession


class HeldTracker(ReadingTracker):
    """Tracks nothing until it is let go."""

    def __init__(self):
        super().__init__()
        self.go, self.began = threading.Event(), threading.Event()

    def track(self, stamp_s, rgb):
        self.began.set()
        assert self.go.wait(20)
        return super().track(stamp_s, rgb)


class FailingTracker(ReadingTracker):
    """Raises at given images, counted from 0."""

    def __init__(self, *fails):
        super().__init__()
        self._fails = fails

    def track(self, stamp_s, rgb):
        seen = super().track(stamp_s, rgb)
        if self.tracked - 1 in self._fails:
            raise RuntimeError("no graph")
        return seen


def session_with(tracker, **changes):
    config = small_config(**{"playout__samples": 2, **changes})
    return ReactionSession(config, engine_for(config), tracker)


def speaker(reactions):
    return np.concatenate([reaction.speaker for reaction in reactions])


def push(session, first, last):
    """Frames of face and voice from 100 s on."""
    for index in range(first, last):
        session.push_image(100.0 + index / 25, picture(index))
        session.push_audio(100.0 + index / 25, np.full(640, 0.05, np.float32), 16000)


def held_at_a_window():
    """A tracker that has not begun, and its session, whose first window has closed."""
    tracker = HeldTracker()
    session = session_with(tracker)
    session.poll(100.0, wait=False)
    push(session, 0, 9)
    assert session.poll(100.36, wait=False) == []
    return tracker, session


def test_a_thread_does_what_is_asked_in_the_order_it_was_asked():
    done = []

    class Noting(HeldTracker):
        def track(self, stamp_s, rgb):
            super().track(stamp_s, rgb)
            done.append(("track", stamp_s))
            return Observation.missing()

        def hear(self, stamp_s, mono, rate_hz):
            done.append(("hear", stamp_s))

        def change_person(self):
            done.append("change")

        def reset(self):
            done.append("reset")

        def close(self):
            done.append("close")

    tracker = Noting()
    thread = TrackerThread(tracker, iter(range(100)).__next__, lambda: 0.0)
    thread.track(1.0, picture(0))
    thread.hear(2.0, np.zeros(1600, np.float32), 16000)
    thread.change_person()
    thread.reset()
    last = thread.track(3.0, picture(0))
    assert done == []
    tracker.go.set()
    assert not last.result().face_found
    thread.close()
    expected = [("track", 1.0), ("hear", 2.0), "change", "reset", ("track", 3.0), "close"]
    assert done == expected
    assert thread.busy_s == 5  # each took one tick of that clock


def test_sound_waits_for_the_next_image_but_does_not_pile_up():
    heard = []

    class Hearing(HeldTracker):
        def hear(self, stamp_s, mono, rate_hz):
            heard.append(stamp_s)

    tracker = Hearing()
    tracker.go.set()
    thread = TrackerThread(tracker, time.perf_counter, time.process_time)
    for index in range(24):
        thread.hear(float(index), np.zeros(320, np.float32), 16000)
    assert heard == []
    thread.track(24.0, picture(0)).result()
    assert heard == [float(index) for index in range(24)]
    thread.hear(25.0, np.zeros(320, np.float32), 16000)
    thread.reset()  # forgets what was heard, too
    for index in range(25, 51):
        thread.hear(float(index), np.zeros(320, np.float32), 16000)
    thread._pool.submit(lambda: None).result()
    assert heard[24:] == [float(index) for index in range(25, 50)]


def test_a_session_on_a_slow_tracker_has_the_same_numbers():
    tracker = HeldTracker()
    session = session_with(tracker)
    tracker.go.set()
    ready = joined(run(make_session()), "samples")
    assert np.array_equal(joined(run(session), "samples"), ready)
    held = HeldTracker()
    session = session_with(held)
    push(session, 0, 9)
    assert held.tracked == 0
    threading.Timer(0.0, held.go.set).start()
    (window,) = session.poll(100.36)
    again = make_session()
    push(again, 0, 9)
    assert np.array_equal(window.samples, again.poll(100.36)[0].samples)


def test_who_does_not_wait_gets_the_window_once_it_is_tracked():
    tracker, session = held_at_a_window()
    tracker.go.set()
    assert session.poll(100.36, wait=True)[0].window_index == 0
    assert session.poll(100.36, wait=False) == []


def test_live_the_newest_image_takes_the_place_of_the_one_that_waits():
    tracker = HeldTracker()
    session = session_with(tracker)
    session.poll(100.0, wait=False)
    push(session, 0, 2)
    assert tracker.began.wait(20)  # with the first
    push(session, 2, 9)
    assert session.stats()["images_untracked"] == 6
    tracker.go.set()
    (window,) = session.poll(100.36)
    expected = [picture(i).reshape(-1)[:58] / np.float32(255) for i in (0, 0, 0, 0, 0, 0, 0, 7)]
    np.testing.assert_allclose(window.speaker, np.stack(expected))


def test_a_tracker_that_is_too_slow_costs_no_window_its_time():
    """What was last seen stands for what is not tracked yet, and a late sight still counts."""
    tracker = HeldTracker()
    session = session_with(tracker)
    session.poll(100.0, wait=False)
    push(session, 0, 2)
    assert tracker.began.wait(20)
    push(session, 2, 9)
    assert session.poll(100.36, wait=False) == []
    assert session.poll(100.39, wait=False) == []
    (first,) = poll_until(session, 100.41, 1)  # a frame's time after it closed
    assert first.show_at_s[0] < 100.41 and first.face_seen == 0.0
    push(session, 9, 17)
    assert session.poll(100.68, wait=False) == []
    tracker.go.set()
    until_tracked(session)
    push(session, 17, 18)
    (second,) = poll_until(session, 100.72, 1)
    assert second.face_seen == 1.0
    assert session.stats()["windows_skipped"] == 0


def until_tracked(session):
    """All that waits is."""
    session._tracker._pool.submit(int).result()


def test_a_window_whose_time_went_by_is_skipped():
    session = session_with(ReadingTracker())
    session.poll(100.0, wait=False)
    push(session, 0, 25)
    until_tracked(session)
    assert [reaction.window_index for reaction in poll_until(session, 101.0, 2)] == [1, 2]
    assert session.stats()["windows_skipped"] == 1


def test_an_image_that_fails_costs_its_frame_and_is_logged_once_a_second(caplog):
    session = session_with(FailingTracker(3, 10, 11, 60))
    with caplog.at_level(logging.WARNING):
        seen = speaker(run(session))
    whole = speaker(run(make_session()))
    for index, before in ((3, 2), (10, 9), (11, 9), (60, 59)):
        assert np.array_equal(seen[index], whole[before])
        seen[index] = whole[index]
    assert np.array_equal(seen, whole)
    assert session.stats()["images_failed"] == 4
    assert caplog.text.count("could not be tracked: RuntimeError: no graph") == 2


def test_nobody_is_seen_where_images_keep_failing():
    session = session_with(FailingTracker(*range(8, 40)))
    seen = run(session)
    assert [reaction.face_seen for reaction in seen[:5]] == [1.0, 0.625, 0.0, 0.0, 0.0]


def test_a_reset_forgets_what_was_not_tracked_yet():
    tracker, session = held_at_a_window()
    session.reset()
    tracker.go.set()
    assert np.array_equal(joined(run(session)), joined(run(make_session())))


def test_the_tracker_tells_how_long_it_worked_and_how_much_of_it_on_a_cpu():
    wall, cpu = iter([0.0, 1.0, 1.0, 4.0]).__next__, iter([0.0, 0.25, 0.25, 9.0]).__next__
    thread = TrackerThread(ReadingTracker(), wall, cpu)
    thread.track(0.0, picture(0)).result()
    thread.track(0.1, picture(0)).result()
    thread.close()
    # Others in this process worked too while the second was tracked.
    assert (thread.busy_s, thread.cpu_s) == (4.0, 3.25)

"""A lower tracking rate: which images are tracked, and how the frames between are filled."""

from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest
from rigs.model_inputs import engine_for, small_config
from rigs.session import ReadingTracker, W, joined, picture, run

from reactface_node.schema import Observation
from reactface_node.session.session import ReactionSession
from reactface_node.session.timeline import Window
from reactface_node.session.tracking import TrackingScheduler, extrapolated, interpolated


def tracking_at(rate_hz, tracker=None, **changes):
    config = small_config(playout__samples=2, perception__rate_hz=rate_hz, **changes)
    return ReactionSession(config, engine_for(config), tracker or ReadingTracker())


def seen(index):
    return picture(index).reshape(-1)[:58] / np.float32(255)


def speaker(reactions):
    return np.concatenate([reaction.speaker for reaction in reactions])


@pytest.mark.slow
@pytest.mark.parametrize(("rate_hz", "every"), [(25.0, 1), (12.5, 2), (8.33, 3), (1.0, 25)])
def test_as_many_images_are_tracked_as_asked_for(rate_hz, every):
    tracker = ReadingTracker()
    session = tracking_at(rate_hz, tracker)
    reactions = run(session)
    frames = len(reactions) * W
    assert frames / every <= tracker.tracked <= 75 / every + 1
    tracked = speaker(reactions)[::every]
    first = [seen(index) for index in range(0, frames, every)]
    np.testing.assert_allclose(tracked, np.stack(first), atol=1e-6)
    assert reactions[-1].face_seen == 1.0
    again = run(tracking_at(rate_hz), chunk=64)
    assert np.array_equal(joined(again, "samples"), joined(reactions, "samples"))


def test_in_window_mode_what_lies_between_is_interpolated():
    faces = speaker(run(tracking_at(8.34)))
    for slot in (1, 2, 4, 7, 8, 10, 11):  # 7 is its window's last: nothing is known after 6
        before = slot // 3 * 3
        share = 0.0 if slot == 7 else (slot - before) / 3
        expected = (1 - share) * seen(before) + share * seen(before + 3)
        np.testing.assert_allclose(faces[slot], expected, atol=1e-6)


def test_in_frame_mode_the_last_one_is_held_and_the_head_goes_on_at_half_its_speed():
    faces = speaker(run(tracking_at(12.5, mode="frame")))[:60]
    held = np.stack([seen(slot // 2 * 2) for slot in range(60)])
    np.testing.assert_allclose(faces[:, :52], held[:, :52], atol=1e-6)
    np.testing.assert_allclose(faces[::2], held[::2], atol=1e-6)
    heads = held[2:, 52:]
    moved = heads[1::2] - held[:-2, 52:][1::2]
    np.testing.assert_allclose(faces[3::2, 52:], heads[1::2] + 0.25 * moved, atol=1e-6)


def test_only_the_same_persons_head_goes_on():
    one = Observation(np.zeros(58, np.float32), np.ones(58, bool), person=1)
    other = replace(one, coefficients=np.ones(58, np.float32))
    assert extrapolated(one, other, 0.5).coefficients[[0, 51, 52, 57]].tolist() == [
        1,
        1,
        1.25,
        1.25,
    ]
    assert extrapolated(replace(one, person=2), other, 0.5) is other
    assert extrapolated(Observation.missing(), other, 0.5) is other


def test_a_camera_that_misses_the_tracked_slots_is_tracked_all_the_same():
    tracker = ReadingTracker()
    session = tracking_at(12.5, tracker)
    for index in range(1, 40, 2):
        session.push_image(100.0 + index / 25, picture(index))
        session.push_audio(100.0 + (index - 1) / 25, np.zeros(1280, np.float32), 16000)
    session.poll(101.6)
    assert tracker.tracked >= 16


def test_a_face_is_gone_when_the_camera_is_not_when_it_was_last_tracked():
    session = tracking_at(2.0)
    for index in range(20):
        session.push_image(100.0 + index / 25, picture(index))
    reactions = [r for now in np.arange(100.8, 102.0, 0.02) for r in session.poll(now)]
    # The image of slot 19 stands for 0.25 s: slots 19 to 24.
    found = [reaction.face_seen * W for reaction in reactions]
    assert sum(found) + 8 * (reactions[0].window_index) == 25


def test_only_the_same_persons_face_is_interpolated():
    valid = np.ones(58, bool)
    one = Observation(np.zeros(58, np.float32), valid, person=1, people=2)
    other = Observation(np.ones(58, np.float32), valid.copy(), person=1, people=1)
    other.valid[3] = False
    middle = interpolated(one, other, 0.25)
    assert middle.coefficients[2] == 0.25 and middle.coefficients[3] == 0.0
    assert middle.valid.sum() == 57 and (middle.person, middle.people) == (1, 2)
    assert interpolated(one, replace(other, person=2), 0.5) is one
    assert interpolated(one, Observation.missing(), 0.5) is one


class AtOnce:
    """A tracker thread that is done at once; ``there`` says in which frame slots a face is."""

    def __init__(self, there):
        self.there, self.tracked = there, []

    def track(self, stamp_s, image):
        slot = round(stamp_s * 25)
        self.tracked.append(slot)
        done = Future()
        face = Observation(np.zeros(58, np.float32), np.ones(58, bool))
        done.set_result(face if self.there(slot) else Observation.missing())
        return done

    def drop_waiting(self):
        return 0


@pytest.mark.parametrize("live", [True, False])
def test_an_empty_room_is_looked_at_five_times_a_second_and_only_live(live):
    tracker = AtOnce(lambda slot: slot < 50 or slot >= 400)
    scheduler = TrackingScheduler(tracker, 0.2, False)
    scheduler.is_live = live
    found = []
    for slot in range(500):
        image = scheduler.schedule(slot, slot / 25, np.zeros((1, 1, 3), np.uint8))
        found += scheduler.seen_in(Window(slot, slot / 25, (slot + 1) / 25, [image], None, None))
    assert sum(slot < 175 for slot in tracker.tracked) == 175
    late = sum(200 <= slot < 400 for slot in tracker.tracked)
    assert late == (40 if live else 200)
    assert sum(slot >= 410 for slot in tracker.tracked) == 90  # somebody is there again
    seen_again = next(slot for slot in range(400, 500) if found[slot].face_found)
    assert seen_again <= 405

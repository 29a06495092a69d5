"""The next time at which a timeline and a server have work if no input comes."""

import math

import numpy as np
import pytest
from rigs.server import FakeSession, faked_node, reaction

from reactface_node.config import TimelineConfig
from reactface_node.session.timeline import Timeline


def a_timeline():
    return Timeline(TimelineConfig(max_wait_s=0.12), 8, lambda slot, stamp_s, image: image)


def test_a_timeline_is_due_at_the_end_of_its_window_and_where_it_waits_no_longer():
    timeline = a_timeline()
    assert timeline.next_close_s(10.0) == -math.inf
    timeline.push_image(10.0, np.zeros((2, 2, 3), np.uint8))
    assert timeline.next_close_s(10.1) == pytest.approx(10.32)
    assert timeline.next_close_s(10.33) == pytest.approx(10.44)


def test_a_window_that_is_closed_is_due_at_once():
    timeline = a_timeline()
    timeline.poll(10.0)
    timeline.push_image(10.0, 1)
    timeline.push_image(10.33, 1)
    timeline.push_audio(10.0, np.zeros(6400, np.int16), 16000)
    assert timeline.next_close_s(10.4) == -math.inf
    assert len(timeline.poll(10.4)) == 1
    assert timeline.next_close_s(10.4) == pytest.approx(10.64)


@pytest.mark.parametrize("present", [False, True])
def test_polling_only_when_due_closes_the_same_windows_as_every_10_ms(present):
    def closed(steps):
        timeline, found, now_s = a_timeline(), [], 10.0
        images = iter(np.arange(10.0, 13.0, 0.04) if present else ())
        image_s = next(images, math.inf)
        while now_s < 13.0:
            found += [window.index for window in timeline.poll(now_s)]
            due_s = max(steps(timeline, now_s), now_s + 1e-3)
            while image_s <= due_s:
                timeline.push_image(image_s, 1)
                image_s = next(images, math.inf)
            now_s = due_s
        return found

    often = closed(lambda timeline, now_s: now_s + 0.01)
    assert often and closed(lambda timeline, now_s: timeline.next_close_s(now_s)) == often


def test_a_server_is_due_for_the_next_frame_report_reset_or_poll():
    session = FakeSession()
    session.next_poll_s = lambda now_s: 1000.4
    node = faked_node(session=session)
    server = node.server
    server.tick(1000.0)
    assert server.next_tick_s(1000.0) == 1000.4
    session.reactions = [reaction(1000.15)]
    server.tick(1000.1)
    assert server.next_tick_s(1000.1) == pytest.approx(1000.15)
    server.reset()
    assert server.next_tick_s(1000.11) == 1000.11
    server.tick(1000.11)
    server.enable(False)
    server.tick(1002.0)
    assert server.next_tick_s(1002.0) == pytest.approx(1003.0)

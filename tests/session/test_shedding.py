"""A session that reduces its work, and a server that makes it do so."""

import logging

import numpy as np
import pytest
from rigs.model_inputs import engine_for, small_config
from rigs.server import START_S, FakeSession, an_image, faked_node
from rigs.session import ReadingTracker, joined, make_session, picture, run

from reactface_node.config import Config
from reactface_node.ros.node.topics import DIAGNOSTICS
from reactface_node.session.overload import Workload
from reactface_node.session.session import ReactionSession


def shed_session(level, **changes):
    tracker = ReadingTracker()
    config = small_config(**{"playout__samples": 2, **changes})
    session = ReactionSession(config, engine_for(config), tracker)
    session.shed(level)
    return session, tracker


@pytest.mark.parametrize(("level", "tracked"), [(0, 72), (1, 36), (2, 24), (3, 24), (4, 24)])
def test_each_level_tracks_so_many_of_72_images(level, tracked):
    session, tracker = shed_session(level)
    reactions = run(session)
    assert len(reactions) == 9 and tracked <= tracker.tracked <= tracked + 3
    assert tracker.widths_px == ([320] if level >= 3 else [])
    assert session.stats()["windows_spared"] == (4 if level == 4 else 0)
    assert all(reaction.face_seen == 1.0 for reaction in reactions)


def test_a_rate_that_is_lower_anyway_stays():
    session, _ = shed_session(1, perception__rate_hz=5.0)
    assert session.stats()["tracking_hz"] == 5.0


def test_back_at_level_0_all_is_as_it_was():
    session, tracker = shed_session(4)
    session.shed(0)
    assert np.array_equal(joined(run(session)), joined(run(make_session())))
    assert tracker.widths_px == [320, 640]


@pytest.mark.parametrize("mode", ["window", "frame"])
def test_a_face_whose_model_is_spared_neither_freezes_nor_jumps(mode):
    calm = {"playout__blinks_per_min": 0.0, "mode": mode}
    session, _ = shed_session(4, **calm)

    def still(_):
        return picture(0)

    face = joined(run(session, 6.0, image=still))
    whole = joined(run(shed_session(3, **calm)[0], 6.0, image=still))
    steps, usual = np.abs(np.diff(face, axis=0)), np.abs(np.diff(whole, axis=0))
    assert session.stats()["windows_spared"] > 8
    assert steps[20:].max() < 1.5 * usual[20:].max()
    assert steps[20:].max(axis=1).min() > 1e-6


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


class Busy(FakeSession):
    """Each image takes the serving thread so long."""

    def __init__(self, clock, image_s):
        super().__init__()
        self._clock, self.image_s = clock, image_s

    def push_image(self, stamp_s, rgb):
        super().push_image(stamp_s, rgb)
        self._clock.now_s += self.image_s


def serve(node, clock, seconds, first=0):
    """Ten images a second, then what is left of it; the diagnostics' values."""
    for second in range(first, first + seconds):
        end_s = second + 1.0
        for index in range(10):
            node.server.receive("image", an_image(START_S + second + index / 10), START_S + second)
        clock.now_s = end_s
        node.server.tick(START_S + end_s)
    return [
        {pair.key: float(pair.value) for pair in message.status[0].values}
        | {"text": message.status[0].message}
        for message in node.transport.on(DIAGNOSTICS)
    ]


def busy_node(image_s, config=None, **options):
    clock = Clock()
    node = faked_node(config, Busy(clock, image_s), clock=clock, **options)
    node.server.tick(START_S)
    return node, clock


def test_diagnostics_say_how_busy_the_node_is():
    values = serve(*busy_node(0.03), seconds=3)
    assert [round(value["load"], 3) for value in values] == [0.3] * 3
    assert {value["load_level"] for value in values} == {0}
    assert (values[0]["tracking_hz"], values[0]["image_width_px"]) == (25.0, 640)


def test_the_trackers_thread_counts_too():
    node, clock = busy_node(0.0)
    node.session.tracker_busy_s = 0.8
    assert serve(node, clock, 1)[0]["load"] == pytest.approx(0.8)


def test_an_overloaded_server_sheds_says_so_and_recovers(caplog):
    node, clock = busy_node(0.095)
    with caplog.at_level(logging.INFO):
        values = serve(node, clock, 4)
        node.session.image_s = 0.01
        values = serve(node, clock, 20, first=4)
    assert node.session.levels == [1, 2, 1, 0]
    assert "overloaded: tracking 12.5 times a second" in values[1]["text"]
    assert values[1]["load_level"] == 1 and values[1]["tracking_hz"] == 12.5
    assert values[-1]["load_level"] == 0 and "overloaded" not in values[-1]["text"]
    assert caplog.text.count("overloaded") == 3
    assert "tracking 25 times a second again" in caplog.text


@pytest.mark.parametrize(
    ("config", "is_live"),
    [(Config().replace(**{"ros.load_shedding": False}), True), (Config(), False)],
)
def test_nothing_is_shed_where_it_is_switched_off_or_offline(config, is_live):
    node, clock = busy_node(0.099, config, is_live=is_live)
    values = serve(node, clock, 6)
    assert node.session.levels == [] and values[-1]["load"] == pytest.approx(0.99)


def test_a_tracker_that_only_waits_for_others_sheds_nothing():
    node, clock = busy_node(0.0)
    for second in range(6):
        node.session.tracker_busy_s += 0.99
        node.session.tracker_cpu_s += 0.3
        values = serve(node, clock, 1, first=second)
    assert node.session.levels == [] and values[-1]["load"] == pytest.approx(0.99)


def test_the_workload_of_a_session_is_what_its_statistics_say():
    session, _ = shed_session(3)
    load, stats = session.workload, session.stats()
    assert load == Workload(
        session._tracker.busy_s, session._tracker.cpu_s, 0, tracking_hz=25 / 3, image_width_px=320
    )
    assert (stats["tracking_hz"], stats["image_width_px"]) == (25 / 3, 320)
    assert stats["images_untracked"] == 0
    session.close()

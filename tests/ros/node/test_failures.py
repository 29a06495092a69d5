"""Internal errors: the face continues after one, and the process ends if they repeat."""

import logging
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from rigs.model_inputs import engine_for, small_config
from rigs.server import (
    START_S,
    FakeTransport,
    an_image,
    audio_data,
    faked_node,
    reaction,
)
from rigs.session import ReadingTracker

from reactface_node.errors import UserError
from reactface_node.ros.node.failures import FailureGuard, RepeatedFailure
from reactface_node.ros.node.topics import BLENDSHAPES, DIAGNOSTICS, IMAGE
from reactface_node.session.session import ReactionSession

pytestmark = pytest.mark.slow

TICK_S = 0.01
LONGEST_GAP_S = 0.5


class Scene:
    """A server with a real session, a small model, a camera, a microphone and a simulated clock.
    ``frames_s``: the times of published frames."""

    def __init__(self, mode):
        # The load of the machine must not change the result.
        config = small_config(mode=mode).replace({"ros.load_shedding": False})
        self.session = ReactionSession(config, engine_for(config), ReadingTracker())
        self.adapters = SimpleNamespace(send=lambda *_: None, tell=lambda *_: None)
        self.page = SimpleNamespace(
            show=lambda *_: None, tell=lambda about: None, commands=lambda: []
        )
        self.transport = FakeTransport()
        self.transport.listeners = {IMAGE}
        node = faked_node(
            config, self.session, transport=self.transport, adapters=self.adapters, page=self.page
        )
        self.server, self.renderer = node.server, node.renderer
        self.now_s, self.ticks = START_S, 0
        self.frames_s = []
        publish = self.transport.publish

        def noted(topic, message):
            publish(topic, message)
            if topic == BLENDSHAPES:
                self.frames_s.append(self.now_s)

        self.transport.publish = noted

    def run(self, seconds):
        for _ in range(round(seconds / TICK_S)):
            self.now_s = START_S + TICK_S * self.ticks
            if self.ticks % 4 == 0:
                rgb = np.full((6, 60, 3), 9 + 9 * (self.ticks // 4 % 2), np.uint8)
                self.server.receive("image", an_image(self.now_s, rgb=rgb), self.now_s)
            if self.ticks % 2 == 0:
                self.server.receive("audio", audio_data(320), self.now_s)
            # Wait for the threads of tracker and model, which do not run on simulated time.
            self.session._tracker._pool.submit(int).result()
            self.server.tick(self.now_s)
            for _, step in self.session._maker._steps._under_way:
                step.exception()
            self.ticks += 1

    def longest_gap_s(self):
        return max(later - earlier for earlier, later in pairwise(self.frames_s))


def parts(scene):
    """Whatever a tick calls: (its owner, the method's name)."""
    return {
        "engine": (scene.session._engine, "step"),
        "timeline": (scene.session._timeline, "poll"),
        "playout": (scene.session._maker._playout, "finish"),
        "tracking": (scene.session._scheduler, "seen_in"),
        "own_speech": (scene.session._own_speech, "listen"),
        "poll": (scene.session, "poll"),
        "stats": (scene.session, "stats"),
        "renderer": (scene.renderer, "render"),
        "window": (scene.renderer, "begin"),
        "settle": (scene.renderer, "settle"),
        "publish": (scene.transport, "publish"),
        "subscribers": (scene.transport, "subscribers"),
        "adapters": (scene.adapters, "send"),
        "page": (scene.page, "show"),
        "page's commands": (scene.page, "commands"),
        "page's news": (scene.page, "tell"),
    }


PARTS = list(parts(Scene("frame")))


def failing_once(owner, method, error=IndexError):
    """Its next call raises; those after it are as ever."""
    call = getattr(owner, method)

    def fails(*_arguments, **_named):
        setattr(owner, method, call)
        raise error("out of range")

    setattr(owner, method, fails)


@pytest.mark.parametrize("mode", ["frame", "window"])
@pytest.mark.parametrize("part", PARTS)
def test_the_face_goes_on_after_an_internal_error(part, mode, caplog):
    scene = Scene(mode)
    scene.run(2.0)
    before = len(scene.frames_s)
    failing_once(*parts(scene)[part])
    scene.run(3.0)
    assert before > 30 and len(scene.frames_s) - before > 55
    assert scene.longest_gap_s() <= LONGEST_GAP_S
    assert scene.session.stats()["resets"] == 1
    said = [record for record in caplog.records if "out of range" in record.getMessage()]
    assert len(said) == 1 and said[0].exc_info and said[0].levelno == logging.ERROR
    (status,) = scene.transport.on(DIAGNOSTICS)[-1].status
    assert status.level == 2 and "IndexError: out of range" in status.message
    assert {"exceptions": "1"}.items() <= {pair.key: pair.value for pair in status.values}.items()


@pytest.mark.parametrize("mode", ["frame", "window"])
@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.1, 0.33, 0.7])
def test_also_as_it_begins_and_between_windows(mode, seconds):
    scene = Scene(mode)
    scene.run(seconds)
    failing_once(scene.session, "poll")
    scene.run(1.5)
    assert scene.frames_s[0] - START_S < seconds + 0.05 + LONGEST_GAP_S
    assert scene.longest_gap_s() <= LONGEST_GAP_S


def test_errors_that_are_far_apart_never_end_it():
    scene = Scene("frame")
    for _ in range(12):
        failing_once(scene.session._engine, "step")
        scene.run(2.6)
    assert scene.session.stats()["resets"] == 12 and scene.longest_gap_s() <= LONGEST_GAP_S


def test_diagnostics_are_well_again_once_it_is_long_ago():
    scene = Scene("frame")
    failing_once(scene.session._engine, "step")
    scene.run(12.2)
    levels = [message.status[0].level for message in scene.transport.on(DIAGNOSTICS)]
    assert levels == [2] * 10 + [0] * 2


def always(error):
    def fails(*_arguments, **_named):
        raise error

    return fails


@pytest.mark.parametrize("mode", ["frame", "window"])
def test_the_fifth_within_ten_seconds_ends_it(mode, caplog):
    scene = Scene(mode)
    scene.run(1.0)
    scene.session._engine.step = always(ZeroDivisionError("by zero"))
    with pytest.raises(RepeatedFailure, match="5 internal errors within 10 s"):
        scene.run(10.0)
    assert scene.session.stats()["resets"] == 5
    lines = [record.getMessage() for record in caplog.records]
    assert sum("the node ends after 5 internal errors" in line for line in lines) == 1
    assert sum(record.exc_info is not None for record in caplog.records) == 1
    (status,) = scene.transport.on(DIAGNOSTICS)[-1].status
    assert status.level == 2 and "ZeroDivisionError: by zero" in status.message


def test_a_reset_that_fails_counts_as_well():
    node = faked_node()
    node.session.poll = always(IndexError("poll"))
    node.session.reset = always(KeyError("reset"))
    node.server.tick(START_S)
    node.server.tick(START_S + 0.01)
    with pytest.raises(RepeatedFailure):
        node.server.tick(START_S + 0.02)
    node = faked_node()
    node.session.reset = always(KeyError("reset"))
    node.server.reset()
    node.server.tick(START_S)  # the reset that was asked for, and the one after its failure
    node.session.reset = lambda: None
    node.session.reactions = [reaction(START_S + 1)]
    for index in range(100):
        node.server.tick(START_S + 1 + index * TICK_S)
    assert len(node.transport.on(BLENDSHAPES)) == 8


def test_a_renderer_that_cannot_be_reset_leaves_the_session_fresh():
    node = faked_node()
    node.session.poll = always(IndexError("poll"))
    node.renderer.reset = always(OSError("reset"))
    node.server.tick(START_S)
    assert node.session.resets == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_what_ends_a_program_passes(error):
    node = faked_node()
    node.session.poll = always(error)
    with pytest.raises(type(error)):
        node.server.tick(START_S)
    assert node.session.resets == 0


def test_offline_an_internal_error_is_loud():
    node = faked_node(is_live=False)
    node.session.poll = always(IndexError("poll"))
    with pytest.raises(IndexError):
        node.server.tick(START_S)


def test_a_device_that_is_lost_during_the_reset_ends_it_as_ever():
    node = faked_node()
    node.session.poll = always(IndexError("poll"))
    node.session.reset = always(UserError("cuda failed: set on_device_failure=cpu"))
    with pytest.raises(UserError, match="cuda failed"):
        node.server.tick(START_S)
    (status,) = node.transport.on(DIAGNOSTICS)[-1].status
    assert (status.level, status.message) == (2, "cuda failed: set on_device_failure=cpu")


def test_the_end_is_told_also_where_diagnostics_fail():
    node = faked_node()
    node.session.stats = always(IndexError("stats"))
    node.session.poll = always(UserError("cuda is lost"))
    with pytest.raises(UserError, match="cuda is lost"):
        node.server.tick(START_S)


def test_a_clock_that_jumps_back_begins_to_count_anew():
    node = faked_node()
    node.session.poll = always(IndexError("poll"))
    for start_s in (START_S, 10.0, 5.0):
        for index in range(4):
            node.server.tick(start_s + index)
    with pytest.raises(RepeatedFailure):
        node.server.tick(9.0)


def test_the_same_error_is_said_once_with_its_traceback_then_once_a_second(caplog):
    net = FailureGuard()
    for index in range(300):
        try:
            raise IndexError(f"number {index}")
        except IndexError as error:
            net.note("a turn", error, START_S + index / 100)
    assert net.count == 300 and len(caplog.records) == 3
    assert [bool(record.exc_info) for record in caplog.records] == [True, False, False]
    assert "(again, 201 internal errors so far)" in caplog.records[-1].getMessage()
    try:
        raise KeyError("another\nplace")
    except KeyError as error:
        assert (
            net.note("a turn", error, START_S + 3) == r"a turn failed: KeyError: 'another\nplace'"
        )
    assert caplog.records[-1].exc_info
    assert net.recent(START_S + 12.9) and not net.recent(START_S + 13.1)
    assert not net.recent(START_S + 2.9)


BROKEN = [None, 7, SimpleNamespace(), SimpleNamespace(data=None), SimpleNamespace(data="text")]


@pytest.mark.parametrize(
    "stream",
    ["image", "audio", "audio_info", "own_audio", "own_audio_info", "speaking", "voice", "nothing"],
)
def test_no_message_raises_or_ends_it(stream):
    node = faked_node()
    for index in range(50):
        node.server.receive(stream, BROKEN[index % len(BROKEN)], START_S + index / 100)
        node.server.tick(START_S + index / 100)
    assert node.session.resets == 0
    node.server.receive("image", an_image(START_S + 2), START_S + 2)
    node.server.receive("audio", audio_data(), START_S + 2)
    assert len(node.session.images) == 1 and node.session.audio


def test_what_a_session_raises_at_messages_is_counted_and_does_not_end_it(caplog):
    node = faked_node()
    node.session.push_image = always(ZeroDivisionError("by zero"))
    for index in range(50):
        node.server.receive("image", an_image(START_S + index / 25), START_S + index / 25)
        node.server.tick(START_S + index / 25)
    (status,) = node.transport.on(DIAGNOSTICS)[-1].status
    assert status.level == 2 and "a message of image failed: ZeroDivision" in status.message
    assert sum(record.exc_info is not None for record in caplog.records) == 1


def test_what_a_transport_does_besides_is_guarded_too():
    node = faked_node()
    with node.server.guarded("the transport", START_S):
        raise OSError("the network is gone")
    assert node.server._failures.recent(START_S) == (
        "the transport failed: OSError: the network is gone"
    )
    with pytest.raises(UserError), node.server.guarded("the transport", START_S):
        raise UserError("an address")
    with pytest.raises(RepeatedFailure):
        for index in range(5):
            with node.server.guarded("the transport", START_S + index):
                raise OSError("the network is gone")

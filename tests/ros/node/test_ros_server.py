"""The node's logic with a fake session: published messages, their times, and faults."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from rigs.server import RGB, START_S, TYPES, an_image, audio_data, faked_node, reaction, stamps

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.ros.messages import convert
from reactface_node.ros.node.topics import (
    BLENDSHAPES,
    COEFFICIENTS,
    COMPRESSED,
    DIAGNOSTICS,
    IMAGE,
    REACTION,
)


@pytest.fixture
def node():
    return faked_node()


def test_a_portrait_is_refused_where_none_is_drawn(node):
    said = node.server.configure({"render.portrait": "me.png"})
    assert said == "no portrait is drawn: render.renderer is avatar, not portrait"
    assert node.server.config == Config() and node.session.changes == {}


def test_every_frame_goes_out_once_at_its_time(node):
    node.session.reactions = [reaction(START_S + 0.06)]
    for tick in range(60):
        node.server.tick(START_S + 0.01 * tick)
        for message in node.transport.on(BLENDSHAPES):
            assert stamps([message])[0] <= START_S + 0.01 * tick + 1e-9
    sent = node.transport.on(BLENDSHAPES)
    assert stamps(sent) == [round(START_S + 0.06 + 0.04 * i, 3) for i in range(8)]
    assert [round(float(m.weights[0]), 1) for m in sent] == [i / 10 for i in range(8)]
    assert stamps(node.transport.on(COEFFICIENTS)) == stamps(sent)
    (window,) = node.transport.on(REACTION)
    assert (window.num_samples, window.num_frames, window.played) == (2, 8, 1)


@pytest.mark.parametrize("topic", [BLENDSHAPES, COEFFICIENTS, REACTION])
def test_a_topic_without_subscribers_costs_no_message(node, topic, monkeypatch):
    before = node.transport.subscribers
    monkeypatch.setattr(
        node.transport, "subscribers", lambda asked: 0 if asked == topic else before(asked)
    )
    node.session.reactions = [reaction(START_S)]
    for tick in range(30):
        node.server.tick(START_S + 0.01 * tick)
    assert not node.transport.on(topic)
    assert all(node.transport.on(other) for other in {BLENDSHAPES, COEFFICIENTS} - {topic})
    assert node.server.meter.totals["frames"] == 8


def test_an_image_that_is_not_tracked_is_not_decoded(node, monkeypatch):
    needed = []

    def needs_image(stamp_s):
        needed.append(stamp_s)
        return len(needed) % 2 == 1

    monkeypatch.setattr(node.session, "needs_image", needs_image)
    monkeypatch.setattr(node.session, "push_image", lambda *about: pushed.append(about))
    pushed = []
    for index in range(4):
        message = an_image()
        message.header.stamp = convert.time_message(TYPES, START_S + 0.04 * index)
        node.server.intake.on_image(message, START_S + 0.04 * index)
    assert [rgb is None for _, rgb in pushed] == [False, True, False, True]
    assert [stamp_s for stamp_s, _ in pushed] == pytest.approx(needed)
    assert node.server.meter.totals["images"] == 4


def test_messages_wait_only_while_nobody_is_there_and_no_longer_than_the_next_frame(node):
    assert node.server.rest_s(START_S) == 0.0
    node.session.is_idle = True
    assert node.server.rest_s(START_S) == 0.04
    node.session.reactions = [reaction(START_S + 0.01)]
    node.server.tick(START_S)
    assert node.server.rest_s(START_S) == pytest.approx(0.01)
    assert node.server.rest_s(START_S + 0.02) == 0.0
    node.server.enable(False)
    assert node.server.rest_s(START_S) == 0.0


def test_of_several_overdue_frames_only_the_newest_goes_out(node):
    node.session.reactions = [reaction(START_S)]
    node.server.tick(START_S)
    node.server.tick(START_S + 0.13)
    assert stamps(node.transport.on(BLENDSHAPES)) == [START_S + 0.12]
    assert node.server.meter.totals["frames_late"] == 3


def test_images_are_drawn_only_while_somebody_subscribes(node):
    node.session.reactions = [reaction(START_S)]
    node.server.tick(START_S)
    node.server.tick(START_S + 0.01)
    assert node.renderer.drawn == 0 and not node.transport.on(IMAGE)
    node.transport.listeners = {IMAGE}
    node.server.tick(START_S + 0.05)
    node.transport.listeners = {IMAGE, COMPRESSED}
    node.server.tick(START_S + 0.09)
    assert node.renderer.drawn == 2
    assert len(node.transport.on(IMAGE)) == 2 and len(node.transport.on(COMPRESSED)) == 1
    np.testing.assert_array_equal(convert.image_to_rgb(node.transport.on(IMAGE)[0]), RGB)
    node.transport.listeners = set()
    node.server.tick(START_S + 0.13)
    assert node.renderer.drawn == 2


def test_no_image_where_nothing_is_drawn(node):
    node.renderer.render = lambda coefficients: None
    node.transport.listeners = {IMAGE, COMPRESSED}
    node.session.reactions = [reaction(START_S)]
    node.server.tick(START_S)
    node.server.tick(START_S)
    assert node.transport.on(BLENDSHAPES) and not node.transport.on(IMAGE)


def test_stamps_of_the_sender_are_kept(node):
    node.server.intake.on_image(an_image(START_S - 0.08), START_S)
    assert node.session.images == [(pytest.approx(START_S - 0.08), (4, 6, 3))]


def test_unstamped_audio_ended_when_it_arrived(caplog):
    node = faked_node(informed=False, is_live=False)
    node.server.intake.on_audio(audio_data(160), START_S)
    assert node.session.audio == [(pytest.approx(START_S - 0.01), 160, 16000)]
    assert [r.message for r in caplog.records] == [
        "no message on audio_info has described the audio yet: taking it as 16000 Hz, 1 channel(s)"
    ]
    caplog.clear()
    node.server.intake.on_audio(audio_data(160), 6.5)
    assert caplog.records == []


@pytest.mark.parametrize("stamp_s", [0.0, 321.0, START_S + 60])
def test_missing_stamps_and_foreign_clocks_fall_back_to_arrival_and_say_so_once(
    node, caplog, stamp_s
):
    for index in range(3):
        node.server.intake.on_image(an_image(stamp_s), START_S + index)
    assert [stamp for stamp, _ in node.session.images] == [START_S, START_S + 1, START_S + 2]
    assert len(caplog.records) == 1 and "time of arrival" in caplog.text


def test_audio_info_changes_the_format_of_bare_audio(node):
    node.server.intake.on_audio_info(
        SimpleNamespace(channels=2, sample_rate=48000, sample_format="S16LE", coding_format="wave")
    )
    node.server.intake.on_audio(audio_data(480), START_S)
    assert node.session.audio == [(pytest.approx(START_S - 0.005), 240, 48000)]


def test_bad_messages_are_counted_and_warned_of_once_a_second(node, caplog):
    bad = an_image()
    bad.encoding = "vogon8"
    for index in range(25):
        node.server.intake.on_image(bad, START_S + 0.1 * index)
    assert node.server.meter.totals["rejected"] == 25
    assert len(caplog.records) == 3 and "vogon8" in caplog.text
    node.server.intake.on_image(an_image(), START_S + 3)
    assert len(node.session.images) == 1


def test_nothing_a_message_does_comes_out_of_a_callback(node, caplog):
    mp3 = SimpleNamespace(data=bytes([0xFF, 0xFB, 0x90, 0x00]) + bytes(413))
    node.server.intake.on_audio(mp3, START_S)
    assert "format:=wave" in caplog.text
    for message in (SimpleNamespace(), None, SimpleNamespace(data="text"), 7):
        node.server.intake.on_image(message, START_S)
        node.server.intake.on_audio(message, START_S)

    def broken(*_args):
        raise ValueError("tracker fell over\nbadly")

    node.session.push_image = broken
    node.server.intake.on_image(an_image(), START_S + 5)
    assert "ValueError: tracker fell over badly" in caplog.text
    assert node.server.meter.totals["rejected"] == 10


def test_reset_forgets_what_was_still_to_be_shown(node):
    node.session.reactions = [reaction(START_S)]
    node.server.tick(START_S)
    node.server.reset()
    node.server.tick(START_S + 1)
    assert node.session.resets == 1 and not node.transport.on(BLENDSHAPES)


def test_disabled_neither_listens_nor_shows_a_face(node):
    node.server.enable(False)
    node.session.reactions = [reaction(START_S)]
    node.server.intake.on_image(an_image(), START_S)
    node.server.intake.on_audio(audio_data(), START_S)
    for tick in range(200):
        node.server.tick(START_S + 0.01 * tick)
    assert {topic for topic, _ in node.transport.sent} == {DIAGNOSTICS}
    assert node.session.images == [] and node.session.audio == []
    (status,) = node.transport.on(DIAGNOSTICS)[0].status
    assert (status.level, status.message) == (0, "disabled")
    node.server.enable(True)
    node.server.tick(START_S + 2)
    node.server.intake.on_image(an_image(), START_S)
    assert len(node.session.images) == 1 and node.session.resets == 2


def test_a_clock_that_jumped_back_does_not_stop_the_face(node):
    node.session.reactions = [reaction(START_S)]
    node.server.tick(START_S)
    node.session.reactions = [reaction(10.0)]
    node.server.tick(10.0)
    node.server.tick(10.01)
    assert stamps(node.transport.on(BLENDSHAPES)) == [10.0]


def test_live_settings_change_and_others_are_refused_with_the_reason(node):
    assert node.server.configure({"playout.gain": 1.5}) == ""
    node.server.tick(START_S)
    assert node.session.changes == {"playout.gain": 1.5}
    assert "cannot change" in node.server.configure({"model.width": 64})


def test_diagnostics_once_a_second_with_rates_latency_and_the_sessions_counters(node):
    for tick in range(301):
        now_s = START_S + 0.01 * tick
        if tick % 4 == 0:
            node.server.intake.on_image(an_image(now_s), now_s)
        if tick % 2 == 0:
            node.server.intake.on_audio(audio_data(320), now_s)
        if tick % 32 == 0:
            node.session.reactions = [reaction(now_s + 0.05)]
        node.server.tick(now_s)
    reports = node.transport.on(DIAGNOSTICS)
    assert len(reports) == 3
    (status,) = reports[-1].status
    values = {pair.key: float(pair.value) for pair in status.values}
    assert values["images_hz"] == pytest.approx(25, abs=1)
    assert values["audio_hz"] == pytest.approx(50, abs=1)
    assert values["frames_hz"] == pytest.approx(25, abs=3)
    assert values["latency_p50_ms"] == pytest.approx(50, abs=1)
    assert values["windows_skipped"] == 3 and values["memory_mb"] > 1
    assert (status.level, status.message, status.name) == (0, "reacting", "reactface")
    assert status.hardware_id == "cpu" and values["exceptions"] == 0


def test_diagnostics_say_why_a_face_is_hard_to_read(node):
    node.session.doubts = ("small face", "dark")
    for tick in range(52):
        now_s = START_S + 0.02 * tick
        node.server.intake.on_image(an_image(now_s), now_s)
        node.server.intake.on_audio(audio_data(320), now_s)
        node.server.tick(now_s)
    (status,) = node.transport.on(DIAGNOSTICS)[-1].status
    assert status.level == 1
    assert status.message == "the face is hard to read: small face, dark"


def test_diagnostics_count_sound_that_arrives_late(node):
    for tick in range(101):
        now_s = START_S + 0.02 * tick
        delay_s = 0.2 if 50 <= tick < 60 else 0.0
        message = TYPES.message_type("audio_common_msgs/msg/AudioDataStamped")(
            header=convert.header(TYPES, now_s - 0.02 - delay_s, ""), audio=audio_data(320)
        )
        node.server.receive("audio", message, now_s)
        node.server.tick(now_s)
    (status,) = node.transport.on(DIAGNOSTICS)[-1].status
    values = {pair.key: float(pair.value) for pair in status.values}
    # One more went back in time, says the session.
    assert values["audio_late"] == 11 and "image_late" not in values


def test_diagnostics_say_what_is_missing(node):
    for now_s in (START_S, START_S + 1.01):
        node.server.tick(now_s)
    (status,) = node.transport.on(DIAGNOSTICS)[0].status
    assert status.level == 1
    assert status.message == "no camera image in the last second, no audio in the last second"


@pytest.fixture(autouse=True)
def warnings_are_seen(caplog):
    caplog.set_level(logging.WARNING)


def test_another_face_of_ros4hri_is_no_second_publisher(node, caplog):
    node.session.change_speaker = lambda: None
    for at_s, name in ((START_S, "face_f1"), (START_S + 0.04, "face_f2")):
        node.server.intake.follow_another("faces")
        node.server.receive("image", convert.image(TYPES, at_s, name, RGB), at_s)
    assert len(node.session.images) == 2 and "publisher" not in caplog.text


def test_another_voice_is_heard_though_the_last_one_fell_silent(node):
    heard = []
    node.session.push_audio = lambda stamp_s, samples, rate_hz: heard.append(samples.any())
    build = TYPES.message_type("audio_common_msgs/msg/AudioData")
    for at_s, change in (
        (START_S, lambda: None),
        (START_S + 1, lambda: node.server.intake.follow_another("voices")),
    ):
        change()
        node.server.receive("audio", build(data=np.ones(320, np.uint8)), at_s)
        node.server.receive("voice", SimpleNamespace(data=False), at_s)
        node.server.receive("audio", build(data=np.ones(320, np.uint8)), at_s)
    assert heard == [True, False, True, False]


def test_what_it_cannot_go_on_without_is_in_the_diagnostics_before_it_ends(node, monkeypatch):
    def lost(now_s, wait=True):
        raise UserError("cuda is out of memory: set on_device_failure=cpu")

    monkeypatch.setattr(node.session, "poll", lost)
    with pytest.raises(UserError, match="out of memory"):
        node.server.tick(START_S)
    (message,) = node.transport.on(DIAGNOSTICS)
    (status,) = message.status
    assert (status.level, status.message) == (2, "cuda is out of memory: set on_device_failure=cpu")


def test_diagnostics_have_every_digit_of_the_seed(node):
    told = node.session.stats()
    node.session.stats = lambda: {**told, "seed": 2_147_483_646, "face_seen": 0.123456789}
    for second in range(3):
        node.server.tick(START_S + second)
    values = {pair.key: pair.value for pair in node.transport.on(DIAGNOSTICS)[-1].status[0].values}
    assert (values["seed"], values["face_seen"]) == ("2147483646", "0.123457")

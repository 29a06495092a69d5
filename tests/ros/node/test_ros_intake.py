"""Inputs: two publishers on a topic, changing rates, the robot's own speech, large images."""

import logging
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from rigs.server import START_S, TYPES, FakeSession, an_image, audio_data, faked_node, info

from reactface_node.config import Config, TimelineConfig
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes
from reactface_node.session.timeline import Timeline

OTHER_TYPES = RosbagsTypes("mgonzs13")
OTHERS = "more than one publisher on the topic of image"


@pytest.fixture(autouse=True)
def warnings_are_seen(caplog):
    caplog.set_level(logging.WARNING)


@pytest.fixture
def node():
    return faked_node()


def seen(node):
    return [round(stamp_s - START_S, 2) for stamp_s, _ in node.session.images]


@pytest.mark.parametrize("on_the_wire", [True, False])
def test_of_two_publishers_the_first_is_followed_and_the_other_said_once(node, caplog, on_the_wire):
    """Told apart by who wrote it on the wire, elsewhere by the frame_id."""
    for index in range(20):
        at = START_S + 0.1 * index
        for offset, one in ((0.0, 7), (0.05, 8)):
            name = "camera" if on_the_wire else f"camera{one}"
            message = an_image(at + offset, name)
            node.server.receive("image", message, at + offset, one if on_the_wire else None)
    assert seen(node) == [round(0.1 * index, 2) for index in range(20)]
    assert caplog.text.count(OTHERS) == 1
    assert node.server.meter.totals["other_publishers"] == 20


def test_the_other_publisher_takes_over_when_the_first_is_silent(node, caplog):
    node.server.receive("image", an_image(START_S), START_S, 7)
    for index in range(1, 15):
        at = START_S + 0.1 * index
        node.server.receive("image", an_image(at), at, 8)
    # The first is back, and is the other now.
    node.server.receive("image", an_image(START_S + 1.45), START_S + 1.45, 7)
    assert seen(node) == [0.0, 1.0, 1.1, 1.2, 1.3, 1.4]
    assert caplog.text.count(OTHERS) == 1


def test_a_clock_that_jumps_back_locks_no_publisher_out(node):
    node.server.receive("image", an_image(START_S), START_S, 7)
    node.server.receive("image", an_image(START_S - 500), START_S - 500, 8)
    assert seen(node) == [0.0, -500.0]


def test_who_is_followed_next_is_no_other_publisher(node, caplog):
    """Each face and voice of ROS4HRI has topics, and so publishers, of its own."""
    node.server.receive("image", an_image(), START_S, 7)
    node.server.receive("audio", audio_data(160), START_S, 17)
    node.server.receive("voice", SimpleNamespace(data=False), START_S)
    heard = []
    node.session.push_audio = lambda stamp_s, samples, rate_hz: heard.append(samples.any())
    loud = audio_data(160)
    loud.data[:] = 1
    node.server.receive("audio", loud, START_S + 0.02, 17)
    for whose in ("faces", "voices"):
        node.server.intake.follow_another(whose)
    node.server.receive("image", an_image(START_S + 0.04), START_S + 0.04, 8)
    node.server.receive("audio", loud, START_S + 0.04, 18)
    assert seen(node) == [0.0, 0.04] and node.session.speakers == 1
    # Whether the next voice speaks has not been said yet.
    assert heard == [False, True] and OTHERS not in caplog.text


def test_microphones_and_own_audio_are_told_apart_too(node):
    for stream in ("audio", "own_audio"):
        for index in range(4):
            message = audio_data(160)
            node.server.receive(stream, message, START_S + 0.01 * index, index % 2)
    assert len(node.session.audio) == len(node.session.own_audio) == 2


def test_a_flag_and_what_the_robot_plays_reach_the_session(node):
    node.server.receive("speaking", SimpleNamespace(data=True), START_S)
    node.server.receive("own_audio_info", info(48000, 2), START_S)
    node.server.receive("own_audio", audio_data(960), START_S + 0.01)
    node.server.receive("speaking", SimpleNamespace(data=False), START_S + 1)
    assert node.session.speaking == [(START_S, True), (START_S + 1, False)]
    assert node.session.own_audio == [(pytest.approx(START_S + 0.01), 480, 48000)]
    # The microphone's format is its own.
    node.server.receive("audio", audio_data(160), START_S)
    assert node.session.audio == [(pytest.approx(START_S - 0.01), 160, 16000)]


def test_what_the_robot_is_to_say_waits_for_its_turn(node):
    """Unstamped speech begins when it comes; sent faster than it is played, it queues."""
    second = audio_data(16000)
    for arrival_s in (START_S, START_S + 0.1, START_S + 0.2, START_S + 5.0):
        node.server.receive("own_audio", second, arrival_s)
    began = [stamp_s for stamp_s, *_ in node.session.own_audio]
    assert began == pytest.approx([START_S, START_S + 1, START_S + 2, START_S + 5])
    # A clock that jumped back does not wait for the old time.
    node.server.receive("own_audio", second, START_S - 1000)
    assert node.session.own_audio[-1][0] == pytest.approx(START_S - 1000)


def test_a_voice_that_was_silent_long_ago_is_heard_again(node):
    node.server.receive("voice", SimpleNamespace(data=False), START_S)
    build = TYPES.message_type("audio_common_msgs/msg/AudioData")
    sound = build(data=np.full(160, 1000, "<i2").view(np.uint8))
    heard = []
    node.session.push_audio = lambda stamp_s, samples, rate_hz: heard.append(samples.any())
    for later_s in (1.0, 119.0, 121.0):
        node.server.receive("audio", sound, START_S + later_s)
    assert heard == [False, False, True]


class Listening(FakeSession):
    """Audio on a real timeline."""

    def __init__(self):
        super().__init__()
        self.timeline = Timeline(TimelineConfig(), 8, lambda slot, stamp_s, image: image)
        self.windows = []

    def push_audio(self, stamp_s, samples, rate_hz):
        self.timeline.push_audio(stamp_s, samples, rate_hz)
        self.windows += self.timeline.poll(stamp_s)


def tone(start, count, rate_hz):
    return np.round(8000 * np.sin(2 * np.pi * 300 * (start + np.arange(count) / rate_hz)))


def bare(at, samples, rate_hz):
    build = TYPES.message_type("audio_common_msgs/msg/AudioData")
    return build(data=np.frombuffer(samples.astype("<i2").tobytes(), np.uint8))


def of_the_other_package(at, samples, rate_hz):
    make = OTHER_TYPES.message_type
    package = "audio_common_msgs/msg"
    kinds = {"float32": np.float32, "int32": np.int32, "int8": np.int8, "uint8": np.uint8}
    none = {f"{name}_data": np.zeros(0, kind) for name, kind in kinds.items()}
    about = make(f"{package}/AudioInfo")(format=8, channels=1, rate=rate_hz, chunk=len(samples))
    data = make(f"{package}/AudioData")(int16_data=samples.astype(np.int16), **none)
    audio = make(f"{package}/Audio")(audio_data=data, info=about)
    header = convert.header(OTHER_TYPES, START_S + at, "mic")
    return make(f"{package}/AudioStamped")(header=header, audio=audio)


@pytest.mark.parametrize(("before", "after"), [(16000, 48000), (48000, 16000), (44100, 8000)])
@pytest.mark.parametrize("build", [bare, of_the_other_package])
def test_a_rate_that_changes_in_mid_stream_is_no_jump_in_time(build, before, after):
    session = Listening()
    node = faked_node(session=session)
    at = 0.0
    for rate_hz in (before, after):
        node.server.receive("audio_info", info(rate_hz), START_S + at)
        for _ in range(100):
            samples = tone(at, rate_hz // 50, rate_hz)
            node.server.receive("audio", build(at, samples, rate_hz), START_S + at + 0.02)
            at += 0.02
    stats = session.timeline.stats
    assert stats.audio_gaps == stats.audio_overlaps == stats.reanchors == 0
    assert stats.late_samples == 0 and stats.overlapping_samples <= 1
    heard = np.concatenate([window.audio for window in session.windows])
    assert len(session.windows) >= 11
    assert all(window.audio_valid.all() for window in session.windows)
    # Beside the change, where the old filter ends and the new one begins, the tone goes on.
    expected = 8000 / 32768 * np.sin(2 * np.pi * 300 * np.arange(len(heard)) / 16000)
    error = np.abs(heard - expected)
    assert np.sqrt(np.mean(error[:31000] ** 2)) < 0.01 and error[33000:].max() < 0.02


def test_silence_and_absurd_rates_end_nothing(node):
    for message in (audio_data(0), audio_data(160)):
        node.server.receive("audio", message, START_S)
    assert len(node.session.audio) == 1 and node.server.meter.totals["rejected"] == 1


def jpeg(width, height):
    rgb = np.zeros((height, width, 3), np.uint8)
    return convert.compressed_image(TYPES, START_S, "camera", rgb, 80)


@pytest.mark.parametrize(
    ("face_encoder", "size", "pushed"),
    [
        ("coefficients", (2560, 1440), (640, 360)),
        ("coefficients", (1278, 720), (1278, 720)),
        ("pixels", (3840, 2160), (1920, 1080)),
        ("pixels", (2560, 1440), (2560, 1440)),
    ],
)
def test_a_jpeg_is_no_larger_than_the_tracker_needs(face_encoder, size, pushed):
    node = faked_node(Config().replace(**{"model.face_encoder": face_encoder}))
    node.server.intake.on_image(jpeg(*size), START_S)
    assert node.session.images == [(START_S, (*pushed[::-1], 3))]


def test_large_raw_images_are_said_once(node, caplog):
    for index in range(2):
        large = an_image(START_S + index, rgb=np.zeros((1440, 2560, 3), np.uint8))
        node.server.intake.on_image(large, START_S + index)
    assert [r.message.partition(":")[0] for r in caplog.records] == [
        "raw images of 2560x1440 are 11 MB each"
    ]
    assert len(node.session.images) == 2
    assert cv2.imdecode(jpeg(2560, 1440).data, cv2.IMREAD_COLOR).nbytes > 10_000_000
    node.server.intake.on_image(jpeg(2560, 1440), START_S)
    assert len(caplog.records) == 1

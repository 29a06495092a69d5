"""Bare AudioData waits for an AudioInfo with its format: live, in a replay, in inspect and in a
data set."""

import logging

import numpy as np
import pytest
from rigs.audio_messages import raw_audio
from rigs.data_sets import GreyTracker
from rigs.face_model import needs_face_model
from rigs.model_inputs import engine_for, small_config
from rigs.server import START_S, TYPES, faked_node, info
from rigs.session import ReadingTracker

from reactface_node.config import Config
from reactface_node.research.data.recordings import Recordings
from reactface_node.ros.bags.replay import replay
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert
from reactface_node.session.session import ReactionSession
from reactface_node.tools.inspection.read import read_recording

ASSUMED = "has described the audio yet"
STREAMS = ["audio", "own_audio"]


@pytest.fixture(autouse=True)
def warnings_are_seen(caplog):
    caplog.set_level(logging.WARNING)


def bare(samples):
    build = TYPES.message_type("audio_common_msgs/msg/AudioData")
    return build(data=np.zeros(2 * samples, np.uint8))


def pushed(node, stream):
    return node.session.audio if stream == "audio" else node.session.own_audio


@pytest.mark.parametrize("stream", STREAMS)
def test_what_waits_is_handed_over_with_its_own_arrival(stream, caplog):
    node = faked_node(informed=False)
    for index in range(20):
        node.server.receive(stream, bare(960), START_S + 0.02 * index)
    assert pushed(node, stream) == []
    node.server.receive(f"{stream}_info", info(48000), START_S + 0.41)
    found = pushed(node, stream)
    began = START_S + 0.02 * np.arange(20) - (0.02 if stream == "audio" else 0.0)
    assert [stamp_s for stamp_s, *_ in found] == pytest.approx(list(began))
    assert {(samples, rate_hz) for _, samples, rate_hz in found} == {(960, 48000)}
    node.server.receive(stream, bare(960), START_S + 0.42)
    assert len(found) == 21 and ASSUMED not in caplog.text


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_told_after_the_audio_is_read_right_and_what_is_too_old_is_counted(stream):
    """AudioInfo at 4.9 s: none of the 48 kHz is read as 16 kHz."""
    node = faked_node(informed=False)
    for index in range(250):
        if index == 245:
            node.server.receive(f"{stream}_info", info(48000), START_S + 0.02 * index)
        node.server.receive(stream, bare(960), START_S + 0.02 * index)
    found = pushed(node, stream)
    assert {rate_hz for _, _, rate_hz in found} == {48000}
    assert len(found) + node.server.meter.totals[f"{stream}_unread"] == 250
    # What is younger than 0.6 s is of use.
    assert 34 <= len(found) <= 36 and found[0][0] > START_S + 4.2
    # An older stamp would be taken for a clock that jumped back.
    assert START_S + 4.9 - found[0][0] < Config().timeline.clock_jump_s


@pytest.mark.parametrize("stream", STREAMS)
def test_without_an_audio_info_it_is_taken_as_configured_after_six_seconds(stream, caplog):
    node = faked_node(informed=False)
    for index in range(350):
        node.server.receive(stream, bare(960), START_S + 0.02 * index)
        assert bool(pushed(node, stream)) == (0.02 * index >= 5.999)
    assert {rate_hz for _, _, rate_hz in pushed(node, stream)} == {16000}
    assert caplog.text.count(ASSUMED) == 1
    # It may still be told.
    node.server.receive(f"{stream}_info", info(48000), START_S + 7)
    node.server.receive(stream, bare(960), START_S + 7)
    assert pushed(node, stream)[-1][2] == 48000


@pytest.mark.parametrize("chunk", [160, 512, 4096])
def test_data_that_comes_at_the_configured_rate_is_not_waited_for_long(chunk, caplog):
    node = faked_node(informed=False)
    for index in range(round(2 * 16000 / chunk)):
        node.server.receive("audio", bare(chunk), START_S + chunk / 16000 * (index + 1))
    assert len(node.session.audio) == round(2 * 16000 / chunk)
    assert node.server.meter.totals.get("audio_unread", 0) == 0
    assert caplog.text.count(ASSUMED) == 1


def test_audio_that_says_what_it_holds_waits_for_nothing():
    node = faked_node(informed=False)
    node.server.receive("audio", raw_audio(), START_S)
    assert len(node.session.audio) == 1


def test_what_waits_is_bounded():
    node = faked_node(informed=False)
    for index in range(20):
        node.server.receive("audio", bare(500_000), START_S + 0.001 * index)
    node.server.receive("audio", bare(5_000_000), START_S + 0.03)
    assert node.server.meter.totals["audio_unread"] == 21
    node.server.receive("audio_info", info(48000), START_S + 0.04)
    assert node.session.audio == []


def test_a_clock_that_jumps_back_does_not_wait_for_ever():
    node = faked_node(informed=False)
    for begin_s in (START_S, 10.0):
        for index in range(100):
            node.server.receive("audio", bare(960), begin_s + 0.02 * index)
    assert node.session.audio == []
    for index in range(220):
        node.server.receive("audio", bare(960), 12.0 + 0.02 * index)
    assert len(node.session.audio) > 10


def test_nothing_is_read_while_disabled():
    node = faked_node(informed=False)
    node.server.receive("audio", bare(960), START_S)
    node.server.enable(False)
    node.server.receive("audio_info", info(48000), START_S + 0.1)
    assert node.session.audio == []


def write(path, told_at_s, seconds=6.0, storage="mcap"):
    """48 kHz in two channels, unstamped, on /audio and /robot_audio; AudioInfo late."""
    kind = TYPES.message_type("audio_common_msgs/msg/AudioInfo")
    told = kind(
        channels=2, sample_rate=48000, sample_format="S16LE", bitrate=0, coding_format="wave"
    )
    sound = TYPES.message_type("audio_common_msgs/msg/AudioData")
    tone = np.round(9000 * np.sin(0.03 * np.arange(1920))).astype("<i2").repeat(2)
    with BagWriter(path, storage, TYPES) as bag:
        for index in range(round(25 * seconds)):
            at = START_S + index / 25
            grey = np.full((24, 32, 3), 120, np.uint8)
            for topic in ("/image", "/listener/image"):
                bag.write(topic, at, convert.image(TYPES, at, "camera", grey))
            for topic in ("/audio", "/robot_audio"):
                bag.write(topic, at + 0.04, sound(data=tone.view(np.uint8)))
                if abs(index / 25 - told_at_s) < 0.01:
                    bag.write(f"{topic}_info", at + 0.04, told)
    return path


class Noting(ReactionSession):
    def push_audio(self, stamp_s, samples, rate_hz):
        self.heard.append((samples.shape, rate_hz))
        super().push_audio(stamp_s, samples, rate_hz)

    def push_own_audio(self, stamp_s, samples, rate_hz):
        self.heard.append((samples.shape, rate_hz))


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_bag_is_looked_through_before_it_is_replayed(tmp_path, storage, caplog):
    source = write(tmp_path / "in", 4.92, storage=storage)
    config = small_config(render__renderer="none")
    session = Noting(config, engine_for(config), ReadingTracker())
    session.heard = []
    stats = replay(config, source, tmp_path / "out", None, lambda: session)
    assert session.heard == [((1920, 2), 48000)] * 300
    assert stats["voice_heard"] > 0.85 and ASSUMED not in caplog.text


@needs_face_model
def test_a_bag_is_looked_through_before_it_is_inspected(tmp_path):
    found = read_recording(write(tmp_path / "in", 4.92), Config())
    assert found.audio.rates_hz == {48000: 150} and found.audio.channels == {2: 150}
    assert not any("assumed" in kind for kind in found.audio.stream.kinds)


def test_a_bag_is_looked_through_before_it_becomes_data(tmp_path):
    (tmp_path / "train").mkdir()
    write(tmp_path / "train" / "talk", 4.92)
    [clip] = Recordings(tmp_path, "train", tracker=GreyTracker).read(range(0, 1))
    loud = np.abs(clip.audio[: 16000 * 5].reshape(-1, 640)).max(axis=1)
    assert len(loud) == 125 and (loud[2:] > 8000).all()

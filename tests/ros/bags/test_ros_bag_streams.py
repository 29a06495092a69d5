"""Bags with a speaking flag, the robot's own audio and ROS4HRI's people: replayed, inspected."""

import json

import numpy as np
import pytest
from rigs.model_inputs import engine_for, small_config
from rigs.session import ReadingTracker

from reactface_node.cli.main import main
from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.ros.bags.reader import BagReader
from reactface_node.ros.bags.replay import replay
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes
from reactface_node.session.session import ReactionSession

pytestmark = pytest.mark.slow

TYPES = RosbagsTypes()
START_S, SECONDS = 1000.0, 3.0
CAMERA, ANNA, BERT = 10, 50, 90
MICROPHONE, ROBOT, VOICE = 1000, 2000, 3000
SPEAKS = (1.0, 2.0)
"""The robot; bert comes at the end of it, and the voice is silent from its beginning on."""


def make(name, **fields):
    return TYPES.message_type(name)(**fields)


def picture(at, level):
    return convert.image(TYPES, at, "camera", np.full((24, 32, 3), level, np.uint8))


def sound(value, rate_hz):
    samples = np.full(rate_hz // 25, value, "<i2")
    return make("audio_common_msgs/msg/AudioData", data=samples.view(np.uint8))


def info(rate_hz):
    return make(
        "audio_common_msgs/msg/AudioInfo",
        channels=1,
        sample_rate=rate_hz,
        sample_format="S16LE",
        bitrate=0,
        coding_format="wave",
    )


def a_bool(on):
    return make("std_msgs/msg/Bool", data=on)


def ids(at, *names):
    header = convert.header(TYPES, at, "camera")
    return make("hri_msgs/msg/IdsList", header=header, ids=list(names))


def messages(second):
    """What came in the 40 ms from then on, by topic."""
    at = START_S + second
    later = second >= SPEAKS[1]
    yield "/front/image_raw", picture(at, CAMERA)
    yield "/microphone", sound(MICROPHONE, 16000)
    yield "/robot_audio", sound(ROBOT, 48000)
    yield "/speaking", a_bool(SPEAKS[0] <= second < SPEAKS[1])
    yield "/humans/faces/tracked", ids(at, *(["no name", "bert"] if later else ["anna"]))
    yield "/humans/faces/anna/cropped", picture(at, ANNA)
    yield "/humans/faces/bert/cropped", picture(at, BERT)
    yield "/humans/voices/tracked", ids(at, "v1")
    yield "/humans/voices/v1/audio", sound(VOICE, 16000)
    yield "/humans/voices/v1/is_speaking", a_bool(second < SPEAKS[0])


def write(path, leave_out=(), storage="mcap"):
    with BagWriter(path, storage, TYPES) as bag:
        bag.write("/robot_audio_info", START_S, info(48000))
        for index in range(round(SECONDS * 25)):
            for order, (topic, message) in enumerate(messages(index / 25)):
                if not topic.startswith(tuple(leave_out)):
                    bag.write(topic, START_S + index / 25 + 0.001 * order, message)
    return path


class Noting(ReactionSession):
    """Notes what was pushed: levels of images, values of sounds."""

    def push_image(self, stamp_s, rgb):
        self.seen.append(int(rgb[0, 0, 0]))
        super().push_image(stamp_s, rgb)

    def push_audio(self, stamp_s, samples, rate_hz):
        self.heard.append((int(samples[0]), rate_hz))
        super().push_audio(stamp_s, samples, rate_hz)

    def push_own_audio(self, stamp_s, samples, rate_hz):
        self.played.append((int(samples[0]), rate_hz))
        super().push_own_audio(stamp_s, samples, rate_hz)

    def change_speaker(self):
        self.changes.append(len(self.seen))
        super().change_speaker()


def replayed(tmp_path, source, **changes):
    config = small_config(render__renderer="none", **changes)
    session = Noting(config, engine_for(config), ReadingTracker())
    session.seen, session.heard, session.played, session.changes = [], [], [], []
    stats = replay(config, source, tmp_path / "out", None, lambda: session)
    assert stats.get("rejected", 0) == 0 and stats.get("other_publishers", 0) == 0
    return session, stats


def test_the_camera_and_the_microphone_with_the_robots_own_speech(tmp_path):
    session, stats = replayed(tmp_path, write(tmp_path / "in", storage="sqlite3"))
    assert set(session.seen) == {CAMERA} and len(session.seen) == 75
    # What the robot plays has an AudioInfo; the microphone's format is assumed.
    assert set(session.heard) == {(MICROPHONE, 16000)}
    assert set(session.played) == {(ROBOT, 48000)} and len(session.played) == 75
    assert session.changes == [] and stats["windows_own_turn"] > 0


def test_a_flag_alone_makes_it_the_robots_turn(tmp_path):
    source = write(tmp_path / "in", ["/robot_audio", "/humans"])
    session, stats = replayed(tmp_path, source)
    # One second of windows of 0.32 s.
    assert stats["windows_own_turn"] in (3, 4) and session.played == []


def test_the_people_of_ros4hri_come_and_go(tmp_path):
    source = write(tmp_path / "in")
    session, _ = replayed(tmp_path, source, ros__face_id="auto", ros__voice_id="auto")
    values = [value for value, _ in session.heard]
    # Each is followed from when the list says so, which is written before the pictures.
    assert session.seen == [ANNA] * 50 + [BERT] * 25 and session.changes == [0, 50]
    assert values == [VOICE] * 25 + [0] * 50 or values == [VOICE] * 26 + [0] * 49


def test_people_alone_are_enough(tmp_path):
    source = write(tmp_path / "in", ["/front", "/microphone", "/robot_audio", "/speaking"])
    session, _ = replayed(tmp_path, source, ros__face_id="auto", ros__voice_id="auto")
    assert set(session.seen) == {ANNA, BERT} and len(session.heard) == 75


def test_without_a_list_the_first_of_the_recorded_people_is_followed(tmp_path):
    source = write(tmp_path / "in", ["/humans/faces/tracked", "/humans/voices/tracked"])
    session, _ = replayed(tmp_path, source, ros__face_id="auto", ros__voice_id="v1")
    assert session.seen == [ANNA] * 75 and session.changes == []


def test_a_person_who_is_named_needs_no_list(tmp_path):
    source = write(tmp_path / "in", ["/humans/faces/tracked"])
    session, _ = replayed(tmp_path, source, ros__face_id="bert")
    assert session.seen == [BERT] * 75
    assert {value for value, _ in session.heard} == {MICROPHONE}


def test_what_the_robot_plays_is_never_taken_for_the_microphone(tmp_path):
    source = write(tmp_path / "in", ["/microphone", "/humans"])
    with BagReader(source) as bag:
        inputs = bag.inputs(RosConfig())
        assert inputs.audio is None and inputs.audio_info is None
        named = bag.inputs(RosConfig(audio_topic="/robot_audio"))
        assert named.audio.name == "/robot_audio"
        assert bag.inputs(RosConfig(own_audio_topic="other")).audio.name == "/robot_audio"


def test_of_several_recorded_faces_one_is_asked_for(tmp_path):
    source = write(tmp_path / "in", ["/front", "/robot_audio"])
    with BagReader(source) as bag, pytest.raises(UserError, match="several topics that fit"):
        bag.inputs(RosConfig())


@pytest.mark.parametrize(
    ("settings", "images"),
    [([], 75), (["ros.face_id=auto", "ros.voice_id=auto"], 75), (["ros.face_id=bert"], 75)],
)
def test_inspect(tmp_path, capsys, settings, images):
    source = write(tmp_path / "in")
    options = [part for setting in settings for part in ("--set", setting)]
    assert main(["inspect", str(source), "--json", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["images"]["count"] == images and not found["images"]["rejected"]
    assert found["audio"]["count"] == 75 and not found["audio"]["rejected"]
    # Measured by the microphone's own format, not by what the robot plays.
    assert found["audio"]["rates_hz"] == {"16000": 75}

"""A folder of bags as a data set."""

import shutil
import threading

import numpy as np
import pytest
from rigs.data_sets import GreyTracker, contents
from rigs.in_sequence import run_in_sequence

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.research.data import recordings
from reactface_node.research.data.check import check
from reactface_node.research.data.convert import convert as convert_source
from reactface_node.research.data.origin import origin_of
from reactface_node.research.data.recordings import Recordings
from reactface_node.research.data.store import load_clips
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes

pytestmark = pytest.mark.slow

JAW = 24
START_S = 500.0
SECONDS = 5.0


def level(second, base):
    return base + 10 * int(second)


def write_bag(path, seconds=SECONDS, speaker="/image", listener="/listener/image", blank=None):
    """Grey cameras at 25 Hz whose level steps every second, and a 16 kHz tone in steps too.

    blank: (from, to) seconds in which the listener is not in the picture.
    """
    path.parent.mkdir(exist_ok=True)
    types = RosbagsTypes("ros-drivers")
    make = types.message_type
    with BagWriter(path, types=types) as bag:
        info = make("audio_common_msgs/msg/AudioInfo")(
            channels=1, sample_rate=16000, sample_format="S16LE", bitrate=0, coding_format="wave"
        )
        bag.write("/audio_info", START_S, info)
        for frame in range(round(seconds * 25)):
            at = START_S + (frame + 0.5) / 25
            second = frame / 25
            for topic, base in ((speaker, 50), (listener, 120)):
                shown = level(second, base)
                if base == 120 and blank and blank[0] <= second < blank[1]:
                    shown = 0
                picture = np.full((24, 32, 3), shown, np.uint8)
                bag.write(topic, at + 0.004, convert.image(types, at, "camera", picture))
            samples = np.full(640, 1000 * (1 + int(second)), "<i2")
            data = make("audio_common_msgs/msg/AudioData")(
                data=np.frombuffer(samples.tobytes(), np.uint8)
            )
            message = make("audio_common_msgs/msg/AudioDataStamped")(
                header=convert.header(types, START_S + frame / 25, "microphone"), audio=data
            )
            bag.write("/audio", START_S + (frame + 1) / 25, message)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("talks")
    write_bag(folder / "train" / "talk1")
    write_bag(folder / "train" / "talk2", 2 * SECONDS)
    return folder


def source_of(folder, **changes):
    return Recordings(folder, "train", tracker=GreyTracker, **changes)


def test_both_faces_and_the_voice_are_in_step(folder):
    source = source_of(folder, faces=True)
    assert list(source.problems()) == []
    assert source.names == ("talk1/000", "talk2/000")
    [clip] = source.read(source.jobs()[0])
    assert len(clip.speaker) == pytest.approx(SECONDS * 25, abs=2)
    for second in range(int(SECONDS)):
        middle = 25 * second + 12
        assert clip.speaker[middle, JAW] == pytest.approx(level(second, 50) / 255)
        assert clip.reactions[0, middle, JAW] == pytest.approx(level(second, 120) / 255)
        assert clip.faces[middle, 0, 0, 0] == level(second, 50)
        assert abs(int(clip.audio[middle * 640]) - 1000 * (1 + second)) < 20
    # The steps are in the same frame, on both cameras and at the microphone.
    steps = [
        np.flatnonzero(np.diff(face[:, JAW]) > 0.02) for face in (clip.speaker, clip.reactions[0])
    ]
    np.testing.assert_array_equal(steps[0], steps[1])
    assert abs(int(steps[0][0]) - 24) <= 1


def test_a_long_bag_is_cut(folder, monkeypatch):
    monkeypatch.setattr(recordings, "CLIP_S", 4.0)
    source = source_of(folder)
    # 5 s give one clip of 4 s; 10 s give two, and what remains is too short.
    assert source.names == ("talk1/000", "talk2/000", "talk2/001")
    assert source.jobs() == [range(0, 1), range(1, 3)]
    first, second = source.read(range(1, 3))
    assert len(first.speaker) == len(second.speaker) == 100
    assert second.speaker[12, JAW] == pytest.approx(level(4, 50) / 255)


def test_converted_like_any_other_source(folder, tmp_path):
    before = origin_of(source_of(folder))
    convert_source(source_of(folder), tmp_path, workers=1)
    assert origin_of(source_of(folder)) == before  # reading a bag does not touch it
    clips = load_clips(tmp_path, "train")
    assert clips.names == ("talk1/000", "talk2/000")
    assert clips.frames == pytest.approx([SECONDS * 25, 2 * SECONDS * 25], abs=2)
    assert clips.speaker.shape == (2, 750, 58)
    assert [rows.tolist() for rows in clips.appropriate] == [[0], [1]]


def test_threads_and_processes_change_no_byte(folder, tmp_path, monkeypatch):
    source = source_of(folder, faces=True)
    convert_source(source, tmp_path / "one", workers=1)
    convert_source(source, tmp_path / "two", workers=2)
    run_in_sequence(monkeypatch)
    convert_source(source, tmp_path / "sequence", workers=1)
    one, two, sequence = (contents(tmp_path / name) for name in ("one", "two", "sequence"))
    assert len(one) > 3 and one == two == sequence


def test_a_tracker_that_fails_ends_both_threads(folder):
    class Failing(GreyTracker):
        def track(self, stamp_s, rgb):
            raise UserError("the tracker failed")

    before = set(threading.enumerate())
    with pytest.raises(UserError, match="the tracker failed"):
        list(Recordings(folder, "train", tracker=Failing).read(range(0, 1)))
    assert set(threading.enumerate()) <= before


def test_a_listener_out_of_the_picture(tmp_path):
    write_bag(tmp_path / "train" / "brief", blank=(1.0, 2.0))
    [clip] = source_of(tmp_path).read(range(0, 1))
    inside = clip.reactions[0, 25:49, JAW]
    assert (inside >= level(0, 120) / 255 - 1e-6).all()
    assert (inside <= level(2, 120) / 255 + 1e-6).all()
    write_bag(tmp_path / "val" / "gone", blank=(0.0, 4.0))
    gone = Recordings(tmp_path, "val", tracker=GreyTracker)
    with pytest.raises(UserError, match="gone from 0 s on, listener: a face is seen in only 20%"):
        list(gone.read(range(0, 1)))


def test_what_a_bag_lacks_is_named(tmp_path):
    train = tmp_path / "train"
    write_bag(train / "mono", 4.5, listener="/other")
    write_bag(train / "moved", 4.5, speaker="/front")
    write_bag(train / "short", 1.0)
    (train / "broken.mcap").write_bytes(b"nothing")
    (train / "notes.txt").write_text("not a bag")
    found = check([lambda: source_of(tmp_path)])
    assert len(found) == 4
    for pattern in (
        "mono has no camera topic /listener/image of the listener; it has /audio ",
        "moved has no camera topic /image of the speaker",
        "short lasts 1.0 s, less than 4 s",
        "broken.mcap cannot be read as a rosbag2",
    ):
        assert any(pattern in line for line in found), pattern
    assert check([lambda: Recordings(tmp_path, "val")]) == [f"{tmp_path / 'val'} is missing"]


def test_a_bag_that_was_recorded_anew_is_another_origin(tmp_path):
    write_bag(tmp_path / "train" / "talk", 4.5)
    before = origin_of(source_of(tmp_path))
    shutil.rmtree(tmp_path / "train" / "talk")
    write_bag(tmp_path / "train" / "talk", 5.0)
    after = origin_of(source_of(tmp_path))
    assert before["root"] == after["root"] and before["files"] != after["files"]


def test_other_topics_can_be_named(tmp_path):
    write_bag(tmp_path / "train" / "talk", 4.5, "/front", "/back")
    source = source_of(tmp_path, ros=RosConfig(image_topic="front"), listener_topic="back")
    assert list(source.problems()) == []
    [clip] = source.read(range(0, 1))
    assert clip.reactions[0, 12, JAW] == pytest.approx(120 / 255)

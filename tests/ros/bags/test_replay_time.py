"""Recordings that do not begin at time zero, have gaps, or have wrong metadata."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest
import yaml
from rigs.data_sets import GreyTracker
from rigs.model_inputs import engine_for, small_config
from rigs.server import TYPES
from rigs.session import ReadingTracker

from reactface_node.cli.main import main
from reactface_node.config import Config
from reactface_node.media.video import AudioInput, ImageInput, read_video
from reactface_node.research.data.recordings import Recordings
from reactface_node.ros.bags.reader import BagReader
from reactface_node.ros.bags.replay import replay, summary
from reactface_node.ros.bags.source import Elapsed
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert
from reactface_node.session.session import ReactionSession
from reactface_node.tools.inspection.read import read_recording

pytestmark = pytest.mark.slow

START_S = 1000.0
TAIL_S = 0.12 + 0.06 + 0.64
"""Time after the last message: a window that waits, its delay, and two windows."""


class Counting(ReactionSession):
    """How often it was polled."""

    polls = 0

    def poll_ahead(self, now_s):
        self.polls += 1
        return super().poll_ahead(now_s)


def replayed(tmp_path, source, video=False, **changes):
    small = {"render__width": 64, "render__height": 64, **changes}
    if not video:
        small["render__renderer"] = "none"
    config = small_config(**small)
    session = Counting(config, engine_for(config), ReadingTracker())
    mp4 = tmp_path / "out.mp4" if video else None
    stats = replay(config, source, tmp_path / "out", mp4, lambda: session)
    stats["polls"] = session.polls
    return stats


def shown(path):
    """Stamps of the faces in a bag of reactions."""
    with BagReader(path) as bag:
        return np.array(
            [convert.stamp_of(m.message) for m in bag.messages(["/reactface/blendshapes"])]
        )


def level(number):
    """Brightness of an image: no two in a row are the same, as of a camera that lives."""
    return 160 + 20 * (number % 2)


def write_bag(path, times_s, storage="mcap", off_s=0.0):
    """A camera at 25 Hz and a tone, at these times of messages; stamps may be off."""
    path.parent.mkdir(exist_ok=True)
    build = TYPES.message_type("audio_common_msgs/msg/AudioDataStamped")
    sound = TYPES.message_type("audio_common_msgs/msg/AudioData")
    told = TYPES.message_type("audio_common_msgs/msg/AudioInfo")(
        channels=1, sample_rate=16000, sample_format="S16LE", bitrate=0, coding_format="wave"
    )
    samples = np.round(9000 * np.sin(0.1 * np.arange(640))).astype("<i2").view(np.uint8)
    with BagWriter(path, storage, TYPES) as bag:
        bag.write("/audio_info", START_S + times_s[0], told)
        for at in START_S + np.asarray(times_s):
            grey = np.full((24, 32, 3), level(round(25 * at)), np.uint8)
            for topic in ("/image", "/listener/image"):
                bag.write(topic, at, convert.image(TYPES, at + off_s, "camera", grey))
            header = convert.header(TYPES, at + off_s, "microphone")
            bag.write("/audio", at + 0.04, build(header=header, audio=sound(data=samples)))
    return path


def seconds(*parts):
    """25 a second in each part (from, to)."""
    return np.concatenate([np.arange(round(25 * a), round(25 * b)) / 25 for a, b in parts])


def write_video(path, pictures, sounds=()):
    """Grey pictures at these frame numbers of 25 Hz, and 40 ms of tone at those."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.options = {"preset": "ultrafast"}
        audio = container.add_stream("pcm_s16le", rate=16000) if len(sounds) else None
        for number in pictures:
            grey = np.full((48, 64, 3), level(number), np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = int(number), Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for number in sounds:
            tone = np.full((1, 640), 3000, np.int16)
            heard = av.AudioFrame.from_ndarray(tone, "s16", "mono")
            heard.sample_rate, heard.pts = 16000, int(number) * 640
            heard.time_base = Fraction(1, 16000)
            container.mux(audio.encode(heard))
    return path


def test_the_end_of_a_recording_has_no_hole(tmp_path):
    source = write_bag(tmp_path / "in", seconds((0, 3)))
    for mode in ("window", "frame"):
        folder = tmp_path / mode
        folder.mkdir()
        replayed(folder, source, mode=mode)
        stamps = shown(folder / "out")
        np.testing.assert_allclose(np.diff(stamps), 0.04, atol=1e-5)
        assert stamps[-1] > START_S + 3.04 + 0.3


@pytest.mark.parametrize("first_s", [60, 3600])
def test_a_video_whose_first_picture_is_late(tmp_path, first_s):
    source = write_video(tmp_path / "in.mkv", first_s * 25 + np.arange(100))
    stats = replayed(tmp_path, source)
    assert stats["seconds_reacted"] == pytest.approx(3.96 + TAIL_S, abs=0.33)
    assert stats["polls"] < 520 and stats["gaps"] == 0 and stats["face_seen"] > 0.7
    assert shown(tmp_path / "out")[0] == pytest.approx(first_s + 0.38, abs=0.02)


def test_a_gap_of_an_hour_is_left_out(tmp_path):
    source = write_bag(tmp_path / "in", seconds((0, 3), (3603, 3606)))
    stats = replayed(tmp_path, source, video=True)
    assert stats["seconds_reacted"] == pytest.approx(6 + 2 * TAIL_S, abs=0.7)
    assert stats["gaps"] == 1 and stats["gaps_s"] == pytest.approx(3600 - 1, abs=0.1)
    assert stats["resets"] == 0 and stats["face_seen"] > 0.7 and stats["voice_heard"] > 0.7
    assert stats["polls"] < 850
    stamps = shown(tmp_path / "out")
    assert (np.abs(np.diff(stamps) - 0.04) > 0.001).sum() <= 3
    line = "1 gap(s) in which nothing was recorded were left out, 3599 s in all"
    assert line in summary(source, stats)
    # The mp4 goes on after the gap, with the sound in step.
    inputs = list(read_video(tmp_path / "out.mp4"))
    pictures = [item for item in inputs if isinstance(item, ImageInput)]
    assert 165 <= len(pictures) <= 215
    sound = [item for item in inputs if isinstance(item, AudioInput)]
    heard = np.concatenate([item.samples[:, 0] for item in sound])
    loud = np.abs(heard[: len(heard) // 1920 * 1920]).reshape(-1, 1920).max(axis=1) > 0.1
    begins = np.flatnonzero(np.diff(loud.astype(int)) == 1) + 1
    after = stamps[stamps > START_S + 3000]
    number = len(stamps) - len(after)
    # The first face after the gap is shown so long after the sound goes on.
    assert len(begins) == 1 and abs(begins[0] - number) <= 16
    assert loud.sum() == pytest.approx(150, abs=14)


@pytest.mark.parametrize("gap_s", [4.0, 5.5, 20.0])
def test_only_gaps_of_more_than_five_seconds_are_left_out(tmp_path, gap_s):
    source = write_bag(tmp_path / "in", seconds((0, 2), (2 + gap_s, 4 + gap_s)))
    stats = replayed(tmp_path, source)
    assert stats["gaps"] == (gap_s > 5) and stats["resets"] == 0
    whole_s = 4 + TAIL_S + (TAIL_S if gap_s > 5 else gap_s)
    assert stats["seconds_reacted"] == pytest.approx(whole_s, abs=0.7)


def test_a_video_with_a_gap_in_pictures_and_sound(tmp_path):
    numbers = np.concatenate([np.arange(50), 90000 + np.arange(50)])
    source = write_video(tmp_path / "in.mkv", numbers, numbers)
    stats = replayed(tmp_path, source)
    assert stats["gaps"] == 1 and stats["polls"] < 700
    assert stats["face_seen"] > 0.6 and stats["voice_heard"] > 0.6


def test_sound_goes_on_while_there_is_no_picture(tmp_path):
    """That is no gap."""
    source = write_video(tmp_path / "in.mkv", [*range(25), *range(225, 250)], range(250))
    stats = replayed(tmp_path, source)
    assert stats["gaps"] == 0 and stats["voice_heard"] > 0.85
    assert stats["seconds_reacted"] == pytest.approx(10 + TAIL_S, abs=0.35)


def lie(path, **changes):
    """In metadata.yaml, what the recording says of itself."""
    file = path / "metadata.yaml"
    said = yaml.safe_load(file.read_text())
    about = said["rosbag2_bagfile_information"]
    for name, value in changes.items():
        about[name] = value
        for part in about.get("files", []):
            if name in part:
                part[name] = value
    file.write_text(yaml.safe_dump(said))
    return path


def nanoseconds(name, value):
    return {name: value}


LIES = {
    "begins at zero": {"starting_time": {"nanoseconds_since_epoch": 0}},
    "begins much later": {"starting_time": {"nanoseconds_since_epoch": 2000 * 10**9}},
    "lasts a day": {"duration": {"nanoseconds": 86400 * 10**9}},
    "lasts no time": {"duration": {"nanoseconds": 0}},
}


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("lies", LIES.values(), ids=LIES)
def test_messages_are_believed_and_not_the_metadata(tmp_path, capsys, lies, storage):
    train = tmp_path / "train"
    good = write_bag(train / "good", seconds((0, 5)), storage)
    bad = lie(write_bag(train / "bad", seconds((0, 5)), storage), **lies)
    folders = [tmp_path / name for name in ("a", "b")]
    found = []
    for folder, source in zip(folders, (good, bad), strict=True):
        folder.mkdir()
        stats = replayed(folder, source)
        assert stats["seconds_reacted"] == pytest.approx(5.04 + TAIL_S, abs=0.35)
        found.append(shown(folder / "out"))
    np.testing.assert_array_equal(*found)
    assert read_recording(bad, Config()).duration_s == pytest.approx(5.0, abs=0.05)
    source = Recordings(tmp_path, "train", tracker=GreyTracker)
    assert list(source.problems()) == [] and source.names == ("bad/000", "good/000")
    clips = [clip for job in source.jobs() for clip in source.read(job)]
    for name in ("speaker", "audio", "reactions"):
        np.testing.assert_array_equal(*(getattr(clip, name) for clip in clips))
    assert len(clips[0].speaker) == pytest.approx(125, abs=1)


def test_a_gap_is_left_out_of_data_and_inspection_alike(tmp_path):
    bag = write_bag(tmp_path / "train" / "talk", seconds((0, 3), (7200, 7203)))
    found = read_recording(bag, Config())
    assert found.duration_s == pytest.approx(3 + 1 + 3, abs=0.1)
    assert found.leaps_s == pytest.approx([7197.0], abs=0.1)
    source = Recordings(tmp_path, "train", tracker=GreyTracker)
    assert source.names == ("talk/000",)
    [clip] = source.read(range(0, 1))
    assert len(clip.speaker) == pytest.approx(7 * 25, abs=3)


@pytest.mark.parametrize("off_s", [-3.0, 1.0, -0.3])
def test_stamps_of_another_clock_make_the_same_data(tmp_path, off_s):
    write_bag(tmp_path / "train" / "a", seconds((0, 5)))
    write_bag(tmp_path / "train" / "b", seconds((0, 5)), off_s=off_s)
    source = Recordings(tmp_path, "train", tracker=GreyTracker)
    right, other = [clip for job in source.jobs() for clip in source.read(job)]
    assert len(right.speaker) == pytest.approx(len(other.speaker), abs=1)
    frames = min(len(right.speaker), len(other.speaker))
    np.testing.assert_array_equal(right.speaker[:frames], other.speaker[:frames])
    np.testing.assert_array_equal(right.audio[: 640 * frames], other.audio[: 640 * frames])


@pytest.mark.parametrize("off_s", [-0.3, -3.0, 1.0, 4.0])
def test_stamps_of_another_clock_in_a_bag(tmp_path, off_s, capsys):
    bag = write_bag(tmp_path / "in", seconds((0, 6)), off_s=off_s)
    stats = replayed(tmp_path, bag)
    assert stats["resets"] == 0 and stats["face_seen"] > 0.85 and stats["voice_heard"] > 0.8
    assert stats["image_offset_s"] == pytest.approx(-off_s, abs=0.05)
    assert main(["inspect", str(bag), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["images"]["stamps"]["offset_s"] == pytest.approx(-off_s, abs=0.05)
    assert any("image stamps lie" in line for line in found["what_to_do"])
    assert not any("max_wait_s" in line for line in found["what_to_do"])


def test_time_without_gaps():
    elapsed = Elapsed()
    arrivals = [1e9, 1e9 + 2, 1e9 + 7, 1e9 + 3607, 1e9 + 3608, 500.0, 501.0]
    assert [elapsed.time_s(at) for at in arrivals] == [0, 2, 7, 8, 9, 10, 11]
    assert elapsed.gaps_s == [3600, 500 - 1e9 - 3608]


def test_a_bar_is_for_a_terminal(tmp_path, capfd):
    source = write_bag(tmp_path / "in", seconds((0, 5)))
    replayed(tmp_path, source)
    assert capfd.readouterr().err == ""

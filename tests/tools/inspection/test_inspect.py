"""``reactface inspect`` from a bag or a video file to the report, the JSON and the picture."""

import errno
import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from matplotlib.figure import Figure
from rigs.paths import ROOT
from rigs.replay_inputs import write_inputs

from reactface_node.cli.main import main
from reactface_node.config import Config
from reactface_node.media.video import VideoWriter
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes
from reactface_node.tools.inspection.analyse import analyse
from reactface_node.tools.inspection.figures import draw_report
from reactface_node.tools.inspection.read import read_recording
from reactface_node.tools.inspection.report import as_json, as_text

pytestmark = pytest.mark.slow

SAMPLE = ROOT / "sample"
START_S = 1000.0
MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)  # 128 kbit/s at 44.1 kHz: 417 bytes


def run(capsys, *arguments):
    code = main(["inspect", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture(scope="module")
def sample():
    """The sample recording, decoded and tracked once."""
    return read_recording(SAMPLE, Config())


@pytest.fixture
def video(tmp_path):
    """Two seconds without a face and with a loud, clipping tone."""
    rng = np.random.default_rng(0)
    tone = np.clip(3.0 * np.sin(0.2 * np.arange(640 * 50)), -1, 1).astype(np.float32)
    with VideoWriter(tmp_path / "talk.mp4", 160, 120) as writer:
        for index in range(50):
            writer.write_image(rng.integers(0, 60, (120, 160, 3), np.uint8))
            writer.write_audio(index / 25, tone[640 * index : 640 * (index + 1)], 16000)
    return tmp_path / "talk.mp4"


def test_the_sample_is_a_good_recording(sample):
    report = analyse(sample, Config())
    assert report.images.count == 720 and report.images.sizes == {"640x480": 720}
    assert report.images.pace.rate_hz == pytest.approx(30.0, rel=1e-3)
    assert report.images.pace.gaps == 0 and not report.images.rejected
    assert report.face.found > 0.99 and report.face.people == 1
    # It blinks seven times, and the lids say when.
    assert report.face.blinks == 7
    assert 200 < report.face.px == report.face.tracked_px < 400
    assert report.face.head_jitter_deg < 0.5
    assert report.audio.rates_hz == {48000: 600} and report.audio.channels == {1: 600}
    assert report.audio.measured_rate_hz == pytest.approx(48000, rel=1e-3)
    assert 0.4 < report.audio.voice < 0.8 and -40 < report.audio.voice_db < -20
    assert report.audio.heard > 0.99 and report.audio.gaps == 0 and report.audio.clipped == 0
    assert abs(report.offset.offset_s) < 0.1 and report.offset.score > 4
    assert report.what_to_do == ()
    assert "nothing: no problem was found" in as_text(report)


@pytest.mark.parametrize("late_s", [-0.4, -0.2, 0.2, 0.4])
def test_the_sample_with_its_sound_shifted(sample, late_s):
    inherent_s = analyse(sample, Config()).offset.offset_s
    frames = sample.audio.level_frames + round(100 * late_s)
    shifted = replace(sample, audio=replace(sample.audio, level_frames=frames))
    report = analyse(shifted, Config())
    assert report.offset.offset_s == pytest.approx(inherent_s - late_s, abs=0.04)
    setting = f"timeline.camera_to_microphone_offset_s={report.offset.offset_s:.2f}"
    side = "late" if late_s > 0 else "early"
    (line,) = report.what_to_do
    assert setting in line and f"too {side}" in line and setting in as_text(report)
    # Once it is set, nothing is left to do.
    name, value = setting.split("=")
    assert analyse(shifted, Config().replace(**{name: float(value)})).what_to_do == ()


def test_json_holds_everything_and_parses(sample):
    values = json.loads(json.dumps(as_json(analyse(sample, Config())), allow_nan=False))
    assert values["face"]["found"] > 0.99 and values["images"]["stamps"]["zero"] == 0
    assert len(values["offset"]["curve"]) == len(values["offset"]["lags_s"]) == 31
    assert values["what_to_do"] == []


def test_the_picture_is_drawn(sample, tmp_path):
    draw_report(sample, analyse(sample, Config()), tmp_path / "report.png")
    picture = cv2.imread(str(tmp_path / "report.png"))
    assert picture.shape[0] > 900 and picture.std() > 10
    assert [path.name for path in tmp_path.iterdir()] == ["report.png"]


def test_a_bad_video_ends_well_and_says_what_to_do(video, capsys):
    picture = video.parent / "report.png"
    code, out, err = run(capsys, video, "-o", picture)
    assert code == 0 and err == ""
    assert "50 of 160x120; h264 yuv420p" in out and "found in 0.0% of the images" in out
    assert "hardly any image has a face" in out and "dark" in out
    assert "the audio clips" in out and "not enough speech and mouth motion" in out
    assert cv2.imread(str(picture)) is not None
    code, out, _ = run(capsys, video, "--json")
    assert code == 0 and json.loads(out)["face"]["found"] == 0


def test_a_bag_with_bad_messages(tmp_path, capsys):
    source = write_inputs(tmp_path / "in", broken=range(10, 20))
    code, out, _ = run(capsys, source, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["images"]["count"] == 50
    (reason,) = found["images"]["rejected"]
    assert found["images"]["rejected"][reason] == 10 and "are announced" in reason
    assert found["images"]["kinds"] == {"Image 'rgb8'": 50}
    assert found["images"]["stamps"]["delay_p50_ms"] == pytest.approx(5.0, abs=0.1)
    assert found["audio"]["stamps"]["delay_p50_ms"] == pytest.approx(0.0, abs=0.1)
    assert found["audio"]["measured_rate_hz"] == pytest.approx(16000, rel=0.01)
    assert any("images are missing" in line for line in found["what_to_do"])


def write_faulty(path):
    """Image stamps of an hour ago and of zero, MP3 for sound, and a recorder that paused a day."""
    types = RosbagsTypes("ros-drivers")
    dark = np.full((48, 64, 3), 9, np.uint8)
    with BagWriter(path, "mcap", types) as bag:
        for index in range(40):
            at = START_S + index / 10 + 86400 * (index >= 20)
            stamp = 0.0 if index < 10 else at - 3600
            bag.write("/image", at, convert.image(types, stamp, "camera", dark))
            audio = types.message_type("audio_common_msgs/msg/AudioData")
            bag.write("/audio", at, audio(data=np.frombuffer(MP3_FRAME, np.uint8)))
    return path


def test_clocks_and_formats_that_do_not_fit(tmp_path, capsys):
    code, out, _ = run(capsys, write_faulty(tmp_path / "in"))
    assert code == 0
    assert re.search(r"in: rosbag2, 4\.\d s", out)  # the pause is no part of it
    assert "10 image stamps are zero" in out
    assert "image stamps lie 3600.00 s before their arrival" in out
    assert "the recorder paused, or its clock leapt, by 86400 s" in out
    assert "10.0 images a second are far too few" in out
    assert "40 audio messages cannot be used" in out and "format:=wave" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["nowhere.mp4"], "nowhere.mp4 does not exist"),
        (["EXISTS"], "is not a rosbag2"),
        (["text.mp4"], "is no video that can be read"),
        ([SAMPLE, "-o", "EXISTS"], "exists already"),
        ([SAMPLE, "-o", "no/report.png"], "cannot write no/report.png"),
        ([SAMPLE, "--set", "ros.image_topic=/no"], "it has /audio"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EXISTS").mkdir()
    (tmp_path / "text.mp4").write_text("no video")
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert says in err and err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"EXISTS", "text.mp4"}


def test_without_matplotlib_a_picture_is_refused_in_one_line(video, capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "reactface_node.tools.inspection.figures", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    code, out, err = run(capsys, video, "-o", video.parent / "report.png")
    assert (code, out) == (2, "") and "pip install matplotlib" in err and err.count("\n") == 1
    assert run(capsys, video)[0] == 0


def test_a_picture_that_cannot_be_finished_leaves_nothing(video, capsys, monkeypatch):
    def full(self, path, **_):
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    code, _, err = run(capsys, video, "-o", video.parent / "report.png")
    assert code == 2 and "the disk is full" in err and err.count("\n") == 1
    assert [path.name for path in video.parent.iterdir()] == ["talk.mp4"]


def test_sound_alone_and_pictures_alone(tmp_path, capsys):
    types = RosbagsTypes("ros-drivers")
    audio = types.message_type("audio_common_msgs/msg/AudioData")
    with BagWriter(tmp_path / "sound", "mcap", types) as bag:
        for index in range(50):
            tone = (9000 * np.sin(0.05 * np.arange(640))).astype("<i2").tobytes()
            bag.write("/audio", START_S + index / 25, audio(data=np.frombuffer(tone, np.uint8)))
    code, out, _ = run(capsys, tmp_path / "sound", "-o", tmp_path / "sound.png")
    assert code == 0 and "there is no camera" in out and "no AudioInfo describes the audio" in out
    assert "50 without a stamp" in out and (tmp_path / "sound.png").stat().st_size > 10_000
    with BagWriter(tmp_path / "pictures", "mcap", types) as bag:
        for index in range(20):
            grey = np.full((48, 64, 3), 128, np.uint8)
            at = START_S + index / 25
            bag.write("/image", at, convert.image(types, at, "camera", grey))
    code, out, _ = run(capsys, tmp_path / "pictures", "-o", tmp_path / "pictures.png")
    assert code == 0 and "there is no microphone" in out and "in view" in out
    assert (tmp_path / "pictures.png").stat().st_size > 10_000

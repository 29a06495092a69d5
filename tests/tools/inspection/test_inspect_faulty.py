"""Errors after which a replay continues: inspect continues too, names them and gives a report."""

import copy
import json

import numpy as np
import pytest
from rigs.garbage import MESSAGES, mutated
from rigs.in_sequence import run_in_sequence
from rigs.model_inputs import engine_for, small_config
from rigs.server import START_S, TYPES
from rigs.session import ReadingTracker

from reactface_node.cli.main import main
from reactface_node.media.video import VideoWriter
from reactface_node.perception.tracker import LandmarkTracker
from reactface_node.ros.bags.replay import replay
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert
from reactface_node.session.session import ReactionSession

pytestmark = pytest.mark.slow

TOPICS = {
    "image": "/image",
    "audio": "/audio",
    "audio_info": "/audio_info",
    "own_audio": "/robot_audio",
    "speaking": "/speaking",
}


class AnyTracker(ReadingTracker):
    """Sees a face in an image of any size."""

    def track(self, stamp_s, rgb):
        return super().track(stamp_s, np.full((6, 8, 3), 9, np.uint8))


def write(path, messages):
    """(topic, message) each 40 ms; those that cannot even be written are left out."""
    with BagWriter(path, "mcap", TYPES) as bag:
        for index, (topic, message) in enumerate(messages):
            try:
                bag.types.serialize(message)
            except Exception:
                continue
            bag.write(topic, START_S + index / 25, message)
    return path


def both(tmp_path, capsys, source):
    """A replay's statistics and inspect's report."""
    config = small_config(render__renderer="none")
    session = ReactionSession(config, engine_for(config), AnyTracker())
    stats = replay(config, source, tmp_path / "out", None, lambda: session)
    capsys.readouterr()
    assert main(["inspect", str(source), "--json"]) == 0
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return stats, json.loads(out)


@pytest.mark.parametrize("seed", range(4))
def test_fields_of_any_value(tmp_path, capsys, seed):
    rng = np.random.default_rng(seed)
    kinds = [(s, m) for s, several in MESSAGES.items() if s in TOPICS for m in several[:1]]
    found = []
    for _ in range(40):
        for stream, message in kinds:
            damaged = copy.deepcopy(message)
            for _ in range(int(rng.integers(0, 3))):
                damaged = mutated(damaged, rng)
            if hasattr(damaged, "header") and rng.random() < 0.5:
                at = START_S + len(found) / 25
                damaged.header = convert.header(TYPES, at, "x")
            found.append((TOPICS[stream], damaged))
    stats, report = both(tmp_path, capsys, write(tmp_path / "in", found))
    assert stats["rejected"] > 0
    assert sum(report["images"]["rejected"].values()) > 0


@pytest.mark.parametrize("stamp", [(0, 0), (2**31 - 1, 999_999_999), (-(2**31), 0), (1, 2**32 - 1)])
def test_stamps_of_any_value(tmp_path, capsys, stamp):
    found = []
    for index in range(50):
        for topic, one in (("/image", MESSAGES["image"][0]), ("/audio", MESSAGES["audio"][1])):
            message = copy.deepcopy(one)
            right = convert.time_message(TYPES, START_S + len(found) / 25)
            wrong = copy.deepcopy(right)
            wrong.sec, wrong.nanosec = stamp
            message.header.stamp = wrong if index % 3 == 1 else right
            found.append((topic, message))
    stats, report = both(tmp_path, capsys, write(tmp_path / "in", found))
    assert report["images"]["count"] == 50 and report["duration_s"] < 5
    assert stats["resets"] == 0 and stats.get("rejected", 0) == 0


def test_audio_whose_rate_and_channels_change(tmp_path, capsys):
    build = TYPES.message_type("foxglove_msgs/msg/RawAudio")
    found = []
    for index in range(60):
        stamp = convert.time_message(TYPES, START_S + index / 25)
        rate_hz, channels = (8000, 16000, 2, 0, 400_000)[index % 5], (1, 2, 0)[index % 3]
        fields = {"sample_rate": rate_hz, "number_of_channels": channels, "format": "pcm-s16"}
        message = build(timestamp=stamp, data=np.ones(640, np.uint8), **fields)
        found.append(("/audio", message))
    _, report = both(tmp_path, capsys, write(tmp_path / "in", found))
    assert report["audio"]["count"] == 16 and sum(report["audio"]["rejected"].values()) == 44


def test_a_picture_of_a_video_that_cannot_be_tracked(tmp_path, capsys, monkeypatch):
    with VideoWriter(tmp_path / "in.mp4", 64, 48) as video:
        for index in range(25):
            video.write_image(np.full((48, 64, 3), 10 * index, np.uint8))
            video.write_audio(index / 25, np.full(640, 0.1, np.float32), 16000)
    track = LandmarkTracker.track

    def fails(self, stamp_s, rgb):
        if rgb[0, 0, 0] > 120:
            raise ValueError("the graph fell over")
        return track(self, stamp_s, rgb)

    monkeypatch.setattr(LandmarkTracker, "track", fails)
    _, report = both(tmp_path, capsys, tmp_path / "in.mp4")
    assert 10 < report["images"]["count"] < 15
    assert report["images"]["rejected"] == {"the graph fell over": 25 - report["images"]["count"]}


def test_a_thread_changes_no_number(tmp_path, capsys, monkeypatch):
    messages = [
        (TOPICS[stream], copy.deepcopy(several[index % len(several)]))
        for index in range(40)
        for stream, several in MESSAGES.items()
        if stream in TOPICS
    ]
    source = write(tmp_path / "in", messages)
    reports = []
    for _ in range(2):
        assert main(["inspect", str(source), "--json"]) == 0
        reports.append(capsys.readouterr().out)
        run_in_sequence(monkeypatch)
    assert json.loads(reports[0])["images"]["count"] >= 10 and reports[0] == reports[1]

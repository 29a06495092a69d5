"""A replay whose stages overlap: the same bytes as in sequence; errors and Ctrl-C end all of it."""

import threading

import numpy as np
import pytest
from rigs.in_sequence import run_in_sequence
from rigs.model_inputs import engine_for, small_config
from rigs.replay_inputs import write_inputs
from rigs.session import ReadingTracker

from reactface_node.errors import UserError
from reactface_node.media.video import VideoWriter
from reactface_node.ros.bags.reader import BagReader
from reactface_node.ros.bags.replay import SideBySideVideo, replay
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages.types import RosbagsTypes
from reactface_node.session.session import ReactionSession

pytestmark = pytest.mark.slow

MEASURED = {"memory_mb", "load"}
"""Diagnostics of this process; all others follow from the recording."""


def replayed(folder, source, session=None, **changes):
    config = small_config(
        **{"render__width": 64, "render__height": 64, "playout__samples": 2, **changes}
    )
    session = session or ReactionSession(config, engine_for(config), ReadingTracker())
    return replay(config, source, folder / "out", folder / "out.mp4", lambda: session)


def written(path):
    """(time, topic, bytes) of every message in the order in which they were written."""
    types = RosbagsTypes()
    with BagReader(path) as bag:
        messages = list(bag.messages([topic.name for topic in bag.topics]))
    for item in messages:
        for status in getattr(item.message, "status", []):
            status.values = [pair for pair in status.values if pair.key not in MEASURED]
    return [(item.stamp_s, item.topic, bytes(types.serialize(item.message))) for item in messages]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("recorded") / "in", broken=range(10, 14))


@pytest.mark.parametrize("mode", ["frame", "window"])
def test_the_same_bytes_as_in_sequence(tmp_path, source, monkeypatch, mode):
    # The encoder's own bytes depend on how busy the machine is: what it gets is compared.
    stats, pictures = [], []
    write = VideoWriter.write_image

    def noted(self, rgb):
        pictures[-1].append(rgb.tobytes())
        write(self, rgb)

    monkeypatch.setattr(VideoWriter, "write_image", noted)
    for name in ("overlapped", "sequence"):
        if name == "sequence":
            run_in_sequence(monkeypatch)
        (tmp_path / name).mkdir()
        pictures.append([])
        stats.append(replayed(tmp_path / name, source, mode=mode))
    first, second = (written(tmp_path / name / "out") for name in ("overlapped", "sequence"))
    assert len(first) > 150 and first == second
    assert len(pictures[0]) > 50 and pictures[0] == pictures[1]
    assert stats[0] == stats[1]


def test_the_clock_of_a_recording_jumps_back(tmp_path, monkeypatch):
    """The session starts again while reactions are under way."""
    once = write_inputs(tmp_path / "once")
    with BagReader(once) as bag:
        topics = {topic.name: topic.type for topic in bag.topics}
        items = list(bag.messages(list(topics)))
    with BagWriter(tmp_path / "twice", "mcap", RosbagsTypes("mgonzs13")) as bag:
        for again in range(2):
            for item in items:
                bag.write(item.topic, item.stamp_s + 2.0 * again, item.message)
    found = []
    for name in ("overlapped", "sequence"):
        if name == "sequence":
            run_in_sequence(monkeypatch)
        (tmp_path / name).mkdir()
        stats = replayed(tmp_path / name, tmp_path / "twice", mode="frame")
        found.append((stats, written(tmp_path / name / "out")))
    assert len(found[0][1]) > 150 and found[0] == found[1]


def failing_at(number, error, method):
    calls = iter(range(10000))

    def call(*arguments, **more):
        if next(calls) == number:
            raise error
        return method(*arguments, **more)

    return call


@pytest.mark.parametrize("part", ["model", "drawing", "bag", "video", "interrupt"])
def test_a_failure_ends_the_replay_and_nothing_stays(tmp_path, source, monkeypatch, part):
    error = KeyboardInterrupt() if part == "interrupt" else UserError(f"{part} failed")
    session = None
    if part == "model":
        config = small_config(mode="frame", playout__samples=2)
        session = ReactionSession(config, engine_for(config), ReadingTracker())
        session._engine.step = failing_at(20, error, session._engine.step)
    elif part == "drawing":
        from reactface_node.render.avatar import Avatar

        monkeypatch.setattr(Avatar, "render", failing_at(20, error, Avatar.render))
    elif part == "bag":
        monkeypatch.setattr(BagWriter, "write", failing_at(60, error, BagWriter.write))
    elif part == "video":
        method = SideBySideVideo._write
        monkeypatch.setattr(SideBySideVideo, "_write", failing_at(20, error, method))
    else:
        method = ReactionSession.poll_ahead
        monkeypatch.setattr(ReactionSession, "poll_ahead", failing_at(90, error, method))
    before = set(threading.enumerate())
    with pytest.raises(type(error)) as raised:
        replayed(tmp_path, source, session, mode="frame")
    assert raised.value is error
    assert list(tmp_path.iterdir()) == []
    assert set(threading.enumerate()) <= before


def test_reactions_ahead_are_those_of_polling():
    found = []
    for ahead in (True, False):
        config = small_config(mode="frame", playout__samples=2)
        session = ReactionSession(config, engine_for(config), ReadingTracker())
        results = []
        for index in range(50):
            now_s = 100.0 + index / 25
            session.push_image(now_s, np.full((6, 8, 3), 1 + index, np.uint8))
            sound = 0.1 * np.sin(np.arange(640) * 0.05)
            session.push_audio(now_s, sound.astype(np.float32), 16000)
            if index == 30:
                session.push_speaking(now_s, True)
            results.append((session.poll_ahead if ahead else session.poll)(now_s))
        lists = [one.result() for one in results] if ahead else results
        reactions = [reaction for several in lists for reaction in several]
        found.append([(r.window_index, r.face.tobytes(), r.show_at_s.tobytes()) for r in reactions])
        assert session.stats()["windows_own_turn"] > 5
        session.close()
    assert len(found[0]) > 40 and found[0] == found[1]

"""Table 2c: human statistics of a data set's listeners and of rows."""

import json

import numpy as np
import pytest
from rigs.tracks import face_of, nod, show

from reactface_node.config import PerceptionConfig
from reactface_node.research.data.clips import Clips
from reactface_node.research.evaluation import row_people
from reactface_node.research.evaluation.row_people import RowPeople, Speakers


def tone(seconds, parts):
    """A loud voice-like sound in parts (from, to) of a quiet recording, int16."""
    t = np.arange(seconds * 16000) / 16000
    r = np.random.default_rng(0)
    loud = sum(((t >= start) & (t < end)).astype(float) for start, end in parts)
    return (30 * r.standard_normal(len(t)) + 6000 * loud * np.sin(2 * np.pi * 150 * t)).astype(
        np.int16
    )


@pytest.fixture
def clips():
    seconds, count = 20, 3
    frames = np.full(count, 25 * seconds)
    faces = np.stack([face_of(seconds)] * count).astype(np.float32)
    faces[0] = nod(nod(face_of(seconds), 4.0), 12.0)
    faces[1] = show(face_of(seconds), "mouthSmile", 3.0, 5.0, 0.5)
    sound = np.stack([tone(seconds, [(2.0, 6.0), (8.0, 11.0)])] * count)
    speaker = np.zeros_like(faces)
    own = tuple(np.array([n]) for n in range(count))
    return Clips(tuple("abc"), frames, speaker, sound, faces, own, frames)


def test_statistics_of_the_real_listeners(clips):
    speakers = Speakers.of(clips, 500, PerceptionConfig(voice_activity=""))
    found = speakers.measure(clips.reactions[:, None])
    assert found["nods"] == pytest.approx(2.0)  # two in a minute of three listeners
    assert found["smile_10s"] == pytest.approx(1 / 6)
    assert found["nod_talking"] == pytest.approx(0.5)  # one of the two begins while they speak
    share = np.mean(speakers.speaking[0])
    assert share == pytest.approx(7 / 20, abs=0.06)


def test_few_clips_and_samples_of_a_large_set_are_measured(clips, monkeypatch):
    monkeypatch.setattr(row_people, "CLIPS", 2)
    monkeypatch.setattr(row_people, "SAMPLES", 1)
    speakers = Speakers.of(clips, 500, PerceptionConfig(voice_activity=""))
    assert speakers.places == [0, 2]
    two = np.repeat(clips.reactions[:, None], 2, axis=1)
    two[:, 1] = two[0, 0]
    assert speakers.measure(two)["nods"] == pytest.approx(3.0)  # two in 40 s


def test_the_table_has_a_line_a_statistic_and_a_column_a_row(tmp_path):
    table = RowPeople({"GT": {"nods": 5.0, "nod_10s": 0.41}, "Mirror": {"nods": float("nan")}})
    table.save(tmp_path / "table2c")
    text = (tmp_path / "table2c.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert lines[0] == "|  | GT | Mirror | people | source |"
    assert lines[2] == "| a nod in 10 s of listening, chance | **0.41** | - | 0.4 | CCDb |"
    assert lines[3] == "| nods, a minute | **5** | - | 4-7 | nod corpus |"
    stored = json.loads((tmp_path / "table2c.json").read_text(), parse_constant=pytest.fail)
    assert stored["rows"][1]["values"] == {"GT": 5.0, "Mirror": None}
    assert stored["rows"][1]["held"] == ["GT"] and stored["rows"][1]["low"] == 4.0

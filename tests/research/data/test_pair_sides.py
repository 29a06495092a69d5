"""MARS with turns, and the report of whole clips."""

import csv

import numpy as np
import pytest
from rigs.pair_sets import save, talking, write_mars, write_voice
from rigs.talks import TURNS, frames, jaw, voice
from rigs.talks import talking as talks

from reactface_node.cli.main import main
from reactface_node.faceverse import Space
from reactface_node.research.data.store import load_clips, load_facts
from reactface_node.schema import index_of

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("loud_is_voice")]
JAW = index_of("jawOpen")


def write_talk(root, seconds=30.0, gap=(), name="session0/Camera-1"):
    """A session in which the two take turns; the listener's face is 0 during ``gap``."""
    times_s = np.arange(frames(seconds)) / 25
    for side, role in enumerate(("speaker", "listener")):
        face = talking(np.zeros(len(times_s)), side)
        face[:, JAW] = jaw(times_s, TURNS[side])
        theirs = Space.of().to_faceverse(face)
        if side:
            theirs[talks(times_s, gap)] = 0
        save(root / "train" / "coefficients" / role / f"{name}.npy", theirs)
        write_voice(root / "train" / "audio" / role / f"{name}.wav", voice(TURNS[side], seconds))
    return root


def run(root, out, *options):
    return main(["data", "convert", "mars", str(root), str(out), "--workers", "1", *options])


@pytest.mark.parametrize(("options", "count"), [([], 4), (["--one-way"], 2)])
def test_turns_become_clips(tmp_path, options, count, capsys):
    root = write_talk(tmp_path / "mars")
    assert run(root, tmp_path / "out", "--turns", *options) == 0
    clips = load_clips(tmp_path / "out", "train")
    assert len(clips) == count
    for index in range(count):
        middle = slice(25, clips.frames[index] - 50)
        assert np.ptp(clips.speaker[index, middle, JAW]) > 0.3
        assert np.ptp(clips.reactions[index, middle, JAW]) < 0.1
    facts = load_facts(tmp_path / "out", "train")
    assert facts["turns"] and facts["kind"] == "mars"
    assert f"train: {count} clips, " in capsys.readouterr().out


def test_recordings_of_some_seconds_are_left_out_and_reported(tmp_path):
    """MARS has some of 2 s."""
    root = write_talk(tmp_path / "mars")
    write_talk(root, 2.0, name="session1/Camera-2")
    assert run(root, tmp_path / "out", "--turns") == 0
    assert len(load_clips(tmp_path / "out", "train")) == 4
    page = (tmp_path / "out" / "train-report.md").read_text()
    assert "Left out, since they last less than 4 s: speaker/session1/Camera-2." in page
    root = write_talk(tmp_path / "short", 2.0)
    assert run(root, tmp_path / "none", "--turns") == 2
    assert not (tmp_path / "none").exists()


def test_whole_clips_are_reported_too(tmp_path):
    root = write_talk(tmp_path / "mars", 66.0, gap=((0.0, 16.0),))
    assert run(root, tmp_path / "out") == 0
    with (tmp_path / "out" / "train-report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    times = [(float(row["start_s"]), float(row["end_s"]), bool(row["clip"])) for row in rows]
    assert times == [(0, 16, False), (16, 30, True), (30, 60, True), (60, 66, True)] * 2
    kept = {row["clip"] for row in rows} - {""}
    assert kept == set(load_clips(tmp_path / "out", "train").names)
    assert "a face is missing" in rows[0]["left_out"]


def test_turns_of_another_kind_are_refused(tmp_path, capsys):
    from rigs.data_sets import write_react

    root = write_react(tmp_path / "react", 1)
    out = tmp_path / "out"
    assert main(["data", "convert", "react2023", str(root), str(out), "--turns"]) == 2
    assert "--turns is for conversations" in capsys.readouterr().err and not out.exists()


def test_silence_alone_leaves_no_clip(tmp_path, capsys):
    root = write_mars(tmp_path / "mars", ("train",), recordings=1)  # turns of 2 s
    assert run(root, tmp_path / "out", "--turns") == 2
    assert "nothing of the train split became a clip: see" in capsys.readouterr().err
    assert (tmp_path / "out" / "train-report.md").is_file()

"""RLD, which has no val split and clips of all lengths: training and evaluation."""

import json
from dataclasses import replace

import numpy as np
import pytest
from rigs.data_sets import (
    RLD_HEADER,
    faceverse,
    write_coefficients,
    write_csv,
    write_video,
    write_wav,
)
from rigs.evaluation import settings
from rigs.model_inputs import small_config

from reactface_node.cli.main import main
from reactface_node.errors import UserError
from reactface_node.faceverse import Space
from reactface_node.research.data.convert import convert
from reactface_node.research.data.rld import Rld
from reactface_node.research.data.store import load_clips, load_facts
from reactface_node.research.evaluation.metrics import all_metrics
from reactface_node.research.evaluation.rows import Scale, measure, space_of
from reactface_node.research.training.splits import hold_out, long_enough, training_splits

pytestmark = pytest.mark.slow

TRAIN, TEST = (104, 96, 96, 104), (96, 20, 90)


def write_rld(root, **splits):
    """A session for every length in frames, with FaceVerse coefficients."""
    rows = []
    for split, lengths in splits.items():
        for frames in lengths:
            seed = len(rows)
            rows.append(["neutral", f"a{seed}", f"l{seed}", f"s{seed}", seed, split])
            write_wav(root / "audios" / f"a{seed}.wav", seed, frames)
            for role, name in enumerate((f"s{seed}", f"l{seed}")):
                write_video(root / "videos" / f"{name}.mp4", [90] * frames)
                values = faceverse(2 * seed + role, frames)
                write_coefficients(root / "3D_FV_files" / f"{name}.npy", values)
    write_csv(root / "RLD_data.csv", RLD_HEADER, rows)
    return root


@pytest.fixture(scope="module")
def rld(tmp_path_factory):
    root = write_rld(tmp_path_factory.mktemp("rld"), train=TRAIN, test=TEST)
    for split in ("train", "test"):
        convert(Rld(root, split), root / "converted", 1)
    return root / "converted"


@pytest.fixture(scope="module")
def run(rld, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    assert main(["train", "-o", str(out), *settings(training__data=rld)]) == 0
    return out


def test_the_last_training_clips_are_held_out_where_there_is_no_val_split(rld, run, capfd):
    capfd.readouterr()
    assert main(["train", "-o", str(run), *settings(training__data=rld)]) == 0
    printed = capfd.readouterr()
    assert "has no val split: 1 of 4 training clips are held out" in printed.err
    metrics = json.loads(printed.out, parse_constant=pytest.fail)
    assert metrics["diversity_ratio"] is None  # one listener a clip
    assert metrics["energy_score"] > 0


def test_nothing_of_what_is_held_out_is_learned_from(rld):
    clips = load_clips(rld, "train")
    shared = tuple(np.array([n, *(m for m in range(4) if m != n)]) for n in range(4))

    rest, last = hold_out(replace(clips, appropriate=shared), 1)
    assert (rest.names, last.names) == (clips.names[:3], clips.names[3:])
    assert [rows.tolist() for rows in rest.appropriate] == [[0, 1, 2], [1, 0, 2], [2, 0, 1]]
    np.testing.assert_array_equal(rest.reactions, clips.reactions[:3])
    assert [rows.tolist() for rows in last.appropriate] == [[0]]
    np.testing.assert_array_equal(last.reactions, clips.reactions[3:])
    assert [part.reaction_frames.tolist() for part in (rest, last)] == [[104, 96, 96], [104]]


def test_a_single_training_clip_is_too_few(tmp_path):
    root = write_rld(tmp_path, train=(40,))
    convert(Rld(root, "train"), root / "converted", 1)
    with pytest.raises(UserError, match="no val split, and too few training clips"):
        training_splits(root / "converted", small_config().training)


def test_too_short_clips_are_left_out_and_the_others_cut(rld, run, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("reactface_node.research.evaluation.rows.SPEED_FRAMES", 8)
    pairs = settings(weights=run / "weights.safetensors", training__data=rld)
    assert main(["evaluate", "-o", str(tmp_path), "--samples", "2", *pairs]) == 0
    printed = capfd.readouterr()
    assert "1 of 3 clips are left out, shorter than 74 frames" in printed.err
    assert "GT: FRDist took" in printed.err and "Random: FRDist took" in printed.err
    assert "on cpu, " in (tmp_path / "table2.md").read_text()
    rows = json.loads((tmp_path / "table2.json").read_text())["rows"]
    assert all(row["metrics"]["FRSyn"] is not None for row in rows)


def test_lengths_choose_clips_and_their_reactions(rld):

    clips = load_clips(rld, "test")
    known = (np.array([0, 1, 2]), np.array([1, 0]), np.array([2, 1]))
    chosen, frames, note = long_enough(replace(clips, appropriate=known), 74, 8)
    assert chosen.names == (clips.names[0], clips.names[2]) and frames == 88
    assert [rows.tolist() for rows in chosen.lasting(frames)] == [[0, 2], [2]]
    assert note == "1 of 3 clips are left out, shorter than 74 frames (3.0 s) in whole windows of 8"
    np.testing.assert_array_equal(chosen.speaker[1], clips.speaker[2])
    first, frames, _ = long_enough(clips, 74, 8, 1)
    assert len(first) == 1 and frames == 96
    with pytest.raises(UserError, match="no clip is long enough to be measured: 200 frames"):
        long_enough(clips, 200, 8)


def test_metrics_are_on_the_scale_that_the_data_set_came_in(rld):
    clips, _, _ = long_enough(load_clips(rld, "test"), 74, 8)
    space = space_of(load_facts(rld, "test"))
    assert space_of({"kind": "rld", "tracked": True}) is None
    predictions = np.repeat(clips.speaker[:, None, :88], 2, axis=1)
    predictions[:, 1] += 0.1
    got = measure("x", predictions, clips, None, Scale(space=space))
    theirs = [
        Space.of().to_faceverse(part)
        for part in (predictions, clips.speaker[:, :88], clips.reactions[:, :88])
    ]
    expected = all_metrics(*theirs, clips.appropriate)
    ours = measure("x", predictions, clips, None, Scale())
    for name in ("FRVar", "FRDvs", "FRDiv", "FRCorr", "FRDist"):
        assert got[name] == pytest.approx(expected[name], rel=1e-6), name
    for name in ("FRVar", "FRDist"):
        assert got[name] != pytest.approx(ours[name], rel=1e-3), name

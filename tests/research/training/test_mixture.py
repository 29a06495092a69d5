"""Several data sets in one training."""

import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rigs.store import clip, own, plan, write_all
from rigs.train import tiny

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.model.checkpoint import read_checkpoint
from reactface_node.research.data import plan as plans
from reactface_node.research.data.store import ClipWriter
from reactface_node.research.training.corpus import Corpus
from reactface_node.research.training.dataset import (
    data_folder,
    data_sets,
    make_synthetic,
    open_split,
)
from reactface_node.research.training.mixture import Domain, Mixture
from reactface_node.research.training.moments import Moments
from reactface_node.research.training.train import WEIGHTS, train

OUT = Path("out")


def settings(data):
    return Config().replace(**{"training.data": data}).training


def named(data):
    return [(one.name, str(one.folder), one.weight, one.made) for one in data_sets(data, OUT)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", [("synthetic", "out/data", 1.0, True)]),
        ("synthetic", [("synthetic", "out/data", 1.0, True)]),
        ("talks", [("talks", "talks", 1.0, False)]),
        ("talks:2", [("talks", "talks", 2.0, False)]),
        (
            "a/talks:2, synthetic : 0.5,./synthetic",
            [
                ("talks", "a/talks", 2.0, False),
                ("synthetic", "out/data", 0.5, True),
                ("synthetic-2", "synthetic", 1.0, False),
            ],
        ),
        ("a:b,c", [("a:b", "a:b", 1.0, False), ("c", "c", 1.0, False)]),
    ],
)
def test_data_sets_are_named_with_their_weights(data, expected):
    assert named(settings(data)) == expected


def test_a_folder_may_have_a_comma_or_a_colon_in_its_name(tmp_path):
    for name in ("a,b", "a:2"):
        (tmp_path / name).mkdir()
        assert named(settings(str(tmp_path / name))) == [(name, str(tmp_path / name), 1.0, False)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a:0,b", "the weight of 'a' is 0, not above 0"),
        ("a:-1", "the weight of 'a' is -1, not above 0"),
        ("a,b:nan", "the weight of 'b' is nan, not above 0"),
        ("a,b:inf", "the weight of 'b' is inf, not above 0"),
        ("a,b,a:2", "'a,b,a:2' names a twice"),
        ("a,./a", "names a twice"),
        ("a,out/data,synthetic", "names .*synthetic twice"),
        ("a,,b", "an empty name"),
        ("a,:2", "an empty name"),
    ],
)
def test_a_mixture_that_makes_no_sense_is_one_line(data, message):
    with pytest.raises(UserError, match=message) as said:
        data_sets(settings(data), OUT)
    assert "training.data" in str(said.value) and "\n" not in str(said.value)


def test_data_sets_of_one_name_are_told_apart():
    assert [one[0] for one in named(settings("a/x,b/x,c,d/x"))] == ["x", "x-2", "c", "x-3"]


def test_where_one_data_set_is_needed_a_mixture_is_refused():
    with pytest.raises(UserError, match="'a,b' is a mixture, which is for training"):
        data_folder(settings("a,b"), OUT)


def corpus(folder, offset, count=6, frames=64):
    """Speakers and listeners of a data set lie about ``offset``."""
    made = plan(tuple(map(str, range(count))), frames)
    clips = [
        replace(one, speaker=one.speaker + offset, reactions=one.reactions + offset)
        for one in (clip(seed, frames) for seed in range(count))
    ]
    with ClipWriter(folder, made) as writer:
        write_all(writer, clips)
        writer.finish(own(count))
    clips, digest = open_split(folder, "train", settings(str(folder)))
    return Corpus(clips), digest


def test_crops_come_by_the_shares_and_statistics_are_of_the_mixture(tmp_path):
    low, high = corpus(tmp_path / "low", 0.0), corpus(tmp_path / "high", 10.0, 4, 96)
    mixture = Mixture([Domain("low", 0.25, *low), Domain("high", 0.75, *high)])
    seen = []
    for seed in range(40):
        batch = mixture.batch(np.random.default_rng(seed), 8, 32, 2, 0.0, 0.5)
        assert batch.truth.shape == (8, 32, 58) and batch.listeners.shape == (8, 2, 32, 58)
        assert batch.position.tolist() == list(range(8))
        assert batch.speaker.face.shape == (8, 32, 58) and batch.nods.shape == (8, 2, 32, 3)
        of = batch.truth[:, 0, 0] > 5.0
        assert torch.equal(of, batch.listeners[:, 0, 0, 0] > 5.0)
        seen += of.tolist()
    assert 0.65 < np.mean(seen) < 0.85
    found = mixture.statistics()
    assert found.listener_mean[3] == pytest.approx(0.5 + 7.5, abs=0.05)
    # Between the sets: 10^2 * 0.25 * 0.75; within them, of uniform numbers: 1 / 12.
    assert found.speaker_std[3] == pytest.approx(np.sqrt(18.75 + 1 / 12), rel=0.01)
    assert mixture.shortest == 64 and [len(a) for a, _ in mixture.sounds(4)] == [1, 3]


def test_a_beginning_is_one_in_every_data_set(tmp_path):
    parts = corpus(tmp_path / "a", 0.0), corpus(tmp_path / "b", 10.0)
    mixture = Mixture([Domain(str(n), 0.5, *part) for n, part in enumerate(parts)])
    firsts = {bytes(c.clips.speaker[k, 0]) for c, _ in parts for k in range(6)}
    for begins in (0.0, 1.0):
        batch = mixture.batch(np.random.default_rng(1), 32, 32, 1, 0.0, begins)
        assert batch.begins == bool(begins)
        assert all(bytes(one[0]) in firsts for one in batch.truth.numpy()) == bool(begins)


def test_one_data_set_gives_the_batches_of_its_corpus(tmp_path):
    alone, digest = corpus(tmp_path, 0.0)
    mixture = Mixture([Domain("a", 1.0, alone, digest)])
    one, two = (
        part.batch(np.random.default_rng(3), 4, 32, 2, 0.1, 0.3) for part in (alone, mixture)
    )
    for name, value in vars(one).items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, vars(two)[name])
    assert mixture.digest == digest
    assert np.array_equal(mixture.statistics().speaker_std, alone.statistics().speaker_std)


def test_moments_of_a_mixture_by_hand():
    """Half of 0, 2 and half of 10, 10: the mean is 5.5; squares are 2 and 100."""
    parts = [
        Moments.of(lambda x=x: iter([np.array(x)]), np.ones(1, bool))
        for x in ([[0.0], [2.0]], [[10.0]])
    ]
    mixed = Moments.mixed(parts, [0.5, 0.5])
    assert mixed.mean == pytest.approx([5.5]) and mixed.variance == pytest.approx([20.75])


def test_memory_does_not_grow_with_the_data_set(tmp_path, monkeypatch):
    """Batches, statistics and voices of a set that is eight times as large: as many open files, and
    about the same peak of memory."""
    monkeypatch.setattr("reactface_node.research.data.shards.OPEN", 4)
    monkeypatch.setattr("reactface_node.research.training.corpus.STATISTICS_SPEAKERS", 4)
    monkeypatch.setattr("reactface_node.research.training.corpus.STATISTICS_REACTIONS", 4)
    monkeypatch.setattr(plans, "SHARD_BYTES", 2 * plan(frames=64).clip_bytes)
    peaks = []
    for count in (8, 64):
        found, _ = corpus(tmp_path / str(count), 0.0, count)
        folder = tmp_path / str(count)
        assert len(list((folder / "train").glob("0*"))) == count // 2
        del found
        tracemalloc.start()
        clips, _ = open_split(folder, "train", settings(str(folder)))
        opened = Corpus(clips)
        opened.statistics()
        opened.sounds(4)
        for seed in range(10):
            opened.batch(np.random.default_rng(seed), 4, 32, 2, 0.0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(clips.speaker._files) <= 4
    assert peaks[1] < 1.1 * peaks[0]


@pytest.mark.slow
def test_a_mixture_is_trained_and_its_shares_are_in_the_weights(tmp_path, capsys):
    made = tiny("", training__data=str(tmp_path / "first"))
    make_synthetic(made.training, tmp_path / "first")
    both = tiny("", training__data=f"{tmp_path / 'first'}:3,synthetic", training__seed=1)
    metrics = train(both, tmp_path / "run")
    assert "crops by data set: first 75%, synthetic 25%" in capsys.readouterr().err
    stored = read_checkpoint(tmp_path / "run" / WEIGHTS, "cpu")
    card = stored.metrics["data"]
    assert [(one["name"], one["share"], one["clips"]) for one in card] == [
        ("first", 0.75, 3),
        ("synthetic", 0.25, 3),
    ]
    assert card[0]["hours"] == pytest.approx(12 / 3600, abs=1e-3) and card[0]["sha256"]
    scores = [metrics[f"energy_score/{name}"] for name in ("first", "synthetic")]
    assert metrics["energy_score"] == pytest.approx(0.75 * scores[0] + 0.25 * scores[1])
    assert train(both, tmp_path / "run") == metrics  # nothing is left to do
    with pytest.raises(UserError, match="was made with another data"):
        train(both.replace(**{"training.data": str(tmp_path / "first")}), tmp_path / "run")

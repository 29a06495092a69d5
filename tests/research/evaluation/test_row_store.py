"""Rows that are kept: an interrupted evaluation measures only what is missing."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from rigs.model_inputs import small_config
from torch import nn

from reactface_node.errors import UserError
from reactface_node.research.data.clips import Clips
from reactface_node.research.evaluation import measured_rows, rows
from reactface_node.research.evaluation.measured_rows import RowMeasuring
from reactface_node.research.evaluation.row_store import MeasuredRow, RowStore
from reactface_node.research.evaluation.rows import Scale
from reactface_node.research.evaluation.workers import Workers


class Still(nn.Module):
    """A listener with one weight; it counts its calls."""

    def __init__(self, value=0.0):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))
        self.calls = 0

    def react(self, speaker, samples, generator):
        self.calls += 1
        batch, frames = speaker.face.shape[:2]
        return torch.full((batch, samples, frames, 58), self.value.item())


@pytest.fixture
def measuring(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "SPEED_FRAMES", 8)
    r = np.random.default_rng(0)
    faces = (0.02 * r.standard_normal((2, 80, 58))).cumsum(axis=1).astype(np.float32)
    sound = (900 * r.standard_normal((2, 80 * 640))).astype(np.int16)
    frames = np.full(2, 80)
    test = Clips(
        ("a", "b"), frames, faces[::-1], sound, faces, (np.array([0]), np.array([1])), frames
    )
    store = RowStore(tmp_path / "rows", {"samples": 2, "test": "digest"})
    return RowMeasuring(small_config(), test, 2, Scale(), Workers(), store, filmed=1)


def test_a_row_is_measured_once(measuring, capsys):
    reactor = Still(0.1)
    first = measuring.row("Still", reactor)
    calls = reactor.calls
    again = measuring.row("Still", reactor)
    assert calls > 0 and reactor.calls == calls
    assert "Still: measured before" in capsys.readouterr().err
    np.testing.assert_equal((again.metrics, again.people), (first.metrics, first.people))
    np.testing.assert_array_equal(again.shown, first.shown)
    assert first.shown.shape == (2, 80, 58) and first.filmed.shape == (1, 80, 58)
    assert {"FRDist", "FPS", "FD_exp", "nod_F1_1"} <= set(first.metrics)
    assert "nods" in first.people and "nod_talking" in first.people


def test_an_interrupted_table_goes_on_with_the_next_row(measuring, monkeypatch, capsys):
    kept, cut = Still(0.1), Still(0.2)
    whole = measured_rows.measured_rows(measuring, [("kept", kept), ("cut", cut)])
    names = [json.loads(line).popitem()[0] for line in capsys.readouterr().out.splitlines()]
    assert [row.name for row in whole] == ["GT", "kept", "cut"] and names == ["kept", "cut"]
    (measuring.store.folder / "cut.json").unlink()
    before = kept.calls, cut.calls
    again = measured_rows.measured_rows(measuring, [("kept", kept), ("cut", cut)])
    assert kept.calls == before[0] and cut.calls > before[1]
    for one, other in zip(whole, again, strict=True):
        # Only times may differ.
        for name in set(one.metrics) - {"FPS", "FPS_core", "FRDist_s"}:
            np.testing.assert_equal(other.metrics[name], one.metrics[name], name)


def row(name="Ours"):
    metrics = {"FRDist": 1.0 / 3.0, "FRDvs": float("nan")}
    shown = np.random.default_rng(0).standard_normal((3, 5, 58)).astype(np.float32)
    return MeasuredRow(name, metrics, {"nods": 4.5}, shown, shown[:1])


def test_a_row_comes_back_as_it_was(tmp_path):
    store = RowStore(tmp_path / "rows", {"samples": 10})
    store.write(row(), Still())
    found = store.read("Ours", Still())
    np.testing.assert_equal((found.metrics, found.people), (row().metrics, row().people))
    np.testing.assert_array_equal(found.shown, row().shown)
    np.testing.assert_array_equal(found.filmed, row().filmed)
    json.loads((tmp_path / "rows" / "Ours.json").read_text(), parse_constant=pytest.fail)


def test_a_row_of_other_settings_weights_or_name_is_measured_again(tmp_path):
    store = RowStore(tmp_path / "rows", {"samples": 10})
    store.write(row(), Still(0.5))
    assert store.read("Ours", Still(0.5)) is not None
    assert store.read("Ours", Still(0.25)) is None and store.read("Ours", None) is None
    assert store.read("Other", Still(0.5)) is None
    assert replace(store, chosen={"samples": 9}).read("Ours", Still(0.5)) is None


@pytest.mark.parametrize("damage", ["json", "npz", "no npz", "list", "parts"])
def test_a_damaged_row_is_measured_again(tmp_path, damage):
    store = RowStore(tmp_path / "rows", {})
    store.write(row(), None)
    stem = tmp_path / "rows" / "Ours"
    if damage == "json":
        stem.with_suffix(".json").write_text('{"made_with"')
    elif damage == "list":
        stem.with_suffix(".json").write_text("[1]")
    elif damage == "parts":
        kept = json.loads(stem.with_suffix(".json").read_text())
        stem.with_suffix(".json").write_text(json.dumps({"made_with": kept["made_with"]}))
    elif damage == "npz":
        stem.with_suffix(".npz").write_bytes(stem.with_suffix(".npz").read_bytes()[:100])
    else:
        stem.with_suffix(".npz").unlink()
    assert store.read("Ours", None) is None


def test_a_file_in_the_place_of_the_folder_is_one_line(tmp_path):
    (tmp_path / "rows").write_text("kept")
    with pytest.raises(UserError, match="rows is to be a folder"):
        RowStore(tmp_path / "rows", {}).write(row(), None)

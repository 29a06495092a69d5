"""Every kind of data set goes through all commands."""

import pytest
from rigs.data_sets import write_react
from rigs.pair_sets import flame_map, save, write_dualtalk, write_mars
from rigs.whole_way import whole_way
from safetensors.torch import load_file

from reactface_node.research.data.flame import UNSEEN
from reactface_node.schema import indices_of

pytestmark = pytest.mark.slow


def write_react_splits(root):
    for split in ("train", "val", "test"):
        write_react(root, 2, split, frames=100)
    return root


@pytest.mark.parametrize("kind", ["react2023", "react2024"])
def test_react(kind, tmp_path, capfd, monkeypatch):
    root = write_react_splits(tmp_path / "react")
    rows, _ = whole_way(kind, root, tmp_path / "out", capfd, monkeypatch)
    assert {"GT", "ReactFace (ours)"} <= {row["name"] for row in rows}


def test_mars(tmp_path, capfd, monkeypatch):
    root = write_mars(tmp_path / "mars")
    whole_way("mars", root, tmp_path / "out", capfd, monkeypatch)


@pytest.mark.parametrize("form", ["arkit", "flame"])
def test_dualtalk(form, tmp_path, capfd, monkeypatch):
    root = write_dualtalk(tmp_path / "dualtalk", form=form)
    options = []
    if form == "flame":
        save(tmp_path / "map.npy", flame_map())
        options = ["--flame-map", str(tmp_path / "map.npy")]
    whole_way("dualtalk", root, tmp_path / "out", capfd, monkeypatch, *options)
    weights = load_file(tmp_path / "out" / "run" / "weights.safetensors")
    unseen = indices_of(*UNSEEN)
    for name in ("head.1.weight", "head.1.bias"):
        assert not weights[name][unseen].any() and weights[name].any()

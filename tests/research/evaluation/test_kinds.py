"""Every kind of data set goes through all commands."""

import pytest
from rigs.data_sets import write_react
from rigs.whole_way import whole_way

pytestmark = pytest.mark.slow


def write_react_splits(root):
    for split in ("train", "val", "test"):
        write_react(root, 2, split, frames=100)
    return root


@pytest.mark.parametrize("kind", ["react2023"])
def test_react(kind, tmp_path, capfd, monkeypatch):
    root = write_react_splits(tmp_path / "react")
    rows, _ = whole_way(kind, root, tmp_path / "out", capfd, monkeypatch)
    assert {"GT", "ReactFace (ours)"} <= {row["name"] for row in rows}

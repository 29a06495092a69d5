"""The sides of conversations are read on a dask cluster of local processes; loopback only."""

from dataclasses import replace

import pytest
from rigs.cluster import cluster
from rigs.data_sets import GreyTracker
from rigs.talks import TURNS, no_speech_model, write_side

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.research.data.convert import convert
from reactface_node.research.data.kind import DatasetChoice
from reactface_node.research.data.store import load_clips
from reactface_node.research.data.tracks import prepare
from reactface_node.research.data.videos import open_splits

pytest.importorskip("distributed", exc_type=ImportError)
pytestmark = pytest.mark.slow


def source_of(root):
    found = open_splits(root, DatasetChoice(), RosConfig()).open("train")
    return replace(found, tracker=GreyTracker, speech=no_speech_model)


def test_sides_are_read_by_the_workers(tmp_path):
    root = tmp_path / "videos"
    for index, ending in enumerate("ab"):
        write_side(root / "train" / f"talk_{ending}.mp4", TURNS[index], seed=index)
    with cluster(2) as (address, *_):
        source = prepare(source_of(root), tmp_path / "out", cluster=address)
        convert(source, tmp_path / "out", cluster=address)
        (root / "train" / "talk_b.mp4").write_bytes(b"spoiled")
        broken = replace(source_of(root), strict=False)
        with pytest.raises(UserError, match=r"talk_b\.mp4 is no video that can be read"):
            prepare(broken, tmp_path / "other", cluster=address)
    assert len(load_clips(tmp_path / "out", "train")) == 4

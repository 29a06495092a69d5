"""Data are read with the tracker and the voice detector that the settings name."""

import shutil

import pytest
from rigs.data_sets import GreyTracker, write_rld
from rigs.pair_sets import write_mars
from rigs.talks import TURNS, write_person, write_side, write_take

from reactface_node.cli.main import main
from reactface_node.config import PerceptionConfig, RosConfig
from reactface_node.research.data import sides
from reactface_node.research.data.datasets import open_sources
from reactface_node.research.data.kind import DatasetChoice
from reactface_node.research.data.store import load_facts

pytestmark = pytest.mark.slow
CHANGED = {"min_confidence": 0.8, "voice_activity": ""}


@pytest.fixture
def asked(monkeypatch):
    """The settings with which a tracker or a voice detector was asked for."""
    found = []
    monkeypatch.setattr(
        "reactface_node.perception.make_tracker",
        lambda config, want_crop: found.append(config) or GreyTracker(want_crop),
    )
    monkeypatch.setattr(sides, "speech_model", lambda config: found.append(config))
    return found


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    root = tmp_path_factory.mktemp("videos")
    for index, ending in enumerate("ab"):
        write_side(root / "train" / f"talk_{ending}.mp4", TURNS[index], seed=index)
    return root


def convert(kind, root, out, *sets):
    chosen = [part for one in sets for part in ("--set", f"perception.{one}")]
    assert main(["data", "convert", kind, str(root), str(out), "--workers", "1", *chosen]) == 0


def test_faces_of_rld_are_tracked_as_the_settings_say(tmp_path, asked):
    write_rld(tmp_path / "rld")
    convert("rld", tmp_path / "rld", tmp_path / "usual")
    assert {one.min_confidence for one in asked} == {PerceptionConfig().min_confidence}
    assert "perception" not in load_facts(tmp_path / "usual", "train")
    asked.clear()
    convert("rld", tmp_path / "rld", tmp_path / "other", "min_confidence=0.8")
    assert {one.min_confidence for one in asked} == {0.8}
    assert load_facts(tmp_path / "other", "train")["perception"] == {"min_confidence": 0.8}


def test_other_settings_read_the_videos_again(pair, tmp_path, asked):
    """What was read with the old settings is kept beside it."""
    convert("videos", pair, tmp_path)
    usual = set((tmp_path / "tracks").iterdir())
    assert {one.voice_activity for one in asked} == {PerceptionConfig().voice_activity}
    shutil.rmtree(tmp_path / "train")
    asked.clear()
    convert("videos", pair, tmp_path, "voice_activity=")
    assert {one.voice_activity for one in asked} == {""}
    assert len(asked) == 4  # A tracker and a voice detector for each of two sides.
    assert set((tmp_path / "tracks").iterdir()) > usual
    shutil.rmtree(tmp_path / "train")
    asked.clear()
    convert("videos", pair, tmp_path, "voice_activity=")
    assert not asked


@pytest.mark.parametrize("kind", ["bags", "livelink", "seamless"])
def test_the_other_kinds_that_read_faces_or_voices_take_the_settings(kind, tmp_path, asked):
    for index, name in enumerate(("P1", "P2A")):
        if kind == "livelink":
            write_take(tmp_path / "train" / "talk" / f"{name}.csv", TURNS[index], index)
        elif kind == "seamless":
            place = tmp_path / "improvised/train/0000/0000" / f"V00_S1_I00000001_{name}"
            write_person(place, TURNS[index], seed=index)
        else:
            (tmp_path / "train").mkdir(exist_ok=True)
    wanted = PerceptionConfig(**CHANGED)
    [make] = open_sources(kind, tmp_path, DatasetChoice(perception=wanted), RosConfig())
    source = make()
    source.tracker(False)
    if kind != "bags":
        source.speech()
    assert all(one == wanted for one in asked) and asked
    assert source.facts["perception"] == CHANGED


def test_the_turns_of_pairs_are_heard_as_the_settings_say(tmp_path, asked):
    root = write_mars(tmp_path / "mars", ("train",), (0,), 1, 300)
    command = ["data", "convert", "mars", str(root), str(tmp_path / "out"), "--turns"]
    main([*command, "--workers", "1", "--set", "perception.voice_activity="])
    assert {one.voice_activity for one in asked} == {""}

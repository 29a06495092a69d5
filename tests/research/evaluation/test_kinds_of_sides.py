"""The kinds with a recording of each person go through all commands."""

import pytest
from rigs.talks import sample_faces, write_faces, write_person, write_take
from rigs.whole_way import whole_way

from reactface_node.research.data.store import load_facts

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("loud_is_voice")]
SPANS = ((0.3, 5.2),), ((5.2, 10.0),)
LENGTH_S = 10.4


def test_videos(tmp_path, capfd, monkeypatch):
    root = tmp_path / "videos"
    faces = sample_faces(LENGTH_S)
    for split in ("train", "test"):
        for index, ending in enumerate(("speaker", "listener")):
            path = root / split / f"talk_{ending}.mp4"
            write_faces(path, faces[:: 1 - 2 * index], SPANS[index], seed=index)
    _, told = whole_way("videos", root, tmp_path / "out", capfd, monkeypatch)
    converted = tmp_path / "out" / "converted"
    assert "train: 2 clips, " in told and "in 1 conversations" in told
    page = (converted / "train-report.md").read_text()
    assert "| kept |" in page and "(train-report.svg)" in page
    assert load_facts(converted, "train")["missing"] == []


def test_seamless_by_its_own_features(tmp_path, capfd, monkeypatch):
    root = tmp_path / "seamless"
    for place in ("train/0000/0001", "test/0000/0002"):
        for index, person in enumerate(("P0001", "P0002A")):
            stem = root / "improvised" / place / f"V00_S0001_I0000000{place[-1]}_{person}"
            write_person(stem, SPANS[index], LENGTH_S, seed=index, video=False)
    whole_way("seamless", root, tmp_path / "out", capfd, monkeypatch)
    facts = load_facts(tmp_path / "out" / "converted", "train")
    assert facts["own_features"] and "tongueOut" in facts["missing"]
    page = (tmp_path / "out" / "converted" / "train-report.md").read_text()
    assert "the signs of the head's and the eyes' angles are assumed" in page


def test_livelink(tmp_path, capfd, monkeypatch):
    root = tmp_path / "phones"
    for split in ("train", "test"):
        for index, phone in enumerate("xy"):
            folder = root / split / "talk" / f"take_{phone}"
            write_take(folder / f"{phone}.csv", SPANS[index], seconds=LENGTH_S, seed=index)
    whole_way("livelink", root, tmp_path / "out", capfd, monkeypatch)
    missing = load_facts(tmp_path / "out" / "converted", "train")["missing"]
    assert missing == ["translationX", "translationY", "translationZ"]

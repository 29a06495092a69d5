"""The rehearsal of a data set of full size, made small."""

import argparse
import json
import runpy
import wave

import numpy as np
import pytest
from rigs.paths import ROOT

from reactface_node.media.containers import pictures
from reactface_node.research.data.check import check
from reactface_node.research.data.mars import Mars

SMALL = argparse.Namespace(
    sessions=5, seconds=4.0, clips=1, steps=2, video=None, test_clips=2, workers=0
)


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(ROOT / "docs" / "scripts" / "full_scale.py"))


def test_the_shares_of_the_splits_are_kept(script):
    found = [script["split_of"](index / 2856) for index in range(2856)]
    assert [found.count(split) for split in ("train", "val", "test")] == [1714, 571, 571]


@pytest.mark.slow
def test_its_files_are_those_of_mars(script, tmp_path):
    script["make"](tmp_path, SMALL)
    for split, count in (("train", 3), ("val", 1), ("test", 1)):
        source = Mars(tmp_path, split)
        assert not check([lambda source=source: source])
        assert len(source.conversations) == count
    (face,) = (tmp_path / "train/coefficients/speaker").glob("session0/*.npy")
    assert np.load(face).shape == (100, 1, 58) and np.load(face).dtype == np.float32
    with wave.open(str(tmp_path / f"train/audio/speaker/session0/{face.stem}.wav")) as sound:
        assert sound.getnframes() == 4 * 16000
    videos = list(tmp_path.glob("*/video-face-crop/*/*/*.mp4"))
    assert len(videos) == 2 and all(len(list(pictures(one))) == 100 for one in videos)
    before = face.read_bytes()
    face.unlink()
    script["make"](tmp_path, SMALL)  # what is missing is made again, the same
    assert face.read_bytes() == before


def test_steps_that_are_done_are_not_done_again(script, tmp_path, capsys):
    names = [name for name, *_ in script["steps"](tmp_path, SMALL)]
    assert names[:4] == ["make the files", "check", "convert", "train reactface, 2 steps"]
    done = {name: {"name": name, "wall_s": 61.4, "peak_mb": 10.0, "disk_mb": 3.0} for name in names}
    (tmp_path / "steps.json").write_text(json.dumps(done))
    script["rehearse"](tmp_path, SMALL)
    row = capsys.readouterr().out.splitlines()[4]
    assert row == "| make the files | 1 min 1 s | 10 MB | 3 MB |"

"""Conversion of a source: the same bytes for any number of workers and interruptions."""

import errno
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rigs.data_sets import FRAMES, contents, write_react
from rigs.paths import ROOT

from reactface_node.errors import UserError
from reactface_node.research.data import parts, plan, store
from reactface_node.research.data.convert import DyadSource, convert
from reactface_node.research.data.origin import origin_of
from reactface_node.research.data.react2023 import React2023
from reactface_node.research.data.store import load_clips, load_facts
from reactface_node.research.data.synthetic import make_dyad


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    """Two synthetic clips fit into a shard, and one of REACT 2023."""
    monkeypatch.setattr(plan, "SHARD_BYTES", 150_000)


def dyad(seed, index):
    return make_dyad(np.random.default_rng((seed, index)), 1.0, 2)


def dyads(count=5, seed=3):
    facts = {"kind": "synthetic", "seed": seed}
    return DyadSource("train", partial(dyad, seed), count, 2, 25, facts)


@dataclass(frozen=True)
class Slow(DyadSource):
    """Ends its process the hard way when it comes to a clip."""

    killed_at: int = -1

    def read(self, clips):
        if clips.start == self.killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(clips)


def slow(killed_at):
    source = dyads()
    return Slow(source.split, source.make, source.count, 2, 25, source.facts, killed_at=killed_at)


def test_synthetic_dyads(tmp_path):
    assert convert(dyads(), tmp_path, workers=1) == tmp_path / "train"
    clips = load_clips(tmp_path, "train")
    made = dyad(3, 4)
    np.testing.assert_array_equal(clips.speaker[4], made.speaker)
    np.testing.assert_array_equal(clips.reactions[8:], made.listeners)
    assert np.abs(clips.audio[4] / 32768 - made.audio).max() <= 1 / 32768
    assert [rows.tolist() for rows in clips.appropriate] == [[2 * k, 2 * k + 1] for k in range(5)]
    assert load_facts(tmp_path, "train")["seed"] == 3


@pytest.mark.slow
def test_any_number_of_workers_gives_the_same_bytes(tmp_path):
    convert(dyads(), tmp_path / "one", workers=1)
    convert(dyads(), tmp_path / "two", workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_interrupted_it_goes_on_and_gives_the_same_bytes(tmp_path, monkeypatch):
    convert(dyads(), tmp_path / "whole", workers=1)
    with pytest.MonkeyPatch.context() as patch:
        write, written = store.write_part, []

        def interrupted(folder, index, arrays):
            if len(written) == 2:
                # Half of a clip is on the disk when it ends.
                (folder / "parts" / ".half").write_bytes(b"x" * 1000)
                raise KeyboardInterrupt
            written.append(index)
            write(folder, index, arrays)

        patch.setattr(store, "write_part", interrupted)
        with pytest.raises(KeyboardInterrupt):
            convert(dyads(), tmp_path / "parts", workers=1)
    assert [path.name for path in (tmp_path / "parts").iterdir()] == [".train.unfinished"]
    again = []

    def counted(seed, index):
        again.append(index)
        return dyad(seed, index)

    rest = DyadSource("train", partial(counted, 3), 5, 2, 25, dyads().facts)
    convert(rest, tmp_path / "parts", workers=1)
    assert again == [2, 3, 4]
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_killed_it_goes_on_and_gives_the_same_bytes(tmp_path):
    """The whole process is gone, with nobody to tidy up after it."""
    convert(dyads(), tmp_path / "whole", workers=1)
    program = (
        "from pathlib import Path; from test_convert import slow;"
        "from reactface_node.research.data import plan; plan.SHARD_BYTES = 150_000;"
        "from reactface_node.research.data.convert import convert;"
        f"convert(slow(3), Path({str(tmp_path / 'parts')!r}), workers=1)"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(ROOT / "tests"), str(ROOT)])
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    convert(dyads(), tmp_path / "parts", workers=1)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_a_worker_that_dies_is_said_and_the_rest_is_kept(tmp_path):
    with pytest.raises(UserError, match=r"a worker ended while making .*train"):
        convert(slow(3), tmp_path, workers=2)
    convert(dyads(), tmp_path, workers=1)
    assert len(load_clips(tmp_path, "train")) == 5


def test_a_full_disk_is_one_line_and_the_finished_clips_stay(tmp_path, monkeypatch):
    convert(dyads(), tmp_path / "whole", workers=1)
    write = store.write_part

    def full(folder, index, arrays):
        if index == 3:
            (folder / "parts" / ".half").write_bytes(b"y" * 100)
            raise OSError(errno.ENOSPC, "No space left on device")
        write(folder, index, arrays)

    monkeypatch.setattr(store, "write_part", full)
    with pytest.raises(UserError) as said:
        convert(dyads(), tmp_path / "parts", workers=1)
    assert str(said.value) == (
        f"cannot write {tmp_path / 'parts' / 'train'}: the disk is full; "
        "3 of 5 clips are kept, run it again"
    )
    monkeypatch.setattr(store, "write_part", write)
    convert(dyads(), tmp_path / "parts", workers=1)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_a_disk_that_fills_while_a_shard_is_made_keeps_all_clips(tmp_path, monkeypatch):
    convert(dyads(), tmp_path / "whole", workers=1)

    def full(hidden, *_):
        (hidden / "speaker.npy").write_bytes(b"half of a shard")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_write_shard", full)
        with pytest.raises(UserError, match="the disk is full; 2 of 5 clips are kept"):
            convert(dyads(), tmp_path / "parts", workers=1)
    unfinished = tmp_path / "parts" / ".train.unfinished" / "train"
    assert sorted(path.name for path in unfinished.iterdir()) == ["parts", "plan.json"]
    convert(dyads(), tmp_path / "parts", workers=1)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


@pytest.mark.parametrize("name", ["write_part", "_write_shard", "_part"])
def test_ended_anywhere_in_a_shard_it_goes_on(tmp_path, monkeypatch, name):
    """While a clip is written, while the shard is, and while the clips of a shard are removed."""
    convert(dyads(), tmp_path / "whole", workers=1)
    module = store if name == "write_part" else parts
    real, calls = getattr(module, name), []

    def ended(*given):
        calls.append(given)
        if len(calls) == {"write_part": 4, "_write_shard": 2, "_part": 7}[name]:
            raise KeyboardInterrupt
        return real(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, ended)
        with pytest.raises(KeyboardInterrupt):
            convert(dyads(), tmp_path / "parts", workers=1)
    convert(dyads(), tmp_path / "parts", workers=1)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


@dataclass(frozen=True)
class Together(DyadSource):
    """Jobs of three clips, which do not end where shards do."""

    def jobs(self):
        return [range(0, 3), range(3, 5)]


def test_a_job_may_reach_over_shards_and_be_done_in_part(tmp_path):
    convert(dyads(), tmp_path / "whole", workers=1)
    one = dyads()
    source = Together(one.split, one.make, one.count, 2, 25, one.facts)
    with pytest.MonkeyPatch.context() as patch:
        write, written = store.write_part, []

        def interrupted(folder, index, arrays):
            if len(written) == 4:
                raise KeyboardInterrupt
            written.append(index)
            write(folder, index, arrays)

        patch.setattr(store, "write_part", interrupted)
        with pytest.raises(KeyboardInterrupt):
            convert(source, tmp_path / "parts", workers=1)
    convert(source, tmp_path / "parts", workers=1)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


def test_a_worker_needs_no_torch():
    """Each worker would take two seconds to load it."""
    program = (
        "import sys; from reactface_node.research.data import cluster, jobs, mars, videos; "
        "assert not {'torch', 'scipy.signal'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_the_speed_is_told(tmp_path, capsys):
    seconds = iter(range(100))
    convert(dyads(), tmp_path, workers=1, clock=lambda: next(seconds))
    told = capsys.readouterr().err.splitlines()[-1]
    # The clock is read once at the start, once for each of five clips, and twice at the end.
    assert told == (
        f"{tmp_path / 'train'}: 5 clips, 5 s of video, in 6.0 s "
        "(0.71 clips and 0.7 s of video a second)"
    )


def test_a_disk_that_is_surely_too_small_is_said_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: type("", (), {"free": 1000}))
    with pytest.raises(UserError, match=r"0\.0 GB free, the converted data need"):
        convert(dyads(), tmp_path, workers=1)


def test_react_2023(tmp_path):
    source = React2023(write_react(tmp_path / "react"), "train")
    convert(source, tmp_path / "cache", workers=1)
    clips = load_clips(tmp_path / "cache", "train")
    assert clips.names == source.names and clips.frames.tolist() == [FRAMES] * 6
    for index in range(6):
        [clip] = source.read(range(index, index + 1))
        np.testing.assert_array_equal(clips.speaker[index], clip.speaker)
        np.testing.assert_array_equal(clips.reactions[index], clip.reactions[0])
        np.testing.assert_array_equal(clips.reactions[index], clips.speaker[(index + 3) % 6])


@pytest.fixture
def half(tmp_path):
    """A folder with two of six clips of the data set in ``react``."""
    write, written = store.write_part, []

    def interrupted(folder, index, arrays):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(index)
        write(folder, index, arrays)

    source = React2023(write_react(tmp_path / "react"), "train")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "write_part", interrupted)
        with pytest.raises(KeyboardInterrupt):
            convert(source, tmp_path / "half", workers=1)
    return tmp_path / "half"


def test_files_go_on_from_the_same_folder_by_any_of_its_names(half, tmp_path):
    convert(React2023(tmp_path / "react", "train"), tmp_path / "whole", workers=1)
    (tmp_path / "link").symlink_to(tmp_path / "react")
    convert(React2023(tmp_path / "link", "train"), half, workers=1)
    assert contents(half) == contents(tmp_path / "whole")


def test_files_of_another_folder_do_not_go_on(half, tmp_path):
    shutil.copytree(tmp_path / "react", tmp_path / "copy")
    with pytest.raises(UserError) as said:
        convert(React2023(tmp_path / "copy", "train"), half, workers=1)
    assert str(said.value) == (
        f"{half / '.train.unfinished'} was begun from {tmp_path / 'react'}: "
        "use the same again, or remove it first"
    )


def same_size(file):
    """Only the time tells."""
    before = file.stat().st_mtime_ns
    os.utime(file, ns=(before, before + 1))


def another_row(file):
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], *lines[:0:-1]]))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("train/3D_FV_files/NoXI/002/Novice_video/1.npy", same_size),
        ("train/Audio_files/NoXI/000/Expert_video/1.wav", same_size),
        ("train.csv", another_row),
    ],
)
def test_changed_files_do_not_go_on(half, tmp_path, name, change):
    change(tmp_path / "react" / name)
    with pytest.raises(UserError, match="was begun from other files or with other settings"):
        convert(React2023(tmp_path / "react", "train"), half, workers=1)


def test_the_matrix_may_be_mended_meanwhile(half, tmp_path):
    """It is read at the end: ten hours of work are not lost by it."""
    np.save(tmp_path / "react" / "neighbour_emotion_train.npy", np.ones((6, 6)))
    convert(React2023(tmp_path / "react", "train"), half, workers=1)
    assert all(len(rows) == 6 for rows in load_clips(half, "train").appropriate)


def test_a_folder_of_pictures_counts_with_all_that_is_in_it(tmp_path):
    root = write_react(tmp_path / "react", sessions=1)
    pictures = root / "train" / "Video_files" / "NoXI" / "000" / "Novice_video" / "1"
    pictures.mkdir(parents=True)
    (pictures / "1.png").write_bytes(b"a picture")
    video = pictures.parents[1] / "Expert_video" / "1.mp4"
    video.parent.mkdir()
    video.write_bytes(b"a video")
    source = React2023(root, "train", faces=True)
    before = origin_of(source)
    assert origin_of(source) == before
    same_size(pictures / "1.png")
    assert origin_of(source)["files"] != before["files"]
    video.unlink()
    with pytest.raises(UserError, match=r"1\.mp4 cannot be read"):
        origin_of(source)


def test_a_broken_data_set_is_one_line_that_names_the_file(tmp_path):
    root = write_react(tmp_path / "react")
    audio = root / "train" / "Audio_files" / "NoXI" / "001"
    for role in ("Expert_video", "Novice_video"):
        (audio / role / "1.wav").unlink()
    with pytest.raises(UserError) as said:
        convert(React2023(root, "train"), tmp_path / "cache", workers=1)
    missing = audio / "Expert_video" / "1.wav"
    more = "(and 1 more: reactface data check lists them)"
    assert str(said.value) == f"{missing} is missing {more}"
    assert not (tmp_path / "cache").exists()


def test_an_existing_split_is_left_alone(tmp_path):
    convert(dyads(2), tmp_path, workers=1)
    with pytest.raises(UserError, match="exists already"):
        convert(dyads(2), tmp_path, workers=1)


def spoiled(seed, index):
    made = dyad(seed, index)
    made.speaker[3, 5] = np.nan
    return made


def test_nan_never_reaches_the_cache(tmp_path):
    source = DyadSource("train", partial(spoiled, 0), 2, 2, 25)
    with pytest.raises(UserError, match=r"train-00000\d: the coefficients hold NaN"):
        convert(source, tmp_path, workers=2)


def test_ended_while_it_gets_its_name_nothing_is_lost(tmp_path, monkeypatch):
    convert(dyads(), tmp_path / "whole", workers=1)

    def ended(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "put_in_place", ended)
        with pytest.raises(KeyboardInterrupt):
            convert(dyads(), tmp_path / "parts", workers=1)
    monkeypatch.setattr(store, "write_part", ended)  # nothing is left to write
    convert(dyads(), tmp_path / "parts", workers=1)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")

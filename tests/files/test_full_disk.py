"""A full disk: one line, saved files stay, nothing is half-written."""

import errno
import resource
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from rigs.evaluation import settings
from rigs.model_inputs import small_config, small_model
from rigs.paths import ROOT
from safetensors import SafetensorError
from torch import nn

from reactface_node.cli.main import main
from reactface_node.errors import UserError
from reactface_node.files.figures import new_figure, save_figure
from reactface_node.files.whole import make_folder, write_text, written_whole
from reactface_node.model.checkpoint import save_checkpoint
from reactface_node.research.training import train as module
from reactface_node.research.training.report import TrainingReport
from reactface_node.research.training.resume import Progress, save_state
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert

pytestmark = pytest.mark.slow


@contextmanager
def files_up_to(size):
    """No file may grow beyond so many bytes: a small disk without a mount."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def contents(folder: Path):
    return {path: path.read_bytes() for path in folder.rglob("*.safetensors")}


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """The folder of a run that has two of its four steps."""

    def stop(*_):
        raise KeyboardInterrupt

    real = module.save_state
    monkeypatch.setattr(module, "save_state", lambda *a: (real(*a), stop()))
    assert main(["train", "-o", str(tmp_path), *settings(training__steps=4)]) == 130
    monkeypatch.setattr(module, "save_state", real)
    return tmp_path


@pytest.mark.parametrize(("size", "named"), [(50, "tensorboard"), (200_000, "last.safetensors")])
def test_training_ends_in_one_line_and_keeps_its_state(interrupted, capsys, size, named):
    before = contents(interrupted)
    assert {path.name for path in before} == {
        "weights.safetensors",
        "last.safetensors",
        "state.safetensors",
    }
    capsys.readouterr()
    with files_up_to(size):
        assert main(["train", "-o", str(interrupted), *settings(training__steps=4)]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"reactface train: cannot write {interrupted / named}")
    assert contents(interrupted) == before
    assert not list(interrupted.glob("*unfinished*")) + list(interrupted.glob(".*unfinished*"))
    assert main(["train", "-o", str(interrupted), *settings(training__steps=4)]) == 0


def save_a_checkpoint(path):
    config = small_config()
    save_checkpoint(path, small_model(config), config, {}, "")


def save_a_state(path):
    learner = nn.Linear(2, 2)
    save_state(path, learner, torch.optim.AdamW(learner.parameters()), {}, Progress(0, []), {})


@pytest.mark.parametrize(
    "save",
    [
        save_a_checkpoint,
        save_a_state,
        lambda path: write_text(path, "x" * 100_000),
        lambda path: save_figure(new_figure(1.0, 1.0), path),
    ],
)
def test_every_file_stays_as_it_was(tmp_path, save):
    path = tmp_path / "file"
    path.write_text("before")
    with files_up_to(40), pytest.raises(UserError, match=f"cannot write {path}: ") as caught:
        save(path)
    assert "\n" not in str(caught.value)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["before"]


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError(
            "Error while serializing: I/O error: No space left on device (os error 28)"
        ),
    ],
)
def test_no_space_left_is_said_in_words(tmp_path, error):
    path = tmp_path / "file"
    with pytest.raises(UserError, match=r"file: the disk is full$"), written_whole(path):
        raise error


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("failure", [None, KeyboardInterrupt, UserError])
def test_a_bag_on_a_disk_without_room_for_its_first_bytes(tmp_path, storage, failure):
    """What it had in memory cannot be written when it is given up, either."""
    with (
        files_up_to(10),
        pytest.raises((failure or UserError, UserError)) as caught,
        BagWriter(tmp_path / "out", storage) as bag,
    ):
        bag.write("/x", 1.0, convert.header(bag.types, 1.0, "x"))
        if failure:
            raise failure
    if not failure:
        assert str(caught.value).startswith(f"cannot write {tmp_path / 'out'}: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [10, 5000])
def test_a_replay_onto_a_full_disk(tmp_path, capsys, size):
    sample = ROOT / "sample"
    out = [str(tmp_path / name) for name in ("out", "out.mp4")]
    with files_up_to(size):
        assert main(["replay", str(sample), "-o", out[0], "--video", out[1]]) == 2
    (line,) = [one for one in capsys.readouterr().err.splitlines() if "cannot write" in one]
    assert line.startswith(f"reactface replay: cannot write {out[0]}")
    assert list(tmp_path.iterdir()) == []


def test_tensorboard_tells_of_it_at_once(tmp_path):
    report = TrainingReport(tmp_path, True)
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    with files_up_to(1000), pytest.raises(UserError, match=r"cannot write .*tensorboard"):
        report.picture(1, "noise", picture)


def test_a_file_in_place_of_the_folder(tmp_path, capsys):
    path = tmp_path / "out"
    path.write_text("mine")
    assert main(["train", "-o", str(path), *settings()]) == 2
    assert f"{path} is to be a folder, and there is a file" in capsys.readouterr().err
    assert path.read_text() == "mine"
    with pytest.raises(UserError, match="is to be a folder"):
        make_folder(path / "below")

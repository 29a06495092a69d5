"""The commands for data sets: existing splits, printed lines, written files."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rigs.data_sets import write_csv, write_react, write_wav
from rigs.paths import ROOT

from reactface_node.cli.main import main
from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.research.data.check import check
from reactface_node.research.data.datasets import (
    KINDS,
    check_command,
    convert_command,
    open_sources,
)
from reactface_node.research.data.kind import DatasetChoice
from reactface_node.research.data.store import load_clips

ROS = RosConfig()
SEAMLESS = "improvised/train/V00_S0001_I00000001_P0001.wav"


@pytest.fixture
def react(tmp_path):
    root = tmp_path / "react"
    for split in ("train", "test"):
        write_react(root, 1, split)
    return root


def test_every_split_that_is_there(react, tmp_path, capsys):
    assert check_command("react2023", react, DatasetChoice(), ROS) == 0
    assert "nothing is missing or broken" in capsys.readouterr().out
    out = tmp_path / "cache"
    convert_command("react2023", react, out, 1, DatasetChoice(split="test"), ROS)
    convert_command("react2023", react, out, 1, DatasetChoice(), ROS)
    assert sorted(path.name for path in out.iterdir()) == ["test", "train"]
    np.testing.assert_array_equal(load_clips(out, "train").speaker, load_clips(out, "test").speaker)
    with pytest.raises(UserError, match="has these splits already"):
        convert_command("react2023", react, out, 1, DatasetChoice(), ROS)


def test_a_second_broken_split_does_not_hide_the_first(react, capsys):
    for split in ("train", "test"):
        write_wav(react / split / "Audio_files" / "NoXI/000/Expert_video/1.wav", 0, 99)
    assert check_command("react2023", react, DatasetChoice(), ROS) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [("/train/" in line, "/test/" in line) for line in lines] == [
        (True, False),
        (False, True),
    ]


def test_pictures_count_only_when_they_are_wanted(react):
    assert check_command("react2023", react, DatasetChoice(split="train", faces=True), ROS) == 2


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("react2023", "has no split of a react2023 data set; known are train, val, test"),
        ("bags", "has no split of a bags data set; known are train, val, test"),
        ("rld", r"RLD_data\.csv is missing"),
        ("noxi", "'noxi' is no kind of data set; known are react2023, .*rld, .*bags"),
    ],
)
def test_a_folder_of_something_else(tmp_path, kind, message, capsys):
    with pytest.raises(UserError, match=message):
        open_sources(kind, tmp_path, DatasetChoice(), ROS)
    assert main(["data", "check", kind, str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    with pytest.raises(UserError, match="is no folder"):
        open_sources(kind, tmp_path / "nowhere", DatasetChoice(), ROS)


def test_the_command_says_by_its_exit_code_whether_all_is_well(react, capsys):
    assert main(["data", "check", "react2023", str(react)]) == 0
    assert "nothing is missing or broken" in capsys.readouterr().out
    (react / "train" / "Audio_files" / "NoXI/000/Expert_video/1.wav").unlink()
    assert main(["data", "check", "react2023", str(react)]) == 2
    said = capsys.readouterr()
    assert said.out.endswith("1.wav is missing\n") and said.err == ""


def test_check_and_convert_say_the_licence(react, tmp_path, capsys):
    note = f"licence of react2023: {KINDS['react2023'].licence}\n"
    assert main(["data", "check", "react2023", str(react)]) == 0
    assert capsys.readouterr().out.endswith(note)
    command = ["data", "convert", "react2023", str(react), str(tmp_path / "out")]
    assert main([*command, "--workers", "1"]) == 0
    assert capsys.readouterr().out.endswith(note)


def test_react_2024_has_the_format_of_2023(react, tmp_path, capsys):
    """The clips of NoXI and RECOLA, with the same lists, folders and matrices."""
    for kind in ("react2023", "react2024"):
        assert check_command(kind, react, DatasetChoice(), ROS) == 0
        convert_command(kind, react, tmp_path / kind, 1, DatasetChoice(), ROS)
    one, other = (load_clips(tmp_path / kind, "train") for kind in ("react2023", "react2024"))
    np.testing.assert_array_equal(one.speaker, other.speaker)
    assert "licence of react2024: NoXI and RECOLA: for research" in capsys.readouterr().out
    (react / "train.csv").unlink()
    assert check_command("react2024", react, DatasetChoice(), ROS) == 1


def test_react_2024_leaves_udiva_out(tmp_path, capsys):
    """Its lists, and its matrices, may still name the clips."""
    root = write_react(tmp_path / "react", 3)
    lines = (root / "train.csv").read_text().splitlines()
    lines.insert(2, "9,UDIVA/talk/005013/FC1/1,UDIVA/talk/005013/FC2/1")
    (root / "train.csv").write_text("\n".join(lines))
    full = np.eye(8)
    full[0, 3] = full[5, 1] = full[2, 7] = 1  # clip 1 and 5 are UDIVA's
    np.save(root / "neighbour_emotion_train.npy", full)
    assert check_command("react2023", root, DatasetChoice(), ROS) > 0
    assert check_command("react2024", root, DatasetChoice(), ROS) == 0
    [make] = open_sources("react2024", root, DatasetChoice(), ROS)
    assert [name.split("/")[1] for name in make().names[:3]] == ["000", "001", "002"]
    known = [rows.tolist() for rows in make().appropriate()]
    assert known == [[0, 2], [1, 5], [2], [3], [4], [5]]
    np.save(
        root / "neighbour_emotion_train.npy", full[np.ix_([0, 2, 3, 4, 6, 7], [0, 2, 3, 4, 6, 7])]
    )
    assert check_command("react2024", root, DatasetChoice(), ROS) == 0
    assert [rows.tolist() for rows in make().appropriate()] == known
    (root / "train.csv").write_text("\n".join([lines[0], lines[2]]))
    capsys.readouterr()
    assert check_command("react2024", root, DatasetChoice(), ROS) == 1
    assert "lists no clips but those of UDIVA" in capsys.readouterr().out


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_told_in_one_line(name):
    for line in (KINDS[name].about, KINDS[name].licence):
        assert line and "\n" not in line and not line.endswith(".")


@pytest.mark.parametrize("action", [["check"], ["convert", "OUT"]])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "-3"], "--workers must be at least 0, not -3"),
        (["--hours", "3"], "--hours has no use for data sets of kind react2023: leave it out"),
        (["--skip-broken"], "--skip-broken has no use for data sets of kind react2023"),
        (["--split", "ood"], "has no split 'ood' of a react2023 data set"),
        (["--mean-face", "no.npy"], "no.npy is missing"),
    ],
)
def test_a_mistake_in_the_options_is_one_line(
    action, options, message, react, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["data", action[0], "react2023", str(react), *action[1:], *options]) == 2
    said = capsys.readouterr()
    [line] = (said.out + said.err).splitlines()
    assert message in line
    assert not (tmp_path / "OUT").exists()


@pytest.mark.parametrize("left", ["train", "neighbour_emotion_train.npy"])
def test_a_split_without_its_list_is_missing_and_not_passed_over(react, tmp_path, left):
    (react / "train.csv").unlink()
    for name in {"train", "neighbour_emotion_train.npy"} - {left}:
        (react / name).rename(tmp_path / name)
    found = check(open_sources("react2023", react, DatasetChoice(), ROS))
    assert found == [f"{react / 'train.csv'} is missing"]
    with pytest.raises(UserError, match=r"train\.csv is missing"):
        convert_command("react2023", react, tmp_path / "cache", 1, DatasetChoice(), ROS)


@pytest.mark.parametrize("rows", [[], [["talk", "listener", "speaker", "validation"]]])
def test_an_rld_list_without_a_known_split_is_named_with_rlds_splits(tmp_path, rows):
    write_csv(tmp_path / "RLD_data.csv", ["audio", "listener", "speaker", "data_split"], rows)
    with pytest.raises(UserError, match=r"RLD_data\.csv has no split .*known are train, test, ood"):
        open_sources("rld", tmp_path, DatasetChoice(), ROS)


@pytest.mark.parametrize("action", [["check"], ["convert", "OUT"]])
@pytest.mark.parametrize(
    ("kind", "file"),
    [("videos", "train/x_a.mp4"), ("livelink", "train/talk/x.csv"), ("seamless", SEAMLESS)],
)
def test_a_split_that_is_not_there_is_one_line(action, kind, file, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "data" / file
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    command = ["data", action[0], kind, "data", *action[1:], "--split", "val"]
    assert main(command) == 2
    said = capsys.readouterr()
    assert said.err == "reactface data: data has no split 'val': there is train\n"
    assert not (tmp_path / "OUT").exists()


@pytest.mark.parametrize("action", [["check"], ["convert", "OUT"]])
def test_a_file_that_may_not_be_read_is_named(action, react, tmp_path, capsys, monkeypatch):
    """Permissions do not hold for root, who may run the tests."""
    monkeypatch.chdir(tmp_path)
    refused = react / "train" / "Audio_files" / "NoXI/000/Expert_video/1.wav"
    is_file = Path.is_file

    def asked(path):
        if path == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", asked)
    assert main(["data", action[0], "react2023", str(react), *action[1:]]) == 2
    said = capsys.readouterr()
    [line] = (said.out + said.err).splitlines()
    assert line.endswith(f"{refused} cannot be read or written: Permission denied")


def test_a_broken_link_in_the_place_of_a_split(react, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    for split in ("train", "test"):
        (out / split).symlink_to(tmp_path / "nowhere")
    assert main(["data", "convert", "react2023", str(react), str(out)]) == 2
    assert "has these splits already" in capsys.readouterr().err
    assert main(["data", "convert", "react2023", str(react), "a\0b"]) == 2
    assert "a name holds no NUL character" in capsys.readouterr().err


def test_an_output_inside_a_split_is_refused(react, capsys):
    before = sorted(react.rglob("*"))
    out = react / "train" / "converted"
    assert main(["data", "convert", "react2023", str(react), str(out)]) == 2
    assert f"{out} lies inside the data set, in {react / 'train'}" in capsys.readouterr().err
    assert sorted(react.rglob("*")) == before


def test_names_that_the_terminal_cannot_show(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / os.fsdecode(b"x\xff_a.mp4")).write_bytes(b"")
    command = [sys.executable, "-m", "reactface_node.cli", "data", "check", "videos", tmp_path]
    strict = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    ended = subprocess.run(command, capture_output=True, text=True, env=strict, cwd=ROOT)
    assert (ended.returncode, ended.stderr) == (2, "")
    assert ended.stdout.endswith("x\\udcff_a.mp4: there is no second video named alike\n")

"""The commands over a data set: which splits there are, what is printed, what is written."""

import numpy as np
import pytest
from data_sets import write_react, write_wav

from reactface_node.config import RosConfig
from reactface_node.data.store import load_clips
from reactface_node.datasets import Choice, check_command, convert_command, open_sources
from reactface_node.errors import UserError

ROS = RosConfig()


@pytest.fixture
def react(tmp_path):
    root = tmp_path / "react"
    for split in ("train", "test"):
        write_react(root, 1, split)
    return root


def test_every_split_that_is_there(react, tmp_path, capsys):
    assert check_command("react2023", react, Choice(), ROS) == 0
    assert "nothing is missing or broken" in capsys.readouterr().out
    out = tmp_path / "cache"
    convert_command("react2023", react, out, 1, Choice(split="test"), ROS)
    convert_command("react2023", react, out, 1, Choice(), ROS)
    assert sorted(path.name for path in out.iterdir()) == ["test", "train"]
    np.testing.assert_array_equal(load_clips(out, "train").speaker, load_clips(out, "test").speaker)
    with pytest.raises(UserError, match="has these splits already"):
        convert_command("react2023", react, out, 1, Choice(), ROS)


def test_a_second_broken_split_does_not_hide_the_first(react, capsys):
    for split in ("train", "test"):
        write_wav(react / split / "Audio_files" / "NoXI/000/Expert_video/1.wav", 0, 99)
    assert check_command("react2023", react, Choice(), ROS) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [("/train/" in line, "/test/" in line) for line in lines] == [
        (True, False),
        (False, True),
    ]


def test_pictures_count_only_when_they_are_wanted(react):
    assert check_command("react2023", react, Choice(split="train", faces=True), ROS) == 2


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("react2023", "has no split .* of a react2023 data set"),
        ("bags", "has no split .* of a bags data set"),
        ("rld", r"RLD_data\.csv is missing"),
        ("noxi", "'noxi' is no kind of data set; known are react2023, rld, bags"),
    ],
)
def test_a_folder_of_something_else(tmp_path, kind, message, capsys):
    with pytest.raises(UserError, match=message):
        open_sources(kind, tmp_path, Choice(), ROS)
    assert check_command(kind, tmp_path, Choice(), ROS) == 1
    assert len(capsys.readouterr().out.splitlines()) == 1
    with pytest.raises(UserError, match="is no folder"):
        open_sources(kind, tmp_path / "nowhere", Choice(), ROS)

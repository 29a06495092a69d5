"""Atomic writing of files and folders: leftovers, locks, names."""

import errno
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from av.error import FFmpegError
from rigs.paths import ROOT

from reactface_node.errors import UserError
from reactface_node.files.whole import (
    check_new,
    hidden_place,
    home_path,
    write_errors,
    write_text,
    written_whole,
)
from reactface_node.media.video import VideoWriter
from reactface_node.render.portrait.picture import read_portrait
from reactface_node.ros.bags.writer import BagWriter

FULL = FFmpegError(errno.ENOSPC, "No space left on device")
CHILD = """
import sys, time
from pathlib import Path
import numpy as np
from reactface_node.files.whole import written_whole
from reactface_node.media.video import VideoWriter
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert

path = Path(sys.argv[2])
if sys.argv[1] == "text":
    context = written_whole(path)
    context.__enter__().write_text("half of it")
elif sys.argv[1] == "bag":
    context = BagWriter(path)
    context.__enter__().write("/x", 1.0, convert.header(context.types, 1.0, "x"))
else:
    context = VideoWriter(path, 64, 48)
    context.write_image(np.zeros((48, 64, 3), np.uint8))
print("begun", flush=True)
time.sleep(60)
"""


def begun(kind, path):
    """A process that is writing it."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, kind, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "begun\n"
    return child


def write(kind, path):
    if kind == "text":
        write_text(path, "whole")
    elif kind == "bag":
        with BagWriter(path):
            pass
    else:
        with VideoWriter(path, 64, 48) as video:
            video.write_image(np.zeros((48, 64, 3), np.uint8))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [("text", "x.json"), ("bag", "x"), ("video", "x.mp4")])
def test_a_second_writer_is_refused_and_a_killed_ones_rest_is_removed(tmp_path, kind, name):
    path = tmp_path / name
    child = begun(kind, path)
    try:
        with pytest.raises(UserError, match=f"cannot write {path}: another process is writing it"):
            write(kind, path)
        hidden = tmp_path / f".{name}.unfinished"
        assert list(tmp_path.iterdir()) == [hidden]
        assert stat.S_IMODE(hidden.stat().st_mode) == 0o700
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate()
    assert list(tmp_path.iterdir()) == [hidden] and list(hidden.iterdir())
    write(kind, path)
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_process_are_two(tmp_path):
    path = tmp_path / "x"
    with written_whole(path) as unfinished:
        unfinished.write_text("first")
        with pytest.raises(UserError, match="another process is writing it"):
            write_text(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


def leave_a_file(hidden):
    hidden.write_text("of an earlier version")


def leave_a_link(hidden):
    hidden.symlink_to(hidden.parent / "kept")


def leave_much(hidden):
    (hidden / "x" / "y").mkdir(parents=True)
    (hidden / "x" / "y" / "z").write_text("z")
    (hidden / "link").symlink_to(hidden.parent / "kept")


@pytest.mark.parametrize("leave", [leave_a_file, leave_a_link, leave_much])
def test_whatever_is_left_goes_and_nothing_beyond(tmp_path, leave):
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "mine").write_text("mine")
    leave(tmp_path / ".x.unfinished")
    write_text(tmp_path / "x", "whole")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["kept", "mine", "x"]


def test_files_get_the_users_usual_rights(tmp_path):
    (tmp_path / "usual").write_text("")
    write_text(tmp_path / "x", "")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("length", [240, 255])
def test_names_as_long_as_may_be(tmp_path, length):
    path = tmp_path / ("ä" * (length // 2) + "x" * (length % 2))
    with hidden_place(path) as unfinished:
        (hidden,) = tmp_path.iterdir()
        assert hidden.name.startswith(".") and hidden.name.endswith(".unfinished")
        assert unfinished.name == path.name
    check_new(path)
    write_text(path, "whole")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["text", "bag", "video"])
def test_a_disk_that_is_full_from_the_start(tmp_path, monkeypatch, kind):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(UserError, match=r"cannot write .*/x: the disk is full$"):
        write(kind, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_at_the_first_byte(tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    from rosbags.rosbag2 import Writer

    monkeypatch.setattr(Writer, "open", full)
    reads = Path.open

    def open_full(path, mode="r", *args, **kwargs):
        return full() if "w" in mode else reads(path, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", open_full)
    for kind in ("bag", "video"):
        with pytest.raises(UserError, match=r"cannot write .*/x: the disk is full$"):
            write(kind, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    write_text(tmp_path / "x", "whole")
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_the_folder_that_another_has_just_removed_is_made_again(tmp_path, monkeypatch):
    """Between opening and locking it."""
    import fcntl

    hidden, real, tries = tmp_path / ".x.unfinished", fcntl.flock, []

    def lock(descriptor, how):
        tries.append(descriptor)
        if len(tries) == 1:
            hidden.rmdir()
        real(descriptor, how)

    monkeypatch.setattr("fcntl.flock", lock)
    write_text(tmp_path / "x", "whole")
    assert len(tries) == 2 and (tmp_path / "x").read_text() == "whole"


def test_nothing_half_made_is_left_by_any_exception(tmp_path):
    for error in (KeyboardInterrupt, ValueError, SystemExit):
        with pytest.raises(error), ExitStack() as stack:
            stack.enter_context(written_whole(tmp_path / "x")).write_text("half")
            raise error
    assert list(tmp_path.iterdir()) == []


def test_the_home_of_somebody_and_of_nobody(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert home_path("~/x") == Path("/home/me/x") and home_path("x~y") == Path("x~y")
    with pytest.raises(UserError, match="~nouser/x: nobody here is called nouser"):
        home_path("~nouser/x")
    with pytest.raises(UserError, match="nobody here is called nouser"):
        read_portrait("~nouser", "a.png")


def test_what_is_kept_is_there_at_the_next_try(tmp_path):
    path = tmp_path / "made" / "here" / "x"
    with pytest.raises(KeyboardInterrupt), written_whole(path, keep=True) as unfinished:
        unfinished.mkdir()
        (unfinished / "one").write_text("1")
        raise KeyboardInterrupt
    assert not path.exists()
    with written_whole(path, keep=True) as unfinished:
        assert (unfinished / "one").read_text() == "1"
        (unfinished / "two").write_text("2")
    assert sorted(p.name for p in path.parent.rglob("*")) == ["one", "two", "x"]


def test_every_file_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    """Else a power cut could leave a file of the right name and no content."""
    calls = []
    synced, replace = os.fsync, os.replace

    def fsync(descriptor):
        calls.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("named"), replace(*paths)))
    with written_whole(tmp_path / "x") as unfinished:
        (unfinished / "below").mkdir(parents=True)
        for name in ("one", "below/two"):
            (unfinished / name).write_text("")
    assert sorted(calls[:2]) == ["one", "two"] and calls[2:] == ["named"]


@pytest.mark.parametrize("error", [sqlite3.OperationalError("database or disk is full"), FULL])
def test_errors_of_libraries_are_errors_of_writing(tmp_path, error):
    full = pytest.raises(UserError, match=r"cannot write .*/x: the disk is full$")
    with full, write_errors(tmp_path / "x"):
        raise error
    with pytest.raises(ValueError, match="a bug"), write_errors(tmp_path / "x"):
        raise ValueError("a bug")


def test_what_cannot_be_new_is_said_before_the_work(tmp_path):
    (tmp_path / "there").write_text("")
    (tmp_path / "link").symlink_to("nowhere")
    for name, said in (
        ("there", "there exists already; choose another output or remove it"),
        ("link", "link exists already"),
        ("there/x", f"there is no folder {tmp_path / 'there'}"),
        ("not/yet", f"there is no folder {tmp_path / 'not'}"),
        ("a\0b", "a name holds no NUL character"),
        ("x" * 256, "File name too long"),
        ("x" * 256 + "/y", "File name too long"),
    ):
        with pytest.raises(UserError, match=said):
            check_new(tmp_path / name)
    check_new(tmp_path / "not" / "yet", makes_folders=True)
    with pytest.raises(UserError, match=f"there is no folder {tmp_path / 'there'}"):
        check_new(tmp_path / "there" / "not" / "yet", makes_folders=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "there"]

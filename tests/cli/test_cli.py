"""The command line: one line for a mistake, exit code 2, no files left behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rigs.paths import ROOT

from reactface_node.cli.main import main
from reactface_node.media.video import VideoWriter

pytestmark = pytest.mark.slow

SAMPLE = str(ROOT / "sample")


def run(capsys, *arguments):
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["replay", "nowhere.bag", "-o", "OUT"], "nowhere.bag does not exist"),
        (["replay", "nowhere.mp4", "-o", "OUT"], "nowhere.mp4 does not exist"),
        (["replay", "x", "-o", "OUT", "--set", "playout.gian=1"], "did you mean playout.gain"),
        (["replay", "x", "-o", "OUT", "--set", "gain"], "is not NAME=VALUE"),
        (["replay", "x", "-o", "OUT", "--samples", "0"], "must be within 1 .. 64"),
        (["replay", "x", "-o", "OUT", "--profile", "best"], "unknown profile 'best'"),
        (["replay", SAMPLE, "-o", "OUT", "--profile", "paper"], "give --portrait FILE"),
        (
            ["replay", SAMPLE, "-o", "OUT", "--profile", "paper", "--render", "avatar"],
            "no weights 'paper.safetensors'",
        ),
        (
            ["replay", SAMPLE, "-o", "OUT", "--profile", "official"],
            "no weights 'official.safetensors'",
        ),
        (["replay", "x", "-o", "OUT", "--config", "no.yaml"], "cannot read no.yaml"),
        (["replay", SAMPLE, "-o", "OUT", "--set", "weights=no.safetensors"], "reactface train"),
        (["replay", "x", "-o", "EXISTS"], "exists already"),
        (["replay", SAMPLE, "-o", "no/OUT"], "cannot write no/OUT"),
        (["replay", SAMPLE, "-o", "no/OUT"], "there is no folder"),
        (["replay", SAMPLE, "-o", "OUT", "--video", "x.avi"], "end in .mp4"),
        (["replay", SAMPLE, "-o", "OUT", "--set", "profile=paper"], "--profile chooses it"),
        (["replay", SAMPLE, "-o", "OUT", "--set", "ros.face_id=auto"], "nobody on /humans/faces"),
        (["replay", SAMPLE, "-o", "OUT", "--set", "ros.face_id=1st"], "is no id"),
        (["replay", SAMPLE, "-o", "OUT", "--set", "outputs.motor_map=x"], "outputs.motor_map: "),
        (["replay", SAMPLE, "-o", "OUT", "--set", "outputs.vmc=a:b:c"], "outputs.vmc: "),
        (["replay", SAMPLE, "-o", "OUT", "--set", "playout.samples=some"], "a whole number"),
        (["replay", SAMPLE, "-o", "OUT", "--seed", "-2"], "within -1 .. 2147483647"),
        (["replay", SAMPLE, "-o", "OUT", "--seed", "new"], "a whole number or fresh, not 'new'"),
        (["replay", SAMPLE, "-o", "OUT", "--set", "playout.preset=calm"], "one of composed, "),
        (["replay", SAMPLE, "-o", "OUT", "--set", "playout.nod_gain=2.5"], "within 0 .. 2, not"),
        (["replay", "EXISTS", "-o", "OUT"], "is not a rosbag2"),
        (["replay", SAMPLE, "-o", "OUT", "--set", "ros.image_topic=/no"], "it has /audio"),
        (["evaluate", "-o", "OUT", "--set", "weights=no.safetensors"], "no weights"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "EXISTS").mkdir()
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert says in err and err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["EXISTS"]


def test_an_unknown_option_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["replay", "x", "-o", "y", "--nonsense"])
    assert stopped.value.code == 2
    assert "--nonsense" in capsys.readouterr().err


def test_a_terminated_replay_leaves_nothing(tmp_path):
    """SIGTERM to a real process in the middle of writing."""
    with VideoWriter(tmp_path / "long.mp4", 64, 48) as video:
        for index in range(1500):
            video.write_image(np.full((48, 64, 3), index % 255, np.uint8))
    command = [sys.executable, "-m", "reactface_node.cli", "replay", "long.mp4", "-o", "out"]
    repository = ROOT
    child = subprocess.Popen(
        [*command, "--video", "out.mp4"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(repository)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while (
        not [p for p in tmp_path.glob(".out.unfinished/out/*") if p.stat().st_size]
        and time.monotonic() < deadline
    ):
        assert child.poll() is None
    child.send_signal(signal.SIGTERM)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 143
    assert errors.strip().splitlines()[-1] == "reactface replay: interrupted"
    assert [path.name for path in tmp_path.iterdir()] == ["long.mp4"]


def test_a_cut_recording_is_replayed_as_far_as_it_goes(capsys, tmp_path, caplog):
    cut = tmp_path / "cut.mcap"
    whole = (Path(SAMPLE) / "sample.mcap").read_bytes()
    cut.write_bytes(whole[: len(whole) // 8])
    code, out, _ = run(capsys, "replay", cut, "-o", tmp_path / "out")
    assert code == 0 and "3.3 s of reactions" in out
    (line,) = caplog.messages
    assert line == (
        f"{cut} is read as far as it goes: cut.mcap: a chunk is damaged or cut off, "
        "it has no end (cut off, or its recorder was killed)"
    )


IMPORTING = """
import os, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == "MODULE":
            os.kill(os.getpid(), signal.SIGNAL)

sys.meta_path.insert(0, Finder())
from reactface_node.cli import main
sys.exit(main(["replay", "SAMPLE", "-o", "out", "--video", "out.mp4"]))
"""


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
@pytest.mark.parametrize(
    "module", ["reactface_node.cli.bench", "numpy", "cv2", "reactface_node.ros.bags.replay"]
)
def test_a_signal_while_modules_are_imported(tmp_path, module, name, code):
    script = IMPORTING.replace("MODULE", module).replace("SIGNAL", name).replace("SAMPLE", SAMPLE)
    child = run_python(tmp_path, "-c", script)
    assert child.returncode == code
    assert child.stderr == "reactface replay: interrupted\n"
    assert list(tmp_path.iterdir()) == []


def run_python(folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(SAMPLE).parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_outputs_that_cannot_be(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SAMPLE, "bag")
    Path("link").symlink_to("nowhere")
    Path("closed").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for options, says in [
        (["-o", "bag"], "bag exists already"),
        (["-o", "link"], "link exists already"),
        (["-o", "bag/out"], "bag/out is inside the recording bag"),
        (["-o", "out", "--video", "bag/out.mp4"], "bag/out.mp4 is inside the recording bag"),
        (["-o", "x.mp4", "--video", "x.mp4"], "the bag and the video cannot both be called x.mp4"),
        (["-o", "out", "--video", "bag.mp4/x.mp4"], "there is no folder"),
        (["-o", "x" * 256], "File name too long"),
        (["-o", "x" * 5000], "File name too long"),
        (["-o", "bag/metadata.yaml/x"], "there is no folder"),
        (["-o", "~nouser/x"], "there is no folder"),
        (["-o", "."], ". exists already"),
        (["-o", ""], ". exists already"),
    ]:
        code, _, err = run(capsys, "replay", "bag", *options)
        assert code == 2 and says in err and err.count("\n") == 1, (options, err)
    monkeypatch.setattr(os, "access", lambda *_: False)
    code, _, err = run(capsys, "replay", "bag", "-o", "closed/out")
    assert code == 2 and "is not yours to write in" in err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("setting", ["weights=~nouser/x", "outputs.motor_map=~nouser/x"])
def test_the_home_of_nobody(capsys, tmp_path, setting):
    code, _, err = run(capsys, "replay", SAMPLE, "-o", tmp_path / "out", "--set", setting)
    assert code == 2 and err.count("\n") == 1 and "nouser" in err


def test_a_missing_system_library_is_one_line(capsys, monkeypatch):
    def missing(_):
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr("reactface_node.cli.weights._weights", missing)
    code, _, err = run(capsys, "weights")
    assert code == 2 and "apt install libgl1" in err and err.count("\n") == 1

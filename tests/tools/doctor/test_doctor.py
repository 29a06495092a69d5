"""``reactface doctor`` as a whole: its lines, its exit codes, and errors inside checks."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
from rigs.doctor import here
from rigs.paths import ROOT

from reactface_node.cli.main import main
from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.tools.doctor import doctor as doctor_module
from reactface_node.tools.doctor.apart import ApartError, Crash, Slow, run_apart
from reactface_node.tools.doctor.check_system import install
from reactface_node.tools.doctor.doctor import DoctorChoice, checks, doctor, guarded
from reactface_node.tools.doctor.finding import fail, ok, warn

LIMIT_S = 60.0
NAMES = [
    "python",
    "packages",
    "system libraries",
    "processor",
    "memory",
    "disk",
    "display",
    "camera",
    "microphone",
    "ros",
    "dds",
    "rmw",
    "ros domain",
    "ros discovery",
    "network interface",
    "multicast",
    "model files",
    "model",
    "face tracker",
    "renderer",
]


def test_a_finding_is_one_line():
    assert ok("x", "well").line() == "ok    x: well"
    assert fail("x", "not\nwell", "do\nthis").line() == "fail  x: not well -> do this"


def test_every_check_is_named_as_its_finding(monkeypatch):
    def never(*_, **__):
        raise ApartError("not here")

    wanted = DoctorChoice(Config.load(), "topic", "none")
    found = {name: check() for name, check in checks(wanted, never).items()}
    assert list(found) == NAMES == [finding.name for finding in found.values()]
    assert all(bool(finding.cure) == (finding.level != "ok") for finding in found.values())


def test_a_check_that_raises_is_one_failed_line():
    def broken():
        raise ZeroDivisionError("division\nby zero")

    assert guarded("memory", broken).line() == (
        "fail  memory: the check itself failed (ZeroDivisionError: division by zero) -> report "
        "this line"
    )


def test_a_mistake_that_a_check_finds():
    config = Config.load(overrides={"ros.network_interface": "a b"})
    check = checks(DoctorChoice(config, "topic", "none"), here)["ros discovery"]
    assert guarded("ros discovery", check).line() == (
        "fail  ros discovery: 'a b' is not the name or address of a network interface -> correct "
        "the setting or variable that this names"
    )


@pytest.mark.parametrize("camera", ["x", "-1", "", "1.5"])
def test_a_camera_that_is_no_index(camera, capsys):
    with pytest.raises(UserError, match=f"--camera must be a number or 'topic', not '{camera}'"):
        next(doctor(DoctorChoice(Config.load(), camera), here))
    assert main(["doctor", f"--camera={camera}"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"reactface doctor: --camera must be a number or 'topic', not '{camera}'\n"


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([ok("a", "b")], 0),
        ([ok("a", "b"), warn("c", "d", "e")], 0),
        ([fail("c", "d", "e"), ok("a", "b")], 1),
    ],
)
def test_exit_codes_and_lines(monkeypatch, capsys, findings, code):
    wanted = []

    def fake(given):
        wanted.append((given.config.render.renderer, given.camera, given.microphone))
        return iter(findings)

    monkeypatch.setattr(doctor_module, "doctor", fake)
    assert main(["doctor", "--render", "none", "--camera", "1", "--mic", "hw:1"]) == code
    out, err = capsys.readouterr()
    assert out == "".join(f"{finding.line()}\n" for finding in findings) and err == ""
    assert wanted == [("none", "1", "hw:1")]


def test_a_mistake_in_a_setting_is_none_of_the_machine(capsys):
    assert main(["doctor", "--set", "playout.gian=1"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "did you mean playout.gain" in err and err.count("\n") == 1


def test_apart_an_answer_and_an_error(capfd):
    assert run_apart(answer, "x", limit_s=LIMIT_S) == {"said": "x"}
    assert run_apart(nothing, limit_s=LIMIT_S) == {}
    with pytest.raises(UserError, match=r"^no camera$"):
        run_apart(mistake, limit_s=LIMIT_S)
    with pytest.raises(ApartError, match=r"^ZeroDivisionError: of the driver$"):
        run_apart(broken, limit_s=LIMIT_S)
    assert capfd.readouterr() == ("", "")


def test_apart_a_crash():
    with pytest.raises(Crash, match=r"^the process crashed \(SIGILL\)$"):
        run_apart(crash, limit_s=LIMIT_S)
    with pytest.raises(Crash, match=r"^the process crashed \(exit code 102\)$"):
        run_apart(leave, limit_s=LIMIT_S)


def test_apart_a_hang_is_ended():
    with pytest.raises(Slow, match=r"^no answer within 0\.5 s$"):
        run_apart(time.sleep, 3600.0, limit_s=0.5)
    assert multiprocessing.active_children() == []


def answer(text):
    print("a note of a library")
    print("a warning of a library", file=sys.stderr)
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    return {"said": text}


def nothing():
    return None


def mistake():
    raise UserError("no camera")


def broken():
    raise ZeroDivisionError("of the driver")


def crash():
    os.kill(os.getpid(), signal.SIGILL)


def leave():
    os._exit(102)


WITHOUT = """
import sys

class Refuses:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "ai_edge_litert", "mediapipe", "rclpy", "cyclonedds"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refuses())
"""


def test_without_torch_a_face_tracker_ros_and_cyclonedds(tmp_path):
    """A real process, in whose children they are missing too."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    switches = ("AMENT_PREFIX_PATH", "ROS_", "RMW_", "CYCLONEDDS_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(switches)}
    environment["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{ROOT}"
    arguments = ["doctor", "--camera", "topic", "--mic", "none", "--render", "none"]
    arguments += ["--set", "perception.landmarker="]
    child = subprocess.run(
        [sys.executable, "-m", "reactface_node.cli", *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (child.returncode, child.stderr) == (1, "")
    lines = {line[6:].partition(":")[0]: line for line in child.stdout.splitlines()}
    assert list(lines) == NAMES
    assert lines["packages"] == (
        f"fail  packages: ai-edge-litert not installed -> {install('ai-edge-litert')}"
    )
    assert " loads in " in lines["model"]
    assert lines["face tracker"].startswith(
        "fail  face tracker: there is no face model: run `reactface weights --download "
    )
    assert lines["dds"] == (
        "fail  dds: cyclonedds does not load (ModuleNotFoundError: No module named 'cyclonedds') "
        "-> pip install cyclonedds (x86-64 only), or source ROS 2"
    )


def test_ctrl_c_ends_the_doctor_and_its_children(tmp_path):
    """The terminal sends SIGINT to all of them; the first line has come by then."""
    child = subprocess.Popen(
        [sys.executable, "-m", "reactface_node.cli", "doctor"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stdout is not None and child.stdout.readline().startswith("ok    python: ")
    os.killpg(child.pid, signal.SIGINT)
    _, errors = child.communicate(timeout=LIMIT_S)
    assert (child.returncode, errors) == (130, "reactface doctor: interrupted\n")


def test_ctrl_c_is_not_seen_by_a_child():
    """SIGINT to itself stays pending, and the answer comes."""
    assert run_apart(interrupt, limit_s=LIMIT_S) == {"is_pending": True}


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    return {"is_pending": signal.SIGINT in signal.sigpending()}

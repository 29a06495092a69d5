"""The launch files and the systemd unit: their tables, their mistakes, how a launch ends."""

import ast
import configparser
import logging
import os
import runpy
import shutil
import signal
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from rigs.paths import ROOT
from rigs.rclpy_graph import HAS_MESSAGES, PATIENCE_S, needs_ros

from reactface_node.config import Config
from reactface_node.config.settings import settings
from reactface_node.ros.rclpy.launch_arguments import check
from reactface_node.ros.rclpy.respawn import MOST, WITHIN_S, Restarts

FILES = sorted((ROOT / "launch").glob("*.launch.py"))
NODE = ROOT / "launch" / "reactface.launch.py"
UNIT = ROOT / "config" / "reactface.service"
PREFIXES = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
IS_BUILT = any(Path(prefix, "share", "reactface_node").is_dir() for prefix in PREFIXES if prefix)
needs_workspace = pytest.mark.skipif(
    not (HAS_MESSAGES and IS_BUILT and shutil.which("ros2")),
    reason="needs a workspace with ROS 2 and this package, sourced",
)
ACTIVE = "active: waiting for"


@pytest.fixture(autouse=True)
def loggers_stay_pythons():
    """launch replaces the class of all loggers made later in this process, which then do not
    propagate."""
    before = logging.getLoggerClass()
    yield
    logging.setLoggerClass(before)


def constant(path, name):
    """A table of a launch file, read without ROS."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path.name} has no {name}")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_launch_file_says_how_it_is_called(path):
    tree = ast.parse(path.read_text())
    assert f"ros2 launch reactface_node {path.name}" in ast.get_docstring(tree)
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert "generate_launch_description" in functions


def test_every_argument_is_of_the_process_or_a_setting():
    known = {item.name for item in settings(Config())}
    process, parameters = constant(NODE, "ARGUMENTS"), constant(NODE, "SETTINGS")
    assert {setting for setting, _ in parameters.values()} <= known
    assert not process.keys() & parameters.keys()
    defaults = constant(ROOT / "launch" / "ros4hri.launch.py", "DEFAULTS")
    assert defaults.keys() <= process.keys() | parameters.keys()


def test_the_unit_starts_the_launch_file_again_and_stops_it_as_ctrl_c_does():
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(UNIT)
    service = unit["Service"]
    assert f"reactface_node {NODE.name} required:=true respawn:=false" in service["ExecStart"]
    assert 'source "$VENV"' in service["ExecStart"]
    assert (service["Restart"], service["KillSignal"]) == ("on-failure", "SIGINT")
    assert service["RestartPreventExitStatus"] == "0 2"
    limit = unit["Unit"]["StartLimitBurst"], unit["Unit"]["StartLimitIntervalSec"]
    assert limit == (str(MOST), f"{WITHIN_S:g}")
    assert unit["Unit"]["After"] == unit["Unit"]["Wants"] == "network-online.target"


@pytest.mark.parametrize("code", [0, 2, 130, -2, -15])
def test_no_new_start_after_an_end_that_was_meant_or_that_a_user_has_to_mend(code):
    restarts = Restarts()
    assert not restarts.allows(code, 0.0)
    assert [restarts.allows(1, second) for second in range(6)] == [True] * 5 + [False]


@pytest.mark.parametrize("code", [1, 3, 127, 134, 139, -6, -9, -11])
def test_at_most_five_new_starts_within_any_minute(code):
    restarts = Restarts()
    started_s = [second for second in range(600) if restarts.allows(code, float(second))]
    assert started_s == [minute * 60 + second for minute in range(10) for second in range(5)]
    assert all(restarts.allows(code, 1000.0 + 13.0 * index) for index in range(50))


def test_every_launch_file_starts_failed_processes_again():
    assert constant(NODE, "ARGUMENTS")["respawn"][0] == "true"
    assert constant(NODE, "ARGUMENTS")["required"][0] == "false"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd")
def test_systemd_takes_the_unit():
    asked = ["systemd-analyze", "verify", "--man=no", str(UNIT)]
    said = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE_S)
    assert [line for line in said.stderr.splitlines() if UNIT.name in line] == []


def started(path=NODE, **arguments):
    """What a launch file makes of arguments: (its names, the entities)."""
    from launch import LaunchContext

    names = runpy.run_path(str(path))
    context = LaunchContext()
    for argument in names["generate_launch_description"]().get_launch_arguments():
        assert argument.description
        context.launch_configurations[argument.name] = argument.default_value[0].text
    context.launch_configurations.update(arguments)
    return names, names["start"](context)


@needs_ros
def test_the_launch_file_starts_a_lifecycle_node():
    from launch_ros.actions import LifecycleNode

    _, entities = started(image="/camera/image_raw")
    assert sum(isinstance(entity, LifecycleNode) for entity in entities) == 1


@needs_ros
def test_several_robots_are_one_process_without_a_name_of_its_own():
    from launch_ros.actions import LifecycleNode, Node

    _, entities = started(robots="a,b")
    (node,) = [entity for entity in entities if isinstance(entity, Node)]
    assert not isinstance(node, LifecycleNode)
    with pytest.raises(RuntimeError, match="leave namespace and name out"):
        started(robots="a,b", namespace="c")


@needs_ros
def test_arguments_become_parameters_of_the_settings_types():
    names, _ = started()
    value = dict.fromkeys(names["SETTINGS"], "")
    assert names["parameters"](value) == {}
    value |= {"face_id": "1234", "web_port": "8080", "facs": "True", "image": "/camera/image_raw"}
    given = {name: p.evaluate(None) for name, p in names["parameters"](value).items()}
    assert given == {
        "ros.image_topic": "/camera/image_raw",
        "ros.face_id": "1234",
        "web.port": 8080,
        "outputs.facs": True,
    }
    Config().replace(**given)


@needs_ros
@pytest.mark.parametrize(
    "arguments, said",
    [
        ({"params_file": "/nowhere.yaml"}, "no params_file /nowhere"),
        ({"web_port": "many"}, "web_port:=many is not a whole number"),
        ({"facs": "maybe"}, "facs:=maybe is neither true nor false"),
    ],
)
def test_a_wrong_argument_ends_the_launch(arguments, said):
    with pytest.raises(RuntimeError, match=said):
        started(**arguments)


@needs_ros
def test_missing_drivers_are_named_with_how_to_install_them(monkeypatch):
    from ament_index_python.packages import PackageNotFoundError

    def missing(package):
        raise PackageNotFoundError(package)

    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    monkeypatch.setattr("ament_index_python.packages.get_package_prefix", missing)
    webcam = ROOT / "launch" / "webcam.launch.py"
    with pytest.raises(RuntimeError, match="apt install ros-jazzy-v4l2-camera ros-jazzy-audio"):
        started(webcam, camera="v4l2_camera")
    with pytest.raises(RuntimeError, match="camera:=kinect is neither usb_cam nor v4l2_camera"):
        started(webcam, camera="kinect")


@pytest.mark.parametrize(
    "text, said",
    [
        ("imgae:=/x", "unknown launch argument imgae:=; did you mean image\\?"),
        ("zzz:=1", "unknown launch argument zzz:=; there are: image, theme$"),
        (":=1", "unknown launch argument :="),
    ],
)
def test_an_argument_that_does_not_exist_is_refused(text, said):
    known = ["theme", "image"]
    with pytest.raises(RuntimeError, match=said):
        check(["image:=/a:=b", text], known)
    check(["image:=/a:=b", "theme:=", "--noninteractive", "plain"], known)


@contextmanager
def launched(tmp_path, *arguments, file=NODE):
    """`ros2 launch` in a session and a domain of its own; killed if it takes too long."""
    environment = dict(
        os.environ,
        ROS_DOMAIN_ID=str(100 + os.getpid() % 100),
        ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST",
        ROS_LOG_DIR=str(tmp_path),
    )
    with subprocess.Popen(
        ["ros2", "launch", str(file), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    ) as process:
        end = threading.Timer(3 * PATIENCE_S, os.killpg, (process.pid, signal.SIGKILL))
        end.start()
        try:
            yield process
        finally:
            end.cancel()
            process.kill()


def read_until(process, text):
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"it ended without saying: {text}")


@needs_workspace
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signals_end_node_and_launch_quietly(tmp_path, name):
    with launched(tmp_path) as process:
        read_until(process, ACTIVE)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(getattr(signal, name))
        said = process.communicate(timeout=PATIENCE_S)[0]
        assert process.returncode == 0 and "finished cleanly" in said
        assert children and not psutil.wait_procs(children, timeout=PATIENCE_S)[1]


@needs_workspace
def test_a_required_node_that_cannot_start_fails_the_launch(tmp_path):
    parameters = tmp_path / "robot.yaml"
    parameters.write_text("/**: {ros__parameters: {weights: /nowhere.safetensors}}")
    given = ("required:=true", "respawn:=false", f"params_file:={parameters}")
    with launched(tmp_path, *given) as process:
        said = process.communicate(timeout=3 * PATIENCE_S)[0]
        assert process.returncode == 1
        assert "/nowhere.safetensors" in said and "the node has failed with exit code 1" in said


@needs_workspace
def test_a_killed_node_comes_back_active(tmp_path):
    with launched(tmp_path) as process:
        read_until(process, ACTIVE)
        psutil.Process(process.pid).children()[0].kill()
        read_until(process, ACTIVE)
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0


@needs_workspace
@pytest.mark.parametrize(("required", "code"), [("false", 0), ("true", 1)])
def test_a_users_mistake_is_said_once_and_nothing_is_started_again(tmp_path, required, code):
    parameters = tmp_path / "robot.yaml"
    parameters.write_text("/**: {ros__parameters: {playout.gain: 99.0}}")
    with launched(tmp_path, f"required:={required}", f"params_file:={parameters}") as process:
        said = process.communicate(timeout=3 * PATIENCE_S)[0]
        assert said.count("within 0 .. 3") == 1 and "exit code 2" in said
        assert process.returncode == code


@needs_workspace
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_launch_argument_that_does_not_exist_ends_every_launch(tmp_path, path):
    with launched(tmp_path, "log_level:=warn", "imgae:=/x", file=path) as process:
        said = process.communicate(timeout=3 * PATIENCE_S)[0]
    errors = [line for line in said.splitlines() if "ERROR" in line]
    assert process.returncode == 1 and len(errors) == 1 and "process started" not in said
    assert "unknown launch argument imgae:=; did you mean image?" in errors[0]


@needs_workspace
def test_a_launch_file_that_includes_ours_keeps_its_own_arguments(tmp_path):
    wrapper = tmp_path / "robot.launch.py"
    wrapper.write_text(WRAPPER.format(node=str(NODE)))
    with launched(tmp_path, "use_arm:=true", file=wrapper) as process:
        read_until(process, ACTIVE)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0


WRAPPER = """
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch import LaunchDescription

def generate_launch_description():
    own = DeclareLaunchArgument("use_arm", default_value="false")
    node = IncludeLaunchDescription(PythonLaunchDescriptionSource({node!r}))
    return LaunchDescription([own, node])
"""

DYING = """
from launch.actions import ExecuteProcess
from launch import LaunchDescription
from reactface_node.ros.rclpy.respawn import Respawn

def generate_launch_description():
    command = ["sh", "-c", "echo again >> $COUNT; exit 7"]
    return LaunchDescription(
        [ExecuteProcess(cmd=command, respawn=True, respawn_delay=0.01, on_exit=Respawn())]
    )
"""


@needs_workspace
def test_what_ends_at_once_is_given_up_after_five_new_starts(tmp_path, monkeypatch):
    file, count = tmp_path / "dying.launch.py", tmp_path / "count"
    file.write_text(DYING)
    monkeypatch.setenv("COUNT", str(count))
    with launched(tmp_path, file=file) as process:
        said = process.communicate(timeout=3 * PATIENCE_S)[0]
    assert process.returncode == 0
    assert said.count("ended more than 5 times within 60 s: not started again") == 1
    assert count.read_text().count("again") == 1 + MOST

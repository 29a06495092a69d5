"""The house's seams, read from the imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "reactface_node"
ROS = {
    "rclpy", "rosbags", "cyclonedds", "cv_bridge", "launch", "launch_ros", "sensor_msgs",
    "std_msgs", "std_srvs", "diagnostic_msgs", "geometry_msgs", "audio_common_msgs",
    "reactface_msgs", "rcl_interfaces", "lifecycle_msgs", "builtin_interfaces", "foxglove_msgs",
    "hri_msgs", "trajectory_msgs",
}  # fmt: skip
DRAWING = {"skia", "matplotlib", "PIL", "pygame"}


def imports_of(path):
    """Top-level names and full module names that a file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def roots(path):
    return {name.split(".")[0] for name in imports_of(path)}


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_seams(path):
    folder = path.relative_to(PACKAGE).parts[0]
    if folder != "ros":
        assert not roots(path) & ROS
    if folder != "render":
        # Plots, a display and picture files are no drawn faces: each has a place of its own.
        places = {"figures.py": {"matplotlib"}, "display.py": {"pygame"}, "pictures.py": {"PIL"}}
        allowed = places.get(path.name, set())
        assert not roots(path) & DRAWING - allowed
    if path.name in {"schema.py", "config.py", "config_model.py", "settings.py"}:
        assert "torch" not in roots(path)
    if folder in {"model", "timeline.py", "perception", "playout.py", "idle.py"}:
        # Time is data: the core never reads a clock, and knows nothing of who calls it.
        assert not roots(path) & {"time", "datetime"}
        outer = ("reactface_node.ros", "reactface_node.cli", "reactface_node.session")
        assert not [name for name in imports_of(path) if name.startswith(outer)]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_budgets(path):
    """Files of about 300 lines, functions of at most 40."""
    assert len(path.read_text().splitlines()) <= 350
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[-1].end_lineno - node.lineno + 1
            assert body <= 40 + 15 * bool(ast.get_docstring(node)), f"{node.name}: {body} lines"


LAUNCH_ALONE = """
import sys

class Refuses:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in {*sys.stdlib_module_names, "reactface_node", "yaml", "_yaml"}:
            raise ModuleNotFoundError(f"{name} is not of the system's Python")

sys.meta_path.insert(0, Refuses())
import reactface_node.config, reactface_node.settings
import reactface_node.ros.launch_arguments, reactface_node.ros.respawn
"""


def test_launch_files_need_no_wheel_but_pyyaml():
    """`ros2 launch` runs in the system's Python, not in the environment of the node."""
    done = subprocess.run([sys.executable, "-c", LAUNCH_ALONE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

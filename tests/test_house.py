"""The rooms of the package, read from its imports: allowed imports between rooms, and no cycles.

Every import counts: those inside functions, those for types alone, and those of package folders.
"""

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "reactface_node"
LEVELS = (
    ("schema", "errors"),
    ("faceverse",),
    ("files",),
    ("config",),
    ("media",),
    ("perception",),
    ("model",),
    ("engine",),
    ("session",),
    ("render",),
    ("outputs", "web"),
    ("ros.messages",),
    ("ros.node",),
    ("ros.rclpy", "ros.dds", "ros.bags"),
    ("research.data",),
    ("research.training",),
    ("research.evaluation",),
    ("tools.bench", "tools.inspection", "tools.doctor"),
    ("cli",),
)
"""In order of imports. A room imports only from itself and from earlier levels of this list."""
NAMES_AT_THE_TOP = 20
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_DOCSTRING = 400, 40, 15


@dataclass(frozen=True)
class Arrow:
    """Module ``source`` imports module ``target``, both as dotted names inside the package."""

    source: str
    target: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line} -> {self.target}"


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def module_of(name: str) -> str:
    """The module in which a dotted name (without ``reactface_node.``) is defined."""
    while name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def arrows_of(source: str) -> list[Arrow]:
    found = []
    for node in ast.walk(ast.parse(MODULES[source].read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}:{node.lineno}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, inner = name.partition(".")
            if package == PACKAGE.name:
                found.append(Arrow(source, module_of(inner), node.lineno))
    return [arrow for arrow in found if arrow.target not in ("", source)]


ARROWS = [arrow for name in MODULES for arrow in arrows_of(name)]


def level_of(module: str) -> int:
    """KeyError if no room holds the module."""
    for level, rooms in enumerate(LEVELS):
        if room_of(module) in rooms:
            return level
    raise KeyError(f"no room holds {module}")


def room_of(module: str) -> str:
    for rooms in LEVELS:
        for room in rooms:
            if module == room or module.startswith(f"{room}."):
                return room
    raise KeyError(f"no room holds {module}")


# Folders of rooms hold nothing but their docstring; ``crowd`` is an old name for one release.
OUTSIDE = {"": set(), "ros": set(), "research": set(), "tools": set(), "crowd": {"session.batch"}}


def test_every_module_lies_in_a_room():
    for module in MODULES.keys() - OUTSIDE.keys():
        level_of(module)
    for module, allowed in OUTSIDE.items():
        assert {arrow.target for arrow in arrows_of(module)} == allowed


def test_no_arrow_goes_against_the_order():
    wrong = [
        str(arrow)
        for arrow in ARROWS
        if arrow.source not in OUTSIDE
        and room_of(arrow.source) != room_of(arrow.target)
        and level_of(arrow.source) <= level_of(arrow.target)
    ]
    assert wrong == []


def test_no_circle_of_files():
    """A depth-first walk; a module that is met again while it is open closes a circle."""
    targets = {name: sorted({a.target for a in ARROWS if a.source == name}) for name in MODULES}
    done: set[str] = set()
    circles: list[str] = []

    def visit(module: str, open_modules: list[str]) -> None:
        if module in open_modules:
            circles.append(" -> ".join([*open_modules[open_modules.index(module) :], module]))
        elif module not in done:
            for target in targets[module]:
                visit(target, [*open_modules, module])
            done.add(module)

    for name in MODULES:
        visit(name, [])
    assert circles == []


def test_the_top_is_short():
    names = {
        path.name for path in PACKAGE.iterdir() if not path.name.startswith((".", "__pycache__"))
    }
    assert len(names) <= NAMES_AT_THE_TOP, sorted(names)


def test_no_two_public_classes_share_a_name():
    seen: dict[str, str] = {}
    for module, path in MODULES.items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                assert node.name not in seen, f"{node.name}: {seen[node.name]} and {module}"
                seen[node.name] = module


ROS = {
    "rclpy",
    "rosbags",
    "cyclonedds",
    "cv_bridge",
    "launch",
    "launch_ros",
    "sensor_msgs",
    "std_msgs",
    "std_srvs",
    "diagnostic_msgs",
    "geometry_msgs",
    "audio_common_msgs",
    "reactface_msgs",
    "rcl_interfaces",
    "lifecycle_msgs",
    "builtin_interfaces",
    "foxglove_msgs",
    "hri_msgs",
    "trajectory_msgs",
}
DRAWING = {"skia", "matplotlib", "PIL", "pygame"}
PLACES_OF_DRAWING = {
    "files.figures": {"matplotlib"},
    "media.display": {"pygame"},
    "media.pictures": {"PIL"},
    "research.evaluation.figures": {"matplotlib"},
    "tools.inspection.figures": {"matplotlib"},
}
"""Plots, the display and picture files are not drawings of faces; each has its own module."""

CLOCKS = {"session.session": {"time"}}
"""It measures its own computing time; its results do not depend on it."""


def libraries_of(module: str) -> set[str]:
    """Top-level names of what a module imports, at any depth."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("module", MODULES)
def test_libraries_are_known_to_their_rooms_alone(module):
    libraries = libraries_of(module)
    room = module.split(".")[0]
    if room != "ros":
        assert not libraries & ROS
    if room != "render":
        assert not libraries & DRAWING - PLACES_OF_DRAWING.get(module, set())
    if room in {"schema", "config"}:
        assert "torch" not in libraries
    if room in {"perception", "model", "engine", "session"}:
        # Time is data: the core never reads a clock.
        assert not libraries & {"time", "datetime"} - CLOCKS.get(module, set())


@pytest.mark.parametrize("module", MODULES)
def test_budgets(module):
    """Files of about 300 lines, 400 at most; functions of at most 40."""
    text = MODULES[module].read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.body[-1].end_lineno - node.lineno + 1
            allowed = LONGEST_FUNCTION + LONGEST_DOCSTRING * bool(ast.get_docstring(node))
            assert lines <= allowed, f"{node.name}: {lines} lines"


LAUNCH_ALONE = """
import sys

class Refuses:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] not in {*sys.stdlib_module_names, "reactface_node", "yaml", "_yaml"}:
            raise ModuleNotFoundError(f"{name} is not of the system's Python")

sys.meta_path.insert(0, Refuses())
import reactface_node.config, reactface_node.config.settings
import reactface_node.ros.rclpy.launch_arguments, reactface_node.ros.rclpy.respawn
"""


def test_launch_files_need_no_wheel_but_pyyaml():
    """`ros2 launch` runs in the system's Python, not in the environment of the node."""
    done = subprocess.run([sys.executable, "-c", LAUNCH_ALONE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

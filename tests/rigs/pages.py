"""The documentation's pages: their blocks of code, and a check of the names in commands."""

import argparse
import ast
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import yaml

from reactface_node.cli.main import build_parser
from reactface_node.cli.options import load_config
from reactface_node.config import Config
from reactface_node.ros.node.topics import OUTPUTS
from reactface_node.ros.rclpy.robot_settings import declared
from rigs.paths import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NEEDS = {
    "ros2",
    "camera",
    "network",
    "download",
    "time",
    "data",
    "graph",
    "gpu",
    "display",
    "cluster",
}
FENCE = re.compile(
    r"^( *)(?:<!-- needs: ([\w, ]+) -->\n+ *)?```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
# Commands of others, whose options are theirs.
FOREIGN = {"cd", "source", "sudo", "git", "rosdep", "colcon", "touch", "docker", "rerun", "dask"}
SERVICES = {
    "reset": "std_srvs/srv/Trigger",
    "enable": "std_srvs/srv/SetBool",
    "set_portrait": "reactface_msgs/srv/SetPortrait",
}
TRANSITIONS = {"configure", "activate", "deactivate", "cleanup", "shutdown"}


class Block(NamedTuple):
    """A fenced block of a page. needs: '' if it can be run everywhere."""

    page: Path
    line: int
    needs: str
    language: str
    title: str
    text: str

    def __str__(self):
        return f"{self.page.name}:{self.line}"


def blocks(*languages):
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in FENCE.finditer(text):
            indent, needs, language, title, body = match.groups()
            line = text.count("\n", 0, match.end()) - body.count("\n")
            body = re.sub(f"^{indent}", "", body, flags=re.MULTILINE)
            found.append(Block(page, line, needs or "", language, title or "", body))
    return [block for block in found if block.language in languages]


# What a block would call, without calling it: bash expands loops and quotes, and finds nothing.
SHAM = """
set -eu
PATH=/nowhere
note() { printf '%s\\0' "$@" >>"$LOG"; printf '\\036' >>"$LOG"; }
command_not_found_handle() { note "$@"; }
cd() { note cd "$@"; }
source() { note source "$@"; }
"""


def calls(block, folder):
    """The commands of a block, a list of arguments each."""
    log = folder / "calls.log"
    log.unlink(missing_ok=True)
    sham = ["/bin/bash", "--norc", "-c", f"LOG='{log}'\n{SHAM}\n{block.text}"]
    done = subprocess.run(
        sham, cwd=folder, capture_output=True, text=True, env={"HOME": "/home/me"}
    )
    assert done.returncode == 0, f"{block}: {done.stderr}"
    records = log.read_text("utf-8").split("\036")[:-1]
    return [record.split("\0")[:-1] for record in records]


def check(command):
    """AssertionError or UserError if it names what there is not."""
    program, *arguments = command
    if program == "reactface":
        check_reactface(arguments)
    elif program == "make":
        check_make(arguments)
    elif program in ("python", "python3", "torchrun"):
        check_python(arguments)
    elif program in ("pip",):
        check_pip(arguments)
    elif program == "ros2":
        check_ros2(*arguments)
    else:
        assert program in FOREIGN, f"nobody knows {program}"


def check_named(command):
    """As ``check``, of a command in a sentence, which may lack arguments."""
    if command[:1] == ["reactface"]:
        check_words(build_parser(), command[1:])
    elif command[:1] in (["make"], ["python"]) or command[:2] == ["ros2", "launch"] != command:
        check(command)


def check_words(parser, words):
    """Subcommands and options, as far as they are there."""
    commands = next((a.choices for a in parser._actions if a.nargs == argparse.PARSER), {})
    if words and commands:
        assert words[0] in commands, words
        return check_words(commands[words[0]], words[1:])
    for word in words:
        assert not word.startswith("-") or word in parser._option_string_actions, word


def check_reactface(arguments):
    try:
        options, rest = build_parser().parse_known_args(arguments)
    except SystemExit as end:
        assert not end.code, f"reactface {' '.join(arguments)}"
        return  # --help or --version
    assert not rest or options.command == "node", rest
    if hasattr(options, "set"):
        load_config(options)


def check_make(arguments):
    text = (ROOT / "Makefile").read_text("utf-8")
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        pattern = rf"^{name} \?=" if equals else rf"^{name}:"
        assert re.search(pattern, text, re.MULTILINE), f"make {argument}"


def check_python(arguments):
    if "-m" not in arguments:
        assert (ROOT / arguments[0]).is_file(), arguments
        return
    module, *rest = arguments[arguments.index("-m") + 1 :]
    if module.startswith("reactface_node"):
        assert find_spec(module), module
    if module == "reactface_node.cli":
        check_reactface(rest)


def check_pip(arguments):
    setup = (ROOT / "setup.py").read_text("utf-8")
    for extra in re.findall(r"reactface_node\[([\w,]+)\]", " ".join(arguments)):
        for name in extra.split(","):
            assert f'        "{name}": [' in setup, f"extra {name}"


def check_ros2(verb, *arguments):
    if verb == "launch" and arguments[0] == "reactface_node":
        known = launch_arguments(arguments[1])
        for argument in arguments[2:]:
            name, given, _ = argument.partition(":=")
            assert name in known if given else argument == "--show-args", argument
    elif verb == "run" and arguments[0] == "reactface_node":
        assert arguments[1] == "reactface"
        check_reactface(arguments[2:])
    elif verb == "param" and arguments[1] == "/reactface":
        names = {item.name for item in declared(Config())}
        assert set(arguments[2:3]) <= names
        if arguments[0] == "set":
            Config.load(overrides={arguments[2]: yaml.safe_load(arguments[3])})
    elif verb == "service":
        assert SERVICES[arguments[1].removeprefix("/reactface/")] == arguments[2]
    elif verb == "lifecycle" and arguments[0] == "set":
        assert arguments[1] == "/reactface" and set(arguments[2:]) <= TRANSITIONS
    elif verb == "topic" and arguments[1].startswith("/reactface"):
        assert arguments[1].replace("/reactface", "~") in OUTPUTS, arguments


def launch_arguments(name):
    """All that a launch file, or the one that it includes, declares."""
    found = set()
    for path in {ROOT / "launch" / name, ROOT / "launch" / "reactface.launch.py"}:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in LAUNCH_TABLES:
                found |= ast.literal_eval(node.value).keys()
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "DeclareLaunchArgument"
            ):
                found |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant)}
    return found


LAUNCH_TABLES = ("ARGUMENTS", "SETTINGS", "DEFAULTS")

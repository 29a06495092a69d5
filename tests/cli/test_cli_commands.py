"""The list of commands: each has its own file and a help text, and the list is printed quickly."""

import argparse
import importlib
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from rigs.paths import ROOT

from reactface_node.cli.main import build_parser, main
from reactface_node.files.resources import version

COMMANDS = sorted(
    path.stem.replace("_", "-")
    for path in (ROOT / "reactface_node/cli").glob("*.py")
    if path.stem not in ("__init__", "__main__", "main", "options")
)
ENTRY = """
import sys
from importlib.metadata import entry_points
(entry,) = entry_points(group="console_scripts", name="reactface")
sys.exit(entry.load()())
"""


def run_python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_each_command_is_a_file():
    (listed,) = (action for action in build_parser()._actions if action.dest == "command")
    assert sorted(listed.choices) == COMMANDS
    for name in COMMANDS:
        file = name.replace("-", "_")
        module = importlib.import_module(f"reactface_node.cli.{file}")
        assert callable(getattr(module, f"add_{file}"))


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_help(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: reactface {name} ")


def arguments_of(parser, name):
    """(command, argument) of a parser and of its subcommands."""
    for argument in parser._actions:
        if argument.nargs == argparse.PARSER:
            for word, command in argument.choices.items():
                yield from arguments_of(command, f"{name} {word}")
        else:
            yield name, argument


def test_every_argument_has_a_help():
    found = list(arguments_of(build_parser(), "reactface"))
    assert len(found) > 100
    assert not [(name, argument.dest) for name, argument in found if not argument.help]


@pytest.mark.parametrize("start", [("-m", "reactface_node.cli"), ("-c", ENTRY)])
def test_the_ways_to_start(start, tmp_path):
    done = run_python(*start, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{version()}\n", "")
    done = run_python(*start, "replay", "nowhere.bag", "-o", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "reactface replay: nowhere.bag does not exist\n"
    done = run_python(*start)
    assert done.returncode == 2 and done.stderr.startswith("usage: reactface ")


def test_the_entry_point_is_main():
    (entry,) = entry_points(group="console_scripts", name="reactface")
    assert entry.load() is main


LARGE = ("numpy", "torch", "cv2", "av", "mediapipe", "rclpy", "psutil", "multiprocessing")
LISTING = f"""
import sys
from reactface_node.cli.main import main
try:
    main(["--help"])
finally:
    print(sorted(set(sys.modules) & set({LARGE})), file=sys.stderr)
"""


def test_the_help_imports_nothing_large():
    done = run_python("-c", LISTING)
    assert (done.returncode, done.stderr) == (0, "[]\n")
    # The description of a long name is on the next line.
    assert set(COMMANDS) <= set(re.findall(r"^    (\S+)", done.stdout, re.MULTILINE))

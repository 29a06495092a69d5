"""Refuses unknown arguments of a launch file, which `ros2 launch` itself accepts."""

import difflib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def check(given: Sequence[str], known: Iterable[str]) -> None:
    """RuntimeError for a NAME:=VALUE with an unknown name; launch prints it as one line and ends
    with 1. given: the command line after the launch file."""
    names = sorted(known)
    for text in given:
        name, separator, _ = text.partition(":=")
        if separator and name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
            raise RuntimeError(f"unknown launch argument {name}:=; {hint}")


def checked(description: Any, file: str) -> Any:
    """A LaunchDescription that checks its arguments first.

    Only if `ros2 launch` was called with ``file``: a launch file that includes it has arguments
    of its own.
    """
    from launch.actions import OpaqueFunction

    known = [argument.name for argument in description.get_launch_arguments()]

    def refuse(_context: Any) -> None:
        names = [Path(text).name for text in sys.argv]
        if Path(file).name in names:
            check(sys.argv[names.index(Path(file).name) + 1 :], known)

    return type(description)([OpaqueFunction(function=refuse), *description.entities])

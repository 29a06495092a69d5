"""Arguments of a launch file that do not exist: `ros2 launch` itself takes any name."""

import difflib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def check(given: Sequence[str], known: Iterable[str]) -> None:
    """given: what follows the launch file on the command line. RuntimeError, which launch says in
    one line and ends with 1, for a NAME:=VALUE whose name is not known."""
    names = sorted(known)
    for text in given:
        name, separator, _ = text.partition(":=")
        if separator and name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names)}"
            raise RuntimeError(f"unknown launch argument {name}:=; {hint}")


def checked(description: Any, file: str) -> Any:
    """A LaunchDescription that first refuses unknown arguments, where ``file`` is the one that
    `ros2 launch` was called with; another launch file that includes it has arguments of its own.
    """
    from launch.actions import OpaqueFunction

    known = [argument.name for argument in description.get_launch_arguments()]

    def refuse(_context: Any) -> None:
        names = [Path(text).name for text in sys.argv]
        if Path(file).name in names:
            check(sys.argv[names.index(Path(file).name) + 1 :], known)

    return type(description)([OpaqueFunction(function=refuse), *description.entities])

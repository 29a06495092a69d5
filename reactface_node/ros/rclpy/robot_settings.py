"""Which settings are ROS parameters, and which given parameters are used."""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from reactface_node.config import Config
from reactface_node.config.settings import Setting, settings

FIXED_BY_WEIGHTS = ("model", "training")
"""Sections whose values are fixed by a checkpoint. Only their live settings are parameters."""
MOST_NAMED, LONGEST_NAME = 8, 60
"""Limits of a log line of ignored parameters: most names, and most characters of each."""


def declared(config: Config) -> list[Setting]:
    """The settings that are ROS parameters."""
    return [item for item in settings(config) if item.live or not _is_fixed(item.name)]


def sort_out(given: Mapping[str, Any], config: Config) -> tuple[dict[str, Any], list[str]]:
    """Given parameters by name -> those of this node, and log lines about ignored ones.

    A file with parameters for every node (``/**``) also gives this node those of other nodes. A
    parameter in a section of the Config counts as this node's, also if misspelt: then
    ``Config.replace`` refuses it.
    """
    known, offered = {item.name for item in settings(config)}, declared(config)
    parameters = [item.name for item in offered]
    heads = {item.name for item in dataclasses.fields(config)} - known
    ours: dict[str, Any] = {}
    fixed, foreign = [], []
    for name, value in given.items():
        if name in known and name not in parameters:
            fixed.append(name)
        elif name in known or ("." in name and name.split(".")[0] in heads):
            ours[name] = value
        else:
            foreign.append(name + _hint(name, parameters))
    lines = []
    if foreign:
        lines.append(f"ignored parameters that are not of this node: {_list(foreign)}")
    if fixed:
        lines.append(f"ignored, since only a file given with --config sets it: {_list(fixed)}")
    return ours, lines


def _is_fixed(name: str) -> bool:
    return name.split(".")[0] in FIXED_BY_WEIGHTS


def _hint(name: str, parameters: Iterable[str]) -> str:
    near = difflib.get_close_matches(name[:LONGEST_NAME], parameters, 1, 0.8)
    return f" (did you mean {near[0]}?)" if near else ""


def _list(names: list[str]) -> str:
    # First the names that may be misspelt ones of this node.
    ordered = sorted(names, key=lambda name: not name.endswith("?)"))
    shown = [
        name if len(name) <= LONGEST_NAME * 2 else f"{name[:LONGEST_NAME]}..."
        for name in ordered[:MOST_NAMED]
    ]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")

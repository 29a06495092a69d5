"""Reads settings from YAML: files of this package and ROS parameter files."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from reactface_node.errors import UserError
from reactface_node.files.text import meaning, read_yaml, shown

NODE = "reactface"
EVERY = ("*", "**")
PARAMETERS = "ros__parameters"
RCLPY_OWN = ("use_sim_time", "start_type_description_service", "qos_overrides")
"""First parts of the names of parameters that every rclpy node has."""
SPELLING = 0.85
"""Similarity (difflib, 0..1) from which a name is a misspelling; weigths and weights have 0.86."""
_LOG = logging.getLogger(__name__)


def read_settings(path: Path, sections: Iterable[str]) -> dict[str, Any]:
    """Settings by name, nested or dotted. sections: the first parts of all settings' names.

    From a ROS parameter file: the values for all nodes, then those for this node. Other nodes are
    ignored; names that are no setting are ignored with a warning. UserError if the file is
    neither kind, or if it is not clear which node is meant.
    """
    values = read_yaml(path)
    nodes = dict(_nodes(values, ""))
    if not nodes:
        return values
    for name, value in values.items():
        if name != PARAMETERS and not dict(_nodes({name: value}, "")):
            raise UserError(f"{path}: {shown(name)} is in no node of this ROS parameter file")
    settings: dict[str, Any] = {}
    for node in _chosen(path, nodes):
        settings |= _flat(f"{path}: {node}", nodes[node])
    return _ours(path, settings, tuple(sections))


def _nodes(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """Names of nodes, as written in the file, with their parameters."""
    for name, value in values.items():
        if name == PARAMETERS:
            yield prefix, value
        elif isinstance(value, dict):
            yield from _nodes(value, f"{prefix}/{name}".replace("//", "/"))


def _chosen(path: Path, nodes: Mapping[str, Any]) -> list[str]:
    """The nodes whose values apply: all nodes, then this one; or the only node of the file."""
    every = [name for name in nodes if name.rpartition("/")[2] in EVERY]
    ours = [name for name in nodes if name.rpartition("/")[2] == NODE]
    if len(ours) > 1:
        raise UserError(f"{path} has parameters of {' and of '.join(ours)}: keep one of them")
    if not every and not ours and len(nodes) > 1:
        raise UserError(f"{path} has parameters of {', '.join(nodes)}, and none of /** or {NODE}")
    return every + ours or list(nodes)


def _flat(where: str, values: Any, prefix: str = "") -> dict[str, Any]:
    """Values with nested names turned into dotted ones; UserError on a repeated name."""
    if meaning(values) is None:
        return {}
    if not isinstance(values, dict):
        raise UserError(f"{where} must hold names and values, not {shown(values)}")
    flat: dict[str, Any] = {}
    for name, value in values.items():
        more = (
            _flat(where, value, f"{prefix}{name}.")
            if isinstance(value, dict)
            else {prefix + name: value}
        )
        for twice in more.keys() & flat.keys():
            raise UserError(f"{where}: {shown(twice)} is there twice")
        flat |= more
    return flat


def _ours(path: Path, values: Mapping[str, Any], sections: tuple[str, ...]) -> dict[str, Any]:
    """Values whose first part is that of a setting or looks misspelt; warns of the others."""
    ours: dict[str, Any] = {}
    others: list[str] = []
    for name, value in values.items():
        first = name.partition(".")[0]
        if first in sections or get_close_matches(first, sections, 1, SPELLING):
            ours[name] = value
        elif first not in RCLPY_OWN:
            others.append(name)
    if others:
        more = f" and {len(others) - 1} more" * (len(others) > 1)
        _LOG.warning("%s: left out what is no setting: %s%s", path, shown(others[0]), more)
    return ours

"""A YAML file of settings: the package's own, or a ROS parameter file."""

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
"""Parameters that every node of rclpy has."""
SPELLING = 0.85
"""How alike two names are of which one is the other misspelt: weigths and weights are at 0.86."""
_LOG = logging.getLogger(__name__)


def read_settings(path: Path, sections: Iterable[str]) -> dict[str, Any]:
    """Settings by name, nested or dotted. sections: the names that settings begin with.

    Of a ROS parameter file: what is for every node, then what is for ours; other nodes are left
    out, and so is, with a warning, what begins like no setting. UserError where it is neither,
    and where it is not clear which node is meant.
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
    """Names of nodes, as they are written, with their parameters."""
    for name, value in values.items():
        if name == PARAMETERS:
            yield prefix, value
        elif isinstance(value, dict):
            yield from _nodes(value, f"{prefix}/{name}".replace("//", "/"))


def _chosen(path: Path, nodes: Mapping[str, Any]) -> list[str]:
    """Who of them we are: every node, then ours by its name; or the only one, whatever its name."""
    every = [name for name in nodes if name.rpartition("/")[2] in EVERY]
    ours = [name for name in nodes if name.rpartition("/")[2] == NODE]
    if len(ours) > 1:
        raise UserError(f"{path} has parameters of {' and of '.join(ours)}: keep one of them")
    if not every and not ours and len(nodes) > 1:
        raise UserError(f"{path} has parameters of {', '.join(nodes)}, and none of /** or {NODE}")
    return every + ours or list(nodes)


def _flat(where: str, values: Any, prefix: str = "") -> dict[str, Any]:
    """Nested and dotted names as dotted ones."""
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
    """Without what begins like no setting, which is another node's, unless it looks misspelt."""
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

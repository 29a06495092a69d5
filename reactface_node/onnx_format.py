"""What an exported model's folder says of itself; ``model/export.py`` writes it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.text_files import read_json, shown

FORMAT, VERSION, MANIFEST = "reactface onnx", 1, "model.json"
HELP = "`reactface weights --export FOLDER` makes one"
MOST_NUMBERS = 1 << 29
"""In all inputs of a graph together: 2 GB."""
WHOLE = ("frame", "position")
"""Of the state, the entries that are whole numbers."""
RANGES = {"window": (1, 64), "frames": (1, 64), "samples": (1, 64), "noise_width": (1, 1 << 16),
          "disposition": (0, 256)}  # fmt: skip


@dataclass(frozen=True)
class Graph:
    """The shapes of what goes in, and the names of what comes out, in this order."""

    inputs: Mapping[str, tuple[int, ...]]
    outputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Manifest:
    """frames at once, of a window of so many, for so many samples. graphs: "first" for the first
    frame of a window, "next" for later ones. state: what a session starts with, by name.
    rings: steps a frame."""

    window: int
    frames: int
    samples: int
    noise_width: int
    disposition: int
    momentum: float
    temperature: float
    gain: float
    graphs: Mapping[str, Graph]
    state: Mapping[str, np.ndarray]
    rings: Mapping[str, int]


def read_manifest(folder: Path) -> Manifest:
    """UserError where a folder is no exported model, a newer one, or its ``model.json`` is
    damaged or does not fit together."""
    try:
        about = read_json(folder / MANIFEST)
    except UserError as error:
        raise UserError(f"{folder} is no exported model ({error}): {HELP}") from error
    if about.get("format") != FORMAT:
        raise UserError(f"{folder} is no exported model: {HELP}")
    try:
        if _whole(about, "version", 1, 1 << 31) > VERSION:
            raise UserError(f"{folder} was written by a newer reactface_node; update this one")
        return _manifest(about)
    except ValueError as error:
        raise UserError(f"{folder / MANIFEST} is damaged: {error}; {HELP}") from error


def _manifest(about: Mapping[str, Any]) -> Manifest:
    """ValueError that names what is wrong."""
    sizes = {name: _whole(about, name, *limits) for name, limits in RANGES.items()}
    if sizes["window"] % sizes["frames"]:
        raise ValueError("frames does not divide window")
    graphs = {name: _graph(name, graph) for name, graph in _entries(about, "graphs").items()}
    wanted = {"first"} if sizes["frames"] == sizes["window"] else {"first", "next"}
    if graphs.keys() != wanted:
        raise ValueError(f"graphs are not {' and '.join(sorted(wanted))}")
    first = graphs["first"].inputs
    rings = {name: _ring(about["rings"], name, first) for name in _entries(about, "rings")}
    state = {name: _start(name, values, first) for name, values in _entries(about, "state").items()}
    for name in ("position", "disposition"):
        if name not in state:
            raise ValueError(f"state has no {name}")
    momentum, temperature, gain = (
        _number(about.get(name), name) for name in ("momentum", "temperature", "gain")
    )
    return Manifest(**sizes, momentum=momentum, temperature=temperature, gain=gain,
                    graphs=graphs, state=state, rings=rings)  # fmt: skip


def _graph(name: str, graph: Any) -> Graph:
    if not isinstance(graph, dict):
        raise ValueError(f"the graph {name} must hold names and values")
    inputs = {one: _shape(one, shape) for one, shape in _entries(graph, "inputs").items()}
    if sum(map(math.prod, inputs.values())) > MOST_NUMBERS:
        raise ValueError(f"the inputs of {name} are too large")
    outputs = graph.get("outputs")
    if not isinstance(outputs, list) or not all(isinstance(one, str) for one in outputs):
        raise ValueError(f"outputs of {name} are no names")
    return Graph(inputs, tuple(outputs))


def _ring(rings: Mapping[str, Any], name: str, inputs: Mapping[str, tuple[int, ...]]) -> int:
    """Keys are (M, heads, d, places), values (M, heads, places, d)."""
    keys, values = (inputs.get(f"{name}_{part}", ()) for part in ("keys", "values"))
    if len(keys) != 4 or 0 in keys or (*keys[:2], keys[3], keys[2]) != values:
        raise ValueError(f"ring {shown(name)} has keys {shown(keys)} and values {shown(values)}")
    return _whole(rings, name, 1, 64)


def _start(name: str, values: Any, inputs: Mapping[str, tuple[int, ...]]) -> np.ndarray:
    shape = inputs.get(name)
    if shape is None or not isinstance(values, list) or len(values) != math.prod(shape):
        raise ValueError(f"state {shown(name)} does not fit the graph")
    if name in WHOLE:
        whole = [_whole({name: value}, name, 0, 1 << 60) for value in values]
        return np.array(whole, np.int64).reshape(shape)
    # NaN stands for what there is not yet.
    known = [value if value != value else _number(value, name) for value in values]
    return np.array(known, np.float32).reshape(shape)


def _shape(name: str, shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, list) or len(shape) > 8:
        raise ValueError(f"{shown(name)} has the shape {shown(shape)}")
    return tuple(_whole({name: size}, name, 0, MOST_NUMBERS) for size in shape)


def _entries(about: Mapping[str, Any], name: str) -> dict[str, Any]:
    entries = about.get(name)
    if not isinstance(entries, dict):
        raise ValueError(f"{name} must hold names and values, not {shown(entries)}")
    return entries


def _whole(about: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = about.get(name)
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{shown(name)} is {shown(value)}, not within {low} .. {high}")
    return value


def _number(value: Any, name: str) -> float:
    if type(value) not in (int, float) or not abs(value) < np.finfo(np.float32).max:
        raise ValueError(f"{shown(name)} holds {shown(value)}, which is no number")
    return float(value)

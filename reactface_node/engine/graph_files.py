"""Files of a model as ONNX graphs: reads and checks ``model.json``, which ``export.py`` writes.

A graph holds no weights: any checkpoint of the same architecture plays with it. Sizes that are free
are written by name: the number of sessions of a batch, and of samples.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import ModelConfig
from reactface_node.errors import UserError
from reactface_node.files.text import read_json, shown
from reactface_node.model.architecture import architecture

FORMAT, VERSION = "reactface onnx", 2
MANIFEST, WEIGHTS, SHIPPED = "model.json", "weights.safetensors", "graphs"
HELP = "`reactface weights --export FOLDER` makes one"
SESSIONS, SAMPLES = "sessions", "samples"
FREE = {SESSIONS: 64, SAMPLES: 64}
"""Free sizes, and their largest values."""
MOST_NUMBERS = 1 << 29
"""In all inputs of a graph together: 2 GB."""
GRAPHS = ("first", "next", "window")
WHOLE = ("frame", "position")
"""Entries of the state that are integers."""

Shape = tuple[int | str, ...]


@dataclass(frozen=True)
class GraphShapes:
    """Shapes of the inputs by name, names of the checkpoint's tensors that the graph takes, and
    names of the outputs in order."""

    inputs: Mapping[str, Shape]
    tensors: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Manifest:
    """model: the architecture, by setting. graphs: "first" for the first frame of a window, "next"
    for later ones, "window" for a window at once. state: the state of a new session of one sample,
    by name. rings: steps per frame. tensors: shapes of the checkpoint's tensors by name. weights:
    SHA-256 of the checkpoint from which the folder was made; "" if it holds no weights."""

    model: Mapping[str, Any]
    noise_width: int
    graphs: Mapping[str, GraphShapes]
    state: Mapping[str, np.ndarray]
    rings: Mapping[str, int]
    tensors: Mapping[str, tuple[int, ...]]
    weights: str

    @property
    def window(self) -> int:
        """w, frames per window."""
        return int(self.model["window"])

    @property
    def disposition(self) -> int:
        """S, the size of a listener's disposition."""
        return int(self.model["disposition"])

    def is_of(self, model: ModelConfig) -> bool:
        """Whether the graphs compute this model."""
        return dict(self.model) == architecture(model)


def sized(shape: Shape, sessions: int, samples: int) -> tuple[int, ...]:
    """A shape with numbers for its free sizes."""
    free = {SESSIONS: sessions, SAMPLES: samples}
    return tuple(free[size] if isinstance(size, str) else size for size in shape)


def read_manifest(folder: Path) -> Manifest:
    """UserError if a folder is no exported model or of another version, or if its ``model.json`` is
    damaged or inconsistent."""
    try:
        about = read_json(folder / MANIFEST)
    except UserError as error:
        raise UserError(f"{folder} is no exported model ({error}): {HELP}") from error
    if about.get("format") != FORMAT:
        raise UserError(f"{folder} is no exported model: {HELP}")
    try:
        version = _whole(about, "version", 1, 1 << 31)
        if version > VERSION:
            raise UserError(f"{folder} was written by a newer reactface_node; update this one")
        if version < VERSION:
            raise UserError(f"{folder} was written by an older reactface_node: export it again")
        return _manifest(about)
    except ValueError as error:
        raise UserError(f"{folder / MANIFEST} is damaged: {error}; {HELP}") from error


def _manifest(about: Mapping[str, Any]) -> Manifest:
    """ValueError that names the error."""
    model = _entries(about, "model")
    _whole(model, "window", 1, 64)
    _whole(model, "disposition", 0, 256)
    graphs = {name: _graph(name, graph) for name, graph in _entries(about, "graphs").items()}
    if graphs.keys() != set(GRAPHS):
        raise ValueError(f"graphs are not {', '.join(GRAPHS)}")
    inputs = graphs["window"].inputs
    rings = {name: _ring(about["rings"], name, inputs) for name in _entries(about, "rings")}
    state = {
        name: _start(name, values, inputs) for name, values in _entries(about, "state").items()
    }
    for name in ("position", "disposition", "edge"):
        if name not in state:
            raise ValueError(f"state has no {name}")
    tensors = {
        name: sized(_shape(name, shape), 1, 1) for name, shape in _entries(about, "tensors").items()
    }
    unknown = [name for graph in graphs.values() for name in graph.tensors if name not in tensors]
    if unknown:
        raise ValueError(f"{shown(unknown[0])} is none of the tensors")
    noise_width = _whole(about, "noise_width", 1, 1 << 16)
    weights = about.get("weights", "")
    if not isinstance(weights, str) or not re.fullmatch("([0-9a-f]{64})?", weights):
        raise ValueError(f"weights is {shown(weights)}, no SHA-256")
    return Manifest(model, noise_width, graphs, state, rings, tensors, weights)


def _graph(name: str, graph: Any) -> GraphShapes:
    if not isinstance(graph, dict):
        raise ValueError(f"the graph {name} must hold names and values")
    inputs = {one: _shape(one, shape) for one, shape in _entries(graph, "inputs").items()}
    if sum(math.prod(sized(shape, 1, 1)) for shape in inputs.values()) > MOST_NUMBERS:
        raise ValueError(f"the inputs of {name} are too large")
    return GraphShapes(inputs, _names(graph, "tensors", name), _names(graph, "outputs", name))


def _names(graph: Mapping[str, Any], part: str, name: str) -> tuple[str, ...]:
    names = graph.get(part)
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise ValueError(f"{part} of {name} are no names")
    return tuple(names)


def _ring(rings: Mapping[str, Any], name: str, inputs: Mapping[str, Shape]) -> int:
    """Keys are (B[, M], heads, d, places), values (B[, M], heads, places, d)."""
    keys, values = (inputs.get(f"{name}_{part}", ()) for part in ("keys", "values"))
    if len(keys) not in (4, 5) or 0 in keys or (*keys[:-2], keys[-1], keys[-2]) != values:
        raise ValueError(f"ring {shown(name)} has keys {shown(keys)} and values {shown(values)}")
    return _whole(rings, name, 1, 64)


def _start(name: str, values: Any, inputs: Mapping[str, Shape]) -> np.ndarray:
    shape = sized(inputs[name], 1, 1) if name in inputs else None
    if shape is None or not isinstance(values, list) or len(values) != math.prod(shape):
        raise ValueError(f"state {shown(name)} does not fit the graph")
    if name in WHOLE:
        whole = [_whole({name: value}, name, 0, 1 << 60) for value in values]
        return np.array(whole, np.int64).reshape(shape)
    # NaN marks entries that do not exist yet.
    known = [value if value != value else _number(value, name) for value in values]
    return np.array(known, np.float32).reshape(shape)


def _shape(name: str, shape: Any) -> Shape:
    if not isinstance(shape, list) or len(shape) > 8:
        raise ValueError(f"{shown(name)} has the shape {shown(shape)}")
    return tuple(
        size
        if isinstance(size, str) and size in FREE
        else _whole({name: size}, name, 0, MOST_NUMBERS)
        for size in shape
    )


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

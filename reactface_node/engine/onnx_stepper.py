"""Runs an exported model by onnxruntime, without torch; reads and checks its ``model.json``,
which ``export.py`` writes."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import Config, ModelConfig
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.errors import UserError
from reactface_node.files.resources import refuse_stand_in
from reactface_node.files.text import read_json, shown
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME

FORMAT, VERSION, MANIFEST = "reactface onnx", 1, "model.json"
HELP = "`reactface weights --export FOLDER` makes one"
MOST_NUMBERS = 1 << 29
"""In all inputs of a graph together: 2 GB."""
WHOLE = ("frame", "position")
"""Entries of the state that are integers."""
RANGES = {
    "window": (1, 64),
    "frames": (1, 64),
    "samples": (1, 64),
    "noise_width": (1, 1 << 16),
    "disposition": (0, 256),
}
FIXED = ("momentum", "temperature", "gain")


@dataclass(frozen=True)
class GraphShapes:
    """Shapes of the inputs by name, and names of the outputs in order."""

    inputs: Mapping[str, tuple[int, ...]]
    outputs: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Manifest:
    """frames at once, of a window of so many, for so many samples. graphs: "first" for the first
    frame of a window, "next" for later ones. state: the initial state of a session, by name. rings:
    steps per frame. weights: SHA-256 of the checkpoint, "" if not known."""

    window: int
    frames: int
    samples: int
    noise_width: int
    disposition: int
    momentum: float
    temperature: float
    gain: float
    graphs: Mapping[str, GraphShapes]
    state: Mapping[str, np.ndarray]
    rings: Mapping[str, int]
    weights: str


def read_manifest(folder: Path) -> Manifest:
    """UserError if a folder is no exported model or a newer one, or if its ``model.json`` is
    damaged or inconsistent."""
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
    """ValueError that names the error."""
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
    return Manifest(
        **sizes,
        momentum=momentum,
        temperature=temperature,
        gain=gain,
        graphs=graphs,
        state=state,
        rings=rings,
        weights=_hash(about.get("weights", "")),
    )


def _graph(name: str, graph: Any) -> GraphShapes:
    if not isinstance(graph, dict):
        raise ValueError(f"the graph {name} must hold names and values")
    inputs = {one: _shape(one, shape) for one, shape in _entries(graph, "inputs").items()}
    if sum(map(math.prod, inputs.values())) > MOST_NUMBERS:
        raise ValueError(f"the inputs of {name} are too large")
    outputs = graph.get("outputs")
    if not isinstance(outputs, list) or not all(isinstance(one, str) for one in outputs):
        raise ValueError(f"outputs of {name} are no names")
    return GraphShapes(inputs, tuple(outputs))


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
    # NaN marks entries that do not exist yet.
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


def _hash(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("([0-9a-f]{64})?", value):
        raise ValueError(f"weights is {shown(value)}, no SHA-256")
    return value


def _number(value: Any, name: str) -> float:
    if type(value) not in (int, float) or not abs(value) < np.finfo(np.float32).max:
        raise ValueError(f"{shown(name)} holds {shown(value)}, which is no number")
    return float(value)


class OnnxStepper:
    """See ``stepper.Stepper``. The state is a dictionary of arrays with the names of the
    graphs; rings are written in place."""

    def __init__(self, folder: Path, config: Config):
        """UserError if the folder is no export, was made for other settings, is inconsistent,
        or outputs NaN."""
        self._about = read_manifest(folder)
        self._check(folder, config)
        about = self._about
        self.window, self.noise_width = about.window, about.noise_width
        self.disposition = about.disposition
        self._graphs = {
            name: _session(folder / f"{name}.onnx", config.threads, graph)
            for name, graph in about.graphs.items()
        }
        self._phase = 0
        self._state: dict[str, np.ndarray] = {}
        self._try(folder)

    def begin(self, disposition: np.ndarray) -> None:
        about = self._about
        shapes = about.graphs["first"].inputs
        self._state = {name: values.copy() for name, values in about.state.items()}
        self._state["disposition"] = disposition[None]
        for name in about.rings:
            for part in (f"{name}_keys", f"{name}_values"):
                self._state[part] = np.zeros(shapes[part], np.float32)
        self._phase = 0

    def describe(self, disposition: np.ndarray) -> None:
        self._state["disposition"] = disposition[None]

    def step(self, speaker: SpeakerFrames, noise: np.ndarray) -> np.ndarray:
        name = "next" if self._phase else "first"
        given = {f"speaker_{part}": value[None] for part, value in vars(speaker).items()}
        key = "plan_noise" if self._phase else "noise"
        given |= {key: noise[None], "plan_phase": np.array([self._phase], np.int64)}
        known = self._state | given
        position = int(self._state["position"][0])
        graph = self._about.graphs[name]
        results = self._graphs[name].run(None, {n: known[n] for n in graph.inputs})
        for output, value in zip(graph.outputs, results, strict=True):
            if output.startswith("rows_"):
                self._write(output.removeprefix("rows_"), value, position)
            else:
                self._state[output.removeprefix("new_")] = value
        self._phase = (self._phase + self._about.frames) % self.window
        shown: np.ndarray = self._state["listener"][0]
        return shown

    def check(self, config: ModelConfig) -> None:
        """UserError if the settings differ from those in the graphs."""
        for name in ("temperature", "momentum"):
            if getattr(config, name) != getattr(self._about, name):
                raise UserError(f"model.{name} is fixed in an exported model: export it again")

    def configure(self, config: ModelConfig) -> None:
        """Nothing to do: ``check`` allows no change."""

    def _write(self, ring: str, new: np.ndarray, position: int) -> None:
        """new (M, n*k, 2D): keys and values of the newest frames, into their places."""
        keys, values = self._state[f"{ring}_keys"], self._state[f"{ring}_values"]
        _, heads, size, places = keys.shape
        first = position * self._about.rings[ring]
        slots = (first + np.arange(new.shape[1])) % places
        parts = new.reshape(len(new), -1, 2, heads, size)
        keys[..., slots] = parts[:, :, 0].transpose(0, 2, 3, 1)
        values[:, :, slots] = parts[:, :, 1].transpose(0, 2, 1, 3)

    def _check(self, folder: Path, config: Config) -> None:
        frames = 1 if config.mode == "frame" else self._about.window
        wanted = {"window": config.model.window, "frames": frames}
        wanted |= {"samples": config.playout.samples}
        wanted |= {name: getattr(config.model, name) for name in FIXED}
        for name, value in wanted.items():
            if getattr(self._about, name) != value:
                raise UserError(
                    f"{folder} was exported with {name} = {getattr(self._about, name)}, the "
                    f"config says {value}: export it again"
                )
        if config.device != "cpu":
            raise UserError(f"an exported model runs on the cpu, not on {config.device}")

    def _try(self, folder: Path) -> None:
        """Run one window of two sessions; UserError if graphs and manifest do not fit, or if
        the output is NaN or the same for both."""
        try:
            reactions = [self._conversation(seed) for seed in range(2)]
        except Exception as error:  # several kinds for wrong shapes
            reason = shown(str(error).partition("\n")[0])
            raise UserError(f"{folder} does not fit together ({reason}): {HELP}") from error
        if not np.isfinite(reactions).all():
            raise UserError(f"{folder} is damaged: its weights are no numbers: {HELP}")
        if np.array_equal(reactions[0], reactions[1]):
            raise UserError(f"{folder} is damaged: it reacts to everybody alike: {HELP}")

    def _conversation(self, seed: int) -> np.ndarray:
        """Reactions of a window to a seeded speaker, (M, w, 58)."""
        about, rng = self._about, np.random.default_rng(seed)
        n = about.frames
        self.begin(rng.standard_normal((about.samples, about.disposition)).astype(np.float32))
        begun = {name: values.shape for name, values in self._state.items()}
        shown = []
        for _ in range(about.window // n):
            speaker = SpeakerFrames(
                rng.random((n, NUM_COEFFICIENTS), np.float32),
                np.ones((n, NUM_COEFFICIENTS), bool),
                0.1 * rng.standard_normal(n * SAMPLES_PER_FRAME, np.float32),
                np.ones(n, bool),
            )
            noise = rng.standard_normal((about.samples, about.noise_width), np.float32)
            shown.append(self.step(speaker, noise))
            if shown[-1].shape != (about.samples, n, NUM_COEFFICIENTS):
                raise ValueError(f"reactions are {shown[-1].shape}")
        for name, shape in begun.items():
            if self._state[name].shape != shape:
                raise ValueError(f"{name} is {self._state[name].shape}, not {shape}")
        return np.concatenate(shown, axis=1)


def _session(path: Path, threads: int, graph: GraphShapes) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError("an exported model needs onnxruntime: pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # The error contains onnxruntime's message.
    options.log_severity_level = 4
    refuse_stand_in(path)
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        inputs = {one.name: tuple(one.shape) for one in session.get_inputs()}
        found = GraphShapes(inputs, tuple(one.name for one in session.get_outputs()))
    except Exception as error:  # onnxruntime raises a dozen kinds, none of them public
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} is damaged or missing ({reason}): {HELP}") from error
    if found != graph:
        raise UserError(f"{path} takes or gives other than its {MANIFEST} says: {HELP}")
    return session

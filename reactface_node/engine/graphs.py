"""A model's ONNX graphs with the weights of a checkpoint, run by onnxruntime, without torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import ModelConfig
from reactface_node.engine.graph_files import (
    HELP,
    MANIFEST,
    GraphShapes,
    read_manifest,
    sized,
)
from reactface_node.errors import UserError
from reactface_node.files.resources import refuse_stand_in
from reactface_node.files.stored_arrays import check_shapes, check_weights, read_arrays
from reactface_node.files.text import shown
from reactface_node.model.architecture import LIVE, check_same, stored_config

State = dict[str, np.ndarray]


class Graphs:
    """The graphs of a folder, ready to run."""

    def __init__(
        self, folder: Path, weights: Path, model: ModelConfig, threads: int, names: tuple[str, ...]
    ):
        """weights: a checkpoint. model: of the config. threads: of onnxruntime, 0 = all cores.
        names: the graphs to load.

        UserError if a file is missing, damaged or of another model.
        """
        self.folder, self.about = folder, read_manifest(folder)
        metadata, arrays = read_arrays(weights)
        check_same(weights, stored_config(weights, metadata), model)
        if not self.about.is_of(model):
            raise UserError(f"{folder} was made for another model than the config's: {HELP}")
        check_shapes(weights, self.about.tensors, {n: one.shape for n, one in arrays.items()})
        for name, array in arrays.items():
            check_weights(weights, name, array)
        # As ``ReactFace.initial_state``: a session starts from the neutral face, whose standardised
        # coefficients follow from the weights, which the manifest of other weights does not know.
        self._neutral = -arrays["listener_mean"] / arrays["listener_std"]
        # In onnxruntime's memory once for all graphs.
        self._weights = {name: _value(array) for name, array in arrays.items()}
        self._sessions = {
            name: self._load(folder / f"{name}.onnx", threads, self.about.graphs[name])
            for name in names
        }

    def blank(self, sessions: int, samples: int) -> State:
        """The state of new sessions. Entries are arrays with the sessions as the first axis."""
        inputs = self.about.graphs["window"].inputs
        state = {}
        for name, values in self.about.state.items():
            shape = sized(inputs[name], sessions, samples)
            state[name] = np.broadcast_to(values, shape).copy()
        state["edge"][:] = self._neutral
        for name in self.about.rings:
            for part in (f"{name}_keys", f"{name}_values"):
                state[part] = np.zeros(sized(inputs[part], sessions, samples), np.float32)
        return state

    def run(self, name: str, known: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of a graph by name. known: at least its inputs."""
        graph = self.about.graphs[name]
        results = self._sessions[name].run(None, {n: known[n] for n in graph.inputs})
        return dict(zip(graph.outputs, results, strict=True))

    def update(
        self, state: State, results: Mapping[str, np.ndarray], active: Sequence[int]
    ) -> None:
        """Take the new state of the ``active`` sessions from a graph's results."""
        sessions = len(state["position"])
        for output, values in results.items():
            if output.startswith("rows_"):
                rows = values.reshape(sessions, -1, *values.shape[1:])
                for session in active:
                    self._write(state, output.removeprefix("rows_"), rows[session], session)
        for output, values in results.items():
            if output.startswith("new_"):
                name = output.removeprefix("new_")
                if len(active) == sessions:
                    state[name] = values
                else:
                    state[name][active] = values[active]

    def _write(self, state: State, ring: str, new: np.ndarray, session: int) -> None:
        """Write the keys and values of a session's newest frames, (M, n*k, 2D), or (1, n*k, 2D)
        where samples share them, into their places."""
        keys, values = state[f"{ring}_keys"][session], state[f"{ring}_values"][session]
        places, heads = keys.shape[-1], keys.shape[-3]
        first = int(state["position"][session]) * self.about.rings[ring]
        slots = (first + np.arange(new.shape[1])) % places
        parts = new.reshape(*new.shape[:2], 2, heads, -1)
        if keys.ndim == 3:
            keys, values = keys[None], values[None]
        keys[..., slots] = parts[:, :, 0].transpose(0, 2, 3, 1)
        values[:, :, slots] = parts[:, :, 1].transpose(0, 2, 1, 3)

    def _load(self, path: Path, threads: int, graph: GraphShapes) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise UserError("this model needs onnxruntime: pip install onnxruntime") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # The error contains onnxruntime's message.
        options.log_severity_level = 4
        refuse_stand_in(path)
        try:
            names = list(graph.tensors)
            options.add_external_initializers(names, [self._weights[name] for name in names])
            session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
            inputs = {one.name: tuple(one.shape) for one in session.get_inputs()}
            outputs = tuple(one.name for one in session.get_outputs())
        except Exception as error:  # onnxruntime raises a dozen kinds, none of them public
            reason = shown(str(error).splitlines()[0])
            raise UserError(f"{path} is damaged or missing ({reason}): {HELP}") from error
        if inputs != graph.inputs or outputs != graph.outputs:
            raise UserError(f"{path} takes or gives other than its {MANIFEST} says: {HELP}")
        return session


def live_inputs(model: ModelConfig) -> State:
    """The inputs of graphs that are settings."""
    return {name: np.array([getattr(model, name)], np.float32) for name in LIVE}


def _value(array: np.ndarray) -> Any:
    from onnxruntime import OrtValue

    return OrtValue.ortvalue_from_numpy(np.require(array, np.float32, "C"))

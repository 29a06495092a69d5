"""The exported model under onnxruntime: the same numbers without torch."""

from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import Config, ModelConfig
from reactface_node.engine import SpeakerFrames
from reactface_node.errors import UserError
from reactface_node.onnx_format import HELP, MANIFEST, Graph, read_manifest
from reactface_node.resources import refuse_stand_in
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME
from reactface_node.text_files import shown

FIXED = ("momentum", "temperature", "gain")


class OnnxStepper:
    """See ``engine.Stepper``. The state is a dictionary of arrays, named as the graphs name them;
    the rings among them are written in place."""

    def __init__(self, folder: Path, config: Config):
        """UserError where the folder is no export, was made for other settings, does not fit
        together, or gives no numbers."""
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
        """UserError where they are not those that are part of the graphs."""
        for name in ("temperature", "momentum"):
            if getattr(config, name) != getattr(self._about, name):
                raise UserError(f"model.{name} is fixed in an exported model: export it again")

    def configure(self, config: ModelConfig) -> None:
        """There is nothing to change."""

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
        """A window of each of two conversations; UserError where graphs and manifest do not fit,
        or where weights are no numbers or all alike."""
        try:
            reactions = [self._conversation(seed) for seed in range(2)]
        except Exception as error:  # of what does not fit onnxruntime and numpy have many kinds
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


def _session(path: Path, threads: int, graph: Graph) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise UserError(
            "an exported model needs onnxruntime: pip install 'reactface_node[onnx]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # What onnxruntime says of a graph is in the error, too.
    options.log_severity_level = 4
    refuse_stand_in(path)
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        inputs = {one.name: tuple(one.shape) for one in session.get_inputs()}
        found = Graph(inputs, tuple(one.name for one in session.get_outputs()))
    except Exception as error:  # onnxruntime has a dozen kinds, none of them public
        reason = str(error).splitlines()[0]
        raise UserError(f"{path} is damaged or missing ({reason}): {HELP}") from error
    if found != graph:
        raise UserError(f"{path} takes or gives other than its {MANIFEST} says: {HELP}")
    return session

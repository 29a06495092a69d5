"""Runs the model of one session by onnxruntime, without torch."""

from pathlib import Path

import numpy as np

from reactface_node.config import Config, ModelConfig
from reactface_node.engine.graph_files import HELP
from reactface_node.engine.graphs import Graphs, State, live_inputs
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.errors import UserError
from reactface_node.files.text import shown
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME


class OnnxStepper:
    """See ``stepper.Stepper``. The state is a dictionary of arrays with the names of the graphs;
    rings are written in place."""

    def __init__(self, graphs: Graphs, config: Config):
        """graphs: of ``load_graphs``; sessions can share them. UserError if they do not fit
        together, or if the model outputs NaN."""
        self._frame_by_frame, self._graphs = config.mode == "frame", graphs
        about = graphs.about
        self.window, self.noise_width = about.window, about.noise_width
        self.disposition = about.disposition
        self._live = live_inputs(config.model)
        self._phase = 0
        self._state: State = {}
        self._try(config.playout.samples)

    def begin(self, disposition: np.ndarray) -> None:
        self._state = self._graphs.blank(1, len(disposition))
        self._state["disposition"] = disposition[None]
        self._phase = 0

    def describe(self, disposition: np.ndarray) -> None:
        self._state["disposition"] = disposition[None]

    def step(self, speaker: SpeakerFrames, noise: np.ndarray) -> np.ndarray:
        name = ("next" if self._phase else "first") if self._frame_by_frame else "window"
        given = {f"speaker_{part}": value[None] for part, value in vars(speaker).items()}
        given["plan_noise" if self._phase else "noise"] = noise[None]
        given["plan_phase"] = np.array([self._phase], np.int64)
        results = self._graphs.run(name, self._state | given | self._live)
        self._graphs.update(self._state, results, [0])
        frames = 1 if self._frame_by_frame else self.window
        self._phase = (self._phase + frames) % self.window
        reaction: np.ndarray = results["listener"][0]
        return reaction

    def check(self, config: ModelConfig) -> None:
        """All changes are possible."""

    def configure(self, config: ModelConfig) -> None:
        self._live = live_inputs(config)

    def _try(self, samples: int) -> None:
        """Run one window of two sessions; UserError if graphs and manifest do not fit, or if
        the output is NaN or the same for both."""
        folder = self._graphs.folder
        try:
            reactions = [self._conversation(seed, samples) for seed in range(2)]
        except Exception as error:  # several kinds for wrong shapes
            reason = shown(str(error).partition("\n")[0])
            raise UserError(f"{folder} does not fit together ({reason}): {HELP}") from error
        if not np.isfinite(reactions).all():
            raise UserError(f"{folder} is damaged: its weights are no numbers: {HELP}")
        if np.array_equal(reactions[0], reactions[1]):
            raise UserError(f"{folder} is damaged: it reacts to everybody alike: {HELP}")

    def _conversation(self, seed: int, samples: int) -> np.ndarray:
        """Reactions of a window to a seeded speaker, (M, w, 58)."""
        rng = np.random.default_rng(seed)
        n = 1 if self._frame_by_frame else self.window
        self.begin(rng.standard_normal((samples, self.disposition)).astype(np.float32))
        begun = {name: values.shape for name, values in self._state.items()}
        reactions = []
        for _ in range(self.window // n):
            speaker = SpeakerFrames(
                rng.random((n, NUM_COEFFICIENTS), np.float32),
                np.ones((n, NUM_COEFFICIENTS), bool),
                0.1 * rng.standard_normal(n * SAMPLES_PER_FRAME, np.float32),
                np.ones(n, bool),
            )
            noise = rng.standard_normal((samples, self.noise_width), np.float32)
            reactions.append(self.step(speaker, noise))
            if reactions[-1].shape != (samples, n, NUM_COEFFICIENTS):
                raise ValueError(f"reactions are {reactions[-1].shape}")
        for name, shape in begun.items():
            if self._state[name].shape != shape:
                raise ValueError(f"{name} is {self._state[name].shape}, not {shape}")
        return np.concatenate(reactions, axis=1)


def load_graphs(folder: Path, weights: Path, config: Config) -> Graphs:
    """The graphs that the config's mode needs. folder: of graphs. weights: a checkpoint.

    UserError as ``Graphs``, or if the config asks for a GPU.
    """
    if config.device != "cpu":
        raise UserError(f"onnxruntime runs on the cpu here, not on {config.device}")
    names = ("first", "next") if config.mode == "frame" else ("window",)
    return Graphs(folder, weights, config.model, config.threads, names)

"""The model of one session, and the choice of the library that runs it."""

from collections.abc import Sequence

import numpy as np

from reactface_node.config import Config, ModelConfig
from reactface_node.engine.stepper import SpeakerFrames, Stepper
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.model.dispositions import draw_dispositions


class Engine:
    """A stepper and its random numbers: each sample has its own generator."""

    def __init__(self, stepper: Stepper, frames: int):
        """frames: number of frames of one step, a divisor of w."""
        self._stepper, self.frames = stepper, frames
        self._noise: Sequence[np.random.Generator] = []
        self._drawn = self._listeners = self._who = np.zeros((0, 0), np.float32)
        self._first: np.ndarray | None = None
        self._phase = 0

    @property
    def disposition(self) -> int:
        """S, the size of a listener's disposition."""
        return self._stepper.disposition

    def begin(self, noise: Sequence[np.random.Generator], first: np.ndarray | None = None) -> None:
        """Begin a new session with one sample for each generator.

        first: (S,) disposition of the first sample in place of the drawn one.
        """
        self._noise = noise
        self._listeners = draw_dispositions(noise, self._stepper.disposition)
        self._first, self._who = first, self._with(first)
        self.restart()

    def become(self, first: np.ndarray | None) -> None:
        """Change the disposition of the first sample, as in ``begin``; the state stays.

        Call it before the first frame of a window. The same array again changes nothing.
        """
        if first is not self._first:
            self._first, self._who = first, self._with(first)
            self._stepper.describe(self._who)

    def restart(self) -> None:
        """Begin a new state with the same listeners; the generators continue."""
        self._phase = 0
        self._stepper.begin(self._who)

    def step(self, speaker: SpeakerFrames) -> np.ndarray:
        """The session's next frames -> (M, n, 58)."""
        return self._stepper.step(speaker, self.noise())

    def noise(self) -> np.ndarray:
        """(M, noise_width) for the session's next frames, the same for a whole window."""
        if self._phase == 0:
            self._drawn = self._draw(self._stepper.noise_width)
        self._phase = (self._phase + self.frames) % self._stepper.window
        return self._drawn

    def check(self, config: ModelConfig) -> None:
        """UserError if these live settings cannot be changed while running."""
        self._stepper.check(config)

    def configure(self, config: ModelConfig) -> None:
        """Change live settings; UserError as in ``check``, then nothing is changed."""
        self.check(config)
        self._stepper.configure(config)

    def _with(self, first: np.ndarray | None) -> np.ndarray:
        """(M, S) dispositions of all samples."""
        who = self._listeners.copy()
        if first is not None:
            who[0] = first
        return who

    def _draw(self, width: int) -> np.ndarray:
        return np.stack([rng.standard_normal(width, np.float32) for rng in self._noise])


def load_engine(config: Config) -> Engine:
    """The model of the config, ready for ``begin``; UserError if it cannot be loaded."""
    exported = resources.exported_model(config.weights)
    if exported is not None:
        from reactface_node.engine.onnx_stepper import OnnxStepper

        return Engine(OnnxStepper(exported, config), frames_at_once(config))
    # Imported here, so that a robot with an exported model needs no torch.
    from reactface_node.engine.guarded import GuardedStepper
    from reactface_node.engine.torch_stepper import load_stepper

    return Engine(GuardedStepper(config, load_stepper), frames_at_once(config))


def frames_at_once(config: Config) -> int:
    """Frames of one step, 1 or w; UserError if the model cannot run frame by frame."""
    if config.mode == "window":
        return config.model.window
    model = config.model
    if (model.behaviour, model.speech_encoder) != ("causal", "log_mel"):
        raise UserError(
            f"mode=frame is for the default profile: {config.profile} hears whole windows"
        )
    if model.sync_history_s == 0:
        raise UserError("mode=frame needs model.sync_history_s > 0")
    return 1

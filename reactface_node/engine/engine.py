"""The model of one session, and the choice of the library that runs it."""

import numpy as np

from reactface_node.config import Config, ModelConfig
from reactface_node.engine.chance import dispositions, model_noise
from reactface_node.engine.stepper import SpeakerFrames, Stepper
from reactface_node.errors import UserError
from reactface_node.files import resources


class Engine:
    """A stepper and its random numbers; see ``engine.chance``."""

    def __init__(self, stepper: Stepper, frames: int):
        """frames: number of frames of one step, a divisor of w."""
        self._stepper, self.frames = stepper, frames
        self._seed = self._samples = 0
        self._drawn = self._listeners = self._who = np.zeros((0, 0), np.float32)
        self._first: np.ndarray | None = None
        self._phase = 0

    @property
    def disposition(self) -> int:
        """S, the size of a listener's disposition."""
        return self._stepper.disposition

    def begin(self, seed: int, samples: int, first: np.ndarray | None = None) -> None:
        """Begin a new session of M samples.

        first: (S,) disposition of the first sample in place of the drawn one.
        """
        self._seed, self._samples = seed, samples
        self._listeners = dispositions(seed, samples, self._stepper.disposition)
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
        """Begin a new state with the same listeners."""
        self._phase = 0
        self._stepper.begin(self._who)

    def step(self, speaker: SpeakerFrames, window: int = 0, digest: int = 0) -> np.ndarray:
        """The session's next frames -> (M, n, 58); window, digest: as for ``noise``."""
        return self._stepper.step(speaker, self.noise(window, digest))

    def noise(self, window: int = 0, digest: int = 0) -> np.ndarray:
        """(M, noise_width) for the session's next frames, the same for a whole window.

        window: its number. digest: of what was seen and heard before it.
        """
        if self._phase == 0:
            width = self._stepper.noise_width
            self._drawn = model_noise(self._seed, self._samples, width, window, digest)
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

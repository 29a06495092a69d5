"""What runs the model for a session: arrays in, arrays out, whatever library computes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reactface_node import resources
from reactface_node.config import Config, ModelConfig
from reactface_node.dispositions import spread_apart
from reactface_node.errors import UserError


@dataclass(frozen=True, eq=False)
class SpeakerFrames:
    """n frames of one speaker.

    face: (n, 58) float32 coefficients, or (n, 224, 224, 3) uint8 RGB pixels.
    face_valid: bool, (n, 58) or, for pixels, (n,).
    audio: (n*640,) float32, 16 kHz mono in [-1, 1]; audio_valid: (n,) bool.
    """

    face: np.ndarray
    face_valid: np.ndarray
    audio: np.ndarray
    audio_valid: np.ndarray


class Stepper(Protocol):
    """The model of one session, from frame to frame.

    window: w. noise_width: standard normal numbers that a window of a sample takes.
    disposition: S, numbers that say who a listener is.
    """

    window: int
    noise_width: int
    disposition: int

    def begin(self, disposition: np.ndarray) -> None:
        """A new session of M listeners, (M, S)."""

    def step(self, speaker: SpeakerFrames, noise: np.ndarray) -> np.ndarray:
        """The next n frames and the noise of their window (M, noise_width) -> (M, n, 58)."""
        ...

    def check(self, config: ModelConfig) -> None:
        """UserError where ``configure`` cannot take over those settings."""

    def configure(self, config: ModelConfig) -> None:
        """Take over live settings that were checked: temperature and momentum."""


class Engine:
    """A stepper and what a session draws for it: each sample has a generator of its own."""

    def __init__(self, stepper: Stepper, frames: int):
        """frames: how many come at once, a divisor of w."""
        self._stepper, self.frames = stepper, frames
        self._noise: Sequence[np.random.Generator] = []
        self._drawn = self._who = np.zeros((0, 0), np.float32)
        self._phase = 0

    def begin(self, noise: Sequence[np.random.Generator]) -> None:
        """A new session of as many samples as there are generators."""
        self._noise = noise
        self._who = spread_apart(self._draw(self._stepper.disposition)[None])[0]
        self.restart()

    def restart(self) -> None:
        """A new state of the same listeners; the generators go on."""
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
        """UserError where these live settings cannot be taken over."""
        self._stepper.check(config)

    def configure(self, config: ModelConfig) -> None:
        """Take over live settings; UserError as in ``check``, and nothing has changed then."""
        self.check(config)
        self._stepper.configure(config)

    def _draw(self, width: int) -> np.ndarray:
        return np.stack([rng.standard_normal(width, np.float32) for rng in self._noise])


def load_engine(config: Config) -> Engine:
    """The model that the config names, ready to begin; UserError where it cannot be had."""
    exported = resources.exported_model(config.weights)
    if exported is not None:
        from reactface_node.onnx_stepper import OnnxStepper

        return Engine(OnnxStepper(exported, config), frames_at_once(config))
    # Here, so that a robot which runs an exported model needs no torch.
    from reactface_node.model.guarded import GuardedStepper
    from reactface_node.model.load import load_stepper

    return Engine(GuardedStepper(config, load_stepper), frames_at_once(config))


def frames_at_once(config: Config) -> int:
    """1 or w; UserError where the model cannot go frame by frame."""
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

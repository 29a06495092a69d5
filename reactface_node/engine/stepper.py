"""What runs the model for a session: arrays in, arrays out, whatever library computes."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reactface_node.config import ModelConfig


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

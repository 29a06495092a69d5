"""The interface of what runs a model for one session: arrays in, arrays out."""

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
    """The model of one session, step by step.

    window: w. noise_width: standard normal numbers for a window of one sample. disposition: S,
    numbers that describe a listener's character.
    """

    window: int
    noise_width: int
    disposition: int

    def begin(self, disposition: np.ndarray) -> None:
        """Begin a new session of M listeners, (M, S)."""

    def describe(self, disposition: np.ndarray) -> None:
        """Other listeners from the next step on, (M, S); the state stays."""

    def step(self, speaker: SpeakerFrames, noise: np.ndarray) -> np.ndarray:
        """The next n frames and the noise of their window (M, noise_width) -> (M, n, 58)."""
        ...

    def check(self, config: ModelConfig) -> None:
        """UserError if ``configure`` cannot change to those settings."""

    def configure(self, config: ModelConfig) -> None:
        """Change live settings that were checked: temperature and momentum."""

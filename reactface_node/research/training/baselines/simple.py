"""Mirror and Random: the baselines of Table 2 without training."""

import numpy as np
import torch
from torch import Tensor

from reactface_node.model.records import SpeakerInput
from reactface_node.research.data.clips import Clips
from reactface_node.research.training.baselines.common import copies, visible_face
from reactface_node.schema import NUM_COEFFICIENTS


class Mirror:
    """The listener copies the speaker's coefficients of the same frame."""

    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58): M copies of the speaker's coefficients, neutral where there are none."""
        return copies(visible_face(speaker), samples)


class Random:
    """Every frame is drawn independently from N(mean, covariance) of the training listeners.

    mean (58,), covariance (58, 58): float64, in real units.
    """

    def __init__(self, mean: np.ndarray, covariance: np.ndarray):
        self.mean = torch.from_numpy(mean)
        # The symmetric root: unlike Cholesky's it exists if a channel never moves.
        values, vectors = torch.linalg.eigh(torch.from_numpy(covariance))
        self.root = vectors * values.clamp(min=0.0).sqrt() @ vectors.T

    @staticmethod
    def fit(clips: Clips) -> "Random":
        """The Gaussian of all frames of all clips' own listeners."""
        count, total = 0, np.zeros(NUM_COEFFICIENTS)
        products = np.zeros((NUM_COEFFICIENTS, NUM_COEFFICIENTS))
        for frames, listeners in zip(clips.frames, clips.appropriate, strict=True):
            own = np.asarray(clips.reactions[listeners[0], :frames], np.float64)
            count, total, products = count + len(own), total + own.sum(0), products + own.T @ own
        mean = total / count
        return Random(mean, products / count - np.outer(mean, mean))

    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58): M different draws; only the shape of the speaker's input is used."""
        batch, frames = speaker.face.shape[:2]
        shape = (batch, samples, frames, NUM_COEFFICIENTS)
        noise = torch.randn(shape, generator=generator, dtype=self.mean.dtype)
        result: Tensor = (noise @ self.root + self.mean).to(speaker.face)
        return result

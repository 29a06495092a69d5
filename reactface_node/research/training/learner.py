"""The interfaces of listeners for training and evaluation."""

from typing import Protocol

import torch
from torch import Tensor

from reactface_node.model.records import SpeakerInput
from reactface_node.research.training.corpus import Batch


class Reactor(Protocol):
    """Something that reacts to a speaker."""

    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58) coefficients in real units; all randomness comes from the generator."""
        ...


class Learner(Reactor, Protocol):
    """A reactor with parameters: also a ``torch.nn.Module``."""

    def losses(self, batch: Batch, generator: torch.Generator, step: int = 0) -> dict[str, Tensor]:
        """Weighted scalar terms by name; the loss is their sum. step: how far training is."""
        ...

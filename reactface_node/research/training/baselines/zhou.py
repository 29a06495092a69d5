"""Zhou et al. 2022, 'Responsive listening head generation': an LSTM, sequence to sequence."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.records import SpeakerInput
from reactface_node.research.training.baselines.common import FrameListener, copies
from reactface_node.research.training.corpus import Batch
from reactface_node.schema import NUM_COEFFICIENTS

MOTION_WEIGHT = 1.0


class ResponsiveLSTM(FrameListener):
    """The listener's first frame starts an LSTM that reads the speaker frame by frame.

    Deterministic, causal frame by frame. A listener's first frame is not known at run time, so the
    mean face of the training listeners is used.
    """

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        self.start = nn.Linear(NUM_COEFFICIENTS, 2 * config.width)
        self.lstm = nn.LSTM(config.width, config.width, batch_first=True)
        self.head = nn.Linear(config.width, NUM_COEFFICIENTS)

    def losses(self, batch: Batch, generator: torch.Generator, step: int = 0) -> dict[str, Tensor]:
        """L2 of coefficients and of their change from frame to frame (the paper's motion loss)."""
        listener = self.own_listener(batch)
        reaction = self._listen(batch.speaker, listener[:, 0])
        return {
            "reaction": F.mse_loss(reaction, listener),
            "motion": MOTION_WEIGHT * F.mse_loss(reaction.diff(dim=1), listener.diff(dim=1)),
        }

    @torch.no_grad()
    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58): M copies of the one reaction."""
        mean_face = self.listener_mean.new_zeros(len(speaker.face), NUM_COEFFICIENTS)
        return copies(self.real_units(self._listen(speaker, mean_face)), samples)

    def _listen(self, speaker: SpeakerInput, first: Tensor) -> Tensor:
        """first (B, 58) standardised -> (B, T, 58) standardised."""
        hidden, cell = self.start(first)[None].chunk(2, dim=-1)
        state = (hidden.tanh().contiguous(), cell.contiguous())
        reaction: Tensor = self.head(self.lstm(self.speaker_features(speaker), state)[0])
        return reaction

"""Dam et al. 2024: the successor of 'Learning to listen' in the REACT challenge of 2024.

Beside ``ng``: each frame of the listener is a token of its own, by finite scalar quantisation,
which has no codebook to learn (Mentzer et al. 2024); voice, face and listener are fused by gated
cross-modal blocks (FIBER, Dou et al. 2022); and all tokens of a window are drawn at once, given
those of the windows before it.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.attention import BiasedAttention, Memory
from reactface_node.model.layers import CausalTransformer, FeedForward, history_frames
from reactface_node.model.records import SpeakerInput
from reactface_node.research.training.baselines.common import CoefficientListener, whole_windows
from reactface_node.research.training.corpus import Batch
from reactface_node.schema import NUM_COEFFICIENTS

LEVELS = (8, 5, 5, 5)
TOKENS = math.prod(LEVELS)
MOTION_WEIGHT = 1.0
PREDICTION_WEIGHT = 0.1
TEMPERATURE = 0.75


class ScalarQuantiser(nn.Module):
    """Rounds each of a few bounded numbers to its own ``levels`` values."""

    levels: Tensor
    place: Tensor

    def __init__(self, levels: Sequence[int]):
        super().__init__()
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        place = [math.prod(levels[:index]) for index in range(len(levels))]
        self.register_buffer("place", torch.tensor(place), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (..., n) -> codes (..., n) in [-1, 1] with the gradient of the bounded x, and tokens
        (...) int64."""
        half = (self.levels - 1) / 2.0
        # An even number of levels lies half a step beside zero.
        shift = (1.0 - self.levels % 2) / 2.0
        bounded = half * torch.tanh(x + torch.atanh(shift / half)) - shift
        steps = bounded + (bounded.round() - bounded).detach()
        digits = (steps.detach() + half + shift).round().long()
        return (steps + shift) / half, (digits * self.place).sum(dim=-1)

    def look_up(self, tokens: Tensor) -> Tensor:
        """tokens (...) -> codes (..., n)."""
        digits = tokens[..., None] // self.place % self.levels
        return 2.0 * digits / (self.levels - 1) - 1.0


class FaceTokeniser(nn.Module):
    """Frames of the listener to tokens and back, each frame for itself."""

    def __init__(self, width: int):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(NUM_COEFFICIENTS, width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Linear(width, len(LEVELS)),
        )
        self.quantiser = ScalarQuantiser(LEVELS)
        self.decoder = nn.Sequential(
            nn.Linear(len(LEVELS), width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Linear(width, NUM_COEFFICIENTS),
        )

    def forward(self, listener: Tensor) -> tuple[Tensor, Tensor]:
        """listener (..., 58) standardised -> its reconstruction and its tokens (...)."""
        codes, tokens = self.quantiser(self.encoder(listener))
        return self.decoder(codes), tokens

    def decode(self, tokens: Tensor) -> Tensor:
        """tokens (...) -> (..., 58) standardised."""
        decoded: Tensor = self.decoder(self.quantiser.look_up(tokens))
        return decoded


class CrossModalBlock(nn.Module):
    """FIBER's block: self-attention, to which cross-attention is added with a learned weight that
    starts at zero; then feed-forward. Causal."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        width, history = config.width, history_frames(config.history_s)
        self.norm, self.norm_other = nn.LayerNorm(width), nn.LayerNorm(width)
        self.own = BiasedAttention(width, config.heads, config.period, history)
        self.other = BiasedAttention(width, config.heads, config.period, history)
        self.gate = nn.Parameter(torch.zeros(()))
        self.feed_forward = FeedForward(width, config.dropout)

    def forward(
        self, x: Tensor, other: Tensor, state: tuple[Memory | None, Memory | None]
    ) -> tuple[Tensor, tuple[Memory | None, Memory | None]]:
        """x, other (N, n, D) of the same n frames -> (N, n, D) and the new state."""
        normed = self.norm(x)
        own, kept = self.own(normed[:, None], normed, state[0])
        crossed, kept_other = self.other(own, self.norm_other(other), state[1])
        x = x + own[:, 0] + self.gate * crossed[:, 0]
        return x + self.feed_forward(x), (kept, kept_other)

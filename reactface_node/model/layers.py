"""Pre-norm transformer layers on the biased attention, and sinusoidal positions."""

import math

import torch
from torch import Tensor, nn

from reactface_node.config import ModelConfig
from reactface_node.model.attention import BiasedAttention, Memory
from reactface_node.model.rings import KVRing, RingClock
from reactface_node.schema import FRAME_RATE_HZ

FEED_FORWARD_FACTOR = 2


def history_frames(seconds: float) -> int:
    """Seconds -> number of frames, rounded."""
    return round(seconds * FRAME_RATE_HZ)


def sinusoidal_positions(frames: Tensor, width: int) -> Tensor:
    """Eq. 13: frames (...) -> (..., width), sine in even and cosine in odd channels."""
    exponent = torch.arange(0, width, 2, device=frames.device, dtype=torch.float32) / width
    angles = frames[..., None].float() * torch.exp(-math.log(10000.0) * exponent)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


class FeedForward(nn.Sequential):
    """The residual branch after an attention: layer norm, linear, GELU, linear, dropout."""

    def __init__(self, width: int, dropout: float):
        super().__init__(
            nn.LayerNorm(width),
            nn.Linear(width, FEED_FORWARD_FACTOR * width),
            nn.GELU(),
            nn.Linear(FEED_FORWARD_FACTOR * width, width),
            nn.Dropout(dropout),
        )


class CrossLayer(nn.Module):
    """Biased cross-attention of frames to a memory with k steps per frame, then feed-forward."""

    def __init__(self, config: ModelConfig, history: int, ratio: int = 1):
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.attention = BiasedAttention(config.width, config.heads, config.period, history, ratio)
        self.dropout = nn.Dropout(config.dropout)
        self.feed_forward = FeedForward(config.width, config.dropout)

    def forward(
        self, x: Tensor, memory: Tensor, cache: Memory | None
    ) -> tuple[Tensor, Memory | None]:
        """x (B, M, n, D), memory (B, n*k, D) -> (B, M, n, D), new cache."""
        mixed, cache = self.attention(self.norm(x), memory, cache)
        x = x + self.dropout(mixed)
        return x + self.feed_forward(x), cache


class SelfLayer(nn.Module):
    """Causal biased self-attention with bounded history, then feed-forward."""

    def __init__(self, config: ModelConfig, history: int):
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.attention = BiasedAttention(config.width, config.heads, config.period, history)
        self.dropout = nn.Dropout(config.dropout)
        self.feed_forward = FeedForward(config.width, config.dropout)

    def forward(self, x: Tensor, cache: Memory | None) -> tuple[Tensor, Memory | None]:
        """x (B, n, D) -> (B, n, D), new cache."""
        normed = self.norm(x)
        mixed, cache = self.attention(normed[:, None], normed, cache)
        return self.finish(x, mixed[:, 0]), cache

    def finish(self, x: Tensor, mixed: Tensor) -> Tensor:
        """x and the attention's output, same shapes -> the layer's output."""
        x = x + self.dropout(mixed)
        finished: Tensor = x + self.feed_forward(x)
        return finished


class CausalTransformer(nn.Module):
    """A stack of ``SelfLayer`` with a final layer norm; the state is one cache per layer."""

    def __init__(self, config: ModelConfig, layers: int, history: int):
        super().__init__()
        self.layers = nn.ModuleList([SelfLayer(config, history) for _ in range(layers)])
        self.norm = nn.LayerNorm(config.width)

    def rings(self, clock: RingClock | None) -> tuple[KVRing | None, ...] | None:
        """Empty caches of new sessions; None without a clock, for a clip."""
        if clock is None:
            return None
        layers = (layer for layer in self.layers if isinstance(layer, SelfLayer))
        return tuple(layer.attention.ring(clock) for layer in layers)

    def forward(
        self, x: Tensor, caches: tuple[Memory | None, ...] | None
    ) -> tuple[Tensor, tuple[Memory | None, ...]]:
        """x (B, n, D) -> (B, n, D), new caches."""
        kept = []
        for layer, cache in zip(self.layers, caches or [None] * len(self.layers), strict=True):
            x, cache = layer(x, cache)
            kept.append(cache)
        return self.norm(x), tuple(kept)

"""Attention with the paper's alignment bias (Eqs 16-17), causal and with bounded history.

Shapes: B batch, M samples that share the memory, n new frames, k memory steps a frame,
D width, S memory steps kept plus new.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class KVCache(NamedTuple):
    """Keys and values of the memory seen so far, (B, heads, S, D / heads) each."""

    keys: Tensor
    values: Tensor


def alibi_slopes(heads: int) -> Tensor:
    """One slope a head, 2^-1 .. 2^-8 for 8 heads (Press et al. 2022, for powers of two)."""
    return 2.0 ** (-8.0 / heads * torch.arange(1, heads + 1, dtype=torch.float32))


def alignment_bias(
    frames: int, keys: int, period: int, ratio: int, history: int, slopes: Tensor
) -> Tensor:
    """Eq. 17, counted from 0 and aligned at the end of the memory.

    Frame i sees memory steps j <= ratio*i + ratio - 1 of its last ``history`` frames, with bias
    -floor((ratio*i + ratio - 1 - j) / (ratio*period)) times the head's slope.
    Returns (heads, frames, keys); -inf where not seen.
    """
    device = slopes.device
    newest = ratio * torch.arange(frames, device=device) + ratio - 1
    step = torch.arange(keys, device=device) - (keys - frames * ratio)
    lag = newest[:, None] - step[None, :]
    units = torch.div(lag, ratio * period, rounding_mode="floor")
    bias = -units.to(slopes.dtype) * slopes[:, None, None]
    return bias.masked_fill((lag < 0) | (lag >= ratio * history), float("-inf"))


class Attention(nn.Module):
    """Multi-head attention whose keys and values may be kept: ``softmax(QK/sqrt(d) + bias) V``."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads")
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def remember(self, memory: Tensor) -> KVCache:
        """(B, S, D) -> the memory's keys and values."""
        keys, values = self.key_value(memory).chunk(2, dim=-1)
        return KVCache(self._split(keys), self._split(values))

    def attend(self, query: Tensor, cache: KVCache, bias: Tensor | None = None) -> Tensor:
        """query (B, Q, D), bias (heads, Q, S) -> (B, Q, D)."""
        if bias is not None:
            # Four axes: with three, torch leaves its fused kernel.
            bias = bias[None]
        mixed = F.scaled_dot_product_attention(self._split(self.query(query)), *cache, bias)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class BiasedAttention(nn.Module):
    """Causal attention of frames to a memory with k steps a frame, under the alignment bias.

    ``history`` is in frames; only what a later frame can still see is kept, so the cost of a
    window stays constant. ``history = 0`` keeps nothing: each call sees its own frames alone.
    """

    slopes: Tensor

    def __init__(self, width: int, heads: int, period: int, history: int, ratio: int = 1):
        super().__init__()
        self.attention = Attention(width, heads)
        self.period, self.ratio, self.history = period, ratio, history
        self.register_buffer("slopes", alibi_slopes(heads), persistent=False)

    def forward(
        self, query: Tensor, memory: Tensor, cache: KVCache | None
    ) -> tuple[Tensor, KVCache | None]:
        """query (B, M, n, D) and the memory of the same frames (B, n*k, D) -> (B, M, n, D)."""
        joined = extend(cache, self.attention.remember(memory))
        return self.attend(query, joined), self.trim(joined)

    def attend(self, query: Tensor, joined: KVCache) -> Tensor:
        """query (B, M, n, D) of the newest n frames in ``joined`` -> (B, M, n, D)."""
        _, samples, frames, _ = query.shape
        bias = alignment_bias(
            frames,
            joined.keys.shape[2],
            self.period,
            self.ratio,
            self.history or frames,
            self.slopes,
        )
        # The samples share the memory: folding them into the query axis copies nothing.
        mixed = self.attention.attend(query.flatten(1, 2), joined, bias.repeat(1, samples, 1))
        return mixed.unflatten(1, (samples, frames))

    def trim(self, cache: KVCache) -> KVCache | None:
        """What the next frame can still see."""
        if self.history == 0:
            return None
        return latest(cache, (self.history - 1) * self.ratio)


def extend(cache: KVCache | None, new: KVCache) -> KVCache:
    """The cache with new steps at its end."""
    if cache is None:
        return new
    return KVCache(
        torch.cat([cache.keys, new.keys], dim=2), torch.cat([cache.values, new.values], dim=2)
    )


def latest(cache: KVCache, steps: int) -> KVCache:
    """The last ``steps`` steps, or all if there are fewer."""
    start = max(0, cache.keys.shape[2] - steps)
    return KVCache(cache.keys[:, :, start:], cache.values[:, :, start:])

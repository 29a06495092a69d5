"""Attention with the paper's alignment bias (Eqs 16-17), causal and with bounded history.

Shapes: B batch, M samples that share the memory, n new frames, k memory steps per frame, D width,
S memory steps kept plus new. The memory of a clip is a ``KVCache`` that grows with every call, and
gradients pass through it; the memory of a session is a ring that is written in place (``rings``).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from reactface_node.model.rings import (
    KVRing,
    Ring,
    RingClock,
    alibi_slopes,
    alignment_bias,
    attend_to,
    split_heads,
)


class KVCache(NamedTuple):
    """Keys and values of the memory so far, (B, heads, S, D / heads) each."""

    keys: Tensor
    values: Tensor

    def attend(self, query: Tensor, bias: Tensor | None) -> Tensor:
        """query (B, heads, Q, D / heads) -> the attended values, same shape."""
        return attend_to(query, self.keys, self.values, bias)


Memory = KVCache | Ring


class Attention(nn.Module):
    """Multi-head attention ``softmax(QK/sqrt(d) + bias) V`` whose keys and values can be kept.

    ValueError if the width is not a multiple of the number of heads.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} is not a multiple of {heads} heads")
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def remember(self, memory: Tensor) -> KVCache:
        """Memory (B, S, D) -> its keys and values."""
        keys, values = self.key_value(memory).chunk(2, dim=-1)
        return KVCache(self._split(keys), self._split(values))

    def attend(self, query: Tensor, memory: Memory, bias: Tensor | None = None) -> Tensor:
        """query (B, Q, D), bias (B or 1, heads, Q, S) -> (B, Q, D)."""
        mixed = memory.attend(self._split(self.query(query)), bias)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return split_heads(x, self.heads)


class BiasedAttention(nn.Module):
    """Causal attention of frames to a memory with k steps per frame, with the alignment bias.

    history: frames that a frame can see, itself included. Older memory is dropped, so the cost of a
    window stays constant. With 0 nothing is kept, and each call sees its own frames only.
    """

    slopes: Tensor

    def __init__(self, width: int, heads: int, period: int, history: int, ratio: int = 1):
        super().__init__()
        self.attention = Attention(width, heads)
        self.period, self.ratio, self.history = period, ratio, history
        self.register_buffer("slopes", alibi_slopes(heads), persistent=False)

    def ring(self, clock: RingClock, samples: int = 1, more: int = 0) -> KVRing | None:
        """An empty memory for new sessions; None if nothing is kept. more: see ``KVRing``."""
        if self.history == 0:
            return None
        layout = clock.layout(self.ratio, self.history, self.period, self.slopes)
        return KVRing.empty(clock, layout, samples, more, self.attention.query.weight)

    def forward(
        self, query: Tensor, memory: Tensor, cache: Memory | None
    ) -> tuple[Tensor, Memory | None]:
        """query (B, M, n, D), memory of the same frames (B, n*k, D) -> (B, M, n, D), new cache."""
        joined = self.extend(cache, memory)
        return self.attend(query, joined), self.trim(joined)

    def extend(self, cache: Memory | None, memory: Tensor) -> Memory:
        """The cache with memory (B, S, D) appended as keys and values; rings change in place."""
        if isinstance(cache, Ring):
            cache.write(self.attention.key_value(memory))
            return cache
        return extend(cache, self.attention.remember(memory))

    def bias(self, frames: int, joined: Memory, samples: int = 1) -> Tensor:
        """Bias of the newest n frames, (B or 1, heads, M*n, S), the same for each of M samples."""
        if isinstance(joined, Ring):
            return joined.bias(frames, samples)
        steps, history = joined.keys.shape[2], self.history or frames
        bias = alignment_bias(frames, steps, self.period, self.ratio, history, self.slopes)
        return bias.repeat(1, samples, 1)[None]

    def attend(self, query: Tensor, joined: Memory) -> Tensor:
        """query (B, M, n, D) of the newest n frames of ``joined`` -> (B, M, n, D)."""
        _, samples, frames, _ = query.shape
        bias = self.bias(frames, joined, samples)
        # The samples share the memory, so they are folded into the query axis without a copy.
        mixed = self.attention.attend(query.flatten(1, 2), joined, bias)
        unfolded: Tensor = mixed.unflatten(1, (samples, frames))
        return unfolded

    def trim(self, memory: Memory) -> Memory | None:
        """The part of the memory that the next frame can still see; None if that is nothing."""
        if isinstance(memory, Ring):
            return memory
        if self.history == 0:
            return None
        return latest(memory, (self.history - 1) * self.ratio)


def extend(cache: KVCache | None, new: KVCache) -> KVCache:
    """The cache with new steps appended."""
    if cache is None:
        return new
    return KVCache(
        torch.cat([cache.keys, new.keys], dim=2), torch.cat([cache.values, new.values], dim=2)
    )


def latest(cache: KVCache, steps: int) -> KVCache:
    """The last ``steps`` steps, or all if there are fewer."""
    start = max(0, cache.keys.shape[2] - steps)
    return KVCache(cache.keys[:, :, start:], cache.values[:, :, start:])

"""Attention to a memory whose keys and values are computed once and used many times."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class KeysValues(NamedTuple):
    """(N, heads, n, d) each: n frames of a memory, for one attention."""

    keys: Tensor
    values: Tensor

    def then(self, more: "KeysValues") -> "KeysValues":
        """These frames and, after them, ``more``."""
        return KeysValues(*(torch.cat(pair, dim=2) for pair in zip(self, more, strict=True)))

    def last(self, frames: int) -> "KeysValues":
        """The last ``frames`` frames, or all if there are fewer."""
        return KeysValues(*(x[:, :, -frames:] for x in self))

    def part(self, start: int, frames: int, copies: int) -> "KeysValues":
        """``frames`` frames from ``start`` on, each row ``copies`` times."""
        cut = (x[:, :, start : start + frames].repeat_interleave(copies, dim=0) for x in self)
        return KeysValues(*cut)

    def windows(self, frames: int, step: int) -> "KeysValues":
        """All parts of ``frames`` frames, a new one every ``step``: (N * W, heads, frames, d)."""
        cut = (x.unfold(2, frames, step).permute(0, 2, 1, 4, 3).flatten(0, 1) for x in self)
        return KeysValues(*cut)


class MemoryAttention(nn.Module):
    """Multi-head attention of (N, w, channels) to a memory (N, n, width)."""

    def __init__(self, channels: int, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(width, 2 * channels)
        self.out = nn.Linear(channels, channels)

    def read(self, memory: Tensor) -> KeysValues:
        """memory (N, n, width)."""
        pair = self.key_value(memory).unflatten(-1, (2 * self.heads, -1)).transpose(1, 2)
        return KeysValues(*pair.chunk(2, dim=1))

    def forward(self, x: Tensor, read: KeysValues, mask: Tensor | None = None) -> Tensor:
        """x (N, w, channels) -> the same shape. mask: bool (w, n), True where it may look, or
        numbers (heads, w, n) that are added to the logits."""
        query = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(query, *read, attn_mask=mask)
        result: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return result

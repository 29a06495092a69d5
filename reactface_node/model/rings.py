"""Rings: fixed-size memories of keys and values of sessions, and the clock that they share.

Nothing grows or moves: a new frame replaces one that no later frame can see. The alignment bias
(Eq. 17) of each place depends on the clock alone, so it is computed once per step for all layers.
Each session of a batch has its own position in time.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

FAR = float("-inf")


def alibi_slopes(heads: int) -> Tensor:
    """One slope per head, 2^-1 .. 2^-8 for 8 heads (ALiBi, Press et al. 2022)."""
    return 2.0 ** (-8.0 / heads * torch.arange(1, heads + 1, dtype=torch.float32))


def bias_of_age(age: Tensor, period: int, ratio: int, history: int, slopes: Tensor) -> Tensor:
    """Eq. 17: age (...) of memory steps, counted back from the newest step that a frame may see ->
    bias (heads, ...); -inf for the future and for steps older than ``history`` frames."""
    units = torch.div(age, ratio * period, rounding_mode="floor").to(slopes.dtype)
    bias = -units * slopes.reshape(-1, *[1] * age.dim())
    return bias.masked_fill((age < 0) | (age >= ratio * history), FAR)


def alignment_bias(
    frames: int, keys: int, period: int, ratio: int, history: int, slopes: Tensor
) -> Tensor:
    """Eq. 17 with indices from 0, aligned at the end of the memory: (heads, frames, keys).

    Frame i sees memory steps j <= ratio*i + ratio - 1 of its last ``history`` frames, with bias
    -floor((ratio*i + ratio - 1 - j) / (ratio*period)) times the head's slope; -inf elsewhere.
    """
    device = slopes.device
    newest = ratio * torch.arange(frames, device=device) + ratio - 1
    step = torch.arange(keys, device=device) - (keys - frames * ratio)
    return bias_of_age(newest[:, None] - step[None, :], period, ratio, history, slopes)


def attend_to(query: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
    """softmax(QK/sqrt(d) + bias) V; (B, heads, steps, d) each."""
    return F.scaled_dot_product_attention(query, keys, values, bias)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, S, D) -> (B, heads, S, D / heads)."""
    split: Tensor = x.unflatten(-1, (heads, -1)).transpose(1, 2)
    return split


@dataclass(frozen=True)
class RingLayout:
    """What rings of one length share.

    ratio: k, steps per frame. history: frames. table (heads, places): bias by age of a step.
    steps: 0 .. places - 1.
    """

    ratio: int
    history: int
    table: Tensor
    steps: Tensor

    @property
    def places(self) -> int:
        """Number of steps that fit."""
        return len(self.steps)


@dataclass(eq=False)
class RingClock:
    """The time of each session of a batch.

    position: (B,) int64, frames so far, changed in place. window: w, most frames per step.
    """

    position: Tensor
    window: int
    _layouts: dict[tuple[int, int], RingLayout] = field(default_factory=dict)
    _known: dict[tuple[str, int, int, int, int], Tensor] = field(default_factory=dict)

    def layout(self, ratio: int, history: int, period: int, slopes: Tensor) -> RingLayout:
        """The layout of rings with these numbers; made once."""
        key = (ratio, history)
        if key not in self._layouts:
            # One window more than the history: new steps replace none that is still seen.
            steps = torch.arange((history + self.window) * ratio, device=self.position.device)
            table = bias_of_age(steps, period, ratio, history, slopes)
            self._layouts[key] = RingLayout(ratio, history, table, steps)
        return self._layouts[key]

    def advance(self, frames: int, active: Tensor | None = None) -> None:
        """Move on by ``frames``; active (B,) bool: only these sessions."""
        self.position += frames if active is None else frames * active
        self._known.clear()

    def slots(self, layout: RingLayout, steps: int, samples: int, row: int) -> Tensor:
        """Flat indices of the next ``steps`` in rows (2, B*M, heads, row), for keys and values."""
        key = ("slots", layout.ratio, layout.places, steps * samples, row)
        if key not in self._known:
            place = (layout.ratio * self.position[:, None] + layout.steps[:steps]) % layout.places
            place = place.repeat_interleave(samples, dim=0)[:, None]
            shape = (2, len(place), len(layout.table), 1)
            first = row * torch.arange(math.prod(shape), device=place.device).view(shape)
            self._known[key] = (first + place).flatten()
        return self._known[key]

    def bias(self, layout: RingLayout, frames: int, samples: int) -> Tensor:
        """Bias of the next n frames, (B, heads, M*n, places), the same for each of M samples."""
        key = ("bias", layout.ratio, layout.places, frames, samples)
        if key not in self._known:
            frame = self.position[:, None] + layout.steps[:frames]
            newest = (layout.ratio * (frame + 1) - 1)[..., None]
            age = (newest - layout.steps) % layout.places
            # Places that were never written get the last entry of the table, which is -inf.
            age = torch.where(age > newest, layout.places - 1, age)
            bias = layout.table.index_select(1, age.flatten())
            bias = bias.unflatten(1, age.shape).transpose(0, 1)
            self._known[key] = bias.repeat(1, 1, samples, 1)
        return self._known[key]


@dataclass(frozen=True, eq=False)
class Ring(ABC):
    """Memory of keys and values, M for each of B sessions; samples: M."""

    clock: RingClock
    layout: RingLayout
    samples: int

    @abstractmethod
    def write(self, new: Tensor) -> None:
        """Write the keys and values of the next n frames, (B*M, n*k, 2D)."""

    @abstractmethod
    def write_more(self, new: Tensor) -> None:
        """Write steps without a time, (B*M, more, 2D), which only an explicit bias shows."""

    @abstractmethod
    def attend(self, query: Tensor, bias: Tensor | None) -> Tensor:
        """query (B*M, heads, Q, D / heads) -> the attended values, same shape."""

    @abstractmethod
    def bias(self, frames: int, samples: int = 1) -> Tensor:
        """Bias of the next n frames, (B, heads, M*n, S)."""


@dataclass(frozen=True, eq=False)
class KVRing(Ring):
    """A ring in one tensor.

    rows: (2, B*M, heads, places + more, D / heads), keys and values; ``more`` steps without a time
    lie behind the ring. The steps of a head lie together, so they are read in order.
    """

    rows: Tensor

    @staticmethod
    def empty(
        clock: RingClock, layout: RingLayout, samples: int, more: int, like: Tensor
    ) -> "KVRing":
        """An empty ring for new sessions, with the width, type and device of ``like`` (D, D)."""
        count = len(clock.position) * samples
        heads = len(layout.table)
        rows = like.new_zeros(2, count, heads, layout.places + more, like.shape[0] // heads)
        return KVRing(clock, layout, samples, rows)

    def write(self, new: Tensor) -> None:
        slots = self.clock.slots(self.layout, new.shape[1], self.samples, self.rows.shape[3])
        self.rows.flatten(0, 3).index_copy_(0, slots, self._by_head(new).flatten(0, 3))

    def write_more(self, new: Tensor) -> None:
        self.rows[:, :, :, self.layout.places :] = self._by_head(new)

    def attend(self, query: Tensor, bias: Tensor | None) -> Tensor:
        return attend_to(query, self.rows[0], self.rows[1], bias)

    def bias(self, frames: int, samples: int = 1) -> Tensor:
        return self.clock.bias(self.layout, frames, samples)

    def _by_head(self, new: Tensor) -> Tensor:
        """(B*M, n, 2D) -> (2, B*M, heads, n, D / heads)."""
        split: Tensor = new.unflatten(-1, (2, len(self.layout.table), -1))
        return split.permute(2, 0, 3, 1, 4)

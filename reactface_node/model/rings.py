"""A session's memory: rings of keys and values, written in place, and the clock they go by.

Nothing grows and nothing is moved: a new frame takes the place of the one that no later frame
can see. What the alignment bias (Eq. 17) is at each place follows from the clock alone, so it is
looked up once a step for all layers. Each session of a batch has its own time.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

FAR = float("-inf")


def alibi_slopes(heads: int) -> Tensor:
    """One slope a head, 2^-1 .. 2^-8 for 8 heads (Press et al. 2022, for powers of two)."""
    return 2.0 ** (-8.0 / heads * torch.arange(1, heads + 1, dtype=torch.float32))


def bias_of_age(age: Tensor, period: int, ratio: int, history: int, slopes: Tensor) -> Tensor:
    """Eq. 17: steps of the memory, ``age`` (...) steps before the newest that a frame may see ->
    (heads, ...); -inf for the future and for what is older than ``history`` frames."""
    units = torch.div(age, ratio * period, rounding_mode="floor").to(slopes.dtype)
    bias = -units * slopes.reshape(-1, *[1] * age.dim())
    return bias.masked_fill((age < 0) | (age >= ratio * history), FAR)


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
    return bias_of_age(newest[:, None] - step[None, :], period, ratio, history, slopes)


def attend_to(query: Tensor, keys: Tensor, values: Tensor, bias: Tensor | None) -> Tensor:
    """softmax(QK/sqrt(d) + bias) V; (B, heads, steps, d) each."""
    return F.scaled_dot_product_attention(query, keys, values, bias)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, S, D) -> (B, heads, S, D / heads)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


@dataclass(frozen=True)
class RingLayout:
    """What rings of one length share. ratio: k; history in frames; places: how many steps fit;
    table (heads, places): the bias of a step by its age; steps: 0 .. places - 1."""

    ratio: int
    history: int
    table: Tensor
    steps: Tensor

    @property
    def places(self) -> int:
        return len(self.steps)


@dataclass(eq=False)
class RingClock:
    """How many frames each session of a batch has behind it, (B,) int64; changed in place.

    window: w, the most frames that come at once.
    """

    position: Tensor
    window: int
    _layouts: dict[tuple[int, int], RingLayout] = field(default_factory=dict)
    _known: dict[tuple[str, int, int, int, int], Tensor] = field(default_factory=dict)

    def layout(self, ratio: int, history: int, period: int, slopes: Tensor) -> RingLayout:
        """The layout of rings of this kind; made once."""
        key = (ratio, history)
        if key not in self._layouts:
            # One window more than the history, so that what is written hides nothing still seen.
            steps = torch.arange((history + self.window) * ratio, device=self.position.device)
            table = bias_of_age(steps, period, ratio, history, slopes)
            self._layouts[key] = RingLayout(ratio, history, table, steps)
        return self._layouts[key]

    def advance(self, frames: int, active: Tensor | None = None) -> None:
        """``frames`` have been written; ``active`` (B,) bool: by these sessions alone."""
        self.position += frames if active is None else frames * active
        self._known.clear()

    def slots(self, layout: RingLayout, steps: int, samples: int, row: int) -> Tensor:
        """Where the next ``steps`` go in (2, B*M, heads, row, ...), all but the last flattened."""
        key = ("slots", layout.ratio, layout.places, steps * samples, row)
        if key not in self._known:
            place = (layout.ratio * self.position[:, None] + layout.steps[:steps]) % layout.places
            place = place.repeat_interleave(samples, dim=0)[:, None]
            shape = (2, len(place), len(layout.table), 1)
            first = row * torch.arange(math.prod(shape), device=place.device).view(shape)
            self._known[key] = (first + place).flatten()
        return self._known[key]

    def bias(self, layout: RingLayout, frames: int, samples: int) -> Tensor:
        """(B, heads, M*n, places): of the next n frames, the same for each of M samples."""
        key = ("bias", layout.ratio, layout.places, frames, samples)
        if key not in self._known:
            frame = self.position[:, None] + layout.steps[:frames]
            newest = (layout.ratio * (frame + 1) - 1)[..., None]
            age = (newest - layout.steps) % layout.places
            # The last place of the table is out of sight: so is what was never written.
            age = torch.where(age > newest, layout.places - 1, age)
            bias = layout.table.index_select(1, age.flatten())
            bias = bias.unflatten(1, age.shape).transpose(0, 1)
            self._known[key] = bias.repeat(1, 1, samples, 1)
        return self._known[key]


@dataclass(frozen=True, eq=False)
class Ring(ABC):
    """Keys and values of M memories for each of B sessions; samples: M."""

    clock: RingClock
    layout: RingLayout
    samples: int

    @abstractmethod
    def write(self, new: Tensor) -> None:
        """(B*M, n*k, 2D): the keys and values of the next n frames."""

    @abstractmethod
    def write_more(self, new: Tensor) -> None:
        """(B*M, more, 2D): what belongs to no time, seen by those who name it in their bias."""

    @abstractmethod
    def attend(self, query: Tensor, bias: Tensor | None) -> Tensor:
        """query (B*M, heads, Q, D / heads) -> the same shape."""

    @abstractmethod
    def bias(self, frames: int, samples: int = 1) -> Tensor:
        """Of the next n frames, (B, heads, M*n, S)."""


@dataclass(frozen=True, eq=False)
class KVRing(Ring):
    """rows: (2, B*M, heads, places + more, D / heads), keys and values, ``more`` beside the ring.

    A head's lie together, so that what is read for it is read in order.
    """

    rows: Tensor

    @staticmethod
    def empty(
        clock: RingClock, layout: RingLayout, samples: int, more: int, like: Tensor
    ) -> "KVRing":
        """For sessions that begin; of the width, type and device of ``like`` (D, D)."""
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
        return new.unflatten(-1, (2, len(self.layout.table), -1)).permute(2, 0, 3, 1, 4)

"""Nods as random events: their start, number of cycles, depth and frequency, played as motion.

The phase of a nod is random, so a regression would average nods away. Here the speaker's past gives
for each frame the probability that a nod starts; a drawn nod is then played to its end.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.event_times import DECLINE, NEVER, PAUSE_FRAMES, RETURN_S
from reactface_node.schema import FRAME_RATE_HZ

# The numbers below without a source are chosen by hand.
MOST_HALVES = 12
"""Half-cycles: nine nods of ten have at most 8 (nod corpus, Schepens)."""
NOD_NOISE = 3  # standard normal numbers per nod: half-cycles, depth, frequency
TYPICAL_HZ, TYPICAL_RAD = 1.5, 0.06  # units of frequency and depth in the network's output
LOWEST_HZ, HIGHEST_HZ = 0.6, 6.5
DEEPEST_RAD = 0.24
"""Deeper nods look like bows. With less than 0.21 depths would differ less than people's do."""
HARDEST_RAD_S2 = 8.0  # largest peak acceleration, 2 pi^2 f^2 depth: fast nods are less deep
DEPTH_WIDER, COUPLING, LONG_NODS = 1.3, 1.25, 0.7
"""Factors of the spread of depths and of its dependence on the length, and what is added to the
logits of five half-cycles and more: the shallowest nods, and the last movements of long ones, are
too small to be counted."""
FEW_HALVES = 4
RATE_SPREAD = 0.42
"""Listeners differ in how often they nod: standard deviation of the logarithm of their rates. With
the bursts, which the model learns, their counts differ as people's do (IFADV: 0.63)."""
MEMORY_S = (2.0, 8.0, 30.0)
"""A nod makes another one more or less likely for these times: nods come in bursts."""


@dataclass(frozen=True)
class NodPrediction:
    """The predicted distribution of nods for n frames.

    onset (B, M, n): logits that a nod starts, had there been none before. halves (B, M, n, 12):
    logits of 1 to 12 half-cycles. shape (B, M, n, 2): means of the logarithms of depth / 0.06 rad,
    for a nod of 1 s, and of frequency / 1.5 Hz.
    """

    onset: Tensor
    halves: Tensor
    shape: Tensor

    def window(self, index: int, frames: int) -> "NodPrediction":
        """The part of window ``index``; frames: w."""
        span = slice(index * frames, (index + 1) * frames)
        return NodPrediction(
            self.onset[:, :, span], self.halves[:, :, span], self.shape[:, :, span]
        )


class NodHead(nn.Module):
    """Predicts nods from the speaker and from the time since the last one, and plays drawn nods.

    It learns from nods alone, and its gradients do not reach the encoders: reactions need other
    cues of the speaker than nods do. A listener's own rate cannot be learned from crops of a few
    seconds: the first number of the disposition decides it.
    """

    memory_frames: Tensor
    is_long: Tensor

    def __init__(self, config: ModelConfig, ratio: int):
        super().__init__()
        self.window, self.ratio = config.window, ratio
        self.embed = nn.Linear((1 + ratio) * config.width, config.width)
        self.memory = nn.GRU(config.width, config.width, batch_first=True)
        self.hidden = nn.Linear(config.width, config.width)
        self.out = nn.Linear(config.width, 1 + MOST_HALVES + 2)
        # Initial probability of about 0.3 % per frame, a nod every 13 s.
        nn.init.constant_(self.out.bias[:1], -5.8)
        self.excitation = nn.Parameter(torch.zeros(len(MEMORY_S)))
        self.log_spread = nn.Parameter(torch.full((2,), math.log(0.5)))
        # Long nods are deep: coefficient of the logarithms.
        self.depth_by_length = nn.Parameter(torch.zeros(()))
        memory = FRAME_RATE_HZ * torch.tensor(MEMORY_S)
        self.register_buffer("memory_frames", memory, persistent=False)
        is_long = (torch.arange(MOST_HALVES) >= FEW_HALVES).float()
        self.register_buffer("is_long", is_long, persistent=False)

    @property
    def noise_width(self) -> int:
        """Standard normal numbers per window: one per frame for the onset, three for the nod."""
        return self.window + NOD_NOISE

    def initial_state(self, batch: int, samples: int) -> Tensor:
        """State (B, M, 4) of the last nod: frames since its onset, half-cycles, depth rad, rate
        Hz."""
        return self.log_spread.new_tensor([NEVER, 1.0, 0.0, TYPICAL_HZ]).repeat(batch, samples, 1)

    def forward(
        self, face: Tensor, speech: Tensor, samples: int, memory: Tensor
    ) -> tuple[NodPrediction, Tensor, Tensor]:
        """The prediction for n frames of M listeners, what is remembered at each of them (B, n, D),
        and the memory (B, D) after them; causal.

        face (B, n, D), speech (B, n*k, D), samples M, memory (B, D).
        """
        own = speech.unflatten(1, (-1, self.ratio)).flatten(2)
        x = F.gelu(self.embed(torch.cat([face, own], dim=-1).detach()))
        heard, memory = self.memory(x, memory[None])
        x = self.out(F.gelu(self.hidden(heard)))[:, None].expand(-1, samples, -1, -1)
        onset, halves, shape = x.split([1, MOST_HALVES, 2], dim=-1)
        return NodPrediction(onset[..., 0], halves, shape), heard, memory[0]

    def _eagerness(self, disposition: Tensor) -> Tensor | float:
        """(B, M, 1) what the listener adds to the logarithm of the rate; its mean rate is that of
        the data."""
        if not disposition.shape[-1]:
            return 0.0
        return RATE_SPREAD * disposition[..., :1] - 0.5 * RATE_SPREAD**2

    def _excited(self, age: Tensor) -> Tensor:
        """What a nod that started ``age`` frames ago adds to the onset's logits."""
        return (torch.exp(-age[..., None] / self.memory_frames) * self.excitation).sum(-1)

    @torch.no_grad()
    def play(
        self,
        predicted: NodPrediction,
        onset: Tensor,
        shape: Tensor,
        last: Tensor,
        disposition: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Draw and play nods for n frames: pitch (B, M, n) in rad and the new state (B, M, 4).

        onset (B, M, n) and shape (B, M, 3): standard normal noise; ``shape`` is the same for all
        frames of a window. last: the state (B, M, 4). disposition: (B, M, S). At most one nod
        starts within a window.
        """
        frames = torch.arange(onset.shape[2], device=onset.device, dtype=onset.dtype)
        age = last[..., :1] + frames
        lasts = last[..., 1:2] / (2.0 * last[..., 3:]) * FRAME_RATE_HZ + PAUSE_FRAMES
        over = age >= lasts.clamp(min=self.window)
        logit = predicted.onset + self._excited(age) + self._eagerness(disposition)
        first, later = first_onset(over & (torch.special.ndtr(onset) < logit.sigmoid()), frames)
        fresh = self._draw(predicted, shape, first)
        age = torch.where(later, frames - first, age)
        halves, depth, hz = (
            torch.where(later, fresh[..., i : i + 1], last[..., i + 1 : i + 2]) for i in range(3)
        )
        state = torch.stack([age[..., -1] + 1, halves[..., -1], depth[..., -1], hz[..., -1]], -1)
        # Bounded, so that the state does not grow in long sessions.
        state = torch.cat([state[..., :1].clamp(max=NEVER), state[..., 1:]], dim=-1)
        return nod_pitch(age, halves, depth, hz), state

    def _draw(self, predicted: NodPrediction, noise: Tensor, first: Tensor) -> Tensor:
        """Half-cycles, depth in rad, frequency in Hz (B, M, 3) of a nod that starts at
        ``first``."""
        at = first[..., None]
        share = predicted.halves.gather(2, at.expand(-1, -1, -1, MOST_HALVES))[:, :, 0]
        share = share + LONG_NODS * self.is_long
        halves = 1.0 + (
            share.softmax(-1).cumsum(-1)[..., :-1] < torch.special.ndtr(noise[..., :1])
        ).sum(-1, keepdim=True)
        mean = predicted.shape.gather(2, at.expand(-1, -1, -1, 2))[:, :, 0]
        wider = torch.stack([DEPTH_WIDER * self.log_spread[0].exp(), self.log_spread[1].exp()])
        drawn = mean + noise[..., 1:].clamp(-2.5, 2.5) * wider
        hz = (TYPICAL_HZ * drawn[..., 1:].exp()).clamp(LOWEST_HZ, HIGHEST_HZ)
        longer = COUPLING * self.depth_by_length * torch.log(halves / (2.0 * hz))
        depth = TYPICAL_RAD * (drawn[..., :1] + longer).clamp(-4.0, 3.0).exp()
        deepest = (HARDEST_RAD_S2 / (2.0 * torch.pi**2 * hz**2)).clamp(max=DEEPEST_RAD)
        return torch.cat([halves, torch.minimum(depth, deepest), hz], -1)

    def loss(self, predicted: NodPrediction, nods: Tensor, possible: Tensor, age: Tensor) -> Tensor:
        """Negative log-likelihood per frame of real nods.

        nods: (B, M, T, 3) half-cycles (0 = no nod starts here), depth in rad, frequency in Hz.
        possible: (B, M, T) bool, False during a nod, when none can start. age: (B, M, T) frames
        since the onset of the last nod before each frame.
        """
        starts = nods[..., 0] > 0
        onset = F.binary_cross_entropy_with_logits(
            predicted.onset + self._excited(age), starts.float(), reduction="none"
        )
        total = (onset * possible).sum()
        true = nods[starts]
        if len(true):
            halves = (true[:, 0].long() - 1).clamp(max=MOST_HALVES - 1)
            total = total + F.cross_entropy(predicted.halves[starts], halves, reduction="sum")
            shape = torch.stack([true[:, 1] / TYPICAL_RAD, true[:, 2] / TYPICAL_HZ], -1).log()
            longer = self.depth_by_length * torch.log(true[:, 0] / (2.0 * true[:, 2]))
            mean = predicted.shape[starts] + F.pad(longer[:, None], (0, 1))
            away = (shape - mean) * torch.exp(-self.log_spread)
            total = total + (0.5 * away.square() + self.log_spread).sum()
        return total / possible.numel()


def first_onset(starts: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
    """starts (..., n) bool: an event may start here. frames (n,): 0 .. n - 1. The first start
    (..., 1), 0 without one, and (..., n) bool: not before it."""
    first = starts.float().argmax(dim=-1, keepdim=True)
    return first, starts.any(dim=-1, keepdim=True) & (frames >= first)


def smoothstep(x: Tensor) -> Tensor:
    """0 up to 0, 1 from 1 on; the speed is 0 at both ends."""
    x = x.clamp(0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)


def nod_pitch(age: Tensor, halves: Tensor, depth: Tensor, hz: Tensor) -> Tensor:
    """Pitch in rad, + is down, ``age`` frames after a nod's onset: raised cosines that decline,
    and a slow return where they end with the head down. depth: of the first half-cycle."""
    time_s = age / FRAME_RATE_HZ
    end_s = halves / (2.0 * hz)
    cycle = torch.minimum(time_s, end_s).clamp(min=0.0) * hz
    height = depth * DECLINE ** cycle.clamp(max=MOST_HALVES / 2).floor()
    inside = 0.5 * height * (1.0 - torch.cos(2.0 * torch.pi * cycle))
    return inside * (1.0 - smoothstep((time_s - end_s) / RETURN_S))

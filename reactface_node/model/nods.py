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
from reactface_node.schema import FRAME_RATE_HZ

# The bounds below are chosen by hand, not derived, apart from DECLINE.
MOST_CYCLES = 4
DECLINE = 0.67  # ratio of the amplitudes of successive cycles (Mori et al. 2025)
PAUSE_FRAMES = 5  # no nod starts within 0.2 s after the last one
NOD_NOISE = 3  # standard normal numbers per nod: cycles, depth, frequency
NEVER = 10_000.0  # frames since the last nod before the first one
TYPICAL_HZ, TYPICAL_RAD = 2.5, 0.06  # units of frequency and depth in the network's output
HIGHEST_HZ, DEEPEST_RAD = 4.0, 0.3
HARDEST_RAD_S2 = 14.0  # largest peak acceleration, 2 pi^2 f^2 depth: fast nods are less deep


@dataclass(frozen=True)
class NodPrediction:
    """The predicted distribution of nods for n frames.

    onset (B, M, n): logits that a nod starts. cycles (B, M, n, 4): logits of 1 to 4 cycles. shape
    (B, M, n, 2): means of the logarithms of depth / 0.06 rad and of frequency / 2.5 Hz.
    """

    onset: Tensor
    cycles: Tensor
    shape: Tensor

    def window(self, index: int, frames: int) -> "NodPrediction":
        """The part of window ``index``; frames: w."""
        span = slice(index * frames, (index + 1) * frames)
        return NodPrediction(
            self.onset[:, :, span], self.cycles[:, :, span], self.shape[:, :, span]
        )


class NodHead(nn.Module):
    """Predicts nods from the speaker and the listener's disposition, and plays drawn nods.

    It learns from nods alone, and its gradients do not reach the encoders: reactions need other
    cues of the speaker than nods do.
    """

    def __init__(self, config: ModelConfig, ratio: int):
        super().__init__()
        self.window, self.ratio = config.window, ratio
        self.embed = nn.Linear((1 + ratio) * config.width, config.width)
        self.memory = nn.GRU(config.width, config.width, batch_first=True)
        self.hidden = nn.Linear(config.width + config.disposition, config.width)
        self.out = nn.Linear(config.width, 1 + MOST_CYCLES + 2)
        # Initial probability of about 1 % per frame, a nod every few seconds.
        nn.init.constant_(self.out.bias[:1], -4.5)
        self.log_spread = nn.Parameter(torch.full((2,), math.log(0.3)))

    @property
    def noise_width(self) -> int:
        """Standard normal numbers per window: one per frame for the onset, three for the nod."""
        return self.window + NOD_NOISE

    def initial_state(self, batch: int, samples: int) -> Tensor:
        """State (B, M, 4) of the last nod: frames since its onset, cycles, depth rad, rate Hz."""
        return self.log_spread.new_tensor([NEVER, 1.0, 0.0, TYPICAL_HZ]).repeat(batch, samples, 1)

    def forward(
        self, face: Tensor, speech: Tensor, disposition: Tensor, memory: Tensor
    ) -> tuple[NodPrediction, Tensor]:
        """The prediction for n frames of M listeners, and the memory (B, D) after them; causal.

        face (B, n, D), speech (B, n*k, D), disposition (B, M, S), memory (B, D).
        """
        own = speech.unflatten(1, (-1, self.ratio)).flatten(2)
        x = F.gelu(self.embed(torch.cat([face, own], dim=-1).detach()))
        heard, memory = self.memory(x, memory[None])
        who = disposition.detach()[:, :, None].expand(-1, -1, face.shape[1], -1)
        heard = heard[:, None].expand(-1, disposition.shape[1], -1, -1)
        x = self.out(F.gelu(self.hidden(torch.cat([heard, who], dim=-1))))
        onset, cycles, shape = x.split([1, MOST_CYCLES, 2], dim=-1)
        return NodPrediction(onset[..., 0], cycles, shape), memory[0]

    @torch.no_grad()
    def play(
        self, predicted: NodPrediction, onset: Tensor, shape: Tensor, last: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Draw and play nods for n frames: pitch (B, M, n) in rad and the new state (B, M, 4).

        onset (B, M, n) and shape (B, M, 3): standard normal noise; ``shape`` is the same for all
        frames of a window. last: the state (B, M, 4). At most one nod starts within a call.
        """
        frames = torch.arange(onset.shape[2], device=onset.device, dtype=onset.dtype)
        age = last[..., :1] + frames
        over = age >= last[..., 1:2] / last[..., 3:] * FRAME_RATE_HZ + PAUSE_FRAMES
        hit = over & (torch.special.ndtr(onset) < predicted.onset.sigmoid())
        started, first = hit.any(dim=-1, keepdim=True), hit.float().argmax(dim=-1, keepdim=True)
        fresh = self._draw(predicted, shape, first)
        later = started & (frames >= first)
        age = torch.where(later, frames - first, age)
        cycles, depth, hz = (
            torch.where(later, fresh[..., i : i + 1], last[..., i + 1 : i + 2]) for i in range(3)
        )
        state = torch.stack([age[..., -1] + 1, cycles[..., -1], depth[..., -1], hz[..., -1]], -1)
        # Bounded, so that the state does not grow in long sessions.
        state = torch.cat([state[..., :1].clamp(max=NEVER), state[..., 1:]], dim=-1)
        return nod_pitch(age, cycles, depth, hz), state

    def _draw(self, predicted: NodPrediction, noise: Tensor, first: Tensor) -> Tensor:
        """Cycles, depth in rad, frequency in Hz (B, M, 3) of a nod that starts at ``first``."""
        at = first[..., None]
        share = predicted.cycles.gather(2, at.expand(-1, -1, -1, MOST_CYCLES))[:, :, 0]
        cycles = 1.0 + (
            share.softmax(-1).cumsum(-1)[..., :-1] < torch.special.ndtr(noise[..., :1])
        ).sum(-1, keepdim=True)
        shape = predicted.shape.gather(2, at.expand(-1, -1, -1, 2))[:, :, 0]
        drawn = (shape + noise[..., 1:] * self.log_spread.exp()).clamp(-3.0, 3.0).exp()
        hz = (TYPICAL_HZ * drawn[..., 1:]).clamp(1.0, HIGHEST_HZ)
        deepest = (HARDEST_RAD_S2 / (2.0 * torch.pi**2 * hz**2)).clamp(max=DEEPEST_RAD)
        return torch.cat([cycles, torch.minimum(TYPICAL_RAD * drawn[..., :1], deepest), hz], -1)

    def loss(self, predicted: NodPrediction, nods: Tensor, possible: Tensor) -> Tensor:
        """Negative log-likelihood per frame of real nods.

        nods: (B, M, T, 3) cycles (0 = no nod starts here), depth in rad, frequency in Hz.
        possible: (B, M, T) bool, False during a nod, when none can start.
        """
        starts = nods[..., 0] > 0
        onset = F.binary_cross_entropy_with_logits(
            predicted.onset, starts.float(), reduction="none"
        )
        total = (onset * possible).sum()
        true = nods[starts]
        if len(true):
            cycles = (true[:, 0].long() - 1).clamp(max=MOST_CYCLES - 1)
            total = total + F.cross_entropy(predicted.cycles[starts], cycles, reduction="sum")
            shape = torch.stack([true[:, 1] / TYPICAL_RAD, true[:, 2] / TYPICAL_HZ], -1).log()
            away = (shape - predicted.shape[starts]) * torch.exp(-self.log_spread)
            total = total + (0.5 * away.square() + self.log_spread).sum()
        return total / possible.numel()


def nod_pitch(age: Tensor, cycles: Tensor, depth: Tensor, hz: Tensor) -> Tensor:
    """Pitch in rad, + is down, ``age`` frames after a nod's onset: raised cosines that decline."""
    cycle = age / FRAME_RATE_HZ * hz
    inside = (cycle >= 0) & (cycle < cycles)
    height = depth * DECLINE ** cycle.clamp(0, MOST_CYCLES).floor()
    return torch.where(inside, 0.5 * height * (1.0 - torch.cos(2.0 * torch.pi * cycle)), 0.0)

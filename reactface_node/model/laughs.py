"""Laughs as random events: when one starts, how long and how strong it is, played as motion.

A laugh is rare, and most causes of one bring none, so that a regression would average laughs away.
Here the speaker's past gives for each frame the probability that a laugh starts; a drawn laugh is
then played to its end, over what else the face does.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.model.event_times import NEVER, PAUSE_S
from reactface_node.model.nods import first_onset, smoothstep
from reactface_node.schema import FRAME_RATE_HZ, ROTATION, TRANSLATION, indices_of

# Weights and angles of a laugh of strength 1, chosen by hand.
SMILE, CHEEK, JAW, UPPER_LIP, SQUINT = 0.62, 0.5, 0.2, 0.15, 0.06
BACK_RAD, SHAKE_M, SHAKE_HZ = 0.02, 0.0015, 4.5
"""The head goes back, and up and down with the voice, whose calls come 4 to 6 times a second."""
RISE_S, FALL_S = 0.45, 0.9
LENGTH_S, LENGTH_SPREAD, SHORTEST_S, LONGEST_S = 1.0, 0.4, 0.6, 3.0
"""Log-normal. IFADV: 1.06 s on average."""
WEAKEST, STRONGEST = 0.8, 1.1
RATE_SPREAD = 0.5
"""Listeners differ in how often they laugh: standard deviation of the logarithm of their rates;
chosen."""
_RISEN = (
    ("mouthSmile", SMILE),
    ("cheekSquint", CHEEK),
    ("jawOpen", JAW),
    ("mouthUpperUp", UPPER_LIP),
    ("eyeSquint", SQUINT),
)


class LaughHead(nn.Module):
    """Predicts laughs from what the nods' memory of the speaker holds, and plays drawn laughs.

    All listeners laugh at the same; how readily, the last number of their disposition decides.
    """

    risen: Tensor
    weights: Tensor

    def __init__(self, width: int):
        super().__init__()
        self.hidden, self.out = nn.Linear(width, width), nn.Linear(width, 1)
        # Initial probability of 0.05 % per frame, a laugh every 80 s.
        nn.init.constant_(self.out.bias, -7.6)
        pairs = [(index, weight) for stem, weight in _RISEN for index in indices_of(stem)]
        indices, weights = zip(*pairs, strict=True)
        self.register_buffer("risen", torch.tensor(indices), persistent=False)
        self.register_buffer("weights", torch.tensor(weights), persistent=False)

    def initial_state(self, batch: int, samples: int) -> Tensor:
        """State (B, M, 3) of the last laugh: frames since its onset, length in frames, strength."""
        return self.weights.new_tensor([NEVER, 1.0, 0.0]).repeat(batch, samples, 1)

    def forward(self, heard: Tensor) -> Tensor:
        """(B, n) logits that a laugh starts, from the memory (B, n, D) of the speaker."""
        logits: Tensor = self.out(F.gelu(self.hidden(heard)))[..., 0]
        return logits

    @torch.no_grad()
    def play(
        self, onset_logits: Tensor, noise: tuple[Tensor, Tensor], last: Tensor, disposition: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Draw laughs for n frames: level 0..1.1 and age in frames (B, M, n), and the state.

        onset_logits (B, n). noise: those of nods, onset (B, M, n) and shape (B, M, 3); rare laughs
        start at the other end of the distribution than rare nods. last: the state (B, M, 3).
        disposition (B, M, S).
        """
        onset, shape = noise
        frames = torch.arange(onset.shape[2], device=onset.device, dtype=onset.dtype)
        age = last[..., :1] + frames
        over = age >= last[..., 1:2] + FRAME_RATE_HZ * (FALL_S + PAUSE_S)
        logit = onset_logits[:, None] + _readiness(disposition)
        first, later = first_onset(over & (torch.special.ndtr(-onset) < logit.sigmoid()), frames)
        age = torch.where(later, frames - first, age)
        seconds = LENGTH_S * torch.exp(LENGTH_SPREAD * shape[..., :1])
        drawn = FRAME_RATE_HZ * seconds.clamp(SHORTEST_S, LONGEST_S)
        length = torch.where(later, drawn, last[..., 1:2])
        share = torch.special.ndtr(shape[..., 1:2])
        strength = torch.where(later, WEAKEST + (STRONGEST - WEAKEST) * share, last[..., 2:])
        rise = smoothstep(age / FRAME_RATE_HZ / RISE_S)
        fall = smoothstep((age - length) / FRAME_RATE_HZ / FALL_S)
        following = (age[..., -1] + 1).clamp(max=NEVER)
        state = torch.stack([following, length[..., -1], strength[..., -1]], -1)
        return strength * rise * (1.0 - fall), age, state

    def motion(self, face: Tensor, level: Tensor, age: Tensor) -> Tensor:
        """What laughs of ``level`` and ``age`` (B, M, n) add to faces (B, M, n, 58) in real units:
        weights rise at least to those of a laugh."""
        added = torch.zeros_like(face)
        here = face.index_select(3, self.risen)
        added[..., self.risen] = (level[..., None] * self.weights - here).clamp(min=0.0)
        added[..., self.risen] *= (level[..., None] > 0).to(face.dtype)
        added[..., ROTATION.start] = -BACK_RAD * level
        shake = torch.sin(2.0 * math.pi * SHAKE_HZ / FRAME_RATE_HZ * age)
        added[..., TRANSLATION.start + 1] = SHAKE_M * level * shake
        return added

    def loss(self, onset_logits: Tensor, starts: Tensor, possible: Tensor) -> Tensor:
        """Negative log-likelihood per frame of real laughs of L listeners.

        onset_logits (B, T). starts, possible: (B, L, T) bool.
        """
        logits = onset_logits[:, None].expand(-1, starts.shape[1], -1)
        each = F.binary_cross_entropy_with_logits(logits, starts.to(logits), reduction="none")
        return (each * possible).sum() / possible.numel()


def _readiness(disposition: Tensor) -> Tensor | float:
    """(B, M, 1) what the listener adds to the logarithm of the rate; its mean rate is that of the
    data."""
    if not disposition.shape[-1]:
        return 0.0
    return RATE_SPREAD * disposition[..., -1:] - 0.5 * RATE_SPREAD**2

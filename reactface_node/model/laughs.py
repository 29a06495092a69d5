"""Laughs, and smiles at laughter, as random events: when one starts, how long and how strong it
is, played as motion.

A laugh is rare, and most causes of one bring none, so that a regression would average laughs away.
Here the speaker's past gives for each frame the probability that a laugh starts. What is drawn is
then played to its end, over what else the face does. A face that is seen tells whether to smile;
where none is seen, the probability that the speaker is heard laughing does.
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
SMILE_LENGTH_S, WEAKEST_SMILE, STRONGEST_SMILE = 1.4, 0.42, 0.52
"""Of smiles at laughter, in the same units. People's smiles last 0.5 to 4 s with their rise and
fall."""
ANSWER_CHANCE, SURE, SHARPNESS = 0.2, 2.6, 4.0
"""Per frame, a smile starts with this probability where it is sure that somebody unseen laughs:
where the logit of that is over ``SURE``. Chosen on made voices."""
SPEAKER_WEIGHT = 0.1
"""Of the loss of the speaker's laughter, which is ten times that of rare events."""
EVENTS = 2
"""Kinds of events: a laugh, and a smile that answers the speaker's laugh."""
RATE_SPREAD = 0.5
"""Listeners differ in how often they laugh: standard deviation of the logarithm of their rates;
chosen."""
_RISEN = (
    ("mouthSmile", (SMILE, SMILE)),
    ("cheekSquint", (CHEEK, CHEEK)),
    ("jawOpen", (JAW, 0.0)),
    ("mouthUpperUp", (UPPER_LIP, 0.0)),
    ("eyeSquint", (SQUINT, 0.0)),
)
"""What a laugh and a smile move."""


class LaughHead(nn.Module):
    """Predicts laughs, and tells the speaker's, from what the nods' memory of the speaker holds;
    plays the laughs and the smiles that are drawn.

    All listeners laugh at the same; how readily, the last number of their disposition decides.
    """

    risen: Tensor
    weights: Tensor
    length: Tensor
    weakest: Tensor
    strongest: Tensor

    def __init__(self, width: int):
        super().__init__()
        self.hidden, self.out = nn.Linear(width, width), nn.Linear(width, 1)
        self.speaker_hidden, self.speaker_out = nn.Linear(width, width), nn.Linear(width, 1)
        # Initial probability of 0.05 % per frame, a laugh every 80 s; and of 5 %.
        nn.init.constant_(self.out.bias, -7.6)
        nn.init.constant_(self.speaker_out.bias, -3.0)
        pairs = [(index, both) for stem, both in _RISEN for index in indices_of(stem)]
        indices, weights = zip(*pairs, strict=True)
        self.register_buffer("risen", torch.tensor(indices), persistent=False)
        self.register_buffer("weights", torch.tensor(weights).T, persistent=False)
        sizes = {
            "length": (LENGTH_S, SMILE_LENGTH_S),
            "weakest": (WEAKEST, WEAKEST_SMILE),
            "strongest": (STRONGEST, STRONGEST_SMILE),
        }
        for name, value in sizes.items():
            self.register_buffer(name, torch.tensor(value), persistent=False)

    def initial_state(self, batch: int, samples: int) -> Tensor:
        """State (B, M, 2, 3) of the last laugh and the last smile: frames since its onset, length
        in frames, strength."""
        return self.weights.new_tensor([NEVER, 1.0, 0.0]).repeat(batch, samples, EVENTS, 1)

    def forward(self, heard: Tensor) -> Tensor:
        """(B, 2, n) logits that a laugh starts, and that the speaker laughs, from the memory
        (B, n, D) of the speaker."""
        own = self.out(F.gelu(self.hidden(heard)))
        speakers = self.speaker_out(F.gelu(self.speaker_hidden(heard)))
        return torch.cat([own, speakers], -1).transpose(1, 2)

    @torch.no_grad()
    def play(
        self,
        predicted: Tensor,
        unseen: Tensor,
        noise: tuple[Tensor, Tensor],
        last: Tensor,
        disposition: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Draw laughs and smiles for n frames: level 0..1.1 and age in frames (B, M, 2, n), and
        the state.

        predicted (B, 2, n). unseen (B, n) bool: there is no face of the speaker. noise: those of
        nods, onset (B, M, n) and shape (B, M, 3). last: the state (B, M, 2, 3). disposition
        (B, M, S).
        """
        onset, shape = noise
        frames = torch.arange(onset.shape[2], device=onset.device, dtype=onset.dtype)
        age = last[..., :1] + frames
        over = age >= last[..., 1:2] + FRAME_RATE_HZ * (FALL_S + PAUSE_S)
        # Rare nods start at the low end of the distribution, laughs at its high end, smiles in
        # its middle, so that they are independent of each other.
        high = torch.special.ndtr(-onset)
        middle = 2.0 * (high - 0.5).abs()
        laughs = (predicted[:, None, 0] + _readiness(disposition)).sigmoid()
        heard = (SHARPNESS * (predicted[:, None, 1] - SURE)).sigmoid()
        answers = ANSWER_CHANCE * heard * unseen[:, None]
        starts = torch.stack([high < laughs, middle < answers.expand_as(laughs)], 2)
        first, later = first_onset(over & starts, frames)
        age = torch.where(later, frames - first, age)
        seconds = self.length[:, None] * torch.exp(LENGTH_SPREAD * shape[..., None, :1])
        drawn = FRAME_RATE_HZ * seconds.clamp(SHORTEST_S, LONGEST_S)
        length = torch.where(later, drawn, last[..., 1:2])
        share = torch.special.ndtr(shape[..., None, 1:2])
        weakest, strongest = self.weakest[:, None], self.strongest[:, None]
        strength = torch.where(later, weakest + (strongest - weakest) * share, last[..., 2:])
        rise = smoothstep(age / FRAME_RATE_HZ / RISE_S)
        fall = smoothstep((age - length) / FRAME_RATE_HZ / FALL_S)
        following = (age[..., -1] + 1).clamp(max=NEVER)
        state = torch.stack([following, length[..., -1], strength[..., -1]], -1)
        return strength * rise * (1.0 - fall), age, state

    def motion(self, face: Tensor, level: Tensor, age: Tensor) -> Tensor:
        """What events of ``level`` and ``age`` (B, M, 2, n) add to faces (B, M, n, 58) in real
        units: weights rise at least to those of a laugh, or a smile."""
        added = torch.zeros_like(face)
        here = face.index_select(3, self.risen)
        risen = (level[..., None] * self.weights[:, None]).amax(2)
        added[..., self.risen] = (risen - here).clamp(min=0.0) * (risen > 0).to(face.dtype)
        laugh, since = level[:, :, 0], age[:, :, 0]
        added[..., ROTATION.start] = -BACK_RAD * laugh
        shake = torch.sin(2.0 * math.pi * SHAKE_HZ / FRAME_RATE_HZ * since)
        added[..., TRANSLATION.start + 1] = SHAKE_M * laugh * shake
        return added

    def loss(self, onset_logits: Tensor, starts: Tensor, possible: Tensor) -> Tensor:
        """Negative log-likelihood per frame of real laughs of L listeners.

        onset_logits (B, T). starts, possible: (B, L, T) bool.
        """
        logits = onset_logits[:, None].expand(-1, starts.shape[1], -1)
        each = F.binary_cross_entropy_with_logits(logits, starts.to(logits), reduction="none")
        return (each * possible).sum() / possible.numel()

    def speaker_loss(self, logits: Tensor, laughing: Tensor) -> Tensor:
        """Weighted cross-entropy per frame of the speaker's laughter; logits (B, T), laughing
        (B, T) bool."""
        loss = F.binary_cross_entropy_with_logits(logits, laughing.to(logits))
        return SPEAKER_WEIGHT * loss


def _readiness(disposition: Tensor) -> Tensor | float:
    """(B, M, 1) what the listener adds to the logarithm of the rate; its mean rate is that of
    the data."""
    if not disposition.shape[-1]:
        return 0.0
    return RATE_SPREAD * disposition[..., -1:] - 0.5 * RATE_SPREAD**2

"""Dam et al. 2024: the successor of 'Learning to listen' in the REACT challenge of 2024.

Beside ``ng``: each frame of the listener is a token of its own, by finite scalar quantisation,
which has no codebook to learn (Mentzer et al. 2024); voice, face and listener are fused by gated
cross-modal blocks (FIBER, Dou et al. 2022); and all tokens of a window are drawn at once, given
those of the windows before it.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.attention import BiasedAttention, Memory
from reactface_node.model.layers import CausalTransformer, FeedForward, history_frames
from reactface_node.model.records import SpeakerInput
from reactface_node.research.training.baselines.common import CoefficientListener, whole_windows
from reactface_node.research.training.corpus import Batch
from reactface_node.research.training.noise import CropNoise
from reactface_node.schema import NUM_COEFFICIENTS

LEVELS = (8, 5, 5, 5)
TOKENS = math.prod(LEVELS)
MOTION_WEIGHT = 1.0
PREDICTION_WEIGHT = 0.1
PAST_MASKED = 0.1  # share of the listener's past tokens that are hidden in training
TEMPERATURE = 0.75

Kept = tuple[Memory | None, ...]
State = tuple[Kept | None, list[Kept]]


class ScalarQuantiser(nn.Module):
    """Rounds each of a few bounded numbers to its own ``levels`` values."""

    levels: Tensor
    place: Tensor

    def __init__(self, levels: Sequence[int]):
        super().__init__()
        self.register_buffer("levels", torch.tensor(levels), persistent=False)
        place = [math.prod(levels[:index]) for index in range(len(levels))]
        self.register_buffer("place", torch.tensor(place), persistent=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (..., n) -> codes (..., n) in [-1, 1] with the gradient of the bounded x, and tokens
        (...) int64."""
        half = (self.levels - 1) / 2.0
        # An even number of levels lies half a step beside zero.
        shift = (1.0 - self.levels % 2) / 2.0
        bounded = half * torch.tanh(x + torch.atanh(shift / half)) - shift
        steps = bounded + (bounded.round() - bounded).detach()
        digits = (steps.detach() + half + shift).round().long()
        return (steps + shift) / half, (digits * self.place).sum(dim=-1)

    def look_up(self, tokens: Tensor) -> Tensor:
        """tokens (...) -> codes (..., n)."""
        digits = tokens[..., None] // self.place % self.levels
        return 2.0 * digits / (self.levels - 1) - 1.0


class FaceTokeniser(nn.Module):
    """Frames of the listener to tokens and back, each frame for itself."""

    def __init__(self, width: int):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(NUM_COEFFICIENTS, width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Linear(width, len(LEVELS)),
        )
        self.quantiser = ScalarQuantiser(LEVELS)
        self.decoder = nn.Sequential(
            nn.Linear(len(LEVELS), width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Linear(width, NUM_COEFFICIENTS),
        )

    def forward(self, listener: Tensor) -> tuple[Tensor, Tensor]:
        """listener (..., 58) standardised -> its reconstruction and its tokens (...)."""
        codes, tokens = self.quantiser(self.encoder(listener))
        return self.decoder(codes), tokens

    def decode(self, tokens: Tensor) -> Tensor:
        """tokens (...) -> (..., 58) standardised."""
        decoded: Tensor = self.decoder(self.quantiser.look_up(tokens))
        return decoded


class CrossModalBlock(nn.Module):
    """FIBER's block: self-attention, to which cross-attention is added with a learned weight that
    starts at zero; then feed-forward. Causal."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        width, history = config.width, history_frames(config.history_s)
        self.norm, self.norm_other = nn.LayerNorm(width), nn.LayerNorm(width)
        self.own = BiasedAttention(width, config.heads, config.period, history)
        self.other = BiasedAttention(width, config.heads, config.period, history)
        self.gate = nn.Parameter(torch.zeros(()))
        self.feed_forward = FeedForward(width, config.dropout)

    def forward(self, x: Tensor, other: Tensor, state: Kept) -> tuple[Tensor, Kept]:
        """x, other (N, n, D) of the same n frames -> (N, n, D) and the new state."""
        normed = self.norm(x)
        own, kept = self.own(normed[:, None], normed, state[0])
        crossed, kept_other = self.other(own, self.norm_other(other), state[1])
        x = x + own[:, 0] + self.gate * crossed[:, 0]
        return x + self.feed_forward(x), (kept, kept_other)


class ScalarListener(CoefficientListener):
    """Tokeniser and predictor, trained together: the prediction's gradient does not reach the
    tokens. Causal by windows: a window's tokens are drawn given the tokens before it and the
    speaker; its frames see the speaker up to themselves.
    """

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        width, history = config.width, history_frames(config.history_s)
        self.window = config.window
        self.tokeniser = FaceTokeniser(width)
        self.voice = CausalTransformer(config, 1, history)
        self.face = CausalTransformer(config, 1, history)
        self.speaker = CrossModalBlock(config)
        self.token = nn.Embedding(TOKENS + 1, width)  # the last one: not known
        self.listener = CausalTransformer(config, 1, history)
        self.fusion = nn.ModuleList(CrossModalBlock(config) for _ in range(config.cie_layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, TOKENS)

    def losses(self, batch: Batch, generator: torch.Generator, step: int = 0) -> dict[str, Tensor]:
        """The tokeniser's smooth L1 terms and the predictor's cross-entropy."""
        listener = self.own_listener(batch)
        rebuilt, tokens = self.tokeniser(listener)
        before = F.pad(tokens[:, : -self.window], (self.window, 0), value=TOKENS)
        hidden = CropNoise(generator, batch.position).uniform(tokens.shape[1]) < PAST_MASKED
        before = before.masked_fill(hidden.to(before.device), TOKENS)
        logits, _ = self._predict(before, self._speaker(batch.speaker), None)
        return {
            "reconstruction": F.smooth_l1_loss(rebuilt, listener),
            "motion": MOTION_WEIGHT * F.smooth_l1_loss(rebuilt.diff(dim=1), listener.diff(dim=1)),
            "prediction": PREDICTION_WEIGHT
            * F.cross_entropy(logits.flatten(0, 1), tokens.flatten()),
        }

    @torch.no_grad()
    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58): M sequences of tokens, window after window."""
        batch, frames = speaker.face.shape[:2]
        windows = whole_windows(frames, self.window)
        seen = self._speaker(speaker).repeat_interleave(samples, dim=0)
        shape = (batch * samples, self.window)
        token, state = torch.full(shape, TOKENS, device=seen.device), None
        drawn = []
        for index in range(windows):
            now = seen[:, index * self.window : (index + 1) * self.window]
            logits, state = self._predict(token, now, state)
            uniform = torch.rand(*shape, TOKENS, generator=generator).clamp(1e-6, 1.0 - 1e-6)
            # The largest of logits plus Gumbel noise is a draw from their softmax.
            gumbel = -torch.log(-torch.log(uniform)).to(logits)
            token = (logits / TEMPERATURE + gumbel).argmax(dim=-1)
            drawn.append(token)
        reaction = self.real_units(self.tokeniser.decode(torch.cat(drawn, dim=1)))
        result: Tensor = reaction.unflatten(0, (batch, samples))
        return result

    def _speaker(self, speaker: SpeakerInput) -> Tensor:
        """(B, T, D): the face, fused with the voice; causal."""
        heard = self.hear(speaker).unflatten(1, (-1, self.speech_encoder.ratio)).amax(dim=2)
        voice, _ = self.voice(heard, None)
        face, _ = self.face(self.see(speaker), None)
        fused: Tensor = self.speaker(face, voice, (None, None))[0]
        return fused

    def _predict(
        self, before: Tensor, speaker: Tensor, state: State | None
    ) -> tuple[Tensor, State]:
        """before (N, n) the tokens one window earlier, speaker (N, n, D)
        -> logits (N, n, TOKENS) and the state for the frames that follow."""
        own, states = state or (None, [(None, None)] * len(self.fusion))
        x, own = self.listener(self.token(before), own)
        kept = []
        for block, past in zip(self.fusion, states, strict=True):
            x, past = block(x, speaker, past)
            kept.append(past)
        return self.head(self.norm(x)), (own, kept)

"""The paper's modules between the encoders and the output: PMA, CIE, sampling, LRD, SLBS."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reactface_node.config import ModelConfig
from reactface_node.model.attention import Attention, KVCache, extend
from reactface_node.model.layers import (
    CrossLayer,
    FeedForward,
    SelfLayer,
    history_frames,
    sinusoidal_positions,
)
from reactface_node.schema import NUM_COEFFICIENTS


class PointToPointAlignment(nn.Module):
    """PMA (Eq. 6): face frame i attends to its own speech features k*i .. k*i + k - 1 only."""

    def __init__(self, config: ModelConfig, ratio: int):
        super().__init__()
        self.ratio = ratio
        self.norm = nn.LayerNorm(config.width)
        self.attention = Attention(config.width, config.heads)
        self.feed_forward = FeedForward(config.width, config.dropout)
        self.out_norm = nn.LayerNorm(config.width)

    def forward(self, face: Tensor, speech: Tensor) -> Tensor:
        """face (B, n, D), speech (B, n*k, D) -> aligned face (B, n, D)."""
        own = speech.unflatten(1, (-1, self.ratio)).flatten(0, 1)
        query = self.norm(face).flatten(0, 1)[:, None]
        mixed = self.attention.attend(query, self.attention.remember(own))
        x = face + mixed[:, 0].unflatten(0, face.shape[:2])
        return self.out_norm(x + self.feed_forward(x))


@dataclass(frozen=True)
class CIEState:
    speech: KVCache | None
    face: KVCache | None
    layers: tuple[KVCache | None, ...]


class ConditionalInteractionEncoder(nn.Module):
    """CIE (Eq. 7): what has been said, seen and shown so far -> N(mu, sigma) of the next window.

    Past reactions are fused with past speech and past face; then the mu and sigma tokens attend
    to them, each to the reactions and itself but not to the other (the paper's token mask). The
    reactions never attend to the tokens and are causal among themselves, so what they computed
    for one window stays true for the next and is kept.
    """

    def __init__(self, config: ModelConfig, ratio: int):
        super().__init__()
        history = history_frames(config.history_s)
        self.embed = nn.Linear(NUM_COEFFICIENTS, config.width)
        self.with_speech = CrossLayer(config, history, ratio)
        self.with_face = CrossLayer(config, history)
        self.tokens = nn.Parameter(0.02 * torch.randn(2, config.width))
        self.layers = nn.ModuleList([SelfLayer(config, history) for _ in range(config.cie_layers)])
        self.norm = nn.LayerNorm(config.width)
        self.mean = nn.Linear(config.width, config.width)
        self.log_variance = nn.Linear(config.width, config.width)

    def initial_state(self) -> CIEState:
        return CIEState(None, None, (None,) * len(self.layers))

    def forward(
        self, past: Tensor, speech: Tensor, face: Tensor, state: CIEState
    ) -> tuple[Tensor, Tensor, CIEState]:
        """The previous window: reactions (B, M, w, 58), speech (B, w*k, D), face (B, w, D).

        Returns mu and log-variance, (B, M, D) each, of the window that follows.
        """
        batch, samples = past.shape[:2]
        x, speech_cache = self.with_speech(self.embed(past), speech, state.speech)
        x, face_cache = self.with_face(x, face, state.face)
        x = x.flatten(0, 1)
        tokens = self.tokens.expand(batch * samples, -1, -1)
        kept = []
        for layer, cache in zip(self.layers, state.layers, strict=True):
            tokens, x, cache = self._layer(layer, tokens, x, cache)
            kept.append(cache)
        tokens = self.norm(tokens).unflatten(0, (batch, samples))
        mean, log_variance = self.mean(tokens[:, :, 0]), self.log_variance(tokens[:, :, 1])
        # exp(10) is far outside anything useful; the bound keeps a wild input finite.
        return mean, log_variance.clamp(-10, 10), CIEState(speech_cache, face_cache, tuple(kept))

    @staticmethod
    def _layer(
        layer: nn.Module, tokens: Tensor, x: Tensor, cache: KVCache | None
    ) -> tuple[Tensor, Tensor, KVCache | None]:
        assert isinstance(layer, SelfLayer)
        biased, attention = layer.attention, layer.attention.attention
        normed = layer.norm(tokens)
        seen = layer.extend(x, cache)
        steps, device = seen.keys.shape[2], tokens.device
        age = torch.arange(steps - 1, -1, -1, device=device)
        units = torch.div(age, biased.period, rounding_mode="floor")
        bias = -units.to(x.dtype) * biased.slopes[:, None, None]
        bias = bias.masked_fill(age >= biased.history, float("-inf"))
        apart = torch.full((2, 2), float("-inf"), device=device).fill_diagonal_(0.0)
        mask = torch.cat([bias.expand(-1, 2, -1), apart.expand(len(bias), 2, 2)], dim=-1)
        mixed = attention.attend(normed, extend(seen, attention.remember(normed)), mask)
        tokens = tokens + layer.dropout(mixed)
        tokens = tokens + layer.feed_forward(tokens)
        return tokens, layer.attend(x, seen), biased.trim(seen)


def sample_latent(
    mean: Tensor, log_variance: Tensor, noise: Tensor, last: Tensor | None, momentum: float
) -> Tensor:
    """Eq. 10: z_t = a z_(t-w) + (1 - a) z*, z* = mu + sigma * noise; all (B, M, D).

    The first window has no past: its z is its own draw.
    """
    drawn = mean + torch.exp(0.5 * log_variance) * noise
    return drawn if last is None else momentum * last + (1.0 - momentum) * drawn


def interpolate_latent(last: Tensor | None, latent: Tensor, window: int) -> Tensor:
    """Eq. 11: weights 1/w .. 1 from z_(t-w) to z_t; (B, M, D) -> (B, M, w, D)."""
    start = latent if last is None else last
    weights = torch.arange(1, window + 1, device=latent.device, dtype=latent.dtype) / window
    return start[:, :, None] + weights[:, None] * (latent - start)[:, :, None]


class ListenerReactionDecoder(nn.Module):
    """LRD (Eqs 8, 12, 13): the window's latents and its positions -> reaction features.

    ``latent_query`` is Eq. 12 as printed, queries Z and keys and values P: it can output only
    mixtures of positional codes. ``latent_memory`` has the released code's roles, queries P and
    keys and values Z.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.roles = config.lrd
        self.cycle = history_frames(config.history_s)
        self.width = config.width
        if config.lrd == "latent_memory":
            self.embed = nn.Linear(config.width, config.width)
            self.attention = Attention(config.width, config.heads)
        self.feed_forward = FeedForward(config.width, config.dropout)

    def forward(self, latents: Tensor, frame: Tensor) -> Tensor:
        """latents (B, M, w, D), frame (B,) of the window's first frame -> (B, M, w, D)."""
        batch, samples, window, _ = latents.shape
        # Modulo the history: minute 60 must look like minute 1.
        index = (frame[:, None] + torch.arange(window, device=frame.device)) % self.cycle
        positions = sinusoidal_positions(index, self.width).to(latents.dtype)
        positions = positions.repeat_interleave(samples, dim=0)
        flat = latents.flatten(0, 1)
        if self.roles == "latent_memory":
            query = self.embed(positions)
            x = query + self.attention.attend(query, self.attention.remember(flat))
        else:
            scores = flat @ positions.transpose(1, 2) / self.width**0.5
            x = scores.softmax(dim=-1) @ positions
        return (x + self.feed_forward(x)).unflatten(0, (batch, samples))


@dataclass(frozen=True)
class SLBSState:
    face: KVCache | None
    speech: KVCache | None


class Synchroniser(nn.Module):
    """SLBS (Eqs 14-17): VIM aligns the reactions with the face, then MIM with the speech."""

    def __init__(self, config: ModelConfig, ratio: int):
        super().__init__()
        history = history_frames(config.sync_history_s)
        self.visual = CrossLayer(config, history)
        self.modality = CrossLayer(config, history, ratio)

    def forward(
        self, reaction: Tensor, face: Tensor, speech: Tensor, state: SLBSState
    ) -> tuple[Tensor, SLBSState]:
        """reaction (B, M, w, D), face (B, w, D), speech (B, w*k, D) -> (B, M, w, D)."""
        x, face_cache = self.visual(reaction, face, state.face)
        x, speech_cache = self.modality(x, speech, state.speech)
        return x, SLBSState(face_cache, speech_cache)

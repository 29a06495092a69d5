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
        self.window = config.window
        self.embed = nn.Linear(NUM_COEFFICIENTS + config.disposition, config.width)
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
        self, past: Tensor, speech: Tensor, face: Tensor, disposition: Tensor, state: CIEState
    ) -> tuple[Tensor, Tensor, CIEState]:
        """The previous W windows: reactions (B, M, n, 58), speech (B, n*k, D), face (B, n, D),
        n = W*w, and the listeners' dispositions (B, M, S).

        Returns mu and log-variance, (B, M, W, D) each, of the windows that follow each of them.
        """
        batch, samples, frames, _ = past.shape
        who = disposition[:, :, None].expand(-1, -1, frames, -1)
        x = self.embed(torch.cat([past, who], dim=-1))
        x, speech_cache = self.with_speech(x, speech, state.speech)
        x, face_cache = self.with_face(x, face, state.face)
        x = x.flatten(0, 1)
        tokens = self.tokens.repeat(frames // self.window, 1).expand(batch * samples, -1, -1)
        kept = []
        for layer, cache in zip(self.layers, state.layers, strict=True):
            tokens, x, cache = self._layer(layer, tokens, x, cache)
            kept.append(cache)
        tokens = self.norm(tokens).unflatten(0, (batch, samples)).unflatten(2, (-1, 2))
        mean, log_variance = self.mean(tokens[..., 0, :]), self.log_variance(tokens[..., 1, :])
        # exp(10) is far outside anything useful; the bound keeps a wild input finite.
        return mean, log_variance.clamp(-10, 10), CIEState(speech_cache, face_cache, tuple(kept))

    def _layer(
        self, layer: nn.Module, tokens: Tensor, x: Tensor, cache: KVCache | None
    ) -> tuple[Tensor, Tensor, KVCache | None]:
        """tokens (N, 2W, D), a mu and a sigma token for every window of x (N, W*w, D)."""
        assert isinstance(layer, SelfLayer)
        biased, attention = layer.attention, layer.attention.attention
        normed = layer.norm(tokens)
        seen = layer.extend(x, cache)
        steps, count, device = seen.keys.shape[2], tokens.shape[1], tokens.device
        last = steps - x.shape[1] + self.window * (torch.arange(count, device=device) // 2 + 1) - 1
        age = last[:, None] - torch.arange(steps, device=device)
        units = torch.div(age, biased.period, rounding_mode="floor")
        bias = -units.to(x.dtype) * biased.slopes[:, None, None]
        bias = bias.masked_fill((age < 0) | (age >= biased.history), float("-inf"))
        apart = torch.full((count, count), float("-inf"), device=device).fill_diagonal_(0.0)
        mask = torch.cat([bias, apart.expand(len(bias), count, count)], dim=-1)
        mixed = attention.attend(normed, extend(seen, attention.remember(normed)), mask)
        tokens = tokens + layer.dropout(mixed)
        tokens = tokens + layer.feed_forward(tokens)
        return tokens, layer.attend(x, seen), biased.trim(seen)


def draw_latent(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """z* = mu + sigma * noise; all (..., D)."""
    return mean + torch.exp(0.5 * log_variance) * noise


def follow_latent(drawn: Tensor, last: Tensor | None, momentum: float) -> Tensor:
    """Eq. 10: z_t = a z_(t-w) + (1 - a) z*, window after window; (B, M, W, D).

    last (B, M, D) is the z before; the first window has no past: its z is its own draw.
    """
    followed = []
    for star in drawn.unbind(2):
        last = star if last is None else momentum * last + (1.0 - momentum) * star
        followed.append(last)
    return torch.stack(followed, dim=2)


def interpolate_latent(last: Tensor | None, latent: Tensor, window: int) -> Tensor:
    """Eq. 11: weights 1/w .. 1 from z_(t-w) to z_t; (B, M, W, D) -> (B, M, W*w, D)."""
    first = latent[:, :, :1] if last is None else last[:, :, None]
    start = torch.cat([first, latent[:, :, :-1]], dim=2)
    weights = torch.arange(1, window + 1, device=latent.device, dtype=latent.dtype) / window
    frames = start[:, :, :, None] + weights[:, None] * (latent - start)[:, :, :, None]
    return frames.flatten(2, 3)


def spread_apart(drawn: Tensor) -> Tensor:
    """(B, M, S) standard normal -> the same, each sample orthogonal to the S - 1 before it.

    Any one of them is still standard normal, and does not depend on how many follow it; but no
    two are alike by chance (orthogonal sampling, as in Yu et al. 2016's random features).
    """
    size = drawn.shape[-1]
    if not size:
        return drawn
    apart: list[Tensor] = []
    for index, sample in enumerate(drawn.unbind(1)):
        left = sample
        for other in apart[index // size * size :]:
            share = (left * other).sum(-1, keepdim=True) / other.square().sum(-1, keepdim=True)
            left = left - share * other
        length = sample.norm(dim=-1, keepdim=True) / left.norm(dim=-1, keepdim=True)
        apart.append(length * left)
    return torch.stack(apart, dim=1)


def join_windows(
    edge: Tensor | None, reaction: Tensor, window: int
) -> tuple[Tensor, Tensor | None]:
    """Every window of (B, M, W*w, 58) starts where the two frames before it lead; the gap to
    what was decoded is closed evenly over its frames, all but 1/(w+1) of it.

    edge (B, M, 2, 58): the frames before the first window; None = there are none. Returns the
    frames and the new edge. Animators call this inertialization (Bollo, GDC 2018).
    """
    fade = 1.0 - torch.arange(1, window + 1, device=reaction.device) / (window + 1)
    joined = []
    for decoded in reaction.unflatten(2, (-1, window)).unbind(2):
        if edge is not None:
            expected = 2.0 * edge[:, :, 1] - edge[:, :, 0]
            gap = expected - decoded[:, :, 0]
            decoded = decoded + fade.to(decoded.dtype)[:, None] * gap[:, :, None]
        before = decoded[:, :, :1] if edge is None else edge
        edge = torch.cat([before, decoded], dim=2)[:, :, -2:]
        joined.append(decoded)
    return torch.cat(joined, dim=2), edge


class ListenerReactionDecoder(nn.Module):
    """LRD (Eqs 8, 12, 13): the window's latents and its positions -> reaction features.

    ``latent_query`` is Eq. 12 as printed, queries Z and keys and values P: it can output only
    mixtures of positional codes. ``latent_memory`` has the released code's roles, queries P and
    keys and values Z. ``latent_frame`` adds to both of the latter which frame of the window it
    is, and to a query the latent of its own frame: without them a query cannot tell where in the
    window it stands.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.roles = config.lrd
        self.cycle = history_frames(config.history_s)
        self.width, self.window = config.width, config.window
        if config.lrd != "latent_query":
            self.embed = nn.Linear(config.width, config.width)
            self.attention = Attention(config.width, config.heads)
        if config.lrd == "latent_frame":
            self.slots = nn.Parameter(0.2 * torch.randn(config.window, config.width))
        if config.disposition:
            self.style = nn.Linear(config.disposition, config.width, bias=False)
        self.feed_forward = FeedForward(config.width, config.dropout)

    def forward(self, latents: Tensor, disposition: Tensor, frame: Tensor) -> Tensor:
        """latents (B, M, n, D) of whole windows, dispositions (B, M, S), frame (B,) of the first
        one -> (B, M, n, D)."""
        _, samples, frames, _ = latents.shape
        # Modulo the history: minute 60 must look like minute 1.
        index = (frame[:, None] + torch.arange(frames, device=frame.device)) % self.cycle
        positions = sinusoidal_positions(index, self.width).to(latents.dtype)
        positions = positions[:, None].expand(-1, samples, -1, -1)
        if disposition.shape[-1]:
            latents = latents + self.style(disposition)[:, :, None]
        x = self._attend(*(part.unflatten(2, (-1, self.window)) for part in (latents, positions)))
        x = x.flatten(2, 3)
        return x + self.feed_forward(x)

    def _attend(self, latents: Tensor, positions: Tensor) -> Tensor:
        """(B, M, W, w, D) each -> (B, M, W, w, D), every window for itself."""
        if self.roles == "latent_query":
            scores = latents @ positions.transpose(-1, -2) / self.width**0.5
            return scores.softmax(dim=-1) @ positions
        query = self.embed(positions)
        if self.roles == "latent_frame":
            latents = latents + self.slots
            query = query + latents
        memory = self.attention.remember(latents.flatten(0, 2))
        mixed = self.attention.attend(query.flatten(0, 2), memory)
        return query + mixed.unflatten(0, query.shape[:3])


@dataclass(frozen=True)
class SLBSState:
    face: KVCache | None
    speech: KVCache | None


class Synchroniser(nn.Module):
    """SLBS (Eqs 14-17): VIM aligns the reactions with the face, then MIM with the speech.

    Either may be left out (Table 4), and MIM may see its own frame's speech alone, as in
    FaceFormer's point-to-point alignment (Table 5).
    """

    def __init__(self, config: ModelConfig, ratio: int):
        super().__init__()
        history = history_frames(config.sync_history_s)
        self.window_alone = config.window if history == 0 else 0
        self.visual = CrossLayer(config, history) if config.visual else None
        heard = 1 if config.modality == "point" else history
        self.modality = CrossLayer(config, heard, ratio) if config.modality != "none" else None

    def forward(
        self, reaction: Tensor, face: Tensor, speech: Tensor, state: SLBSState
    ) -> tuple[Tensor, SLBSState]:
        """reaction (B, M, n, D), face (B, n, D), speech (B, n*k, D) -> (B, M, n, D)."""
        windows = face.shape[1] // self.window_alone if self.window_alone else 1
        x = reaction.unflatten(2, (windows, -1)).transpose(1, 2).flatten(0, 1)
        face = face.unflatten(1, (windows, -1)).flatten(0, 1)
        speech = speech.unflatten(1, (windows, -1)).flatten(0, 1)
        face_cache, speech_cache = state.face, state.speech
        if self.visual is not None:
            x, face_cache = self.visual(x, face, face_cache)
        if self.modality is not None:
            x, speech_cache = self.modality(x, speech, speech_cache)
        x = x.unflatten(0, (-1, windows)).transpose(1, 2).flatten(2, 3)
        return x, SLBSState(face_cache, speech_cache)

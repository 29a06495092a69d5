"""The paper's modules between encoders and output: PMA, CIE, LRD, SLBS."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reactface_node.config import ModelConfig
from reactface_node.model.attention import Attention, BiasedAttention, Memory, extend
from reactface_node.model.layers import (
    CrossLayer,
    FeedForward,
    SelfLayer,
    history_frames,
    sinusoidal_positions,
)
from reactface_node.model.rings import Ring, RingClock
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
        aligned: Tensor = self.out_norm(x + self.feed_forward(x))
        return aligned


@dataclass(frozen=True)
class CIEState:
    """Memories of ``ConditionalInteractionEncoder``."""

    speech: Memory | None
    face: Memory | None
    layers: tuple[Memory | None, ...]


class ConditionalInteractionEncoder(nn.Module):
    """CIE (Eq. 7): past speech, face and reactions -> N(mu, sigma) of the next window.

    Past reactions are fused with past speech and face. The mu and sigma tokens then attend to the
    reactions and to themselves, but not to each other (the paper's token mask). The reactions never
    attend to the tokens and are causal among themselves, so their keys and values are kept from
    window to window.
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

    def initial_state(self, samples: int = 1, clock: RingClock | None = None) -> CIEState:
        """State of new sessions, with memory in rings, if a clock is given; otherwise of a clip."""
        if clock is None:
            return CIEState(None, None, (None,) * len(self.layers))
        # Two more places: the mu and the sigma token.
        layers = [layer.attention.ring(clock, samples, 2) for layer in self._layers()]
        speech = self.with_speech.attention.ring(clock)
        return CIEState(speech, self.with_face.attention.ring(clock), tuple(layers))

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
        tokens = self.tokens.repeat(frames // self.window, 1).expand(batch * samples, -1, -1)
        x, kept, mask = torch.cat([x.flatten(0, 1), tokens], dim=1), [], None
        for layer, cache in zip(self._layers(), state.layers, strict=True):
            normed = layer.norm(x)
            seen, later = _remember(layer.attention, cache, normed, frames)
            if mask is None:
                mask = self._mask(layer.attention, later, frames, samples)
            x = layer.finish(x, layer.attention.attention.attend(normed, seen, mask))
            kept.append(layer.attention.trim(later))
        tokens = self.norm(x[:, frames:]).unflatten(0, (batch, samples)).unflatten(2, (-1, 2))
        mean, log_variance = self.mean(tokens[..., 0, :]), self.log_variance(tokens[..., 1, :])
        # exp(10) is far outside useful values; the bound keeps extreme inputs finite.
        return mean, log_variance.clamp(-10, 10), CIEState(speech_cache, face_cache, tuple(kept))

    def _layers(self) -> list[SelfLayer]:
        return [layer for layer in self.layers if isinstance(layer, SelfLayer)]

    def _mask(
        self, biased: BiasedAttention, reactions: Memory, frames: int, samples: int
    ) -> Tensor:
        """The paper's token mask, (B*M or 1, heads, n + 2W, S + 2W).

        A window's tokens see what its last reaction sees, and each sees itself; the reactions see
        no token.
        """
        bias = biased.bias(frames, reactions)
        last = bias[:, :, self.window - 1 :: self.window].repeat_interleave(2, dim=2)
        count = last.shape[2]
        own = torch.eye(frames + count, dtype=torch.bool, device=bias.device)[:, frames:]
        apart = bias.new_zeros(own.shape).masked_fill(~own, float("-inf"))
        apart = apart.expand(*bias.shape[:2], -1, -1)
        mask = torch.cat([torch.cat([bias, last], dim=2), apart], dim=3)
        if mask.shape[0] == 1:
            return mask
        each: Tensor = mask[:, None].expand(-1, samples, -1, -1, -1).flatten(0, 1)
        return each


def _remember(
    biased: BiasedAttention, cache: Memory | None, x: Tensor, frames: int
) -> tuple[Memory, Memory]:
    """x: n reactions, then tokens -> the memory to attend to, and its part for later windows."""
    if isinstance(cache, Ring):
        rows = biased.attention.key_value(x)
        cache.write(rows[:, :frames])
        cache.write_more(rows[:, frames:])
        return cache, cache
    kept = biased.extend(cache, x[:, :frames])
    assert not isinstance(kept, Ring)
    return extend(kept, biased.attention.remember(x[:, frames:])), kept


class ListenerReactionDecoder(nn.Module):
    """LRD (Eqs 8, 12, 13): latents and positions of a window -> reaction features.

    ``latent_query`` is Eq. 12 as printed: queries Z, keys and values P. Its output can only be a
    mixture of position codes. ``latent_memory`` is as in the released code: queries P, keys and
    values Z. ``latent_frame`` adds to the latter a learned code of the frame's place in the window
    (to Z) and the frame's own latent (to the query); without them a query does not know its place.
    """

    codes: Tensor

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
        codes = sinusoidal_positions(torch.arange(self.cycle), self.width)
        self.register_buffer("codes", codes, persistent=False)

    def forward(self, latents: Tensor, disposition: Tensor, frame: Tensor) -> Tensor:
        """latents (B, M, n, D) of whole windows, disposition (B, M, S), frame (B,): index of the
        first frame -> (B, M, n, D)."""
        _, samples, frames, _ = latents.shape
        # Modulo the history, so that positions stay in the trained range in long sessions.
        index = (frame[:, None] + torch.arange(frames, device=frame.device)) % self.cycle
        positions = self.codes[index][:, None].expand(-1, samples, -1, -1)
        if disposition.shape[-1]:
            latents = latents + self.style(disposition)[:, :, None]
        x = self._attend(*(part.unflatten(2, (-1, self.window)) for part in (latents, positions)))
        x = x.flatten(2, 3)
        decoded: Tensor = x + self.feed_forward(x)
        return decoded

    def _attend(self, latents: Tensor, positions: Tensor) -> Tensor:
        """(B, M, W, w, D) each -> (B, M, W, w, D); each window attends to itself only."""
        if self.roles == "latent_query":
            scores: Tensor = latents @ positions.transpose(-1, -2) / self.width**0.5
            return scores.softmax(dim=-1) @ positions
        query: Tensor = self.embed(positions)
        if self.roles == "latent_frame":
            latents = latents + self.slots
            query = query + latents
        memory = self.attention.remember(latents.flatten(0, 2))
        mixed = self.attention.attend(query.flatten(0, 2), memory)
        attended: Tensor = query + mixed.unflatten(0, query.shape[:3])
        return attended


@dataclass(frozen=True)
class SLBSState:
    """Memories of ``Synchroniser``; None if nothing is kept."""

    face: Memory | None
    speech: Memory | None


class Synchroniser(nn.Module):
    """SLBS (Eqs 14-17): VIM aligns the reactions with the face, then MIM with the speech.

    Either can be left out (Table 4). MIM can see the speech of its own frame only, as in
    FaceFormer's point-to-point alignment (Table 5).
    """

    def __init__(self, config: ModelConfig, ratio: int):
        super().__init__()
        history = history_frames(config.sync_history_s)
        self.window_alone = config.window if history == 0 else 0
        self.visual = CrossLayer(config, history) if config.visual else None
        heard = 1 if config.modality == "point" else history
        self.modality = CrossLayer(config, heard, ratio) if config.modality != "none" else None

    def initial_state(self, clock: RingClock | None = None) -> SLBSState:
        """State of new sessions, with memory in rings, if a clock is given; otherwise of a clip."""
        if clock is None:
            return SLBSState(None, None)
        face, speech = (
            None if layer is None else layer.attention.ring(clock)
            for layer in (self.visual, self.modality)
        )
        return SLBSState(face, speech)

    def forward(
        self, reaction: Tensor, face: Tensor, speech: Tensor, state: SLBSState
    ) -> tuple[Tensor, SLBSState]:
        """reaction (B, M, n, D), face (B, n, D), speech (B, n*k, D) -> (B, M, n, D), new state."""
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

"""Trans-VAE, online: the baseline of the REACT challenges from 2023 on (Song et al. 2023).

A transformer encoder reads the speaker and the listener's own past, and gives one normal
distribution a window; transformer decoders turn a draw from it into the window's motion. Structure
and losses are those of the released code (``TransformerVAE``, with ``--online``), but in our few
steps that form learns no more than the mean face. So the layers are pre-norm, the encoder's
attention fades with age (ALiBi), the latent starts with a small deviation and little KL, and the
part of the decoder that continues the past is added with a weight that starts at zero. The losses
are taken on standardised coefficients, and there are no facial attributes.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.attention import Attention, KVCache, extend, latest
from reactface_node.model.layers import FeedForward, history_frames, sinusoidal_positions
from reactface_node.model.records import SpeakerInput
from reactface_node.model.rings import alibi_slopes
from reactface_node.research.training.baselines.common import FrameListener, whole_windows
from reactface_node.research.training.corpus import Batch
from reactface_node.research.training.noise import CropNoise
from reactface_node.schema import NUM_COEFFICIENTS

KL_WEIGHT, KL_STEPS = 2e-4, 1000  # full weight from that step on: at once, the latents collapse
# Added to the log-variances: with a deviation of 1 at the start, the decoder learns to ignore the
# latent before it says anything about the speaker.
START_LOG_VARIANCE = -4.0
DIVERSITY_WEIGHT = 0.1
DIVERSITY_SCALE = 1.0  # of mean squared standardised differences
LARGEST = 12.0  # standardised: bound of drawn values that are fed back


class Response(NamedTuple):
    """reaction (N, T, 58) standardised; mean and log_variance (N, T/w, D) of each window."""

    reaction: Tensor
    mean: Tensor
    log_variance: Tensor


class Caches(NamedTuple):
    """The frames before a window: of the speaker and the listener for the encoder, of the listener
    for each attention of the decoder; None before the first window."""

    encoder: KVCache | None
    decoder: tuple[KVCache, ...] | None


class NewestLayer(nn.Module):
    """A pre-norm transformer layer for a few queries: attention to their own sequence, attentions
    to other memories, then feed-forward. The first attention may be masked."""

    def __init__(self, config: ModelConfig, attentions: int):
        super().__init__()
        width = config.width
        self.attentions = nn.ModuleList(Attention(width, config.heads) for _ in range(attentions))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(attentions))
        self.feed_forward = FeedForward(width, config.dropout)
        self.dropout = nn.Dropout(config.dropout)

    def read(self, sequence: Tensor, *memories: Tensor) -> tuple[KVCache, ...]:
        """sequence and memories (N, n, D), one per attention."""
        attentions = (part for part in self.attentions if isinstance(part, Attention))
        parts = zip(attentions, (self.norms[0](sequence), *memories), strict=True)
        return tuple(attention.remember(memory) for attention, memory in parts)

    def forward(
        self, queries: Tensor, read: tuple[KVCache, ...], mask: Tensor | None = None
    ) -> Tensor:
        """queries (N, w, D); mask of the first attention: (w, n) bool, True where it may look, or
        numbers (heads, w, n) that are added to its logits -> (N, w, D)."""
        for part, norm, memory in zip(self.attentions, self.norms, read, strict=True):
            assert isinstance(part, Attention)
            queries = queries + self.dropout(part.attend(norm(queries), memory, mask))
            mask = None
        result: Tensor = queries + self.feed_forward(queries)
        return result


class TransVAE(FrameListener):
    """Causal by windows: a window depends on the speaker up to its end, and on the reactions of the
    windows before it. Each window's latent is drawn anew.

    Only the queries whose outputs are used are computed, and only once: with one layer this changes
    nothing, and keeps a window's cost bounded, as is the history (``history_s``).
    """

    slopes: Tensor

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        width, self.window = config.width, config.window
        self.register_buffer("slopes", alibi_slopes(config.heads), persistent=False)
        self.history = max(history_frames(config.history_s), config.window)
        self.fusion = nn.Linear(width + NUM_COEFFICIENTS, width)
        self.latent_in = nn.Linear(width, width)
        self.tokens = nn.Parameter(0.05 * torch.randn(2, width))
        self.encoder = NewestLayer(config, 1)
        self.from_latent = NewestLayer(config, 2)
        self.in_window = NewestLayer(config, 2)
        self.past = nn.Linear(NUM_COEFFICIENTS, width)
        self.present = nn.Linear(width, width)
        self.with_past = NewestLayer(config, 2)
        self.lstm = nn.LSTM(width, width, batch_first=True)
        self.gate = nn.Parameter(torch.zeros(()))
        self.head = nn.Linear(width, NUM_COEFFICIENTS)

    def losses(self, batch: Batch, generator: torch.Generator, step: int = 0) -> dict[str, Tensor]:
        """Squared error to the clip's own listener, the KL to N(0, 1), and the likeness of two
        samples, exp(-d^2 / scale)."""
        listener, speaker = self.own_listener(batch), self.speaker_features(batch.speaker)
        chance, shape = CropNoise(generator, batch.position), self._latents(speaker)
        one = self._respond(speaker, chance.normal(*shape).to(speaker))
        with torch.no_grad():
            other = self._respond(speaker, chance.normal(*shape).to(speaker))
        apart = (one.reaction - other.reaction).square().mean(dim=(1, 2))
        return {
            "reaction": F.mse_loss(one.reaction, listener),
            "kl": KL_WEIGHT
            * min(1.0, step / KL_STEPS)
            * divergence(one.mean, one.log_variance).mean(),
            "diversity": DIVERSITY_WEIGHT * (-apart / DIVERSITY_SCALE).exp().mean(),
        }

    @torch.no_grad()
    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58): M draws, window after window."""
        seen = self.speaker_features(speaker)
        shape = (len(seen) * samples, *self._latents(seen))
        noise = torch.randn(shape, generator=generator).to(seen)
        reaction = self._respond(seen.repeat_interleave(samples, dim=0), noise).reaction
        result: Tensor = self.real_units(reaction).unflatten(0, (-1, samples))
        return result

    def _latents(self, speaker: Tensor) -> tuple[int, int]:
        """The shape (T/w, D) of a clip's latents; speaker (B, T, D)."""
        return whole_windows(speaker.shape[1], self.window), speaker.shape[2]

    def _respond(self, speaker: Tensor, noise: Tensor) -> Response:
        """speaker (N, T, D), noise (N, T/w, D)."""
        memories, last = Caches(None, None), None
        reactions, means, log_variances = [], [], []
        for index, seen in enumerate(speaker.split(self.window, dim=1)):
            mean, log_variance = self._encode(seen, memories)
            latent = mean + (0.5 * log_variance).exp() * noise[:, index]
            reaction = self._decode(latent, memories, last).clamp(-LARGEST, LARGEST)
            memories, last = self._remember(memories, seen, reaction), reaction[:, -1]
            reactions.append(reaction)
            means.append(mean)
            log_variances.append(log_variance)
        return Response(
            torch.cat(reactions, dim=1), torch.stack(means, 1), torch.stack(log_variances, 1)
        )

    def _encode(self, seen: Tensor, memories: Caches) -> tuple[Tensor, Tensor]:
        """seen (N, w, D) -> mean, log-variance (N, D) of the window's latent."""
        tokens = self.tokens.expand(len(seen), -1, -1)
        unknown = seen.new_zeros(*seen.shape[:2], NUM_COEFFICIENTS)
        frames = torch.cat([tokens, self._fused(seen, unknown)], dim=1)
        read = extend(memories.encoder, self.encoder.read(frames)[0])
        ages = torch.arange(read.keys.shape[2] - 1, -1, -1, device=seen.device) // self.window
        told = self.encoder(tokens, (read,), -self.slopes[:, None, None] * ages)
        mean, log_variance = told.unbind(dim=1)
        return mean, log_variance + START_LOG_VARIANCE

    def _decode(self, latent: Tensor, memories: Caches, last: Tensor | None) -> Tensor:
        """latent (N, D), last (N, 58) the frame before -> the window (N, w, 58)."""
        steps = torch.arange(self.window, device=latent.device)
        queries = sinusoidal_positions(steps, latent.shape[-1]).expand(len(latent), -1, -1)
        layer, past = self.from_latent, known(self.window, self.window, latent.device)
        window = layer(queries, layer.read(queries, latent[:, None]), past)
        window = self.in_window(window, self.in_window.read(window, window), past)
        if last is not None and memories.decoder is not None:
            new = self.present(window)
            read = tuple(map(extend, memories.decoder, self.with_past.read(new, new)))
            past = known(self.window, read[0].keys.shape[2], latent.device)
            start = self.past(last)[None]
            continued, _ = self.lstm(self.with_past(new, read, past), (start, start))
            window = window + self.gate * continued
        reaction: Tensor = self.head(window)
        return reaction

    def _remember(self, memories: Caches, seen: Tensor, reaction: Tensor) -> Caches:
        """seen (N, w, D), reaction (N, w, 58): the window that has just been drawn."""
        encoder = self.encoder.read(self._fused(seen, reaction))[0]
        own = self.past(reaction)
        decoder = self.with_past.read(own, own)
        if memories.decoder is not None:
            decoder = tuple(map(extend, memories.decoder, decoder))
        return Caches(
            latest(extend(memories.encoder, encoder), self.history),
            tuple(latest(part, self.history) for part in decoder),
        )

    def _fused(self, seen: Tensor, own: Tensor) -> Tensor:
        """seen (N, w, D), own (N, w, 58) -> frames (N, w, D) for the encoder."""
        frames: Tensor = self.latent_in(self.fusion(torch.cat([seen, own], dim=-1)))
        return frames


def known(queries: int, frames: int, device: torch.device) -> Tensor:
    """(queries, frames) bool: whether a frame is not after the query; the queries are the last
    frames."""
    ones = torch.ones(queries, frames, dtype=torch.bool, device=device)
    return ones.tril(frames - queries)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)), elementwise, in nats."""
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)

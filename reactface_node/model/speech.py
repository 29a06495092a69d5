"""A-Enc (Eq. 5): encodes speech as k features per face frame, streaming and causal."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.wav2vec2 import load_wav2vec2
from reactface_node.schema import FRAME_RATE_HZ, SAMPLE_RATE_HZ, SAMPLES_PER_FRAME

MEL_BANDS = 80
MEL_FRAME = 400
MEL_HOP = 160
MEL_FFT = 512
MEL_FLOOR = 1e-7
KERNEL = 5
FEW_STEPS = 16
"""Up to this many input steps a convolution is computed as a matrix product."""
LOUDNESS_FRAMES = 30 * FRAME_RATE_HZ
"""Longest memory of ``Loudness``."""


def mel_filters(bands: int = MEL_BANDS, low_hz: float = 40.0, high_hz: float = 7600.0) -> Tensor:
    """Triangular filters on the HTK mel scale, (MEL_FFT/2 + 1, bands); each sums to one."""

    def to_mel(hz: Tensor) -> Tensor:
        return 2595.0 * torch.log10(1.0 + hz / 700.0)

    # Numbers, not tensors: both ranges are then on one device, also where torch.linspace is not the
    # function that torch knows, as after transformers has loaded a model.
    low, high = to_mel(torch.tensor([low_hz, high_hz], device="cpu")).tolist()
    corners = 700.0 * (10.0 ** (torch.linspace(low, high, bands + 2) / 2595.0) - 1.0)
    bins = torch.linspace(0.0, SAMPLE_RATE_HZ / 2, MEL_FFT // 2 + 1)[:, None]
    rising = (bins - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - bins) / (corners[2:] - corners[1:-1])
    filters = torch.minimum(rising, falling).clamp(min=0.0)
    return filters / filters.sum(dim=0).clamp(min=1e-8)


class LogMel(nn.Module):
    """Log-mel features of 25 ms every 10 ms; feature j ends with sample 160*(j+1)."""

    window: Tensor
    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(MEL_FRAME), persistent=False)
        self.register_buffer("filters", mel_filters(), persistent=False)

    def forward(self, audio: Tensor, past: Tensor) -> Tensor:
        """audio (B, n*160) in [-1, 1], the 240 samples before it -> (B, n, 80), natural log."""
        frames = torch.cat([past, audio], dim=1).unfold(1, MEL_FRAME, MEL_HOP)
        power = torch.fft.rfft(frames * self.window, n=MEL_FFT).abs().square()
        return torch.log(power @ self.filters + MEL_FLOOR)


@dataclass(frozen=True)
class LogMelState:
    """State of ``LogMelEncoder`` between calls."""

    past: Tensor  # (B, 240) samples before the next feature
    convolutions: tuple[Tensor, ...]  # last inputs of each convolution, (B, C, KERNEL - 1)


class LogMelEncoder(nn.Module):
    """Log-mel features and causal convolutions: k = 4 features per face frame (default profile)."""

    ratio = SAMPLES_PER_FRAME // MEL_HOP
    log_mel: LogMel
    mel_mean: Tensor
    mel_std: Tensor

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.log_mel = LogMel()
        # Statistics of the training audio, so that normalisation does not look ahead.
        self.register_buffer("mel_mean", torch.zeros(MEL_BANDS))
        self.register_buffer("mel_std", torch.ones(MEL_BANDS))
        self.channels = [MEL_BANDS + 1, config.width, config.width]
        self.convolutions = nn.ModuleList(
            [nn.Conv1d(c, config.width, KERNEL) for c in self.channels]
        )
        self.norm = nn.LayerNorm(config.width)

    def initial_state(self, batch: int) -> LogMelState:
        """The state before the first frame: silence."""
        zeros = self.mel_mean.new_zeros
        return LogMelState(
            zeros(batch, MEL_FRAME - MEL_HOP),
            tuple(zeros(batch, channels, KERNEL - 1) for channels in self.channels),
        )

    def forward(
        self, audio: Tensor, valid: Tensor, state: LogMelState
    ) -> tuple[Tensor, LogMelState]:
        """audio (B, n*640), valid (B, n) bool -> (B, 4n, D), new state; silence where not valid."""
        heard = valid.repeat_interleave(self.ratio, dim=1)[..., None]
        mel = (self.log_mel(audio, state.past) - self.mel_mean) / self.mel_std
        x = torch.cat([mel * heard, heard.to(mel.dtype)], dim=-1).transpose(1, 2)
        kept = []
        for index, (conv, past) in enumerate(
            zip(self.convolutions, state.convolutions, strict=True)
        ):
            assert isinstance(conv, nn.Conv1d)
            padded = torch.cat([past, x], dim=2)
            kept.append(padded[:, :, -(KERNEL - 1) :])
            y = F.gelu(convolved(conv, padded))
            x = y if index == 0 else x + y
        joined = torch.cat([state.past, audio], dim=1)
        return self.norm(x.transpose(1, 2)), LogMelState(
            joined[:, -(MEL_FRAME - MEL_HOP) :], tuple(kept)
        )


def convolved(conv: nn.Conv1d, x: Tensor) -> Tensor:
    """Convolution (B, C, n + KERNEL - 1) -> (B, D, n).

    For few steps it is a matrix product, as torch's convolution then takes five times as long.
    """
    if x.shape[2] > FEW_STEPS:
        y: Tensor = conv(x)
        return y
    spans = x.unfold(2, KERNEL, 1).transpose(1, 2).flatten(2)
    return F.linear(spans, conv.weight.flatten(1), conv.bias).transpose(1, 2)


@dataclass(frozen=True)
class Loudness:
    """Running statistics that normalise a stream as wav2vec 2.0 normalises a whole file.

    weight (B,): frames heard so far, at most 30 s. mean, power (B,): mean and mean square.
    """

    weight: Tensor
    mean: Tensor
    power: Tensor

    @staticmethod
    def unheard(batch: int, like: Tensor) -> "Loudness":
        """Statistics before the first sound, on the device of ``like``."""
        return Loudness(*like.new_zeros(3, batch))

    def hear(self, audio: Tensor, valid: Tensor) -> "Loudness":
        """The statistics with n more frames: audio (B, n*640), valid (B, n) bool."""
        frames = audio.unflatten(1, (-1, SAMPLES_PER_FRAME))
        heard = valid.to(audio.dtype)
        count = heard.sum(-1)
        weight = self.weight + count
        share = 1.0 / weight.clamp(min=1.0)
        mean = self.mean + ((frames.mean(-1) * heard).sum(-1) - count * self.mean) * share
        squares = (frames.square().mean(-1) * heard).sum(-1)
        power = self.power + (squares - count * self.power) * share
        return Loudness(weight.clamp(max=LOUDNESS_FRAMES), mean, power)

    def normalise(self, audio: Tensor) -> Tensor:
        """Audio (B, n) -> (B, n) with about zero mean and unit variance."""
        deviation = (self.power - self.mean.square()).clamp(min=0.0).add(1e-7).sqrt()
        return (audio - self.mean[:, None]) / deviation[:, None]


@dataclass(frozen=True)
class Wav2Vec2State:
    """State of ``Wav2Vec2Encoder`` between calls."""

    past: Tensor  # (B, samples) audio before the next window
    loudness: Loudness


class Wav2Vec2Encoder(nn.Module):
    """wav2vec 2.0 over the last C seconds of each window: k = 2 features per face frame.

    wav2vec 2.0 is not causal, so each window is encoded on its own from the audio up to its end, in
    training too. Only whole windows can be encoded.
    """

    ratio = 2

    def __init__(self, config: ModelConfig, backbone: nn.Module | None = None):
        super().__init__()
        self.backbone = backbone or load_wav2vec2(config.wav2vec2)
        self.window = config.window
        # With 80 more samples the strides of the convolutions give exactly 50 features per second.
        self.context = round(config.wav2vec2_context_s * SAMPLE_RATE_HZ) + 80
        hidden = self.backbone.config.hidden_size  # type: ignore[union-attr]
        self.project = nn.Linear(int(hidden) + 1, config.width)  # type: ignore[arg-type]
        self.norm = nn.LayerNorm(config.width)

    def architecture(self) -> dict[str, Any]:
        """The settings of the backbone for ``untrained_wav2vec2``, without its source."""
        config: Any = self.backbone.config
        left_out = ("_name_or_path", "dtype")
        return {n: value for n, value in config.to_diff_dict().items() if n not in left_out}

    def initial_state(self, batch: int) -> Wav2Vec2State:
        """The state before the first frame: silence."""
        zeros = self.project.weight.new_zeros
        past = self.context - self.window * SAMPLES_PER_FRAME
        return Wav2Vec2State(zeros(batch, past), Loudness.unheard(batch, self.project.weight))

    def forward(
        self, audio: Tensor, valid: Tensor, state: Wav2Vec2State
    ) -> tuple[Tensor, Wav2Vec2State]:
        """audio (B, n*640), valid (B, n) bool, n a multiple of w -> (B, 2n, D), new state."""
        batch, hop = len(audio), self.window * SAMPLES_PER_FRAME
        joined = torch.cat([state.past, audio], dim=1)
        loudness, contexts = state.loudness, []
        for index, context in enumerate(joined.unfold(1, self.context, hop).unbind(1)):
            heard = valid[:, index * self.window : (index + 1) * self.window]
            loudness = loudness.hear(audio[:, index * hop : (index + 1) * hop], heard)
            contexts.append(loudness.normalise(context))
        sound = torch.stack(contexts, 1).flatten(0, 1)
        # Only the backbone may use another precision.
        dtype = next(self.backbone.parameters()).dtype
        hidden = self.backbone(sound.to(dtype)).last_hidden_state.to(sound.dtype)
        hidden = hidden[:, -self.ratio * self.window :].unflatten(0, (batch, -1)).flatten(1, 2)
        heard = valid.repeat_interleave(self.ratio, dim=1)[..., None].to(hidden.dtype)
        features = self.norm(self.project(torch.cat([hidden * heard, heard], dim=-1)))
        past = joined[:, joined.shape[1] - (self.context - hop) :]
        return features, Wav2Vec2State(past, loudness)

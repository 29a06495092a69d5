"""The network of ReactDiff: a U-Net over the channels of a window's frames, steered by the noise
level, the frame before the window, and the speaker."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.attention import Attention, KVCache
from reactface_node.model.layers import sinusoidal_positions
from reactface_node.schema import NUM_COEFFICIENTS

GROUP = 32  # channels normalised together
NOISE_BANDS = 16
FORGETTING = 16.0  # frames ago at which attention to the speaker begins e times weaker


class SpeakerReading(NamedTuple):
    """What each block reads of n frames of the speaker's voice and face: keys and values,
    (N, heads, n, d) each."""

    voices: tuple[KVCache, ...]
    faces: tuple[KVCache, ...]

    def part(self, start: int, frames: int, copies: int) -> "SpeakerReading":
        """``frames`` frames from ``start`` on, each row ``copies`` times."""
        end = start + frames
        return self._each(lambda x: x[:, :, start:end].repeat_interleave(copies, dim=0))

    def windows(self, frames: int, step: int) -> "SpeakerReading":
        """All parts of ``frames`` frames, a new one every ``step``: N * W rows."""
        return self._each(lambda x: x.unfold(2, frames, step).permute(0, 2, 1, 4, 3).flatten(0, 1))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "SpeakerReading":
        return SpeakerReading(*(tuple(KVCache(*map(change, one)) for one in side) for side in self))


class Steering(NamedTuple):
    """What all blocks read: level (N, 1, D) of the noise, place (1, w, D) of the frames."""

    level: Tensor
    place: Tensor


class AdaptiveNorm(nn.Module):
    """Group norm over a window; scale and offset come from a condition."""

    def __init__(self, condition: int, channels: int):
        super().__init__()
        self.groups = math.gcd(channels, max(1, channels // GROUP))
        self.change = nn.Linear(condition, 2 * channels)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x (N, w, C), condition (N or 1, w or 1, D) -> (N, w, C)."""
        scale, offset = self.change(condition).chunk(2, dim=-1)
        normed = F.group_norm(x.transpose(1, 2), self.groups).transpose(1, 2)
        return torch.addcmul(offset, normed, 1.0 + scale)


class SpeakerAttention(nn.Module):
    """Attention of a window's frames to the last ``context`` frames of the speaker, with a learned
    bias for each distance in time; it begins as no change."""

    def __init__(self, config: ModelConfig, channels: int, context: int):
        super().__init__()
        self.norm = AdaptiveNorm(config.width, channels)
        self.widen = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, channels))
        self.attention = Attention(channels, config.heads)
        ago = torch.arange(context - config.window, context)[:, None] - torch.arange(context)
        self.bias = nn.Parameter(-ago.abs().repeat(config.heads, 1, 1) / FORGETTING)
        nn.init.zeros_(self.attention.out.weight)
        nn.init.zeros_(self.attention.out.bias)

    def read(self, speaker: Tensor) -> KVCache:
        """speaker (N, n, D): computed once, for all windows and steps that see these frames."""
        return self.attention.remember(self.widen(speaker))

    def forward(self, x: Tensor, steering: Steering, read: KVCache) -> Tensor:
        """x (N, w, C), read of ``context`` frames -> (N, w, C)."""
        normed = self.norm(x, steering.level)
        return x + self.attention.attend(normed, read, self.bias.to(normed))


class WindowBlock(nn.Module):
    """A residual block on each frame, then attention to the voice and to the face."""

    def __init__(self, config: ModelConfig, channels: int, out: int, context: int):
        super().__init__()
        width = config.width
        self.first = AdaptiveNorm(width, channels)
        self.inner = nn.Linear(channels, out)
        self.second = AdaptiveNorm(width, out)
        self.third = AdaptiveNorm(width, out)
        self.outer = nn.Linear(out, out)
        self.skip = nn.Identity() if channels == out else nn.Linear(channels, out, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.voice = SpeakerAttention(config, out, context)
        self.face = SpeakerAttention(config, out, context)

    def forward(self, x: Tensor, steering: Steering, voice: KVCache, face: KVCache) -> Tensor:
        """x (N, w, C) -> (N, w, out)."""
        y = self.dropout(self.inner(F.gelu(self.first(x, steering.level))))
        y = self.third(F.gelu(self.second(y, steering.level)), steering.place)
        x = self.skip(x) + self.dropout(self.outer(y))
        attended: Tensor = self.face(self.voice(x, steering, voice), steering, face)
        return attended


class WindowDenoiser(nn.Module):
    """F of ``diffusion``: a scaled noisy window -> the network's output for it.

    The frame before the window is the initial state of an LSTM at each end. Two levels of D and 2D
    channels, with the released network's skips.
    """

    def __init__(self, config: ModelConfig, context: int):
        super().__init__()
        width, self.window = config.width, config.window
        self.level = nn.Sequential(
            nn.Linear(2 * NOISE_BANDS, width), nn.GELU(), nn.Linear(width, width), nn.GELU()
        )
        self.place = nn.Sequential(nn.Linear(width, width), nn.GELU())
        self.inlet = nn.Linear(NUM_COEFFICIENTS, width)
        self.lstm_in = nn.LSTM(width, width, batch_first=True)
        self.blocks = nn.ModuleList(
            WindowBlock(config, channels * width, out * width, context)
            for channels, out in ((1, 1), (1, 2), (2, 1), (2, 1))
        )
        self.lstm_out = nn.LSTM(width, width, batch_first=True)
        self.outlet = nn.Linear(width, NUM_COEFFICIENTS)
        nn.init.zeros_(self.outlet.weight)
        nn.init.zeros_(self.outlet.bias)

    def read(self, voice: Tensor, face: Tensor) -> SpeakerReading:
        """voice, face (N, n, D) of n frames of the speaker."""
        blocks = [block for block in self.blocks if isinstance(block, WindowBlock)]
        return SpeakerReading(
            tuple(block.voice.read(voice) for block in blocks),
            tuple(block.face.read(face) for block in blocks),
        )

    def forward(self, x: Tensor, sigma: Tensor, last: Tensor, read: SpeakerReading) -> Tensor:
        """x (N, w, 58), sigma (N or 1, 1, 1), last (N, 58) standardised -> (N, w, 58)."""
        places = torch.arange(self.window, device=x.device)
        place = self.place(sinusoidal_positions(places, self.inlet.out_features))[None]
        steering = Steering(self.level(noise_features(sigma)), place)
        start = self.inlet(last)[None]
        state = (start, torch.zeros_like(start))
        x, _ = self.lstm_in(self.inlet(x), state)
        skipped = x
        for index, (block, voice, face) in enumerate(zip(self.blocks, *read, strict=True)):
            if index == len(self.blocks) - 1:
                x = torch.cat([x, skipped], dim=-1)
            x = block(x, steering, voice, face)
            if index == 0:
                skipped = x
        x, _ = self.lstm_out(x, state)
        result: Tensor = self.outlet(x)
        return result


def noise_features(sigma: Tensor) -> Tensor:
    """sigma (N, 1, 1) -> (N, 1, 2 * NOISE_BANDS): sines and cosines of log(sigma) / 4, from half a
    cycle to 8 cycles over its whole range."""
    bands = torch.logspace(0.0, 4.0, NOISE_BANDS, base=2.0, device=sigma.device)
    angles = 0.5 * math.pi * bands * (0.25 * sigma.log())
    return torch.cat([angles.sin(), angles.cos()], dim=-1)

"""Parts of the released model: what it returns, its convolutions, its interaction encoder."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEADS = 8
VAE_HEADS, VAE_HIDDEN = 4, 1024
SPEECH_RATIO = 2
FEATURES_PX = 28


@dataclass(frozen=True)
class SpeakerEncoding:
    """video, vector, motion (B, T, D) and speech (B, 2T, D): what F-Enc, A-Enc, and the second
    and the third layer of the alignment give."""

    video: Tensor
    speech: Tensor
    vector: Tensor
    motion: Tensor

    def window(self, start: int, stop: int) -> "SpeakerEncoding":
        """Frames ``start`` to ``stop``, and their speech."""
        frames, steps = slice(start, stop), slice(SPEECH_RATIO * start, SPEECH_RATIO * stop)
        return SpeakerEncoding(
            self.video[:, frames], self.speech[:, steps], self.vector[:, frames],
            self.motion[:, frames],
        )  # fmt: skip

    def repeated(self, samples: int) -> "SpeakerEncoding":
        """(B, ...) -> (B*M, ...): every sample of a clip sees the same speaker."""
        return SpeakerEncoding(*(x.repeat_interleave(samples, 0) for x in vars(self).values()))


@dataclass(frozen=True)
class WindowReaction:
    """One window: listener (B, w, 58) FaceVerse less the mean face; latent (B, D) after momentum;
    mean, std (B, D) of its distribution; speaker: what was encoded to get it."""

    listener: Tensor
    latent: Tensor
    mean: Tensor
    std: Tensor
    speaker: SpeakerEncoding


@dataclass(frozen=True)
class ClipReaction:
    """A whole clip: listener and speaker_coefficients (B, T, 58) FaceVerse less the mean face;
    latent, mean, std (B, windows, D)."""

    listener: Tensor
    speaker_coefficients: Tensor
    latent: Tensor
    mean: Tensor
    std: Tensor
    speaker: SpeakerEncoding


class VideoConvolutions(nn.Module):
    """3D convolutions over (t, h, w), +-7 frames, each followed by an instance norm over all
    three; no transformer."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = _conv(3, width // 4, (5, 7, 7), 2)
        self.conv2 = _conv(width // 4, width, (5, 7, 7), 2)
        self.conv3 = _conv(width, width, (3, 3, 3), 2)
        self.conv4 = _conv(width, width, (3, 3, 3), 1)
        self.conv5 = _conv(width, width, (3, 3, 3), 2)

    def forward(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) in [-1, 1] -> (B, T, D)."""
        x = _normed(self.conv1(video.transpose(1, 2)))
        x = _normed(self.conv2(F.max_pool3d(x, (1, 3, 3), (1, 2, 2))))
        if x.shape[-1] != FEATURES_PX:
            x = F.interpolate(x, size=(x.shape[2], FEATURES_PX, FEATURES_PX), mode="nearest")
        x = _normed(self.conv3(x))
        x = x + _normed(self.conv4(x))
        return _normed(self.conv5(x)).mean(dim=-1).mean(dim=-1).transpose(1, 2)


class InteractionEncoder(nn.Module):
    """CIE's end: mu and log-variance tokens before the fused past, no positions, no token mask."""

    def __init__(self, width: int):
        super().__init__()
        self.mu_token = nn.Parameter(torch.randn(width))
        self.logvar_token = nn.Parameter(torch.randn(width))
        self.linear = nn.Linear(width, width)
        layer = nn.TransformerEncoderLayer(width, VAE_HEADS, VAE_HIDDEN, batch_first=True)
        self.seqTransEncoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)

    def forward(self, past: Tensor) -> tuple[Tensor, Tensor]:
        """(B, n, D) -> mean, std (B, D)."""
        tokens = torch.stack([self.mu_token, self.logvar_token]).expand(len(past), -1, -1)
        x = self.seqTransEncoder(torch.cat([tokens, self.linear(past)], dim=1))
        return x[:, 0], x[:, 1].exp().sqrt()


def _conv(inputs: int, outputs: int, kernel: tuple[int, int, int], stride: int) -> nn.Conv3d:
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Conv3d(inputs, outputs, kernel, (1, stride, stride), padding, bias=False)


def _normed(x: Tensor) -> Tensor:
    return F.relu(F.instance_norm(x))


def decoder_layers(width: int, layers: int = 1) -> nn.TransformerDecoder:
    """Post-norm decoder layers as the released code stacks them."""
    layer = nn.TransformerDecoderLayer(width, HEADS, 2 * width, batch_first=True)
    return nn.TransformerDecoder(layer, layers)

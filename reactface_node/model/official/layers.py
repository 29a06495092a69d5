"""Parts of the released model: records, convolutions, interaction encoder."""

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
    """The encoded speaker.

    video (B, T, D) of F-Enc, speech (B, 2T, D) of A-Enc, vector and motion (B, T, D) of the second
    and third layer of the alignment.
    """

    video: Tensor
    speech: Tensor
    vector: Tensor
    motion: Tensor

    def window(self, start: int, stop: int) -> "SpeakerEncoding":
        """Frames ``start`` to ``stop``, and their speech."""
        frames, steps = slice(start, stop), slice(SPEECH_RATIO * start, SPEECH_RATIO * stop)
        return SpeakerEncoding(
            self.video[:, frames],
            self.speech[:, steps],
            self.vector[:, frames],
            self.motion[:, frames],
        )

    def repeated(self, samples: int) -> "SpeakerEncoding":
        """(B, ...) -> (B*M, ...): the same speaker for each of M samples."""
        return SpeakerEncoding(*(x.repeat_interleave(samples, 0) for x in vars(self).values()))


@dataclass(frozen=True)
class WindowReaction:
    """The reaction of one window.

    listener (B, w, 58): FaceVerse coefficients minus the mean face. latent (B, D): after momentum.
    mean, std (B, D): of the latent's distribution. speaker: the encoding that was used.
    """

    listener: Tensor
    latent: Tensor
    mean: Tensor
    std: Tensor
    speaker: SpeakerEncoding


@dataclass(frozen=True)
class ClipReaction:
    """The reactions of a whole clip.

    listener, speaker_coefficients (B, T, 58): FaceVerse coefficients minus the mean face. latent,
    mean, std (B, windows, D). speaker: the encoding that was used.
    """

    listener: Tensor
    speaker_coefficients: Tensor
    latent: Tensor
    mean: Tensor
    std: Tensor
    speaker: SpeakerEncoding


class VideoConvolutions(nn.Module):
    """3D convolutions over (t, h, w), each with an instance norm over all three; +-7 frames."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = _conv(3, width // 4, (5, 7, 7), 2)
        self.conv2 = _conv(width // 4, width, (5, 7, 7), 2)
        self.conv3 = _conv(width, width, (3, 3, 3), 2)
        self.conv4 = _conv(width, width, (3, 3, 3), 1)
        self.conv5 = _conv(width, width, (3, 3, 3), 2)

    def forward(self, video: Tensor) -> Tensor:
        """(B, T, 3, H, W) in [-1, 1] -> (B, T, D)."""
        x = F.instance_norm(self.conv1(video.transpose(1, 2)))
        # Pooling before the ReLU gives the same and leaves the ReLU less to do.
        x = F.relu_(_largest(_largest(x, 3), 4))
        x = _normed(self.conv2(x))
        if x.shape[-1] != FEATURES_PX:
            x = F.interpolate(x, size=(x.shape[2], FEATURES_PX, FEATURES_PX), mode="nearest")
        x = _normed(self.conv3(x))
        x = x + _normed(_frame_by_frame(self.conv4, x))
        return _normed(_frame_by_frame(self.conv5, x)).mean(dim=-1).mean(dim=-1).transpose(1, 2)


class InteractionEncoder(nn.Module):
    """Last part of CIE: mu and log-variance tokens with the fused past; no positions, no mask."""

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
    return F.relu_(F.instance_norm(x))


def _frame_by_frame(conv: nn.Conv3d, x: Tensor) -> Tensor:
    """A 3D convolution as a 2D one with the neighbouring frames as further channels.

    torch's 3D kernel takes twice as long for small images.
    """
    count, _, frames = x.shape[:3]
    reach = conv.weight.shape[2] // 2
    around = F.pad(x, (0, 0, 0, 0, reach, reach)).unfold(2, 2 * reach + 1, 1)
    around = around.permute(0, 2, 5, 1, 3, 4).flatten(2, 3).flatten(0, 1)
    weight = conv.weight.transpose(1, 2).flatten(1, 2)
    y = F.conv2d(around, weight, None, conv.stride[1:], conv.padding[1:])
    clips: Tensor = y.unflatten(0, (count, frames))
    return clips.transpose(1, 2)


def _largest(x: Tensor, dim: int) -> Tensor:
    """Max-pooling of 3 with stride 2 along one axis; torch's 3D pooling takes six times as long."""
    count = (x.shape[dim] - 3) // 2 + 1
    parts = [x.narrow(dim, first, 2 * count - 1) for first in range(3)]
    every = [slice(None)] * dim + [slice(None, None, 2)]
    first, second, third = (part[tuple(every)] for part in parts)
    return torch.maximum(torch.maximum(first, second), third)


class FewRowsLinear(nn.Linear):
    """A linear layer with the product transposed, for which MKL takes half the time if there are
    few rows, such as the 15 steps of speech of a window."""

    def forward(self, input: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        rows = input.flatten(0, -2)
        columns = torch.addmm(self.bias[:, None], self.weight, rows.t())
        product: Tensor = columns.t().unflatten(0, input.shape[:-1])
        return product


def decoder_layers(width: int, layers: int = 1) -> nn.TransformerDecoder:
    """A stack of post-norm decoder layers, as in the released code."""
    layer = nn.TransformerDecoderLayer(width, HEADS, 2 * width, batch_first=True)
    return nn.TransformerDecoder(layer, layers)

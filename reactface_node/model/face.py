"""F-Enc (Eq. 5): encodes the speaker's face as one feature per frame, strictly causal."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.attention import Memory
from reactface_node.model.layers import CausalTransformer, history_frames
from reactface_node.model.rings import RingClock
from reactface_node.schema import NUM_COEFFICIENTS


@dataclass(frozen=True)
class CoefficientState:
    """State of ``CoefficientEncoder`` between calls."""

    last: Tensor  # (B, 1, 58) standardised coefficients of the last frame, 0 where not valid
    last_valid: Tensor  # (B, 1, 58)
    caches: tuple[Memory | None, ...] | None


class CoefficientEncoder(nn.Module):
    """Encoder of coefficients: 117 numbers per frame (coefficients, their difference from the last
    frame, a flag for a face), then a causal transformer."""

    scale: Tensor

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.register_buffer("scale", torch.ones(NUM_COEFFICIENTS))
        self.embed = nn.Linear(2 * NUM_COEFFICIENTS + 1, config.width)
        self.transformer = CausalTransformer(
            config, config.face_layers, history_frames(config.history_s)
        )

    def initial_state(self, batch: int, clock: RingClock | None = None) -> CoefficientState:
        """State of new sessions, with memory in rings, if a clock is given; otherwise of a clip."""
        zeros = self.scale.new_zeros(batch, 1, NUM_COEFFICIENTS)
        return CoefficientState(zeros, zeros.clone(), self.transformer.rings(clock))

    def forward(
        self, face: Tensor, valid: Tensor, state: CoefficientState
    ) -> tuple[Tensor, CoefficientState]:
        """face (B, n, 58), valid (B, n, 58) bool -> (B, n, D)."""
        known = valid.to(face.dtype)
        x = torch.where(valid, face, torch.zeros_like(face)) / self.scale
        before = torch.cat([state.last, x[:, :-1]], dim=1)
        both = known * torch.cat([state.last_valid, known[:, :-1]], dim=1)
        flag = valid.any(dim=-1, keepdim=True).to(face.dtype)
        embedded = self.embed(torch.cat([x, (x - before) * both, flag], dim=-1))
        features, caches = self.transformer(embedded, state.caches)
        return features, CoefficientState(x[:, -1:], known[:, -1:], caches)


@dataclass(frozen=True)
class PixelState:
    """State of ``PixelEncoder`` between calls."""

    convolutions: tuple[Tensor, ...]  # last inputs of each convolution, () at the start
    caches: tuple[Memory | None, ...] | None


class CausalConv3d(nn.Module):
    """3D convolution with padding in time on the left only, layer norm per frame, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int, int], stride: int):
        super().__init__()
        self.past_frames = kernel[0] - 1
        self.conv = nn.Conv3d(
            inputs,
            outputs,
            kernel,
            stride=(1, stride, stride),
            padding=(0, kernel[1] // 2, kernel[2] // 2),
            bias=False,
        )

    def forward(self, x: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        """x (B, C, n, H, W), the frames before it (None = zeros) -> activations, frames to keep."""
        if past is None:
            past = x.new_zeros(*x.shape[:2], self.past_frames, *x.shape[3:])
        padded = torch.cat([past, x], dim=2)
        # Only the convolution may use another precision; the norm needs float32.
        y = self.conv(padded.to(self.conv.weight.dtype)).to(x.dtype)
        kept = padded[:, :, padded.shape[2] - self.past_frames :]
        return F.relu(F.layer_norm(y, y.shape[3:])), kept


class PixelEncoder(nn.Module):
    """Encoder of 224x224 images: causal 3D convolutions, then a transformer (paper profile)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        width = config.width
        self.convolutions = nn.ModuleList(
            [
                CausalConv3d(3, width // 4, (5, 7, 7), 2),
                CausalConv3d(width // 4, width, (5, 7, 7), 2),
                CausalConv3d(width, width, (3, 3, 3), 2),
                CausalConv3d(width, width, (3, 3, 3), 1),
                CausalConv3d(width, width, (3, 3, 3), 2),
            ]
        )
        self.embed = nn.Linear(width + 1, width)
        self.transformer = CausalTransformer(
            config, config.face_layers, history_frames(config.history_s)
        )

    def initial_state(self, batch: int, clock: RingClock | None = None) -> PixelState:
        """State of new sessions, with memory in rings, if a clock is given; otherwise of a clip."""
        return PixelState((), self.transformer.rings(clock))

    def forward(self, face: Tensor, valid: Tensor, state: PixelState) -> tuple[Tensor, PixelState]:
        """face (B, n, 3, S, S) in [-1, 1], valid (B, n) bool -> (B, n, D)."""
        flag = valid[..., None].to(face.dtype)
        x = (face * flag[..., None, None]).transpose(1, 2)
        kept = []
        pasts = state.convolutions or [None] * len(self.convolutions)
        for index, (conv, past) in enumerate(zip(self.convolutions, pasts, strict=True)):
            y, frames = conv(x, past)
            kept.append(frames)
            if index == 0:
                y = pooled(y)
            x = x + y if index == 3 else y
        means = x.mean(dim=(3, 4)).transpose(1, 2)
        embedded = self.embed(torch.cat([means * flag, flag], dim=-1))
        features, caches = self.transformer(embedded, state.caches)
        return features, PixelState(tuple(kept), caches)


def pooled(x: Tensor) -> Tensor:
    """Max-pooling of 3x3 with stride 2: (..., H, W) -> (..., (H-1)//2, (W-1)//2).

    Rows first, then columns: a third of the time of ``max_pool2d`` on a CPU.
    """
    x = torch.maximum(torch.maximum(x[..., :-2:2, :], x[..., 1:-1:2, :]), x[..., 2::2, :])
    return torch.maximum(torch.maximum(x[..., :-2:2], x[..., 1:-1:2]), x[..., 2::2])

"""I3D, Inception-v1 inflated to video (Carreira and Zisserman 2017): the network of FRRea."""

from collections.abc import Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reactface_node.files.released import read_tensors
from reactface_node.model.checkpoint import load_tensors

FEATURES, SIDE, SHORTEST = 1024, 224, 9  # pixels a side; frames that leave two to pool
BATCH_NORM_EPS = 1e-3
# Inception blocks by name: channels in, then of the four branches.
BLOCKS: Mapping[str, tuple[int, ...]] = {
    "Mixed_3b": (192, 64, 96, 128, 16, 32, 32),
    "Mixed_3c": (256, 128, 128, 192, 32, 96, 64),
    "Mixed_4b": (480, 192, 96, 208, 16, 48, 64),
    "Mixed_4c": (512, 160, 112, 224, 24, 64, 64),
    "Mixed_4d": (512, 128, 128, 256, 24, 64, 64),
    "Mixed_4e": (512, 112, 144, 288, 32, 64, 64),
    "Mixed_4f": (528, 256, 160, 320, 32, 128, 128),
    "Mixed_5b": (832, 256, 160, 320, 32, 128, 128),
    "Mixed_5c": (832, 384, 192, 384, 48, 128, 128),
}
# Pooled before the block: kernel and stride over time, height and width.
POOLS: Mapping[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "Mixed_3b": ((1, 3, 3), (1, 2, 2)),
    "Mixed_4b": ((3, 3, 3), (2, 2, 2)),
    "Mixed_5b": ((2, 2, 2), (2, 2, 2)),
}


class I3D(nn.Module):
    """Videos (B, 3, T, 224, 224) in -1..1, T >= 9, to features or class logits.

    Tensors are named as in the published PyTorch conversion (rgb_imagenet.pt,
    i3d_pretrained_400.pt).
    """

    def __init__(self, classes: int = 400) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(3, 64, 7, stride=2)
        self.Conv3d_2b_1x1 = Unit(64, 64, 1)
        self.Conv3d_2c_3x3 = Unit(64, 192, 3)
        for name, channels in BLOCKS.items():
            self.add_module(name, Inception(*channels))
        self.logits = Logits(classes)

    def features(self, video: Tensor) -> Tensor:
        """(B, 3, T, 224, 224) -> (B, 1024): what the classifier sees, mean over time."""
        return self._pooled(video).flatten(2).mean(dim=2)

    def forward(self, video: Tensor) -> Tensor:
        """(B, 3, T, 224, 224) -> (B, classes): logits, mean over time."""
        logits: Tensor = self.logits(self._pooled(video)).flatten(2).mean(dim=2)
        return logits

    def _pooled(self, video: Tensor) -> Tensor:
        x = pool_same(self.Conv3d_1a_7x7(video), (1, 3, 3), (1, 2, 2))
        x = self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x))
        for name in BLOCKS:
            if name in POOLS:
                x = pool_same(x, *POOLS[name])
            x = self.get_submodule(name)(x)
        return F.avg_pool3d(x, (2, 7, 7), stride=1)


class Unit(nn.Module):
    """Convolution, batch norm, rectifier."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride = (kernel,) * 3, (stride,) * 3
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(outputs, eps=BATCH_NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv3d(pad_same(x, self.kernel, self.stride))))


class Inception(nn.Module):
    """Four branches side by side: (B, inputs, T, H, W) -> (B, b0 + b1 + b2 + b3, T, H, W)."""

    def __init__(
        self, inputs: int, b0: int, b1_in: int, b1: int, b2_in: int, b2: int, b3: int
    ) -> None:
        super().__init__()
        self.b0 = Unit(inputs, b0, 1)
        self.b1a, self.b1b = Unit(inputs, b1_in, 1), Unit(b1_in, b1, 3)
        self.b2a, self.b2b = Unit(inputs, b2_in, 1), Unit(b2_in, b2, 3)
        self.b3b = Unit(inputs, b3, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = self.b3b(pool_same(x, (3, 3, 3), (1, 1, 1)))
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), pooled], 1)


class Logits(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(FEATURES, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.conv3d(x)
        return logits


def pad_same(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Zeros around (B, C, T, H, W) as TensorFlow's SAME: an odd one is added at the end."""
    sides: list[int] = []
    for size, k, s in zip(x.shape[:1:-1], kernel[::-1], stride[::-1], strict=True):
        whole = max(k - (size % s or s), 0)
        sides += [whole // 2, whole - whole // 2]
    return F.pad(x, sides)


def pool_same(x: Tensor, kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> Tensor:
    """Max-pooling; the padding with zeros never matters, since x is rectified."""
    return F.max_pool3d(pad_same(x, kernel, stride), kernel, stride)


def load_i3d(path: Path, device: str = "cpu") -> I3D:
    """I3D with the user's weights (.safetensors, or a .pt of tensors only), in evaluation mode.

    UserError that names the file if it cannot be read or a tensor does not fit.
    """
    tensors = read_tensors(path)[1]
    last = tensors.get("logits.conv3d.bias")
    net = I3D(400 if last is None else len(last))
    # Conversions from before torch 0.4.1 lack these.
    counters = {n: t for n, t in net.state_dict().items() if n.endswith("num_batches_tracked")}
    load_tensors(path, net, counters | tensors)
    return net.to(device).eval().requires_grad_(False)

"""PIRender's blocks (Ren et al., ICCV 2021); names as in the released checkpoints."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.1


def activate(x: Tensor) -> Tensor:
    """LeakyReLU with the released slope."""
    return F.leaky_relu(x, SLOPE)


class LayerNorm(nn.Module):
    """Normalises a sample over (C, H, W) together; scale and shift per channel, eps 1e-5."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W), any size."""
        return F.layer_norm(x, x.shape[1:]) * self.weight + self.bias


class AdaIN(nn.Module):
    """Instance norm whose scale and shift are read from the descriptor:
    norm(x) * (1 + gamma(z)) + beta(z)."""

    def __init__(self, channels: int, descriptor: int):
        super().__init__()
        hidden = descriptor // 2
        self.mlp_shared = nn.Sequential(nn.Linear(descriptor, hidden), nn.ReLU())
        self.mlp_gamma = nn.Linear(hidden, channels)
        self.mlp_beta = nn.Linear(hidden, channels)

    def forward(self, x: Tensor, descriptor: Tensor) -> Tensor:
        """x (B, C, H, W), descriptor (B, Z)."""
        return self.styled(F.instance_norm(x), descriptor)

    def styled(self, normed: Tensor, descriptor: Tensor) -> Tensor:
        """As ``forward`` for an x that is normalised already; (1, C, H, W) is used for all
        descriptors (B, Z)."""
        shared = self.mlp_shared(descriptor)
        gamma = self.mlp_gamma(shared)[:, :, None, None]
        beta = self.mlp_beta(shared)[:, :, None, None]
        found: Tensor = normed * (1 + gamma) + beta
        return found


class EncoderBlock(nn.Module):
    """The warping net's step down: half the size."""

    def __init__(self, inside: int, outside: int, descriptor: int):
        super().__init__()
        self.conv_0 = nn.Conv2d(inside, outside, 4, 2, 1)
        self.conv_1 = nn.Conv2d(outside, outside, 3, 1, 1)
        self.norm_0 = AdaIN(inside, descriptor)
        self.norm_1 = AdaIN(outside, descriptor)

    def forward(self, x: Tensor, descriptor: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, C', H/2, W/2)."""
        return self.after_norm(F.instance_norm(x), descriptor)

    def after_norm(self, normed: Tensor, descriptor: Tensor) -> Tensor:
        """As ``forward`` for an x that is normalised already, (B or 1, C, H, W)."""
        x = self.conv_0(activate(self.norm_0.styled(normed, descriptor)))
        found: Tensor = self.conv_1(activate(self.norm_1(x, descriptor)))
        return found


class DecoderBlock(nn.Module):
    """The warping net's step up: twice the size, a residual block with a transposed shortcut."""

    def __init__(self, inside: int, outside: int, descriptor: int):
        super().__init__()
        hidden = min(inside, outside)
        self.conv_0 = nn.Conv2d(inside, hidden, 3, 1, 1)
        self.conv_1 = nn.ConvTranspose2d(hidden, outside, 3, 2, 1, 1)
        self.conv_s = nn.ConvTranspose2d(inside, outside, 3, 2, 1, 1)
        self.norm_0 = AdaIN(inside, descriptor)
        self.norm_1 = AdaIN(hidden, descriptor)
        self.norm_s = AdaIN(inside, descriptor)

    def forward(self, x: Tensor, descriptor: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, C', 2H, 2W)."""
        normed = F.instance_norm(x)
        shortcut = self.conv_s(activate(self.norm_s.styled(normed, descriptor)))
        x = self.conv_0(activate(self.norm_0.styled(normed, descriptor)))
        found: Tensor = shortcut + self.conv_1(activate(self.norm_1(x, descriptor)))
        return found


class ConvBlock(nn.Module):
    """Convolution, layer norm, activation; a block of the editing net."""

    def __init__(self, inside: int, outside: int, kernel: int = 3):
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(inside, outside, kernel, padding=kernel // 2),
            LayerNorm(outside),
            nn.LeakyReLU(SLOPE),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, C', H, W)."""
        found: Tensor = self.model(x)
        return found


class PairBlock(ConvBlock):
    """A ``ConvBlock`` on two pictures that are concatenated by channels. The first one is the same
    in all frames, so its part of the convolution is computed once."""

    def kept(self, first: Tensor) -> Tensor:
        """first (B, C, H, W) -> its part of the convolution (B, C', H, W)."""
        conv = self._conv
        return F.conv2d(first, conv.weight[:, : first.shape[1]], conv.bias, padding=conv.padding)

    def after_kept(self, kept: Tensor, second: Tensor) -> Tensor:
        """What ``kept`` returned (B or 1, C', H, W), and second (B, C, H, W) -> (B, C', H, W)."""
        conv = self._conv
        x = kept + F.conv2d(second, conv.weight[:, -second.shape[1] :], padding=conv.padding)
        found: Tensor = self.model[2](self.model[1](x))
        return found

    @property
    def _conv(self) -> nn.Conv2d:
        conv = self.model[0]
        assert isinstance(conv, nn.Conv2d)
        return conv


class DownBlock(ConvBlock):
    """A ``ConvBlock``, then means over 2x2 pixels."""

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, C', H/2, W/2)."""
        return F.avg_pool2d(super().forward(x), 2)


class UpBlock(ConvBlock):
    """Enlarged to twice the size by nearest neighbours, then a ``ConvBlock``."""

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, C', 2H, 2W)."""
        return super().forward(F.interpolate(x, scale_factor=2.0))


class ResidualBlock(nn.Module):
    """x + AdaIN(conv2(x)).

    In the released code conv2 reads the block's input, so conv1 and norm1 have no effect. They
    exist only because checkpoints contain them, and are never computed.
    """

    def __init__(self, channels: int, descriptor: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.norm1 = AdaIN(channels, descriptor)
        self.norm2 = AdaIN(channels, descriptor)

    def forward(self, x: Tensor, descriptor: Tensor) -> Tensor:
        """x (B, C, H, W), the same out."""
        found: Tensor = x + self.norm2(self.conv2(x), descriptor)
        return found


class ResidualBlocks(nn.Module):
    """Two residual blocks, one level of the editing net's decoder."""

    def __init__(self, channels: int, descriptor: int):
        super().__init__()
        self.res0 = ResidualBlock(channels, descriptor)
        self.res1 = ResidualBlock(channels, descriptor)

    def forward(self, x: Tensor, descriptor: Tensor) -> Tensor:
        """x (B, C, H, W), the same out."""
        found: Tensor = self.res1(self.res0(x, descriptor), descriptor)
        return found

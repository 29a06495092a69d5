"""PIRender's generator (Ren et al., ICCV 2021) as its authors released it.

A mapping net turns 27 frames of coefficients into a descriptor, a warping net moves the portrait's
pixels, and an editing net paints what the portrait does not show.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reactface_node.render.portrait.layers import (
    SLOPE,
    ConvBlock,
    DecoderBlock,
    DownBlock,
    EncoderBlock,
    LayerNorm,
    PairBlock,
    ResidualBlocks,
    UpBlock,
)
from reactface_node.schema import NUM_COEFFICIENTS

RADIUS = 13
"""Frames on each side of the one that is drawn."""
WINDOW = 2 * RADIUS + 1
SIZE_PX = 224
"""Size of the pictures for which the net was released; any multiple of 32 from 64 on works."""
WIDTH = 32
"""Channels of the warping net's first layer; all other widths are multiples of it."""


@dataclass(frozen=True)
class Rendered:
    """flow (B, 2, H/4, W/4) in pixels of its own size, x then y; warped and edited (B, 3, H, W)
    in [-1, 1]. flow and edited have the precision of ``FaceGenerator.lowered``."""

    flow: Tensor
    warped: Tensor
    edited: Tensor


@dataclass(frozen=True)
class Prepared:
    """A portrait and the parts of both nets that depend on it alone, not on coefficients.

    picture (B, 3, H, W) in [-1, 1], float32; warping (B, width, H, W): the warping net's input,
    normalised; editing (B, 2 * width, H, W): the portrait's share of the editing net's first layer.
    B is 1 if all frames have the same portrait.
    """

    picture: Tensor
    warping: Tensor
    editing: Tensor


class FaceGenerator(nn.Module):
    """Portrait and coefficients -> the portrait with that expression. width: 32 as released."""

    def __init__(self, width: int = WIDTH):
        super().__init__()
        self.mapping_net = MappingNet(8 * width)
        self.warpping_net = WarpingNet(width)
        self.editing_net = EditingNet(width)

    def lowered(self, precision: torch.dtype) -> "FaceGenerator":
        """Set the precision of the layers that process pixels; returns the net itself.

        The mapping net and the sampling positions stay in float32. Both are small, and in bfloat16
        an angle near pi has steps of a degree and a position has steps of half a pixel.
        """
        self.warpping_net.to(precision)
        self.editing_net.to(precision)
        return self

    def forward(self, portrait: Tensor, coefficients: Tensor) -> Rendered:
        """portrait (B, 3, H, W) in [-1, 1], H and W multiples of 32; coefficients (B, 58, 27) in
        the space that the net was trained on, the drawn frame in the middle."""
        return self.draw(self.prepare(portrait), coefficients)

    def prepare(self, portrait: Tensor) -> Prepared:
        """portrait (B, 3, H, W) -> the input of ``draw``; computed once for all its frames."""
        warping = self._warping(portrait)
        editing = self.editing_net.encoder.first.kept(portrait.to(warping.dtype))
        return Prepared(portrait, warping, editing)

    def draw(self, prepared: Prepared, coefficients: Tensor) -> Rendered:
        """The frames of one portrait, or of B; coefficients (B, 58, 27) as in ``forward``."""
        descriptor = self.mapping_net(coefficients).to(prepared.warping.dtype)
        flow = self.warpping_net(prepared.warping, descriptor)
        warped = move(prepared.picture, flow)
        painted = warped.to(prepared.editing.dtype)
        return Rendered(flow, warped, self.editing_net(prepared.editing, painted, descriptor))

    def warp(self, portrait: Tensor, coefficients: Tensor) -> Tensor:
        """Only the warped picture (B, 3, H, W), for the first stage of training."""
        flow = self.warpping_net(self._warping(portrait), self.mapping_net(coefficients))
        return move(portrait, flow)

    def _warping(self, portrait: Tensor) -> Tensor:
        encoder = self.warpping_net.hourglass.encoder
        return encoder.prepare(portrait.to(encoder.input_layer.weight.dtype))


class MappingNet(nn.Module):
    """A window of coefficients -> the descriptor, an input of both other nets."""

    def __init__(self, descriptor: int):
        super().__init__()
        # 73 is the number of coefficients of PIRender's original face model.
        self.pre = nn.Conv1d(NUM_COEFFICIENTS, 73, 1)
        self.first = nn.Sequential(nn.Conv1d(73, descriptor, 7))
        self.encoder0 = self._dilated(descriptor)
        self.encoder1 = self._dilated(descriptor)
        self.encoder2 = self._dilated(descriptor)

    def forward(self, coefficients: Tensor) -> Tensor:
        """coefficients (B, 58, 27) -> (B, Z)."""
        x = self.first(self.pre(coefficients))
        for layer in (self.encoder0, self.encoder1, self.encoder2):
            x = layer(x) + x[..., 3:-3]
        found: Tensor = x.mean(dim=-1)
        return found

    @staticmethod
    def _dilated(channels: int) -> nn.Sequential:
        return nn.Sequential(nn.LeakyReLU(SLOPE), nn.Conv1d(channels, channels, 3, dilation=3))


class WarpingNet(nn.Module):
    """The flow field that moves the portrait."""

    def __init__(self, width: int):
        super().__init__()
        self.hourglass = Hourglass(width)
        self.flow_out = nn.Sequential(
            LayerNorm(8 * width), nn.LeakyReLU(SLOPE), nn.Conv2d(8 * width, 2, 7, padding=3)
        )

    def forward(self, prepared: Tensor, descriptor: Tensor) -> Tensor:
        """``Prepared.warping`` (B or 1, width, H, W) -> flow (B, 2, H/4, W/4)."""
        found: Tensor = self.flow_out(self.hourglass(prepared, descriptor))
        return found


class Hourglass(nn.Module):
    """Down to a 32nd of the size and up to a quarter, with skips between levels."""

    def __init__(self, width: int):
        super().__init__()
        self.encoder = HourglassEncoder(width)
        self.decoder = HourglassDecoder(width)

    def forward(self, prepared: Tensor, descriptor: Tensor) -> Tensor:
        """prepared (B or 1, width, H, W) -> (B, 8 * width, H/4, W/4)."""
        found: Tensor = self.decoder(self.encoder(prepared, descriptor), descriptor)
        return found


class HourglassEncoder(nn.Module):
    """Five steps down, the channels doubling up to 8 * width."""

    def __init__(self, width: int):
        super().__init__()
        z = 8 * width
        self.input_layer = nn.Conv2d(3, width, 7, padding=3)
        self.encoder0 = EncoderBlock(width, 2 * width, z)
        self.encoder1 = EncoderBlock(2 * width, 4 * width, z)
        self.encoder2 = EncoderBlock(4 * width, 8 * width, z)
        self.encoder3 = EncoderBlock(8 * width, 8 * width, z)
        self.encoder4 = EncoderBlock(8 * width, 8 * width, z)

    def prepare(self, portrait: Tensor) -> Tensor:
        """portrait (B, 3, H, W) -> (B, width, H, W)."""
        return F.instance_norm(self.input_layer(portrait))

    def forward(self, prepared: Tensor, descriptor: Tensor) -> list[Tensor]:
        """prepared (B or 1, width, H, W) -> the maps of H/4, H/8, H/16 and H/32."""
        x = self.encoder0.after_norm(prepared, descriptor)
        maps = []
        for block in (self.encoder1, self.encoder2, self.encoder3, self.encoder4):
            x = block(x, descriptor)
            maps.append(x)
        return maps


class HourglassDecoder(nn.Module):
    """Three steps up, each followed by the encoder's map of that size."""

    def __init__(self, width: int):
        super().__init__()
        z = 8 * width
        self.decoder4 = DecoderBlock(8 * width, 8 * width, z)
        self.decoder3 = DecoderBlock(16 * width, 8 * width, z)
        self.decoder2 = DecoderBlock(16 * width, 4 * width, z)

    def forward(self, maps: list[Tensor], descriptor: Tensor) -> Tensor:
        """The encoder's maps -> (B, 8 * width, H/4, W/4)."""
        quarter, eighth, sixteenth, x = maps
        x = torch.cat([self.decoder4(x, descriptor), sixteenth], dim=1)
        x = torch.cat([self.decoder3(x, descriptor), eighth], dim=1)
        return torch.cat([self.decoder2(x, descriptor), quarter], dim=1)


class EditingNet(nn.Module):
    """Paints parts that the portrait does not show, such as teeth, on the warped portrait."""

    def __init__(self, width: int):
        super().__init__()
        self.encoder = EditingEncoder(width)
        self.decoder = EditingDecoder(width)

    def forward(self, prepared: Tensor, warped: Tensor, descriptor: Tensor) -> Tensor:
        """``Prepared.editing`` and warped (B, 3, H, W) -> (B, 3, H, W) in [-1, 1]."""
        found: Tensor = self.decoder(self.encoder(prepared, warped), descriptor)
        return found


class EditingEncoder(nn.Module):
    """Three steps down."""

    def __init__(self, width: int):
        super().__init__()
        self.first = PairBlock(6, 2 * width, 7)
        self.down0 = DownBlock(2 * width, 4 * width)
        self.down1 = DownBlock(4 * width, 8 * width)
        self.down2 = DownBlock(8 * width, 8 * width)

    def forward(self, prepared: Tensor, warped: Tensor) -> list[Tensor]:
        """prepared (B or 1, 2 * width, H, W), warped (B, 3, H, W) -> the maps of H, H/2, H/4 and
        H/8."""
        maps = [self.first.after_kept(prepared, warped)]
        for block in (self.down0, self.down1, self.down2):
            maps.append(block(maps[-1]))
        return maps


class EditingDecoder(nn.Module):
    """Three steps up; a jump connection adds the encoder's map of each size."""

    def __init__(self, width: int):
        super().__init__()
        z = 8 * width
        self.up2 = UpBlock(8 * width, 8 * width)
        self.res2 = ResidualBlocks(8 * width, z)
        self.jump2 = ConvBlock(8 * width, 8 * width)
        self.up1 = UpBlock(8 * width, 4 * width)
        self.res1 = ResidualBlocks(8 * width, z)
        self.jump1 = ConvBlock(4 * width, 4 * width)
        self.up0 = UpBlock(4 * width, 2 * width)
        self.res0 = ResidualBlocks(4 * width, z)
        self.jump0 = ConvBlock(2 * width, 2 * width)
        self.final = Final(2 * width)

    def forward(self, maps: list[Tensor], descriptor: Tensor) -> Tensor:
        """The encoder's maps -> (B, 3, H, W) in [-1, 1]."""
        full, half, quarter, x = maps
        x = self.up2(self.res2(x, descriptor)) + self.jump2(quarter)
        x = self.up1(self.res1(x, descriptor)) + self.jump1(half)
        x = self.up0(self.res0(x, descriptor)) + self.jump0(full)
        found: Tensor = self.final(x)
        return found


class Final(nn.Module):
    """Channels -> colours in [-1, 1]."""

    def __init__(self, channels: int):
        super().__init__()
        self.model = nn.Sequential(nn.Conv2d(channels, 3, 7, padding=3), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, 3, H, W)."""
        found: Tensor = self.model(x)
        return found


def frames_around(coefficients: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """(T, 58) and n frames to draw -> (n, 58, 27): each with 13 frames on either side; the first
    and the last frame are repeated beyond the ends."""
    around = drawn[:, None] + np.arange(-RADIUS, RADIUS + 1)
    found: np.ndarray = coefficients[around.clip(0, len(coefficients) - 1)].transpose(0, 2, 1)
    return found


def move(picture: Tensor, flow: Tensor) -> Tensor:
    """Warp a picture: each pixel is sampled ``flow`` away from its own position.

    picture (B or 1, 3, H, W); flow (B, 2, h, w) in pixels of its own grid, x then y. As in the
    released code, positions are relative to the centres of the corner pixels while sampling is
    relative to the picture's edges, and the flow is resized like a picture.
    """
    height, width = flow.shape[2:]
    rows = torch.linspace(-1, 1, height, device=flow.device)
    columns = torch.linspace(-1, 1, width, device=flow.device)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    # Plain numbers: creating a tensor here would make the CPU wait for the GPU.
    dx, dy = flow.to(picture.dtype).unbind(1)
    grid = torch.stack([x + 2 * dx / (width - 1), y + 2 * dy / (height - 1)], dim=1)
    grid = F.interpolate(grid, picture.shape[2:], mode="bilinear", align_corners=False)
    picture = picture.expand(len(flow), -1, -1, -1)
    return F.grid_sample(picture, grid.permute(0, 2, 3, 1), align_corners=False)

"""Losses between two pictures, of VGG-19's features or of pixels."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch.nn.functional as F
from torch import Tensor, nn

from reactface_node.files.released import read_tensors
from reactface_node.model.checkpoint import load_tensors

WARP_WEIGHT, EDIT_WEIGHT = 2.5, 4.0
"""Of PIRender's two losses, as released."""
STYLE_WEIGHT = 250.0
"""Of the style loss against the perceptual one, as released."""
SCALES = 4
SMALLEST_PX = 16
"""VGG-19 halves a picture four times before the last of its features that is used."""
_BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))  # channels, convolutions
_USED = (1, 6, 11, 20, 29)  # relu1_1 ... relu5_1, as torchvision numbers them


class PictureLoss(Protocol):
    """digest: identifies the loss when a run is resumed."""

    digest: str

    def __call__(self, picture: Tensor, target: Tensor, style: bool) -> Tensor:
        """(B, 3, H, W) in [-1, 1] each -> a scalar, 0 for equal pictures."""
        ...


class PixelLoss(nn.Module):
    """The loss without VGG weights: |x - y| + |dx/du - dy/du| + |dx/dv - dy/dv|, each a mean; u and
    v are the picture's columns and rows."""

    digest = "pixels"

    def forward(self, picture: Tensor, target: Tensor, style: bool) -> Tensor:
        """As ``PictureLoss``; it has no style."""
        del style
        rest = picture - target
        return rest.abs().mean() + rest.diff(dim=2).abs().mean() + rest.diff(dim=3).abs().mean()


class PerceptualLoss(nn.Module):
    """PIRender's reconstruction loss on VGG-19 (after Johnson et al., ECCV 2016, Eqs 2-4).

    perceptual = sum over 4 scales, each half the last, and over l of mean |phi_l(x) - phi_l(y)|,
    phi_l being relu1_1 ... relu5_1; style = sum over l of mean |G(phi_l(x)) - G(phi_l(y))| at full
    size with G(f) = f f^T / (C H W); the loss is perceptual + 250 * style. Scales of less than
    16 pixels have no relu5_1 and are left out.
    """

    def __init__(self, tensors: Mapping[str, Tensor], path: Path):
        """tensors: torchvision's ``features.N.weight`` and ``.bias``, as ``path`` holds them;
        UserError if one is missing or has another shape."""
        super().__init__()
        self.features = _vgg19()
        own = {name: tensors[name] for name in self.state_dict() if name in tensors}
        load_tensors(path, self, own)
        self.requires_grad_(False).eval()
        self.digest = digest_of(own)

    def forward(self, picture: Tensor, target: Tensor, style: bool) -> Tensor:
        """As ``PictureLoss``."""
        picture, target = _normalised(picture), _normalised(target)
        total = picture.new_zeros(())
        for scale in range(SCALES):
            if min(picture.shape[2:]) < SMALLEST_PX:
                break
            for seen, wanted in zip(self.layers(picture), self.layers(target), strict=True):
                total = total + F.l1_loss(seen, wanted)
                if style and scale == 0:
                    total = total + STYLE_WEIGHT * F.l1_loss(gram(seen), gram(wanted))
            picture, target = _half(picture), _half(target)
        return total

    def layers(self, picture: Tensor) -> list[Tensor]:
        """relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1 of a normalised picture."""
        found = []
        for index, layer in enumerate(self.features):
            picture = layer(picture)
            if index in _USED:
                found.append(picture)
        return found


def gram(features: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, C): f f^T / (C H W) (Johnson et al., Eq. 3)."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / features[0].numel()


def read_loss(path: Path | None, device: str) -> PictureLoss:
    """The perceptual loss with the VGG-19 of a torchvision ``.pth`` or a ``.safetensors`` file; the
    pixel loss without one. UserError if the file is damaged or holds another net."""
    if path is None:
        return PixelLoss()
    return PerceptualLoss(read_tensors(path)[1], path).to(device)


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """A hash of names and numbers."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _vgg19() -> nn.Sequential:
    """VGG-19 to relu5_1, numbered as torchvision numbers it (Simonyan and Zisserman, 2015)."""
    layers: list[nn.Module] = []
    channels = 3
    for block, (width, count) in enumerate(_BLOCKS):
        if block:
            layers.append(nn.MaxPool2d(2))
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
    return nn.Sequential(*layers)


def _normalised(picture: Tensor) -> Tensor:
    """[-1, 1] -> ImageNet's mean 0 and deviation 1, in which VGG-19 was trained."""
    mean = picture.new_tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = picture.new_tensor([0.229, 0.224, 0.225])[:, None, None]
    return ((picture + 1) / 2 - mean) / deviation


def _half(picture: Tensor) -> Tensor:
    return F.interpolate(picture, scale_factor=0.5, mode="bilinear", align_corners=False)

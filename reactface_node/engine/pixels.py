"""Conversion between bytes and the pixels that networks read: float32 in [-1, 1]."""

import torch
from torch import Tensor


def bytes_to_pixels(rgb: Tensor) -> Tensor:
    """0 .. 255, of bytes or interpolated between them, -> new float32 in [-1, 1]."""
    return rgb.to(torch.float32, copy=True).div_(127.5).sub_(1.0)


def pixels_to_bytes(pixels: Tensor) -> Tensor:
    """Any float in [-1, 1], clipped to that -> the nearest uint8; inverse of
    ``bytes_to_pixels``."""
    return pixels.float().add(1.0).mul_(127.5).round_().clamp_(0, 255).byte()


def crops_to_pixels(crops: Tensor) -> Tensor:
    """(B, n, H, W, 3) uint8 -> (B, n, 3, H, W) in [-1, 1]."""
    return bytes_to_pixels(crops.permute(0, 1, 4, 2, 3)).contiguous()

"""Conversion between the bytes of a picture and the pixels of a network."""

import torch

from reactface_node.engine.pixels import bytes_to_pixels, crops_to_pixels, pixels_to_bytes


def test_every_byte_comes_back():
    rgb = torch.arange(256, dtype=torch.uint8)
    pixels = bytes_to_pixels(rgb)
    assert pixels.dtype == torch.float32
    assert pixels[[0, 255]].tolist() == [-1.0, 1.0]
    assert torch.equal(pixels, rgb.float() / 127.5 - 1.0)
    assert torch.equal(pixels_to_bytes(pixels), rgb)


def test_numbers_are_rounded_and_clipped_and_left_as_they_were():
    drawn = torch.tensor([-7.0, -1.0, 0.4 / 127.5 - 1.0, 0.6 / 127.5 - 1.0, 1.0, 7.0])
    kept = drawn.clone()
    assert pixels_to_bytes(drawn).tolist() == [0, 0, 0, 1, 255, 255]
    assert pixels_to_bytes(drawn.half())[1:].tolist() == [0, 0, 1, 255, 255]
    between = torch.tensor([127.5])
    assert bytes_to_pixels(between).tolist() == [0.0]
    assert torch.equal(drawn, kept) and between.tolist() == [127.5]


def test_crops_have_their_channels_first():
    crops = torch.zeros(2, 3, 4, 5, 3, dtype=torch.uint8)
    crops[..., 1] = 255
    pixels = crops_to_pixels(crops)
    assert pixels.shape == (2, 3, 3, 4, 5) and pixels.is_contiguous()
    assert (pixels[:, :, 1] == 1.0).all() and (pixels[:, :, [0, 2]] == -1.0).all()

"""Image messages to RGB: every encoding, every bad image."""

import dataclasses

import numpy as np
import pytest
from rigs.ros_images import SMOOTH, image, of

from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import MessageError


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(
    ("encoding", "channels"),
    [
        ("rgb8", [0, 1, 2]),
        ("bgr8", [2, 1, 0]),
        ("rgba8", [0, 1, 2, 0]),
        ("bgra8", [2, 1, 0, 1]),
        ("8UC3", [2, 1, 0]),
        ("8UC4", [2, 1, 0, 1]),
        ("RGB8", [0, 1, 2]),
    ],
)
def test_packed_colours(encoding, channels, padding):
    message = of(encoding, SMOOTH[..., channels], padding)
    np.testing.assert_array_equal(convert.image_to_rgb(message), SMOOTH)


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_grey(encoding):
    grey = SMOOTH[..., 0]
    rgb = convert.image_to_rgb(of(encoding, grey, padding=3))
    np.testing.assert_array_equal(rgb, np.repeat(grey[..., None], 3, -1))


@pytest.mark.parametrize("big", [0, 1])
def test_grey_of_16_bits_in_both_byte_orders(big):
    wide = np.array([[0, 257, 65535], [32768, 128, 129]], np.uint16)
    stored = wide.astype(">u2" if big else "<u2")
    for encoding in ("mono16", "16UC1"):
        rgb = convert.image_to_rgb(of(encoding, stored, padding=2, is_bigendian=big))
        assert rgb[..., 1].tolist() == [[0, 1, 255], [128, 0, 1]]


@pytest.mark.parametrize("big", [0, 1])
@pytest.mark.parametrize(
    ("encoding", "channels"),
    [
        ("rgb16", [0, 1, 2]),
        ("bgr16", [2, 1, 0]),
        ("rgba16", [0, 1, 2, 0]),
        ("bgra16", [2, 1, 0, 1]),
        ("16UC3", [2, 1, 0]),
        ("16UC4", [2, 1, 0, 1]),
    ],
)
def test_colours_of_16_bits_in_both_byte_orders(encoding, channels, big):
    stored = (SMOOTH[..., channels].astype(np.uint16) * 257).astype(">u2" if big else "<u2")
    rgb = convert.image_to_rgb(of(encoding, stored, padding=3 if big else 0, is_bigendian=big))
    np.testing.assert_array_equal(rgb, SMOOTH)


def bt601(y, u, v):
    """ITU-R BT.601 with studio range, the formula of OpenCV's YUV formats."""
    y, u, v = (np.asarray(a, np.float64) for a in (y, u, v))
    scaled = 1.164 * (y - 16)
    rgb = [
        scaled + 1.596 * (v - 128),
        scaled - 0.813 * (v - 128) - 0.391 * (u - 128),
        scaled + 2.018 * (u - 128),
    ]
    return np.clip(np.stack(rgb, -1), 0, 255)


@pytest.mark.parametrize(
    ("encoding", "order"),
    [("yuv422", "uyvy"), ("uyvy", "uyvy"), ("yuv422_yuy2", "yuyv"), ("yuyv", "yuyv")],
)
def test_yuv_422(encoding, order):
    y, u, v = np.array([[60, 200], [100, 30]]), np.array([[90], [180]]), np.array([[200], [100]])
    columns = {"u": [u], "v": [v], "y": [y[:, :1], y[:, 1:]]}
    packed = np.hstack([columns[letter].pop(0) for letter in order]).astype(np.uint8)
    rgb = convert.image_to_rgb(image(encoding, packed, 2, 2, 4))
    np.testing.assert_allclose(rgb, bt601(y, u.repeat(2, 1), v.repeat(2, 1)), atol=2)


@pytest.mark.parametrize("encoding", ["nv12", "nv21"])
def test_yuv_420(encoding):
    y, u, v = np.full((4, 4), 120), 90, 200
    chroma = np.tile([u, v] if encoding == "nv12" else [v, u], (2, 2))
    rows = np.pad(np.vstack([y, chroma]).astype(np.uint8), ((0, 0), (0, 2)))
    rgb = convert.image_to_rgb(image(encoding, rows, 4, 4, 6))
    np.testing.assert_allclose(rgb, np.broadcast_to(bt601(120, u, v), (4, 4, 3)), atol=2)


def test_yuv_420_with_a_step_over_all_planes():
    """As some publishers count it: one and a half bytes a pixel."""
    rows = np.random.default_rng(0).integers(0, 256, (6, 4), np.uint8)
    plain, counted = (image("nv12", rows, 4, 4, step) for step in (4, 6))
    np.testing.assert_array_equal(convert.image_to_rgb(plain), convert.image_to_rgb(counted))


@pytest.mark.parametrize("padding", [0, 2])
def test_yuv_444(padding):
    y, u, v = np.array([[60, 200, 90]]), np.array([[90, 100, 130]]), np.array([[200, 150, 120]])
    colour = np.stack([u, v], -1)
    flat = np.concatenate([y.ravel(), [7] * padding, colour.ravel(), [7] * 2 * padding])
    message = image("nv24", flat.astype(np.uint8), 1, 3, 3 + padding)
    np.testing.assert_allclose(convert.image_to_rgb(message), bt601(y, u, v), atol=2)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer(pattern, wide):
    colour = {"r": 200, "g": 120, "b": 40}
    tile = np.array(
        [[colour[pattern[0]], colour[pattern[1]]], [colour[pattern[2]], colour[pattern[3]]]],
        np.uint8,
    )
    tiled = np.tile(tile, (4, 4))
    message = of(f"bayer_{pattern}8", tiled, padding=1)
    if wide:
        message = of(f"bayer_{pattern}16", tiled.astype("<u2") * 257, padding=1)
    rgb = convert.image_to_rgb(message)
    np.testing.assert_array_equal(rgb, np.broadcast_to([200, 120, 40], (8, 8, 3)))


def test_pixels_are_a_copy():
    message = of("rgb8", SMOOTH)
    rgb = convert.image_to_rgb(message)
    rgb[:] = 0
    assert message.data.any() and rgb.flags.writeable and rgb.flags.c_contiguous


@pytest.mark.parametrize(
    "change",
    [
        {"height": 0},
        {"width": 0},
        {"height": 13},
        {"step": 47},
        {"step": 16 * 3 - 1, "data": np.zeros(12 * 47, np.uint8)},
        {"data": np.zeros(0, np.uint8)},
        {"data": np.zeros(12 * 48 - 1, np.uint8)},
        {"encoding": "vogon8"},
        {"encoding": ""},
        {"encoding": "nv12", "height": 11},
        {"encoding": "yuyv", "width": 15},
        {"height": 2**31, "width": 2**31},
    ],
)
def test_bad_images_are_one_clear_line(change):
    with pytest.raises(MessageError) as error:
        convert.image_to_rgb(dataclasses.replace(of("rgb8", SMOOTH), **change))
    assert str(error.value).startswith("image: ") and "\n" not in str(error.value)


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(
    ("encoding", "channels"),
    [
        ("rgb8", [0, 1, 2]),
        ("bgr8", [2, 1, 0]),
        ("rgba8", [0, 1, 2, 0]),
        ("mono8", [0]),
        ("bgr16", [2, 1, 0]),
    ],
)
def test_a_raw_image_that_is_wide_enough_may_come_smaller(encoding, channels, padding):
    wide = SMOOTH[..., channels].squeeze()
    stored = wide.astype("<u2") * 257 if encoding.endswith("16") else wide
    message = of(encoding, stored, padding)
    shown = SMOOTH[..., [0, 0, 0]] if encoding == "mono8" else SMOOTH
    for least_width, times in ((9, 1), (8, 2), (4, 4), (0, 1)):
        rgb = convert.image_to_rgb(message, least_width)
        blocks = shown.reshape(12 // times, times, 16 // times, times, 3).mean((1, 3))
        assert rgb.shape == blocks.shape and not np.shares_memory(rgb, message.data)
        np.testing.assert_allclose(rgb, blocks, atol=1)


@pytest.mark.parametrize("encoding", ["yuyv", "uyvy", "bayer_rggb8", "nv12"])
def test_a_format_that_shares_colours_comes_smaller_too(encoding):
    shape = {"nv12": (18, 16), "bayer_rggb8": (12, 16)}.get(encoding, (12, 16, 2))
    data = np.linspace(40, 200, int(np.prod(shape))).astype(np.uint8).reshape(shape)
    step = 32 if len(shape) == 3 else 16
    message = image(encoding, data, 12, 16, step)
    whole = convert.image_to_rgb(message).astype(float)
    half = convert.image_to_rgb(message, 8)
    np.testing.assert_allclose(half, whole.reshape(6, 2, 8, 2, 3).mean((1, 3)), atol=1)

"""The same pixels as a genuine cv_bridge, wherever it can make RGB of an encoding."""

import numpy as np
import pytest
from rigs.ros_images import compressed, encoded, of

from reactface_node.ros.messages import convert

cv_bridge = pytest.importorskip("cv_bridge", reason="cv_bridge comes with ROS 2")

BAYER = [f"bayer_{name}" for name in ("rggb", "bggr", "gbrg", "grbg")]
CHANNELS = {"rgb": 3, "bgr": 3, "rgba": 4, "bgra": 4, "mono": 1, **dict.fromkeys(BAYER, 1)}
# encoding -> (rows a 24 pixels high image has, channels)
OURS_ALONE = {
    "8UC1": (24, 1),
    "8UC3": (24, 3),
    "8UC4": (24, 4),
    "16UC1": (24, 1),
    "16UC3": (24, 3),
    "16UC4": (24, 4),
    "uyvy": (24, 2),
    "yuyv": (24, 2),
    "nv12": (36, 1),
    "nv21": (36, 1),
    "nv24": (72, 1),
}


def noise(height, width, channels, kind):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(0).integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)


def theirs(message):
    return cv_bridge.CvBridge().imgmsg_to_cv2(message, "rgb8")


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("name", CHANNELS)
def test_8_bits(name, padded):
    pixels = noise(24, 30, CHANNELS[name], np.uint8)
    message = of(f"{name}8", pixels, padding=2 * CHANNELS[name] * padded)
    np.testing.assert_array_equal(convert.image_to_rgb(message), theirs(message))


@pytest.mark.parametrize("big", [0, 1])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("name", CHANNELS)
def test_16_bits_in_both_byte_orders(name, padded, big):
    pixels = noise(24, 30, CHANNELS[name], np.uint16).astype(">u2" if big else "<u2")
    message = of(f"{name}16", pixels, 4 * CHANNELS[name] * padded, is_bigendian=big)
    if big and not hasattr(np.ndarray, "newbyteorder"):
        pytest.skip("this cv_bridge turns bytes around with what numpy 2 has no more")
    np.testing.assert_array_equal(convert.image_to_rgb(message), theirs(message))


@pytest.mark.parametrize("encoding", ["yuv422", "yuv422_yuy2"])
def test_yuv(encoding):
    message = of(encoding, noise(24, 30, 2, np.uint8), padding=4)
    np.testing.assert_array_equal(convert.image_to_rgb(message), theirs(message))


@pytest.mark.parametrize("encoding", OURS_ALONE)
def test_what_it_cannot_convert_is_ours_alone(encoding):
    """Where this fails it has learned to: compare the pixels then."""
    kind = np.uint16 if encoding.startswith("16") else np.uint8
    rows, channels = OURS_ALONE[encoding]
    message = of(encoding, noise(rows, 30, channels, kind))
    message.height = 24
    with pytest.raises(cv_bridge.CvBridgeError):
        theirs(message)
    assert convert.image_to_rgb(message).shape == (24, 30, 3)


def test_it_shears_images_whose_padding_is_no_whole_pixel():
    pixels = noise(24, 30, 3, np.uint8)
    message = of("rgb8", pixels, padding=1)
    np.testing.assert_array_equal(convert.image_to_rgb(message), pixels)
    assert not np.array_equal(theirs(message), pixels)


@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_compressed(ending):
    message = compressed(encoded(ending))
    other = cv_bridge.CvBridge().compressed_imgmsg_to_cv2(message, "rgb8")
    ours = convert.image_to_rgb(message)
    # Two OpenCVs, two JPEG libraries: they round differently.
    assert np.abs(ours.astype(int) - other).max() <= (2 if ending == ".jpg" else 0)

"""Compressed images to RGB: JPEG and PNG by any name, turned by Exif, reduced, damaged."""

import cv2
import numpy as np
import pytest
from rigs.ros_images import SMOOTH, TYPES, compressed, encoded

from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import MessageError


@pytest.mark.parametrize(
    "format",
    [
        "jpeg",
        "jpg",
        "JPEG",
        "bgr8; jpeg compressed bgr8",
        "rgb8; jpeg compressed bgr8",
        "mono8; jpeg compressed ",
        "",
    ],
)
def test_jpeg_by_any_name(format):
    rgb = convert.image_to_rgb(compressed(encoded(".jpg") + b"\0\0", format))
    assert np.abs(rgb.astype(int) - SMOOTH).mean() < 4


def test_png_is_exact_and_our_jpeg_is_read_back():
    png = compressed(encoded(".png"), "rgb8; png compressed bgr8")
    np.testing.assert_array_equal(convert.image_to_rgb(png), SMOOTH)
    grey = cv2.imencode(".png", SMOOTH[..., 0])[1].tobytes()
    np.testing.assert_array_equal(
        convert.image_to_rgb(compressed(grey, "png"))[..., 2], SMOOTH[..., 0]
    )
    ours = convert.compressed_image(TYPES, 1.0, "face", SMOOTH, 95)
    assert "jpeg" in ours.format
    assert np.abs(convert.image_to_rgb(ours).astype(int) - SMOOTH).mean() < 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        encoded(".jpg")[:-40],
        encoded(".png")[:-20],
        b"\0" * 500,
        b"\xff\xd8\xff\xe0" + b"\x01" * 90 + b"\xff\xd9",
        b"\x89PNG\r\n\x1a\n" + b"IEND" * 9,
        encoded(".png")[:33] + b"IDATIDAT" + encoded(".png")[41:],
    ],
)
def test_bad_compressed_images(data):
    with pytest.raises(MessageError, match=r"^compressed image: "):
        convert.image_to_rgb(compressed(data))
    with pytest.raises(MessageError, match="h264"):
        convert.image_to_rgb(compressed(b"\0\0\0\1gq", "h264"))


def test_a_png_of_16_bits_with_alpha_or_grey():
    wide = SMOOTH[..., ::-1].astype(np.uint16) * 257
    alpha = np.full((*SMOOTH.shape[:2], 1), 9, np.uint8)
    for stored in (wide, np.dstack([wide, alpha]), np.dstack([SMOOTH[..., ::-1], alpha])):
        data = cv2.imencode(".png", stored)[1].tobytes()
        np.testing.assert_array_equal(convert.image_to_rgb(compressed(data, "png")), SMOOTH)
    grey = cv2.imencode(".png", wide[..., 0])[1].tobytes()
    rgb = convert.image_to_rgb(compressed(grey, "16UC1; png"))
    np.testing.assert_array_equal(rgb, np.repeat(SMOOTH[..., 2:], 3, -1))


def with_exif(jpeg, orientation):
    """An APP1 segment with one entry: 274 (orientation), a SHORT."""
    entry = b"\x01\x12\0\x03\0\0\0\x01" + bytes([0, orientation, 0, 0])
    body = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + entry + b"\0\0\0\0"
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


# Of the stored picture: what makes it upright (Exif 2.3, table 6).
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("least_width", [0, 6])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_exif_says_how_a_jpeg_lies(orientation, least_width):
    plain = convert.image_to_rgb(compressed(encoded(".jpg")), least_width)
    # 16x12 lying on its side is 12 wide, upright or not.
    assert plain.shape == ((6, 8, 3) if least_width else (12, 16, 3))
    turned = compressed(with_exif(encoded(".jpg"), orientation))
    rgb = convert.image_to_rgb(turned, least_width)
    np.testing.assert_array_equal(rgb, UPRIGHT[orientation](plain))


@pytest.mark.parametrize(
    ("least", "shape"),
    [
        (0, (240, 320)),
        (161, (240, 320)),
        (160, (120, 160)),
        (81, (120, 160)),
        (80, (60, 80)),
        (1, (60, 80)),
    ],
)
def test_a_wide_jpeg_is_decoded_at_the_size_that_is_needed(least, shape):
    large = cv2.resize(SMOOTH, (320, 240), interpolation=cv2.INTER_LINEAR)
    data = cv2.imencode(".jpg", large[..., ::-1])[1].tobytes()
    for stored in (data, with_exif(data, 1) if least > 60 or not least else data):
        rgb = convert.image_to_rgb(compressed(stored), least)
        upright = cv2.resize(large, rgb.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(rgb.astype(int) - upright).mean() < 3
    assert convert.image_to_rgb(compressed(data), least).shape[:2] == shape
    png = compressed(cv2.imencode(".png", large)[1].tobytes())
    assert convert.image_to_rgb(png, least).shape == (240, 320, 3)

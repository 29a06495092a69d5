"""Image messages to RGB: every encoding, every bad image."""

import dataclasses

import cv2
import numpy as np
import pytest

from reactface_node.ros import convert
from reactface_node.ros.convert import MessageError
from reactface_node.ros.types import RosbagsTypes

TYPES = RosbagsTypes()
SMOOTH = np.stack(
    np.broadcast_arrays(
        np.linspace(20, 230, 16)[None, :], np.linspace(240, 30, 12)[:, None], np.float64(90)
    ),
    -1,
).astype(np.uint8)


def image(encoding, data, height, width, step, is_bigendian=0):
    message = convert.image(TYPES, 1.0, "camera", SMOOTH)
    data = np.ascontiguousarray(data).view(np.uint8).reshape(-1)
    return dataclasses.replace(
        message, encoding=encoding, data=data, height=height, width=width, step=step,
        is_bigendian=is_bigendian)  # fmt: skip


def of(encoding, pixels, padding=0, is_bigendian=0):
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
    return image(encoding, rows, height, width, rows.shape[1], is_bigendian)


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(
    ("encoding", "channels"),
    [("rgb8", [0, 1, 2]), ("bgr8", [2, 1, 0]), ("rgba8", [0, 1, 2, 0]), ("bgra8", [2, 1, 0, 1])],
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
    rgb = convert.image_to_rgb(of("mono16", stored, padding=2, is_bigendian=big))
    assert rgb[..., 1].tolist() == [[0, 1, 255], [128, 0, 1]]


def bt601(y, u, v):
    """ITU-R BT.601 with studio range, the formula of OpenCV's YUV formats."""
    y, u, v = (np.asarray(a, np.float64) for a in (y, u, v))
    scaled = 1.164 * (y - 16)
    rgb = [scaled + 1.596 * (v - 128), scaled - 0.813 * (v - 128) - 0.391 * (u - 128),
           scaled + 2.018 * (u - 128)]  # fmt: skip
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


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer(pattern):
    colour = {"r": 200, "g": 120, "b": 40}
    tile = np.array([[colour[pattern[0]], colour[pattern[1]]],
                     [colour[pattern[2]], colour[pattern[3]]]], np.uint8)  # fmt: skip
    rgb = convert.image_to_rgb(of(f"bayer_{pattern}8", np.tile(tile, (4, 4)), padding=1))
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


def compressed(data, format="jpeg"):
    build = TYPES.message_type("sensor_msgs/msg/CompressedImage")
    data = np.frombuffer(bytes(data), np.uint8)
    return build(header=convert.header(TYPES, 1.0, "camera"), format=format, data=data)


def encoded(ending):
    return cv2.imencode(ending, cv2.cvtColor(SMOOTH, cv2.COLOR_RGB2BGR))[1].tobytes()


@pytest.mark.parametrize(
    "format",
    ["jpeg", "jpg", "JPEG", "bgr8; jpeg compressed bgr8", "rgb8; jpeg compressed bgr8",
     "mono8; jpeg compressed ", ""],
)  # fmt: skip
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
    [b"", b"\xff\xd8", encoded(".jpg")[:-40], encoded(".png")[:-20], b"\0" * 500,
     b"\xff\xd8\xff\xe0" + b"\x01" * 90 + b"\xff\xd9", b"\x89PNG\r\n\x1a\n" + b"IEND" * 9,
     encoded(".png")[:33] + b"IDATIDAT" + encoded(".png")[41:]],
)  # fmt: skip
def test_bad_compressed_images(data):
    with pytest.raises(MessageError, match=r"^compressed image: "):
        convert.image_to_rgb(compressed(data))
    with pytest.raises(MessageError, match="h264"):
        convert.image_to_rgb(compressed(b"\0\0\0\1gq", "h264"))


def test_cv_bridge_gives_the_same_pixels():
    cv_bridge = pytest.importorskip("cv_bridge", reason="cv_bridge comes with ROS 2")
    rng = np.random.default_rng(0)
    for encoding, shape in [("bgr8", (3,)), ("bgra8", (4,)), ("mono8", ()), ("bayer_rggb8", ())]:
        message = of(encoding, rng.integers(0, 255, (8, 10, *shape), np.uint8))
        theirs = cv_bridge.CvBridge().imgmsg_to_cv2(message, "rgb8")
        np.testing.assert_array_equal(convert.image_to_rgb(message), theirs)

"""sensor_msgs/Image and CompressedImage -> RGB pixels and back.

Layouts and encoding names: sensor_msgs/image_encodings.hpp; colour conversions: OpenCV, as
cv_bridge does them, so that both give the same pixels (tests/ros/messages/test_ros_cv_bridge.py).
cv_bridge cannot convert these to RGB, but this module can: 8UCn and 16UCn ("not a color format"),
uyvy, yuyv, nv12, nv21, nv24. Two errors of cv_bridge are avoided: it divides a row's bytes by a
pixel's, which shears images whose padding is no whole number of pixels, and it ignores Exif's
orientation.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from reactface_node.media.pictures import check_size, reduction
from reactface_node.ros.messages.compressed import decode
from reactface_node.ros.messages.types import MessageError


@dataclass(frozen=True)
class _Layout:
    """The layout of a pixel: channels, bytes of each, OpenCV's conversion to RGB (None: it is
    RGB)."""

    channels: int
    bytes: int
    conversion: int | None

    @property
    def pixel_bytes(self) -> int:
        return self.channels * self.bytes


_GREY, _BGR, _BGRA = cv2.COLOR_GRAY2RGB, cv2.COLOR_BGR2RGB, cv2.COLOR_BGRA2RGB
# OpenCV names a Bayer pattern by its second row's second and third pixel, ROS by its first.
_BAYER = {
    "rggb": cv2.COLOR_BayerBG2RGB,
    "bggr": cv2.COLOR_BayerRG2RGB,
    "gbrg": cv2.COLOR_BayerGR2RGB,
    "grbg": cv2.COLOR_BayerGB2RGB,
}
_COLOURS: dict[str, tuple[int, int | None]] = {
    "rgb": (3, None),
    "bgr": (3, _BGR),
    "rgba": (4, cv2.COLOR_RGBA2RGB),
    "bgra": (4, _BGRA),
    "mono": (1, _GREY),
    **{f"bayer_{name}": (1, code) for name, code in _BAYER.items()},
}
_PACKED: dict[str, _Layout] = {
    f"{name}{8 * size}": _Layout(channels, size, code)
    for name, (channels, code) in _COLOURS.items()
    for size in (1, 2)
} | {
    # OpenCV's own types do not name colours. They are taken as BGR, OpenCV's order, as in RViz.
    f"{8 * size}UC{channels}": _Layout(channels, size, code)
    for channels, code in ((1, _GREY), (3, _BGR), (4, _BGRA))
    for size in (1, 2)
}
_UYVY, _YUYV = (_Layout(2, 1, code) for code in (cv2.COLOR_YUV2RGB_UYVY, cv2.COLOR_YUV2RGB_YUY2))
_PACKED |= {"yuv422": _UYVY, "uyvy": _UYVY, "yuv422_yuy2": _YUYV, "yuyv": _YUYV}
# Rows of luma, then of both chroma channels: (stored rows for two image rows, OpenCV's conversion).
_PLANAR = {
    "nv12": (3, cv2.COLOR_YUV2RGB_NV12),
    "nv21": (3, cv2.COLOR_YUV2RGB_NV21),
    "nv24": (6, cv2.COLOR_YUV2RGB_UYVY),
}


def image_to_rgb(message: Any, least_width: int = 0) -> np.ndarray:
    """Image or CompressedImage -> (H, W, 3) uint8 RGB that shares no memory with the message.

    16 bits are scaled to 8 bits. least_width, in pixels: an image that is at least twice or four
    times so wide may be returned at half or a quarter of its size, which is several times as fast
    for a JPEG; 0 = never. MessageError for an unknown encoding, and for sizes that are zero or
    contradict the data, or are larger than ``pictures`` allows.
    """
    if hasattr(message, "format"):
        return decode(message, least_width)
    encoding = _known(message.encoding)
    if encoding not in _PACKED and encoding not in _PLANAR:
        return _by_cv_bridge(message)
    rows = _rows(message, encoding)
    times = reduction(message.width, least_width)
    try:
        if encoding in _PLANAR:
            return _shrunk(_planar_to_rgb(rows, message.width, encoding), times)
        layout = _PACKED[encoding]
        rows = rows[:, : message.width * layout.pixel_bytes]
        return _packed_to_rgb(rows, layout, bool(message.is_bigendian), times)
    except cv2.error as error:
        raise MessageError(f"image: OpenCV cannot convert {encoding}: {error.err}") from error


def _known(encoding: str) -> str:
    """The encoding in the upper or lower case of the table; drivers write "RGB8" and "YUYV" too."""
    return encoding if encoding in _PACKED else encoding.lower()


def _rows(message: Any, encoding: str) -> np.ndarray:
    """A (rows, step) uint8 view with padding; all sizes are checked."""
    height, width, step = message.height, message.width, message.step
    if height == 0 or width == 0:
        raise MessageError(f"image: zero size ({width}x{height})")
    try:
        check_size(width, height)
    except ValueError as error:
        raise MessageError(f"image: {error}") from error
    halved = encoding in ("nv12", "nv21")
    if (halved and (height % 2 or width % 2)) or ("yu" in encoding and width % 2):
        raise MessageError(f"image: {encoding} needs an even size, not {width}x{height}")
    planar = encoding in _PLANAR
    row_bytes = width if planar else width * _PACKED[encoding].pixel_bytes
    if step < row_bytes:
        raise MessageError(f"image: step {step} is less than {row_bytes}, a row of {encoding}")
    count = height * _PLANAR[encoding][0] // 2 if planar else height
    data = np.frombuffer(message.data, np.uint8)
    if planar and data.size == row_bytes * count:
        # For planar images some publishers give the bytes of one row in all planes.
        step = row_bytes
    if data.size != step * count:
        raise MessageError(
            f"image: {data.size} bytes of data, but {count} rows of {step} bytes are announced"
        )
    return data.reshape(count, step)


def _packed_to_rgb(rows: np.ndarray, layout: _Layout, is_big: bool, times: int) -> np.ndarray:
    """(H, bytes) -> (H, W, 3) at 1 / ``times`` of the size."""
    pixels = rows  # A view: OpenCV steps over a row's padding by itself.
    if layout.bytes == 2:
        whole: np.ndarray = np.ascontiguousarray(rows)
        pixels = whole.view(">u2" if is_big else "<u2").astype(np.uint16, copy=False)
    if layout.channels > 1:
        pixels = pixels.reshape(len(rows), -1, layout.channels)
    # Grey is scaled while it is one channel; a Bayer pattern is interpolated in full depth.
    late = layout.conversion in _BAYER.values()
    if layout.bytes == 2 and not late:
        pixels = _narrowed(pixels)
    # Shrinking before the conversion gives the same, unless neighbouring pixels share chroma.
    shares = late or layout in (_UYVY, _YUYV)
    pixels = pixels if shares else _shrunk(pixels, times)
    if layout.conversion is not None:
        pixels = cv2.cvtColor(pixels, layout.conversion)
    elif np.may_share_memory(pixels, rows):
        pixels = pixels.copy()
    pixels = _narrowed(pixels) if layout.bytes == 2 and late else pixels
    return _shrunk(pixels, times) if shares else pixels


def _shrunk(pixels: np.ndarray, times: int) -> np.ndarray:
    """(H, W) or (H, W, n) at 1 / ``times`` of the size, rounded up as JPEG decoders do.

    Halved repeatedly, for which OpenCV has a fast path; one step is four times as slow.
    """
    while times > 1:
        height, width = pixels.shape[:2]
        size = ((width + 1) // 2, (height + 1) // 2)
        pixels, times = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), times // 2
    return pixels


def _narrowed(wide: np.ndarray) -> np.ndarray:
    """uint16 of full range -> uint8, rounded."""
    return cv2.convertScaleAbs(wide, alpha=255 / 65535).reshape(wide.shape)


def _planar_to_rgb(rows: np.ndarray, width: int, encoding: str) -> np.ndarray:
    """(rows of all planes, step) -> (H, W, 3)."""
    code = _PLANAR[encoding][1]
    if encoding != "nv24":
        rgb: np.ndarray = cv2.cvtColor(np.ascontiguousarray(rows[:, :width]), code)
        return rgb
    # nv24 has chroma for every pixel. Each becomes two pixels of a format with one for two.
    height = len(rows) // 3
    light, colour = rows[:height, :width], rows[height:].reshape(height, -1, 2)[:, :width]
    twice = np.stack([colour[..., 0], light, colour[..., 1], light], axis=-1)
    wide: np.ndarray = cv2.cvtColor(twice.reshape(height, -1, 2), code)
    return wide[:, ::2].copy()


def _by_cv_bridge(message: Any) -> np.ndarray:
    """Convert a rarer encoding with cv_bridge, if it is installed and works with this numpy."""
    try:
        from cv_bridge import CvBridge

        return np.array(CvBridge().imgmsg_to_cv2(message, "rgb8"), np.uint8)
    except Exception as error:
        known = ", ".join([*_PACKED, *_PLANAR])
        raise MessageError(
            f"image: unknown encoding '{message.encoding[:40]}'; known are {known}"
        ) from error


def encode_jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    """(H, W, 3) uint8 RGB -> (n,) uint8 JPEG file; quality 1..100."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise MessageError(f"image of shape {rgb.shape} cannot be written as JPEG")
    return data.reshape(-1)

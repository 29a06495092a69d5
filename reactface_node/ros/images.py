"""sensor_msgs/Image and CompressedImage -> RGB pixels and back.

Layouts and encoding names: sensor_msgs/image_encodings.hpp; colour conversions: OpenCV, as
cv_bridge does them, so that both give the same pixels.
"""

from typing import Any

import cv2
import numpy as np

from reactface_node.ros.types import MessageError

# encoding -> (bytes a pixel, OpenCV's conversion to RGB; None where the pixels are RGB).
# OpenCV names a Bayer pattern by its second row's second and third pixel, ROS by its first.
_PACKED: dict[str, tuple[int, int | None]] = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "8UC1": (1, cv2.COLOR_GRAY2RGB),
    "mono16": (2, cv2.COLOR_GRAY2RGB),
    "yuv422": (2, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": (2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": (2, cv2.COLOR_YUV2RGB_YUY2),
    "yuyv": (2, cv2.COLOR_YUV2RGB_YUY2),
    "bayer_rggb8": (1, cv2.COLOR_BayerBG2RGB),
    "bayer_bggr8": (1, cv2.COLOR_BayerRG2RGB),
    "bayer_gbrg8": (1, cv2.COLOR_BayerGR2RGB),
    "bayer_grbg8": (1, cv2.COLOR_BayerGB2RGB),
}
_PLANAR = {"nv12": cv2.COLOR_YUV2RGB_NV12, "nv21": cv2.COLOR_YUV2RGB_NV21}
_TAIL_BYTES = 4096
_PNG = b"\x89PNG\r\n\x1a\n"


def image_to_rgb(message: Any) -> np.ndarray:
    """Image or CompressedImage -> (H, W, 3) uint8 RGB that shares no memory with the message.

    MessageError for an unknown encoding, and for sizes that are zero or contradict the data.
    """
    if hasattr(message, "format"):
        return _decompress(message)
    encoding = message.encoding
    if encoding not in _PACKED and encoding not in _PLANAR:
        return _by_cv_bridge(message)
    rows = _rows(message)
    try:
        if encoding in _PLANAR:
            return cv2.cvtColor(np.ascontiguousarray(rows), _PLANAR[encoding])
        return _packed_to_rgb(rows, message)
    except cv2.error as error:
        raise MessageError(f"image: OpenCV cannot convert {encoding}: {error.err}") from error


def _rows(message: Any) -> np.ndarray:
    """(rows, bytes of a row without padding) uint8 view, all sizes checked."""
    height, width, step, encoding = message.height, message.width, message.step, message.encoding
    if height == 0 or width == 0:
        raise MessageError(f"image: zero size ({width}x{height})")
    planar = encoding in _PLANAR
    if (planar and (height % 2 or width % 2)) or ("yu" in encoding and width % 2):
        raise MessageError(f"image: {encoding} needs an even size, not {width}x{height}")
    row_bytes = width if planar else width * _PACKED[encoding][0]
    if step < row_bytes:
        raise MessageError(f"image: step {step} is less than {row_bytes}, a row of {encoding}")
    count = height * 3 // 2 if planar else height
    data = np.frombuffer(message.data, np.uint8)
    if data.size != step * count:
        raise MessageError(
            f"image: {data.size} bytes of data, but {count} rows of {step} bytes are announced"
        )
    return data.reshape(count, step)[:, :row_bytes]


def _packed_to_rgb(rows: np.ndarray, message: Any) -> np.ndarray:
    pixel_bytes, conversion = _PACKED[message.encoding]
    if message.encoding == "mono16":
        kind = np.dtype(np.uint16).newbyteorder(">" if message.is_bigendian else "<")
        wide = np.ascontiguousarray(rows).view(kind).astype(np.uint16)
        rows, pixel_bytes = cv2.convertScaleAbs(wide, alpha=255 / 65535), 1
    if pixel_bytes == 1:
        pixels = np.ascontiguousarray(rows)
    else:
        pixels = np.ascontiguousarray(rows).reshape(len(rows), -1, pixel_bytes)
    return pixels.copy() if conversion is None else cv2.cvtColor(pixels, conversion)


def _decompress(message: Any) -> np.ndarray:
    """JPEG or PNG by its first bytes: the format strings in the wild are many."""
    data = np.frombuffer(message.data, np.uint8)
    head = data[:8].tobytes()
    if head.startswith(b"\xff\xd8\xff"):
        whole = b"\xff\xd9" in data[-_TAIL_BYTES:].tobytes()
    elif head == _PNG:
        whole = _is_whole_png(data.tobytes())
    else:
        raise MessageError(
            f"compressed image: {data.size} bytes with format '{message.format[:60]}' are neither "
            "JPEG nor PNG"
        )
    # OpenCV fills what is missing of a truncated file with grey and says nothing.
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if whole else None
    if pixels is None:
        raise MessageError(f"compressed image: {data.size} bytes, truncated or damaged")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def _is_whole_png(data: bytes) -> bool:
    """Whether the chunks follow each other from IHDR to IEND: OpenCV believes any length
    it reads, and takes gigabytes for a damaged one."""
    at = len(_PNG)
    if data[at : at + 8] != b"\0\0\0\x0dIHDR":
        return False
    while at + 12 <= len(data):
        if data[at : at + 8] == b"\0\0\0\0IEND":
            return True
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return False


def _by_cv_bridge(message: Any) -> np.ndarray:
    """Rarer encodings go to cv_bridge where it is installed and works with this numpy."""
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

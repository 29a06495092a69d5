"""JPEG and PNG of sensor_msgs/CompressedImage -> RGB pixels."""

from typing import Any

import cv2
import numpy as np

from reactface_node.ros.types import MessageError

_TAIL_BYTES = 4096
_PNG = b"\x89PNG\r\n\x1a\n"
# JPEG's segments (ITU-T T.81, table B.1): a frame header has the size; these are none.
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APP1 = 0xE1


def decode(message: Any, least_width: int = 0) -> np.ndarray:
    """CompressedImage -> (H, W, 3) uint8 RGB, upright where Exif says how it lies.

    JPEG or PNG by its first bytes: the format strings in the wild are many. ``least_width`` as in
    ``images.image_to_rgb``. MessageError for anything else, truncated or damaged.
    """
    data = np.frombuffer(message.data, np.uint8)
    head, flag = data[:8].tobytes(), cv2.IMREAD_COLOR
    if head.startswith(b"\xff\xd8\xff"):
        whole = b"\xff\xd9" in data[-_TAIL_BYTES:].tobytes()
        flag = _reduced(data, least_width)
    elif head == _PNG:
        whole = _is_whole_png(data.tobytes())
    else:
        raise MessageError(
            f"compressed image: {data.size} bytes with format '{message.format[:60]}' are neither "
            "JPEG nor PNG"
        )
    try:
        # OpenCV fills what is missing of a truncated file with grey and says nothing.
        pixels = cv2.imdecode(data, flag) if whole else None
    except cv2.error:  # A damaged header asks for more pixels than it allows.
        pixels = None
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


def _reduced(data: np.ndarray, least_width: int) -> int:
    """OpenCV's flag for the smallest size that is still ``least_width`` pixels wide."""
    flags = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4}
    return flags[reduction(_jpeg_width(data), least_width)]


def reduction(width: int, least_width: int) -> int:
    """1, 2 or 4: the most that leaves ``least_width`` pixels of ``width``; 0 = leave all."""
    if least_width == 0 or width < 2 * least_width:
        return 1
    return 4 if width >= 4 * least_width else 2


def _jpeg_width(data: np.ndarray) -> int:
    """As its header has it; the smaller side where Exif may turn it; 0 where none is found."""
    at, turns = 2, False
    while at + 9 <= data.size and data[at] == 0xFF:
        kind = int(data[at + 1])
        if kind in _FRAMES:
            height, width = (int(data[i]) << 8 | int(data[i + 1]) for i in (at + 5, at + 7))
            return min(height, width) if turns else width
        turns = turns or (kind == _APP1 and data[at + 4 : at + 8].tobytes() == b"Exif")
        at += 2 + (int(data[at + 2]) << 8 | int(data[at + 3]))
    return 0

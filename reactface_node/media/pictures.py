"""Picture files to RGB pixels: JPEG, PNG, WebP, TIFF and BMP; the size is checked before decoding.

Pillow reads them: it gets a picture's size and orientation from the header alone, and refuses a
truncated file. Only the pixels of a JPEG are decoded by OpenCV.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import (
    BmpImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from reactface_node.errors import UserError

MOST_PIXELS = 50_000_000
MOST_SIDE_PX = 16384
"""MediaPipe aborts the process on a side of 32767 and more."""
MOST_FILE_BYTES = 64 << 20
# A progressive JPEG is decoded once for each of its scans; encoders write about ten.
_MOST_SCAN_PIXELS = 1_000_000_000
# JPEG's markers (ITU-T T.81, table B.1) of frame headers, without DHT, JPG and DAC.
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_HUFFMAN = {0xC0, 0xC1, 0xC2, 0xC3}
_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
# A Huffman code has one bit or more for each 8x8 block of a component, which may be subsampled.
_MOST_PIXELS_A_BYTE = 8 * 64 * 4
_TIFF_TILE = (322, 323)
_ORIENTATION = 274


def read_picture(data: bytes, least_width: int = 0) -> np.ndarray:
    """A picture file's bytes -> (H, W, 3) uint8 RGB, turned upright as Exif tells.

    16 bits are scaled to 8, alpha is ignored, and of several pictures the first is used. Bytes
    after the end are ignored. A JPEG that is at least twice or four times ``least_width`` pixels
    wide comes at half or a quarter of its size, which is several times as fast; 0 = never.
    ValueError, one line, for another format, a truncated or damaged file, and for more than
    MOST_PIXELS pixels or MOST_SIDE_PX on a side.
    """
    try:
        with _quiet():
            return _read(bytes(data), least_width)
    except (_Refused, Image.DecompressionBombError) as refused:
        raise ValueError(str(refused)) from None
    except Exception as error:  # Pillow raises many kinds of errors for damaged fields.
        raise ValueError(f"{len(data)} bytes, truncated or damaged") from error


def read_picture_file(path: Path) -> np.ndarray:
    """As ``read_picture``; UserError that names the file."""
    try:
        if path.stat().st_size > MOST_FILE_BYTES:
            raise UserError(f"{path} is larger than {MOST_FILE_BYTES >> 20} MB; make it smaller")
        return read_picture(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no picture that can be read: {error}") from error


def check_size(width: int, height: int) -> None:
    """ValueError, one line, if a picture is too large to be decoded."""
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE_PX:
        raise ValueError(
            f"{width}x{height} pixels; at most {MOST_PIXELS // 10**6} million and "
            f"{MOST_SIDE_PX} on a side are read"
        )


def upright(rgb: np.ndarray, orientation: int) -> np.ndarray:
    """(H, W, 3) as stored -> upright. orientation: Exif's number, 1..8 (Exif 2.3, table 6); any
    other number changes nothing."""
    if orientation in (5, 6, 7, 8):
        rgb = rgb.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    return np.ascontiguousarray(rgb)


def shrunk(rgb: np.ndarray, most_side_px: int = MOST_SIDE_PX) -> np.ndarray:
    """(H, W, 3) uint8 -> itself, or smaller so that no side is longer than ``most_side_px``."""
    height, width = rgb.shape[:2]
    scale = most_side_px / max(height, width)
    if scale >= 1:
        return rgb
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def narrowed(rgb: np.ndarray, width: int) -> np.ndarray:
    """(H, W, 3) uint8 -> itself, or ``width`` pixels wide if it is wider.

    It is halved as often as possible, for which OpenCV has a fast path, and interpolated for the
    rest: three to six times as fast as one step that averages, and less than half a level of 255
    away from it.
    """
    height, before = rgb.shape[:2]
    while rgb.shape[1] >= 2 * width:
        size = (rgb.shape[1] + 1) // 2, (rgb.shape[0] + 1) // 2
        rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    if rgb.shape[1] <= width:
        return rgb
    size = width, max(1, round(height * width / before))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR)


def thinned(rgb: np.ndarray, step: int) -> np.ndarray:
    """Every ``step``-th row and column of (H, W, 3) uint8, without what is left over, contiguous;
    several times as fast as a slice that is copied."""
    size = rgb.shape[1] // step, rgb.shape[0] // step
    if step == 1 or 0 in size:
        return np.ascontiguousarray(rgb[::step, ::step])
    whole = rgb[: size[1] * step, : size[0] * step]
    return cv2.resize(whole, size, interpolation=cv2.INTER_NEAREST)


def reduction(width: int, least_width: int) -> int:
    """1, 2 or 4: the largest divisor of ``width`` that leaves ``least_width`` pixels; 1 if
    ``least_width`` is 0."""
    if least_width == 0 or width < 2 * least_width:
        return 1
    return 4 if width >= 4 * least_width else 2


class _Refused(Exception):
    """An error with ``read_picture``'s own message."""


def _read(data: bytes, least_width: int) -> np.ndarray:
    image = _opened(data)
    try:
        check_size(*image.size)
        # A tile is always decoded completely, even if the picture is smaller.
        check_size(*(getattr(image, "tag_v2", {}).get(tag, 1) for tag in _TIFF_TILE))
    except ValueError as error:
        raise _Refused(str(error)) from error
    if image.format == "JPEG" and not _is_whole_jpeg(data, image.size[0] * image.size[1]):
        raise _Refused(f"{len(data)} bytes of JPEG, truncated or damaged")
    if image.format == "PNG":
        # Rows are complete before the checksums are read: loading alone does not compare them.
        _opened(data).verify()
    orientation = _orientation(image)
    upright_width = image.size[1 if orientation >= 5 else 0]
    times = reduction(upright_width, least_width)
    return upright(
        _jpeg_pixels(data, times) if image.format == "JPEG" else _pixels(image), orientation
    )


def _opened(data: bytes) -> Any:
    """The Pillow image with its header read. _Refused for an unsupported format."""
    file = BytesIO(data)
    if data.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.JpegImageFile(file)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile(file)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WebPImagePlugin.WebPImageFile(file)
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return TiffImagePlugin.TiffImageFile(file)
    if data.startswith(b"BM"):
        return BmpImagePlugin.BmpImageFile(file)
    raise _Refused(f"{len(data)} bytes are neither JPEG, PNG, WebP, TIFF nor BMP")


def _jpeg_pixels(data: bytes, times: int) -> np.ndarray:
    """A complete JPEG at 1 / ``times`` of its size, by OpenCV, which needs half of Pillow's
    time."""
    reduced = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4}
    flags = reduced[times] | cv2.IMREAD_IGNORE_ORIENTATION
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if bgr is None:
        raise _Refused(f"{len(data)} bytes of JPEG, truncated or damaged")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def _pixels(image: Any) -> np.ndarray:
    if image.mode.startswith("I"):  # Grey of 16 bits.
        wide = np.clip(np.asarray(image, np.float32), 0, 65535)
        grey = np.round(wide * (255 / 65535)).astype(np.uint8)
        return np.repeat(grey[..., None], 3, -1)
    if image.mode == "F":
        raise _Refused("a picture of floating point numbers")
    # Pillow warns of a palette's transparency, which is ignored anyway.
    image.load()
    image.info.pop("transparency", None)
    return np.array(image.convert("RGB"))


def _orientation(image: Any) -> int:
    if image.format == "TIFF":
        return 1  # Pillow turns these pictures itself.
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # The picture may be intact although its Exif block is damaged.
        return 1


def _is_whole_jpeg(data: bytes, pixels: int) -> bool:
    """Whether its segments lead to the end marker with data for all pixels; a decoder fills
    missing pixels with grey and reports nothing."""
    found = np.frombuffer(data, np.uint8)
    starts = np.flatnonzero(found[:-1] == 0xFF)
    kinds = found[starts + 1]
    # Without stuffed bytes, fill bytes and restart markers.
    is_marker = (kinds != 0) & (kinds != 0xFF) & ((kinds < 0xD0) | (kinds > 0xD7))
    starts, kinds = starts[is_marker], kinds[is_marker]
    at, frame, scans, coded = 2, 0, 0, 0
    for start, kind in zip(starts.tolist(), kinds.tolist(), strict=True):
        if start < at:  # Inside of a segment.
            continue
        coded += (start - at) if scans else 0
        if kind == _EOI:
            is_thin = frame in _HUFFMAN and coded * _MOST_PIXELS_A_BYTE < pixels
            return scans > 0 and not is_thin and scans * pixels <= _MOST_SCAN_PIXELS
        if kind == _SOI or (kind in _FRAMES and frame):
            return False
        frame = kind if kind in _FRAMES else frame
        scans += kind == _SOS
        at = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    return False


@contextmanager
def _quiet() -> Iterator[None]:
    """Hides Pillow's warnings about a damaged file, which is either refused or read."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield

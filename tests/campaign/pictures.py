"""Compressed pictures that are damaged, or whose header has a wrong size."""

import struct
import zlib
from functools import cache

import cv2
import numpy as np

from campaign.damage import damaged

ENDINGS = (".jpg", ".jpg", ".png", ".webp", ".tiff", ".bmp")
SIZES = (0, 1, 2, 7, 600, 8191, 16384, 16385, 32767, 32768, 65500, 65535)


@cache
def encoded(ending: str, width: int = 32, height: int = 24) -> bytes:
    rgb = np.random.default_rng(width).integers(0, 255, (height, width, 3), np.uint8)
    return cv2.imencode(ending, rgb)[1].tobytes()


def any_picture(rng: np.random.Generator) -> bytes:
    """A small one of any format, damaged or of a declared size."""
    ending = ENDINGS[int(rng.integers(0, len(ENDINGS)))]
    data = encoded(ending)
    kind = rng.random()
    if kind < 0.6:
        return damaged(data, rng)
    if kind < 0.7:
        # What some cameras append.
        return data + rng.bytes(int(rng.integers(1, 500)))
    width, height = (int(SIZES[int(i)]) for i in rng.integers(0, 5, 2))
    return declared(ending, width, height)


def bomb(rng: np.random.Generator) -> bytes:
    """A few bytes that say a huge size."""
    ending = ENDINGS[int(rng.integers(1, 5))]
    width, height = (int(SIZES[int(i)]) for i in rng.integers(4, len(SIZES), 2))
    return declared(ending, width, height)


def declared(ending: str, width: int, height: int) -> bytes:
    """A small picture whose header says (width, height)."""
    data = bytearray(encoded(ending))
    if ending == ".jpg":
        at = data.index(b"\xff\xc0")
        struct.pack_into(">HH", data, at + 5, height, width)
    elif ending == ".png":
        struct.pack_into(">II", data, 16, width, height)
        struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    elif ending == ".webp":
        _declare_webp(data, width, height)
    elif ending == ".tiff":
        _declare_tiff(data, width, height)
    elif ending == ".bmp":
        struct.pack_into("<ii", data, 18, width, height)
    return bytes(data)


def whole_bomb(side: int) -> bytes:
    """A PNG that is what it says: (side, side) zeros in about side * side / 1000 bytes."""
    packer = zlib.compressobj(9)
    row = bytes(1 + side)
    packed = b"".join([*(packer.compress(row) for _ in range(side)), packer.flush()])
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)),
        (b"IDAT", packed),
        (b"IEND", b""),
    ]
    chunks = (
        struct.pack(">I", len(body)) + name + body + _checksum(name + body) for name, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _checksum(data: bytes) -> bytes:
    return struct.pack(">I", zlib.crc32(data))


def _declare_webp(data: bytearray, width: int, height: int) -> None:
    """VP8 has 14 bits for each, VP8L packs both."""
    if data[12:16] == b"VP8 ":
        struct.pack_into("<HH", data, 26, width & 0x3FFF, height & 0x3FFF)
    elif data[12:16] == b"VP8L":
        bits = (width - 1 & 0x3FFF) | (height - 1 & 0x3FFF) << 14
        struct.pack_into("<I", data, 21, bits)


def _declare_tiff(data: bytearray, width: int, height: int) -> None:
    """Tags 256 and 257 of the first directory."""
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", data, entry)
        if tag in (256, 257):
            value = width if tag == 256 else height
            struct.pack_into(order + ("H" if kind == 3 else "I"), data, entry + 8, value)

"""Damage to bytes, of any format."""

from collections.abc import Callable

import numpy as np

LARGE = (
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
    b"\x00\x00\x00\x00",
    b"\x00\x00\x01\x00",
    b"\x01\x00\x00\x00",
)
"""Lengths as they should not be."""


def flipped(data: bytearray, rng: np.random.Generator, first: int = 0) -> None:
    """Some bits."""
    for _ in range(int(rng.integers(1, 9))):
        data[int(rng.integers(first, len(data)))] ^= 1 << int(rng.integers(0, 8))


def overwritten(data: bytearray, rng: np.random.Generator, first: int = 0) -> None:
    """Some bytes, or a run of them."""
    start = int(rng.integers(first, len(data)))
    length = int(rng.integers(1, 1 + min(64, len(data) - start)))
    data[start : start + length] = rng.bytes(length)


def cut(data: bytearray, rng: np.random.Generator, first: int = 0) -> None:
    """What comes after some place."""
    del data[int(rng.integers(first, len(data))) :]


def holed(data: bytearray, rng: np.random.Generator, first: int = 0) -> None:
    """A part is not there."""
    start = int(rng.integers(first, len(data)))
    del data[start : start + int(rng.integers(1, 1 + max(1, len(data) // 4)))]


def grown(data: bytearray, rng: np.random.Generator, first: int = 0) -> None:
    """A part comes twice, or is anything."""
    start = int(rng.integers(first, len(data)))
    more = bytes(data[start : start + 100]) if rng.random() < 0.5 else rng.bytes(50)
    data[start:start] = more


def lied(data: bytearray, rng: np.random.Generator, first: int = 0) -> None:
    """Four bytes in a row are a length that is too large, zero or negative."""
    start = int(rng.integers(first, max(first + 1, len(data) - 4)))
    data[start : start + 4] = LARGE[int(rng.integers(0, len(LARGE)))]


def zeroed(data: bytearray, rng: np.random.Generator, first: int = 0) -> None:
    """A block that was never written."""
    start = int(rng.integers(first, len(data)))
    stop = min(len(data), start + int(rng.integers(1, 4096)))
    data[start:stop] = bytes(stop - start)


WAYS: tuple[Callable[..., None], ...] = (
    flipped,
    flipped,
    overwritten,
    cut,
    holed,
    grown,
    lied,
    zeroed,
)


def damaged(data: bytes, rng: np.random.Generator, first: int = 0) -> bytes:
    """The bytes with damage of one kind, seldom of several. first: the bytes before it stay."""
    changed = bytearray(data)
    for _ in range(1 if rng.random() < 0.9 else 3):
        if len(changed) > first:
            WAYS[int(rng.integers(0, len(WAYS)))](changed, rng, first)
    return bytes(changed)

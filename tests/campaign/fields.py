"""Valid messages whose fields have random values."""

import dataclasses
from typing import Any

import numpy as np

NUMBERS = (0, 1, 2, 3, 5, 7, 24, 32, 255, 4000, 8000, 44100, 48000, 65535, 192000, 2**31 - 1)
NEGATIVE = (-1, -2, -(2**31))
FLOATS = (0.0, -1.0, 1e30, -1e30, float("nan"), float("inf"), 2.0)
TEXTS = (
    "",
    "x" * 300,
    "rgb8",
    "bgr8",
    "rgba8",
    "mono8",
    "mono16",
    "8UC1",
    "8UC3",
    "16UC1",
    "16UC4",
    "32FC1",
    "64FC3",
    "nv12",
    "nv21",
    "nv24",
    "yuyv",
    "uyvy",
    "yuv422",
    "yuv422_yuy2",
    "bayer_rggb8",
    "bayer_bggr16",
    "S16LE",
    "S16BE",
    "S24LE",
    "S24_32LE",
    "F32LE",
    "F64BE",
    "U8",
    "S8",
    "mp3",
    "wave",
    "flac",
    "pcm-s16",
    "opus",
    "jpeg",
    "png",
    "webp",
    "tiff",
    "h264",
    "rgb8; jpeg compressed bgr8",
    "16UC1; compressedDepth png",
    "\0",
    "é/\n%s {x}",
    "\u202e",
    "a/b",
)
SHIFTS_S = (
    0.0,
    -0.04,
    0.04,
    -0.3,
    0.3,
    -0.9,
    0.9,
    -1.1,
    1.1,
    -3.0,
    3.0,
    -4.9,
    4.9,
    -6.0,
    6.0,
    -3600.0,
    3600.0,
    1e8,
)
BOUNDS = {"sec": (-(2**31), 2**31 - 1), "nanosec": (0, 2**32 - 1)}


def leaves(message: Any) -> list[tuple[Any, str]]:
    """(owner, name) of every field at any depth."""
    found: list[tuple[Any, str]] = []
    for field in dataclasses.fields(message):
        if field.name.startswith("__"):
            continue
        value = getattr(message, field.name)
        if dataclasses.is_dataclass(value):
            found += leaves(value)
        else:
            found.append((message, field.name))
    return found


def mutate(message: Any, rng: np.random.Generator) -> None:
    """One field, seldom several, of another value that the wire can carry."""
    places = leaves(message)
    for _ in range(1 if rng.random() < 0.8 else 3):
        owner, name = places[int(rng.integers(0, len(places)))]
        setattr(owner, name, other(getattr(owner, name), name, rng))


def other(value: Any, name: str, rng: np.random.Generator) -> Any:
    """A value of the same kind."""
    if name in BOUNDS:
        return _time_part(value, name, rng)
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return TEXTS[int(rng.integers(0, len(TEXTS)))]
    if isinstance(value, float):
        return FLOATS[int(rng.integers(0, len(FLOATS)))]
    if isinstance(value, int):
        return _number(value, rng)
    if isinstance(value, np.ndarray):
        return _array(value, rng)
    if isinstance(value, list):
        return [TEXTS[int(i)] for i in rng.integers(0, len(TEXTS), int(rng.integers(0, 4)))]
    return value


def shift(message: Any, rng: np.random.Generator) -> float:
    """Stamps it some time off; how much."""
    stamp = message.header.stamp if hasattr(message, "header") else message.timestamp
    by_s = SHIFTS_S[int(rng.integers(0, len(SHIFTS_S)))]
    stamp.sec = int(np.clip(stamp.sec + int(by_s), *BOUNDS["sec"]))
    stamp.nanosec = int(np.clip(stamp.nanosec + (by_s % 1.0) * 1e9, 0, 999_999_999))
    return by_s


def _time_part(value: int, name: str, rng: np.random.Generator) -> int:
    low, high = BOUNDS[name]
    choice = (0, low, high, value + 1, value - 1, 10**9, value // 2)[int(rng.integers(0, 7))]
    return int(np.clip(choice, low, high))


def _number(value: int, rng: np.random.Generator) -> int:
    kind = rng.random()
    if kind < 0.1 and value < 2**31:
        return NEGATIVE[int(rng.integers(0, 3))]
    if kind < 0.4:
        return max(0, value + int(rng.integers(-2, 3)))
    if kind < 0.5:
        return value * 2
    return NUMBERS[int(rng.integers(0, len(NUMBERS)))]


def _array(value: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kind = rng.random()
    if kind < 0.3:
        return value[: int(rng.integers(0, len(value) + 1))]
    if kind < 0.5:
        return np.concatenate([value, value[: int(rng.integers(0, len(value) + 1))]])
    if value.dtype.kind == "f" and kind < 0.7:
        return np.full(len(value), FLOATS[int(rng.integers(0, len(FLOATS)))], value.dtype)
    # The bytes, whatever they mean.
    size = int(rng.integers(0, 900)) * value.itemsize
    return np.frombuffer(rng.bytes(size), value.dtype)

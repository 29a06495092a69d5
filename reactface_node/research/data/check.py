"""Lists all missing or broken files of a data set."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.arrays import load_array, usable
from reactface_node.research.data.decode import duration_frames, numbered
from reactface_node.research.data.source import Source
from reactface_node.schema import FRAME_RATE_HZ, NUM_COEFFICIENTS

LENGTH_SLACK = 5
"""Frames by which the files of a clip may disagree: 0.2 s, an AAC or MP3 packet's padding."""


def check(open_sources: Iterable[Callable[[], Source]]) -> list[str]:
    """One line for each problem of any split; empty if there is none."""
    found: list[str] = []
    for open_source in open_sources:
        try:
            with files_told():
                found.extend(open_source().problems())
        except UserError as error:
            found.append(str(error))
    # Both roles, and several rows of a list, name the same files.
    return list(dict.fromkeys(found))


@contextmanager
def files_told() -> Iterator[None]:
    """Inside, what the system says of a file, such as that it may not be read, becomes a UserError
    that names the file."""
    try:
        yield
    except OSError as error:
        if error.filename is None:  # of no file, such as a closed pipe
            raise
        name = os.fsdecode(error.filename)
        raise UserError(f"{name} cannot be read or written: {error.strerror}") from error


@runtime_checkable
class Doubted(Protocol):
    """A source that can say what may be wrong though nothing is broken."""

    def warnings(self) -> Iterator[str]:
        """Lines that name a file or a pair."""
        ...


def all_warnings(open_sources: Iterable[Callable[[], Source]]) -> list[str]:
    """One line for each doubt of the splits, which have no problems."""
    sources = [open_source() for open_source in open_sources]
    return [line for one in sources if isinstance(one, Doubted) for line in one.warnings()]


def refuse_if_broken(source: Source) -> None:
    """UserError with the first problem, and how many more there are."""
    found = list(dict.fromkeys(source.problems()))
    if found:
        more = f" (and {len(found) - 1} more: reactface data check lists them)" * (len(found) > 1)
        raise UserError(found[0] + more)


def read_coefficients(path: Path) -> np.ndarray:
    """(t, 58) float32 of an .npy of shape (t, 58) or (t, 1, 58). UserError if it is not that."""
    array = open_coefficients(path)
    good = usable(array).all(axis=1)
    if not good.all():
        frame = int(np.flatnonzero(~good)[0])
        raise UserError(f"{path} holds NaN, infinite or huge values, the first in frame {frame}")
    return array.astype(np.float32)


def open_coefficients(path: Path) -> np.ndarray:
    """As ``read_coefficients``, but as a memory map and without checking the values."""
    array = load_array(path)
    shape = array.shape
    if array.ndim == 3 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 2 or array.shape[1] != NUM_COEFFICIENTS or array.dtype.kind not in "fiu":
        raise UserError(
            f"{path} has shape {shape} of {array.dtype}, not (frames, {NUM_COEFFICIENTS}) numbers"
        )
    if not len(array):
        raise UserError(f"{path} holds no frames")
    return array


def picture_frames(path: Path) -> int:
    """Frames of a video file or of a folder of numbered pictures; UserError if it is neither."""
    if path.is_dir():
        count = len(numbered(path))
        if not count:
            raise UserError(f"{path} holds no pictures")
        return count
    return sound_frames(path)


def sound_frames(path: Path) -> int:
    """25 Hz frames of a media file by its header."""
    if not path.is_file():
        raise UserError(f"{path} is missing")
    frames = duration_frames(path)
    if frames < 1:
        raise UserError(f"{path} is empty")
    return frames


def lengths_that_disagree(lengths: dict[Path, int]) -> Iterator[str]:
    """A line for every file of a clip that is much longer or shorter than the clip's first."""
    first = next(iter(lengths), None)
    if first is None:
        return
    for path, frames in lengths.items():
        if abs(frames - lengths[first]) > LENGTH_SLACK:
            yield (
                f"{path} is {_seconds(frames)} long, but {first} is {_seconds(lengths[first])}: "
                "they belong together"
            )


def _seconds(frames: int) -> str:
    return f"{frames / FRAME_RATE_HZ:.2f} s ({frames} frames)"


def measured(
    files: Iterable[tuple[Path, Callable[[Path], int]]], broken: list[str]
) -> dict[Path, int]:
    """path -> frames of the readable files; problems are appended to ``broken``."""
    found: dict[Path, int] = {}
    for path, measure in files:
        try:
            found[path] = measure(path)
        except UserError as error:
            broken.append(str(error))
    return found

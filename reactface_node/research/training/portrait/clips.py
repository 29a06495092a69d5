"""Training clips of PIRender: pictures of one person with coefficients."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reactface_node.errors import UserError
from reactface_node.faceverse import Space
from reactface_node.files.progress import ProgressBar
from reactface_node.render.portrait.weights import CoefficientSpace
from reactface_node.research.data.check import (
    lengths_that_disagree,
    picture_frames,
    read_coefficients,
)
from reactface_node.research.data.decode import (
    ClipTracker,
    centre_crop,
    crops,
    fill_gaps,
    video_frames,
)
from reactface_node.research.data.plan import MANIFEST
from reactface_node.research.data.store import load_clips, load_facts
from reactface_node.schema import FRAME_RATE_HZ

SHORTEST = 2
"""Least number of frames: one is the source, another the target."""


@dataclass(frozen=True, eq=False)
class PortraitClip:
    """T frames of one person at 25 Hz.

    pictures: (T, H, W, 3) uint8 RGB, may be memory-mapped. coefficients: (T, 58) float32. shown:
    the frames in whose picture the face is visible.
    """

    name: str
    pictures: np.ndarray
    coefficients: np.ndarray
    shown: np.ndarray


def read_clips(
    paths: Sequence[Path],
    written: CoefficientSpace,
    wanted: CoefficientSpace,
    make_tracker: Callable[[], ClipTracker],
) -> list[PortraitClip]:
    """The clips of all paths, their coefficients in the space ``wanted``.

    A path is a split that ``reactface data convert --faces`` made, or one person's video file or
    folder of numbered pictures. Beside it, ``NAME.npy`` may hold (T, 58) coefficients in the space
    ``written`` at 25 Hz; then the middle of the pictures is used, as in the released code. Without
    it the tracker gives coefficients and crops. UserError that names the file if one cannot be used
    or is too short.
    """
    for path in paths:
        if not path.exists():
            raise UserError(f"{path} does not exist")
    found: list[PortraitClip] = []
    for path in paths:
        beside = path.with_suffix(".npy")
        if (path / MANIFEST).is_file():
            found += _converted(path, wanted)
        elif beside.is_file():
            found.append(_described(path, beside, written, wanted))
        else:
            print(f"{path}: no {beside.name} beside it, so its face is tracked", file=sys.stderr)
            found.append(_tracked(path, make_tracker(), wanted))
    for clip in found:
        if len(clip.shown) < SHORTEST:
            raise UserError(
                f"{clip.name} shows a face in {len(clip.shown)} frames; at least {SHORTEST} are "
                "needed"
            )
    return found


def _converted(path: Path, wanted: CoefficientSpace) -> Iterator[PortraitClip]:
    clips, facts = load_clips(path.parent, path.name), load_facts(path.parent, path.name)
    if clips.faces is None:
        raise UserError(f"{path} has no pictures; convert it again with --faces")
    space = Space.from_facts(facts) if "offset" in facts else Space.of()
    for index, length in enumerate(clips.frames):
        values = clips.speaker[index, :length]
        yield PortraitClip(
            f"{path}: {clips.names[index]}",
            clips.faces[index, :length],
            space.to_faceverse(values) if wanted == "faceverse" else values,
            np.arange(length),
        )


def _described(
    path: Path, beside: Path, written: CoefficientSpace, wanted: CoefficientSpace
) -> PortraitClip:
    values = read_coefficients(beside)
    # By the header, before anything is decoded.
    lengths = {path: picture_frames(path), beside: len(values)}
    disagreement = next(lengths_that_disagree(lengths), None)
    if disagreement is not None:
        raise UserError(disagreement)
    pictures = [centre_crop(rgb) for rgb in _frames(path, lengths[path])]
    length = min(len(pictures), len(values))
    values = _in_space(values[:length], written, wanted)
    return PortraitClip(str(path), np.stack(pictures[:length]), values, np.arange(length))


def _tracked(path: Path, tracker: ClipTracker, wanted: CoefficientSpace) -> PortraitClip:
    try:
        frames = _frames(path, picture_frames(path))
        seen = [tracker.track(slot / FRAME_RATE_HZ, rgb) for slot, rgb in enumerate(frames)]
    finally:
        tracker.close()
    values = _in_space(fill_gaps(seen, str(path)), "ours", wanted)
    pictures = crops(seen)
    assert pictures is not None  # fill_gaps refuses a clip without a face
    shown = np.flatnonzero([one.face_found for one in seen])
    return PortraitClip(str(path), pictures, values, shown)


def _frames(path: Path, count: int) -> Iterator[np.ndarray]:
    """Every (H, W, 3) picture, at least one, with a progress bar of ``count``."""
    empty = True
    for rgb in ProgressBar(video_frames(path), path.name, count, unit="frame"):
        empty = False
        yield rgb
    if empty:
        raise UserError(f"{path} holds no pictures")


def _in_space(values: np.ndarray, given: CoefficientSpace, wanted: CoefficientSpace) -> np.ndarray:
    if given == wanted:
        return values
    space = Space.of()
    return space.to_faceverse(values) if wanted == "faceverse" else space.to_ours(values)

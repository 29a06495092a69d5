"""Media files to 25 Hz frames and 16 kHz audio, and faces in them to coefficients."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import soxr

from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.media.audio import AudioStats, float_to_int16, to_mono
from reactface_node.media.containers import (
    audio_stream,
    duration_s,
    open_media,
    pictures,
    sounds,
    video_stream,
)
from reactface_node.media.pictures import read_picture_file
from reactface_node.schema import (
    FRAME_RATE_HZ,
    NUM_COEFFICIENTS,
    SAMPLE_RATE_HZ,
    SAMPLES_PER_FRAME,
    Observation,
)

SEEN_SHARE = 0.5
"""Least share of a clip's frames with a face; with less, gaps cannot be interpolated."""


class ClipTracker(Protocol):
    def track(self, stamp_s: float, rgb: np.ndarray) -> Observation: ...
    def reset(self) -> None: ...
    def close(self) -> None: ...


TrackerFactory = Callable[[bool], ClipTracker]
"""want_crop -> a tracker; called in the worker process, so it must be picklable."""


@dataclass(frozen=True)
class NodeTracker:
    """The node's own tracker, with its settings; a ``TrackerFactory``."""

    config: PerceptionConfig = field(default_factory=PerceptionConfig)

    def __call__(self, want_crop: bool) -> ClipTracker:
        from reactface_node.perception import make_tracker

        return make_tracker(self.config, want_crop)


def read_audio(path: Path, most_s: float = math.inf) -> np.ndarray:
    """(n,) int16 mono at 16 kHz of any file with sound, no more than about its first ``most_s``
    seconds. UserError that names the file."""
    stats, pieces, rates_hz = AudioStats(), [], set()
    for stamp_s, samples, rate_hz in sounds(path):
        if stamp_s > most_s:
            break
        pieces.append(to_mono(samples, stats))
        rates_hz.add(rate_hz)
    if not pieces:
        raise UserError(f"{path} holds no samples")
    if len(rates_hz) > 1:
        raise UserError(f"{path} changes its sampling rate: {sorted(rates_hz)} Hz")
    mono = soxr.resample(np.concatenate(pieces), rates_hz.pop(), SAMPLE_RATE_HZ)
    return float_to_int16(mono)


def fit_audio(audio: np.ndarray, frames: int) -> np.ndarray:
    """(frames * 640,): truncated, or padded with zeros."""
    wanted = frames * SAMPLES_PER_FRAME
    return np.pad(audio[:wanted], (0, max(0, wanted - len(audio))))


def duration_frames(path: Path) -> int:
    """Length of a sound or video file in 25 Hz frames, by its header. UserError if unreadable."""
    with open_media(path, "video or sound") as container:
        stream = video_stream(container) or audio_stream(container)
        if stream is None:
            raise UserError(f"{path} holds neither pictures nor sound")
        if stream.duration is not None and stream.time_base is not None:
            return round(float(stream.duration * stream.time_base) * FRAME_RATE_HZ)
        return round(duration_s(container) * FRAME_RATE_HZ)


def video_frames(path: Path) -> Iterator[np.ndarray]:
    """(H, W, 3) RGB of each 25 Hz slot: a file's newest picture at the slot's middle, or a
    folder's numbered pictures in order. UserError that names the file."""
    if path.is_dir():
        yield from (read_picture_file(file) for file in numbered(path))
        return
    slot, held, start_s = 0, None, 0.0
    for stamp_s, rgb in pictures(path):
        start_s = stamp_s if held is None else start_s
        while held is not None and (slot + 0.5) / FRAME_RATE_HZ < stamp_s - start_s:
            yield held
            slot += 1
        held = rgb
    if held is not None:
        yield held


def numbered(folder: Path) -> list[Path]:
    """1.png, 2.png, ... 10.png in the order of their numbers."""
    files = [f for f in folder.iterdir() if f.suffix.lower() in (".png", ".jpg", ".jpeg")]
    return sorted(files, key=lambda f: (int(f.stem) if f.stem.isdecimal() else 0, f.name))


def centre_crop(rgb: np.ndarray) -> np.ndarray:
    """(224, 224, 3): the short side to 256, then the middle, as the released code feeds frames."""
    scale = 256 / min(rgb.shape[:2])
    size = (max(224, round(rgb.shape[1] * scale)), max(224, round(rgb.shape[0] * scale)))
    resized = rgb if scale == 1 else cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    top, left = (resized.shape[0] - 224) // 2, (resized.shape[1] - 224) // 2
    return resized[top : top + 224, left : left + 224]


def track_video(path: Path, tracker: ClipTracker) -> tuple[np.ndarray, np.ndarray | None]:
    """((t, 58) float32, (t, 224, 224, 3) uint8 if the tracker crops) of one person's video."""
    tracker.reset()
    frames = video_frames(path)
    seen = [tracker.track(slot / FRAME_RATE_HZ, rgb) for slot, rgb in enumerate(frames)]
    if not seen:
        raise UserError(f"{path} holds no pictures")
    return fill_gaps(seen, str(path)), crops(seen)


def fill_gaps(seen: Iterable[Observation], what: str) -> np.ndarray:
    """(t, 58): frames without a face are interpolated; channels that the tracker never gives stay
    0.

    UserError that begins with ``what`` if the face is seen in less than half of the frames.
    """
    seen = list(seen)
    values = np.stack([one.coefficients for one in seen]).astype(np.float32)
    found = np.array([one.face_found for one in seen])
    if found.mean() < SEEN_SHARE:
        raise UserError(f"{what}: a face is seen in only {found.mean():.0%} of the frames")
    places, at = np.arange(len(seen)), np.flatnonzero(found)
    for channel in range(NUM_COEFFICIENTS):
        values[:, channel] = np.interp(places, at, values[at, channel])
    result: np.ndarray = values
    return result


def crops(seen: Iterable[Observation]) -> np.ndarray | None:
    """(t, 224, 224, 3) uint8, missing ones are the last crop; None if there are no crops at all."""
    seen = list(seen)
    first = next((one.crop for one in seen if one.crop is not None), None)
    if first is None:
        return None
    kept = []
    for one in seen:
        first = one.crop if one.crop is not None else first
        kept.append(first)
    result: np.ndarray | None = np.stack(kept)
    return result

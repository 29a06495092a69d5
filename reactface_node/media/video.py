"""Reads video files and writes mp4; libraries decode and encode."""

import heapq
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError

from reactface_node.errors import UserError
from reactface_node.files.whole import check_new, hidden_place, put_in_place, write_errors
from reactface_node.media.containers import (
    audio_stream,
    duration_s,
    open_media,
    pictures,
    sounds,
    video_stream,
)
from reactface_node.schema import FRAME_RATE_HZ

MP4_AUDIO_RATE_HZ = 48000


@dataclass(frozen=True, eq=False)
class ImageInput:
    """One image, (H, W, 3) uint8 RGB; it arrived at ``arrival_s`` on the stamps' clock."""

    stamp_s: float
    arrival_s: float
    rgb: np.ndarray


@dataclass(frozen=True, eq=False)
class AudioInput:
    """Samples (n,) or (n, channels) whose first was heard at ``stamp_s``."""

    stamp_s: float
    arrival_s: float
    samples: np.ndarray
    rate_hz: int


def read_video(path: Path) -> Iterator[ImageInput | AudioInput]:
    """Images and audio of a video file in the order in which they would have arrived.

    Damaged parts are skipped and logged once. UserError if the file cannot be read at all or
    holds no video.
    """
    with open_media(path) as container:
        if video_stream(container) is None:
            raise UserError(f"{path} holds no video that can be decoded")
        has_sound = audio_stream(container) is not None
    # Two readers: in the file, audio may lie seconds away from its picture.
    streams: list[Iterator[ImageInput | AudioInput]] = [_images(path)]
    if has_sound:
        streams.append(_sounds(path))
    return _some(path, heapq.merge(*streams, key=lambda item: item.arrival_s))


def video_duration_s(path: Path) -> float:
    """Length of a video file, 0 if it does not say."""
    with open_media(path) as container:
        return duration_s(container)


def video_formats(path: Path) -> tuple[str, str]:
    """Codecs of a video file's pictures and sound, such as ("h264 yuv420p", "aac"); "" if none."""
    with open_media(path) as container:
        image, sound = video_stream(container), audio_stream(container)
        seen = f"{image.codec_context.name} {image.codec_context.pix_fmt}" if image else ""
        return seen, sound.codec_context.name if sound else ""


def _images(path: Path) -> Iterator[ImageInput]:
    for stamp_s, rgb in pictures(path):
        yield ImageInput(stamp_s, stamp_s, rgb)


def _sounds(path: Path) -> Iterator[AudioInput]:
    for stamp_s, samples, rate_hz in sounds(path):
        yield AudioInput(stamp_s, stamp_s + len(samples) / rate_hz, samples, rate_hz)


def _some(
    path: Path, items: Iterator[ImageInput | AudioInput]
) -> Iterator[ImageInput | AudioInput]:
    """The items; UserError if there are none."""
    first = next(items, None)
    if first is None:
        raise UserError(f"{path} cannot be decoded: neither pictures nor sound come out of it")
    yield first
    yield from items


class VideoWriter:
    """An mp4 (H.264 and AAC) at 25 fps; it appears under its name only when it is complete."""

    def __init__(self, path: Path, width: int, height: int):
        """UserError if the path exists or cannot be written."""
        check_new(path)
        self._path = path
        self._frames = 0
        with ExitStack() as place, write_errors(path):
            self._unfinished = place.enter_context(hidden_place(path))
            # FFmpeg gives some names a special meaning, so it gets the open file.
            self._file = self._unfinished.open("wb")
            place.callback(_close, self._file)
            self._container = av.open(self._file, "w", format="mp4")
            place.callback(_close, self._container)
            self._place = place.pop_all()
        self._video = self._container.add_stream("libx264", rate=FRAME_RATE_HZ)
        self._video.width, self._video.height = width // 2 * 2, height // 2 * 2
        self._video.pix_fmt = "yuv420p"
        self._video.options = {"crf": "20", "preset": "veryfast"}
        self._audio = self._container.add_stream("aac", rate=MP4_AUDIO_RATE_HZ)
        self._audio.layout = "mono"
        self._resampler = av.AudioResampler("fltp", "mono", MP4_AUDIO_RATE_HZ)

    def write_image(self, rgb: np.ndarray) -> None:
        """The next frame, (H, W, 3) uint8."""
        cut = np.ascontiguousarray(rgb[: self._video.height, : self._video.width])
        frame = av.VideoFrame.from_ndarray(cut, format="rgb24")
        frame.pts, frame.time_base = self._frames, Fraction(1, FRAME_RATE_HZ)
        self._frames += 1
        self._mux(self._video.encode(frame))

    def write_audio(self, time_s: float, samples: np.ndarray, rate_hz: int) -> None:
        """float32 mono (n,) that starts ``time_s`` after the first frame."""
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), "fltp", "mono")
        frame.sample_rate = rate_hz
        frame.pts, frame.time_base = round(time_s * rate_hz), Fraction(1, rate_hz)
        for resampled in self._resampler.resample(frame):
            self._mux(self._audio.encode(resampled))

    def _mux(self, packets: list[av.Packet]) -> None:
        with write_errors(self._path):
            for packet in packets:
                self._container.mux(packet)

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._place:
            if kind is None:
                self._flush()
                with write_errors(self._path):
                    self._container.close()
                    self._file.close()
                    put_in_place(self._unfinished, self._path)

    def _flush(self) -> None:
        """Write the frames that the encoders still hold."""
        for resampled in self._resampler.resample(None):
            self._mux(self._audio.encode(resampled))
        self._mux(self._audio.encode(None))
        self._mux(self._video.encode(None))


def _close(part: BinaryIO | OutputContainer) -> None:
    """Close without errors: the file is not needed, or was closed before."""
    with suppress(FFmpegError, OSError):
        part.close()

"""Decodes video and sound files to upright pictures and samples with stamps, skipping damage.

FFmpeg (PyAV) reads them. Python opens the file, since FFmpeg gives names such as
``concat:a.mp4`` a special meaning.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
from av.error import EOFError as FFmpegEOFError
from av.error import FFmpegError, InvalidDataError
from av.stream import Disposition

from reactface_node.errors import UserError
from reactface_node.media.pictures import check_size, upright
from reactface_node.media.video_stamps import increasing

_MOST_FAILED_READS = 10
_MISSING_S, _MISSING_SHARE = 0.5, 0.02
"""A stream that ends up to this long before the file's length counts as complete."""
_GAP_S = 0.2
"""A frame up to this late counts as jitter."""
_SAFE_PLANES = 8
"""PyAV searches a null pointer behind the planes of a frame; with more channels there is none,
and it would read foreign memory."""
_PLANAR = {"u8p": "u1", "s16p": "i2", "s32p": "i4", "s64p": "i8", "fltp": "f4", "dblp": "f8"}


@contextmanager
def open_media(path: Path, what: str = "video") -> Iterator[Any]:
    """The file as a PyAV input container; UserError, one line, if FFmpeg cannot read it. what:
    the expected content, for the message."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            try:
                container = _container(file, is_seekable=True)
            except InvalidDataError:
                # FFmpeg reads the fragments of an mp4 first, and fails at a truncated one.
                file.seek(0)
                container = _container(file, is_seekable=False)
            stack.enter_context(container)
        except (FFmpegError, OSError, ValueError) as error:
            why = _reason(path, error)
            raise UserError(f"{path} is no {what} that can be read: {why}") from error
        yield container


def _container(file: Any, is_seekable: bool) -> Any:
    # Without its name: a suffix may be wrong, and "%d" asks for many files.
    nameless = SimpleNamespace(read=file.read)
    if is_seekable:
        nameless.seek, nameless.tell = file.seek, file.tell
    # Tags may be in any encoding. Without a protocol a play list opens no other file. PyAV up to 17
    # crashes on a stream's options where a format has no header, so they are the container's.
    options = {"protocol_whitelist": "none"}
    return av.open(nameless, metadata_errors="replace", container_options=options)


def video_stream(container: Any) -> Any | None:
    """The video stream to use: no cover picture, decodable; the one marked as default, else the
    largest. None if there is none."""
    found = [
        stream
        for stream in container.streams.video
        if stream.codec_context is not None and not _is(stream, Disposition.attached_pic)
    ]
    return max(
        found,
        key=lambda one: (
            _is(one, Disposition.default),
            one.codec_context.width * one.codec_context.height,
        ),
        default=None,
    )


def audio_stream(container: Any) -> Any | None:
    """The stream marked as default, else the first that can be decoded. None if there is none."""
    found = [stream for stream in container.streams.audio if stream.codec_context is not None]
    return max(found, key=lambda one: _is(one, Disposition.default), default=None)


def pictures(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    """(stamp in seconds, upright (H, W, 3) uint8 RGB) of a file's video stream.

    Stamps increase. Damaged parts are skipped and logged once. UserError if the file cannot be
    read at all, holds no video, or its pictures are too large.
    """
    with open_media(path) as container:
        stream = video_stream(container)
        if stream is None:
            raise UserError(f"{path} holds no video that can be decoded")
        context = stream.codec_context
        _check_size(path, context.width, context.height)
        # They end before their container does.
        with closing(increasing(_decoded(path, container, stream))) as timed:
            for stamp_s, frame in timed:
                _check_size(path, frame.width, frame.height)
                rgb = frame.to_ndarray(format="rgb24")
                yield stamp_s, upright(rgb, _orientation(frame, stream))


def sounds(path: Path) -> Iterator[tuple[float, np.ndarray, int]]:
    """(stamp of the first sample in seconds, (n, channels) samples, rate in Hz) of a file's sound.

    As ``pictures``; UserError if it holds no sound.
    """
    with open_media(path, "sound") as container:
        stream = audio_stream(container)
        if stream is None:
            raise UserError(f"{path} holds no sound that can be decoded")
        with closing(increasing(_decoded(path, container, stream))) as timed:
            for stamp_s, frame in timed:
                yield stamp_s, frame_samples(frame), frame.sample_rate


def frame_samples(frame: av.AudioFrame) -> np.ndarray:
    """(n, channels), from planar and from packed frames."""
    channels = frame.layout.nb_channels
    if not frame.format.is_planar:
        return frame.to_ndarray().reshape(-1, channels)
    if channels <= _SAFE_PLANES:
        return frame.to_ndarray().T
    kind = _PLANAR[frame.format.name]
    planes: Sequence[Any] = frame.planes[:channels]
    return np.stack([np.frombuffer(plane, kind)[: frame.samples] for plane in planes], axis=1)


def duration_s(container: Any) -> float:
    """Length of a file by its header, 0 if it does not say."""
    return max(0.0, (container.duration or 0) / av.time_base)


def _is(stream: Any, mark: Disposition) -> bool:
    return bool(stream.disposition & mark)


def _reason(path: Path, error: Exception) -> str:
    why = getattr(error, "strerror", None) or str(error)
    if isinstance(error, InvalidDataError) and _begins_as_mp4(path):
        return f"its index (moov) is missing or damaged, as when its recorder was killed ({why})"
    return why


def _begins_as_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(12)[4:8] == b"ftyp"


def _check_size(path: Path, width: int, height: int) -> None:
    try:
        check_size(width, height)
    except ValueError as error:
        raise UserError(f"{path} holds pictures that are too large: {error}") from error


@dataclass
class _Damage:
    """Counts the damage in a stream. kind: "video" or "audio"; start_s, length_s: from its
    header."""

    kind: str
    start_s: float
    length_s: float | None
    packets: int = 0
    failed: int = 0
    why: str = ""
    end_s: float | None = None
    gaps_s: float = 0.0

    def reach(self, start_s: float, length_s: float) -> None:
        """Note a decoded frame; its stamp is in the file's own time."""
        gap_s = 0.0 if self.end_s is None else start_s - self.end_s
        self.gaps_s += gap_s if gap_s > _GAP_S + length_s else 0.0
        self.end_s = max(self.end_s or start_s, start_s + length_s)

    def note(self, error: Exception) -> None:
        self.failed, self.why = self.failed + 1, getattr(error, "strerror", None) or str(error)

    def say(self, path: Path, is_fully_read: bool) -> None:
        """Log one line for each kind of damage."""
        log = logging.getLogger(__name__)
        if self.failed:
            log.warning(
                "%s: %d of %d packets of its %s are damaged and left out (%s)",
                path,
                self.failed,
                self.packets,
                self.kind,
                self.why,
            )
        if self.gaps_s:
            log.warning("%s: its %s has gaps of %.1f s altogether", path, self.kind, self.gaps_s)
        if not is_fully_read or self.length_s is None or not self.packets:
            return
        end_s = max(0.0, (self.end_s or 0.0) - self.start_s)
        if self.length_s - end_s > max(_MISSING_S, _MISSING_SHARE * self.length_s):
            log.warning(
                "%s: its %s breaks off after %.1f of %.1f s", path, self.kind, end_s, self.length_s
            )


def _length_s(container: Any, stream: Any) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    # The file's length is that of its longest stream; its audio may be shorter.
    return duration_s(container) if stream.type == "video" else None


def _decoded(path: Path, container: Any, stream: Any) -> Iterator[tuple[Any, float | None, float]]:
    """(frame, its stamp in the file, its length in seconds) of a stream; damaged parts are
    skipped and logged at the end."""
    start_s = float((stream.start_time or 0) * (stream.time_base or 0))
    damage = _Damage(stream.type, start_s, _length_s(container, stream))
    is_fully_read = False
    try:
        for packet in _packets(container, stream, damage):
            try:
                frames = stream.codec_context.decode(packet)
            except FFmpegEOFError:
                continue
            except FFmpegError as error:
                damage.note(error)
                continue
            for frame in frames:
                # PyAV knows no time base of frames that come with the last packet or later.
                own_s = None if frame.pts is None else float(frame.pts * stream.time_base)
                length_s = _frame_length_s(frame, stream)
                if own_s is not None:
                    damage.reach(own_s, length_s)
                yield frame, own_s, length_s
        is_fully_read = True
    finally:
        damage.say(path, is_fully_read)


def _frame_length_s(frame: Any, stream: Any) -> float:
    if stream.type == "audio":
        result: float = frame.samples / frame.sample_rate
        return result
    return float(1 / (stream.average_rate or stream.guessed_rate or 25))


def _packets(container: Any, stream: Any, damage: _Damage) -> Iterator[Any]:
    """The packets of a stream, also after unreadable parts, and None at the end."""
    failed = 0
    while failed < _MOST_FAILED_READS:
        try:
            for packet in container.demux(stream):
                if packet.size:
                    failed = 0
                    damage.packets += 1
                    yield packet
            break
        except FFmpegEOFError:
            break
        except (FFmpegError, OSError, IndexError) as error:
            # IndexError: PyAV's error for a packet of a stream that appeared only while
            # reading.
            failed += 1
            damage.note(error)
    yield None


def _orientation(frame: Any, stream: Any) -> int:
    """The frame's orientation as Exif's number: from the display matrix, else from the "rotate"
    tag that older phones and programs write."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is not None:
        # ISO/IEC 14496-12, 6.2.2: a point (x, y) is shown at (a x + c y, b x + d y).
        a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].tolist()
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return {(1, 1): 1, (-1, 1): 2, (-1, -1): 3, (1, -1): 4}[_sign(a), _sign(d)]
        return {(1, 1): 5, (1, -1): 6, (-1, -1): 7, (-1, 1): 8}[_sign(b), _sign(c)]
    rotate = stream.metadata.get("rotate", "")
    turns = round(float(rotate) / 90) % 4 if rotate.lstrip("-").isdecimal() else 0
    return (1, 6, 3, 8)[turns]


def _sign(number: int) -> int:
    return -1 if number < 0 else 1

"""One person's recording of a conversation, as it is read once: face, voice and their reliability.

The recordings of the kinds ``videos``, ``seamless`` and ``livelink`` are ``TalkSide`` objects;
``conversations`` makes clips of two of them.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.files.text import shown
from reactface_node.files.whole import written_whole
from reactface_node.media.audio import integers_to_float
from reactface_node.media.containers import audio_stream, open_media
from reactface_node.perception.silero import SileroModel
from reactface_node.perception.voice import VoiceActivity, speech_model
from reactface_node.research.data.check import sound_frames
from reactface_node.research.data.decode import TrackerFactory
from reactface_node.research.data.exchanged import SILENT_DB, loudness
from reactface_node.schema import (
    FRAME_RATE_HZ,
    NUM_COEFFICIENTS,
    SAMPLE_RATE_HZ,
    SAMPLES_PER_FRAME,
    Observation,
)

DOUBTS = (
    "",
    "small face",
    "blurred",
    "dark",
    "noisy",
    "turned away",
    "covered by a hand",
    "partly outside the picture",
)
"""The tracker's reasons for a low reliability; a frame has the number of its first one."""
SLACK_S = 1.0
"""A sound in a file of its own may be so much shorter or longer than its recording."""
SpeechFactory = Callable[[], SileroModel | None]
"""Gives the model of voice activity in the worker process; None: loud sound counts as voice."""


@dataclass(frozen=True)
class NodeSpeech:
    """The node's own model of voice activity, if it is there; a ``SpeechFactory``."""

    config: PerceptionConfig = field(default_factory=PerceptionConfig)

    def __call__(self) -> SileroModel | None:
        return speech_model(self.config)


@dataclass(frozen=True, eq=False)
class SideTrack:
    """What is read of one side, t frames at 25 Hz.

    face: (t, 58) float32, 0 where nothing is seen. seen: (t,) bool, whether there is a face. trust:
    (t,) float32, mean reliability of its channels but for the position. doubt: (t,) uint8, index
    into ``DOUBTS``. person: (t,) int32, the tracker's number. voice: (t,) bool, whether the person
    speaks. level_db: (t,) float32, loudness, full scale is 0. heard: whether the side has a sound
    at all; without one, ``voice`` is False throughout.
    """

    face: np.ndarray
    seen: np.ndarray
    trust: np.ndarray
    doubt: np.ndarray
    person: np.ndarray
    voice: np.ndarray
    level_db: np.ndarray
    heard: np.ndarray

    def __len__(self) -> int:
        return len(self.face)

    def part(self, start: int, end: int) -> "SideTrack":
        """Some of the frames."""
        cut = {one.name: getattr(self, one.name)[start:end] for one in fields(self)[:-1]}
        return SideTrack(**cut, heard=self.heard)


class TalkSide(Protocol):
    """One person's recording. Pickled into worker processes, so it holds paths and no open files.

    name: unique in its split. missing: names of channels that it never gives. settings: what its
    track depends on beside its files.
    """

    @property
    def name(self) -> str: ...
    @property
    def missing(self) -> tuple[str, ...]: ...
    @property
    def settings(self) -> str: ...

    def files(self) -> Iterable[Path]:
        """All files that ``read`` and ``sound`` depend on."""
        ...

    def problems(self) -> Iterator[str]:
        """Lines that begin with a file's name: what is missing or broken, as far as it is seen
        without decoding the pictures."""
        ...

    def begins_s(self) -> float:
        """The time of the first frame on a clock that both sides share; 0 if there is none."""
        ...

    def length_s(self) -> float:
        """Length by the headers. UserError that names the file."""
        ...

    def read(self, tracker: TrackerFactory, speech: SpeechFactory) -> SideTrack:
        """Decode and track. UserError that names the file."""
        ...

    def has_sound(self) -> bool:
        """Whether there is a sound, silent or not, by the headers. UserError as ``length_s``."""
        ...

    def sound(self) -> np.ndarray | None:
        """(n,) int16 mono at 16 kHz from the first frame on; None without sound."""
        ...

    def pictures(self) -> Iterator[np.ndarray]:
        """The picture (H, W, 3) of each frame. UserError without pictures."""
        ...


def beside(path: Path, suffixes: Sequence[str]) -> Path | None:
    """The file of the same name with the first of these suffixes that is there, such as .wav or
    .WAV."""
    found = [
        one
        for suffix in suffixes
        for one in (path.with_suffix(suffix), path.with_suffix(suffix.upper()))
        if one != path and one.is_file()
    ]
    return found[0] if found else None


def files_below(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """The files with one of these suffixes, in order, without hidden ones (macOS makes a ._NAME
    beside each NAME on other file systems)."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    ]


def holds_sound(path: Path) -> bool:
    """Whether a media file has a sound that can be decoded. UserError if it cannot be read."""
    with open_media(path, "video or sound") as container:
        return audio_stream(container) is not None


def other_length(sound: Path, recording: Path, length_s: float) -> Iterator[str]:
    """A line if a sound in a file of its own does not last as long as its recording. UserError if
    it is empty or cannot be read."""
    sound_s = sound_frames(sound) / FRAME_RATE_HZ
    if abs(sound_s - length_s) > SLACK_S:
        yield (
            f"{sound} lasts {sound_s:.1f} s, but {recording} {length_s:.1f} s: they belong together"
        )


def track_key(side: TalkSide, root: Path, read_with: Mapping[str, Any]) -> str:
    """A file name for what is read of a side, which changes with its files and with the settings
    with which they are read, as ``kind.DatasetChoice.read_with`` has them.

    UserError, with the file's name, if one cannot be accessed.
    """
    known = f"{type(side).__name__}\0{side.name}\0{side.settings}"
    digest = hashlib.sha256(os.fsencode(known))
    if read_with:
        digest.update(json.dumps(read_with, sort_keys=True).encode())
    for path in side.files():
        try:
            found = path.stat()
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error}") from error
        name = os.fsencode(os.path.relpath(path, root))
        digest.update(b"\0%s\0%d\0%d" % (name, found.st_size, found.st_mtime_ns))
    return f"{digest.hexdigest()[:32]}.npz"


def save_track(path: Path, track: SideTrack) -> None:
    """Write a track whole. UserError if it cannot be written."""
    with written_whole(path) as unfinished, unfinished.open("wb") as file:
        np.savez(file, **vars(track))


def load_track(path: Path) -> SideTrack:
    """UserError, with the file's name, if it is missing or damaged."""
    try:
        # numpy leaves a damaged file open that it opens itself.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            track = SideTrack(**{one.name: found[one.name] for one in fields(SideTrack)})
        lengths = {len(getattr(track, one.name)) for one in fields(SideTrack)[:-1]}
        if lengths != {len(track)} or track.face.shape != (len(track), NUM_COEFFICIENTS):
            raise ValueError("its arrays do not belong together")
        return track
    except Exception as error:  # a wrong header raises many kinds
        raise UserError(
            f"{path} is missing or damaged ({shown(str(error))}); remove it and convert again"
        ) from error


def voice_of(
    sound: np.ndarray | None,
    frames: int,
    speech: SpeechFactory,
    known: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``SideTrack``'s voice, level_db and heard. sound: (n,) int16 at 16 kHz, of any length; a
    sound of zeros counts as none. known: the voice (frames,) bool, where the data set gives it."""
    if sound is None or not np.any(sound):
        level = np.full(frames, SILENT_DB, np.float32)
        return np.zeros(frames, bool), level, np.array(False)
    chunks = _by_frame(sound, frames)
    voice = _activity(chunks, speech) if known is None else known
    return voice, loudness(chunks.reshape(-1)).astype(np.float32), np.array(True)


def _activity(chunks: np.ndarray, speech: SpeechFactory) -> np.ndarray:
    """(t,) bool of the sound of each frame (t, 640)."""
    activity, voice = VoiceActivity(speech()), np.zeros(len(chunks), bool)
    for index in range(len(chunks) + 1):
        if index < len(chunks):
            chunk = integers_to_float(chunks[index])
            activity.hear(index / FRAME_RATE_HZ, chunk, SAMPLE_RATE_HZ)
        if index:  # A frame is judged when the sound after it is known too.
            voice[index - 1] = activity.active((index - 0.5) / FRAME_RATE_HZ)
    return voice


def given_track(
    face: np.ndarray,
    seen: np.ndarray,
    sound: np.ndarray | None,
    speech: SpeechFactory,
    known: np.ndarray | None = None,
) -> SideTrack:
    """The track of a source that needs no tracker: coefficients (t, 58), whether there is a face
    (t,) bool, and the sound and the voice as for ``voice_of``."""
    voice, level, heard = voice_of(sound, len(face), speech, known)
    return SideTrack(
        face=face.astype(np.float32),
        seen=seen,
        trust=seen.astype(np.float32),
        doubt=np.zeros(len(face), np.uint8),
        person=np.ones(len(face), np.int32),
        voice=voice,
        level_db=level,
        heard=heard,
    )


def _by_frame(sound: np.ndarray, frames: int) -> np.ndarray:
    """(frames, 640) int16; missing samples are 0."""
    wanted = frames * SAMPLES_PER_FRAME
    padded = np.pad(sound[:wanted], (0, max(0, wanted - len(sound))))
    result: np.ndarray = padded.reshape(frames, SAMPLES_PER_FRAME)
    return result


@dataclass
class Seeing:
    """Collects a tracker's observations for a ``SideTrack``."""

    _seen: list[Observation]

    @staticmethod
    def of(pictures: Iterable[np.ndarray], tracker: TrackerFactory) -> "Seeing":
        """Track one person's pictures at 25 Hz."""
        one = tracker(False)
        try:
            one.reset()
            stamped = ((index / FRAME_RATE_HZ, rgb) for index, rgb in enumerate(pictures))
            return Seeing([one.track(stamp_s, rgb) for stamp_s, rgb in stamped])
        finally:
            one.close()

    def __len__(self) -> int:
        return len(self._seen)

    @cached_property
    def fields(self) -> dict[str, np.ndarray]:
        """``SideTrack``'s face, seen, trust, doubt and person."""
        channels = slice(0, NUM_COEFFICIENTS - 3)  # the position is always read well
        trust = [
            float(one.reliability[channels][one.valid[channels]].mean()) if one.face_found else 0.0
            for one in self._seen
        ]
        return {
            "face": np.stack([one.coefficients for one in self._seen]).astype(np.float32),
            "seen": np.array([one.face_found for one in self._seen]),
            "trust": np.array(trust, np.float32),
            "doubt": np.array([_doubt(one) for one in self._seen], np.uint8),
            "person": np.array([one.person for one in self._seen], np.int32),
        }


def _doubt(seen: Observation) -> int:
    known = [DOUBTS.index(word) for word in seen.doubts if word in DOUBTS]
    return known[0] if known else 0

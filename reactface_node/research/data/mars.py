"""MARS, the data set of REACT 2025 and REACT 2026, as its organisers distribute it.

    ROOT/{train,val,test}/coefficients/{speaker,listener}/session0..22/Camera-NUMBERS.npy
    ROOT/{train,val,test}/audio/{speaker,listener}/session0..22/Camera-NUMBERS.wav
    ROOT/{train,val,test}/video-face-crop/{speaker,listener}/session0..22/Camera-NUMBERS.mp4

Coefficients are FaceVerse's, (t, 58) or (t, 1, 58), as in REACT 2023. The two people of a recording
have the same file name, and each is used as the speaker once. A session number stands for a topic
with given sentences, so that all listeners of a session react appropriately to each speaker of it;
with the roles swapped, all speakers do. The organisers compare whole recordings, of 2 s to many
minutes; here they are cut every 30 s, and a listener reacts appropriately to what is said at the
same time of its session. The rate is that of the cropped video or, without one, the usual rate that
fits the sound. Frames whose coefficients are all 0 have no face.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.faceverse import Space
from reactface_node.files.arrays import mean_face_problems, space_of
from reactface_node.files.progress import ProgressBar
from reactface_node.research.data.check import (
    lengths_that_disagree,
    measured,
    picture_frames,
    read_coefficients,
    sound_frames,
)
from reactface_node.research.data.decode import centre_crop, fit_audio, read_audio, video_frames
from reactface_node.research.data.kept_report import FloorPart, Kept
from reactface_node.research.data.kind import DatasetChoice, Splits
from reactface_node.research.data.quality import (
    CLIP_S,
    SHORTEST_S,
    Piece,
    exchanged,
    pieces,
    unusable,
)
from reactface_node.research.data.rates import at_25_hz, frames_at_25_hz, picture_rate_hz, rate_of
from reactface_node.research.data.sides import SideTrack, default_speech, voice_of
from reactface_node.research.data.source import SPLITS, Clip
from reactface_node.schema import CROP_PX, FRAME_RATE_HZ

COEFFICIENTS, AUDIO, VIDEO = "coefficients", "audio", "video-face-crop"
ROLES = ("speaker", "listener")
CLIP_FRAMES = round(CLIP_S * FRAME_RATE_HZ)
HEARD_S = 60.0
"""So much of each voice is compared with the jaws."""


@dataclass(frozen=True, eq=False)
class Mars:
    """One split; a ``Source``. People are named "ROLE/SESSION/FILE". faces: face crops too.
    one_way: the listener never speaks."""

    root: Path
    split: str
    faces: bool = False
    one_way: bool = False
    mean_face: Path | None = None
    listeners: int = 1

    @cached_property
    def recordings(self) -> tuple[tuple[str, str], ...]:
        """(speaker, listener) of each; UserError if there is none."""
        stems = {path.parent.name + "/" + path.stem for path in self._listed()}
        if not stems:
            raise UserError(f"{self.root / self.split / COEFFICIENTS} holds no sessions")
        ordered = sorted(stems, key=lambda one: (_number(one), one))
        return tuple((f"speaker/{one}", f"listener/{one}") for one in ordered)

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(speaker, listener) with both roles."""
        swapped = () if self.one_way else [(b, a) for a, b in self.recordings]
        return (*self.recordings, *swapped)

    @cached_property
    def parts(self) -> np.ndarray:
        """(N, 3) int64 of each clip: its pair, its first frame, its frames. UserError if there is
        none."""
        rows = [(n, one.start, one.end - one.start) for n, one in self._pieces() if not one.reason]
        if not rows:
            raise UserError(
                f"{self.root}: no recording of the {self.split} split shows both faces for "
                f"{SHORTEST_S:g} s"
            )
        parts = np.array(rows, np.int64)
        back = parts + np.array([len(self.recordings), 0, 0])
        both: np.ndarray = parts if self.one_way else np.concatenate([parts, back])
        return both

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(_name(self.pairs[pair][0], start) for pair, start, _ in self.parts)

    @property
    def facts(self) -> dict[str, Any]:
        told = {"clip_s": CLIP_S, "one_way": self.one_way, "labels": True}
        return {"kind": "mars", **told, **self._space.facts()}

    def problems(self) -> Iterator[str]:
        yield from mean_face_problems(self.mean_face)
        known = ProgressBar(self.recordings, f"checking {self.split}", unit="pair", leave=False)
        for pair in known:
            broken: list[str] = []
            lengths = measured((file for one in pair for file in self._files(one)), broken)
            yield from broken or lengths_that_disagree(lengths)

    def warnings(self) -> Iterator[str]:
        """Lines on voices that may be wrong; of a split without problems."""
        known = ProgressBar(self.recordings, f"hearing {self.split}", unit="pair", leave=False)
        for pair in known:
            first, second = (self._heard(person) for person in pair)
            for person, track in zip(pair, (first, second), strict=True):
                if not bool(track.heard):
                    yield f"{self._file(AUDIO, person)} is silent"
            frames = min(len(first), len(second))
            if reason := exchanged((first.part(0, frames), second.part(0, frames))):
                yield f"{' and '.join(pair)}: {reason}"

    def files(self) -> Iterator[Path]:
        for pair in self.recordings:
            for person in pair:
                yield from (path for path, _ in self._files(person))

    def max_frames(self) -> int:
        return int(self.parts[:, 2].max())

    def jobs(self) -> list[range]:
        ends = np.flatnonzero(np.diff(self.parts[:, 0], append=-1)) + 1
        starts = [0, *ends[:-1]]
        return [range(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]

    def read(self, clips: range) -> Iterator[Clip]:
        speaker, listener = self.pairs[self.parts[clips.start, 0]]
        faces = self.face(speaker), self.face(listener)
        length = min(map(len, faces))
        audio = fit_audio(read_audio(self._file(AUDIO, speaker)), length).reshape(length, -1)
        crops = self._crops(speaker, length) if self.faces else None
        for _, start, frames in self.parts[clips.start : clips.stop]:
            seen, answer = (one[start : start + frames] for one in faces)
            voice = audio[start : start + frames].reshape(-1)
            shown = None if crops is None else crops[start : start + frames]
            yield Clip(seen, voice, answer[None], shown)

    def appropriate(self) -> tuple[np.ndarray, ...]:
        """A clip's own listener, then the others of its session at the same time."""
        alike: dict[tuple[str, int], list[int]] = {}
        sessions = [listener.rpartition("/")[0] for _, listener in self.pairs]
        keys = [(sessions[pair], int(start)) for pair, start, _ in self.parts]
        for index, key in enumerate(keys):
            alike.setdefault(key, []).append(index)
        return tuple(
            np.array([index, *(one for one in alike[key] if one != index)], np.int64)
            for index, key in enumerate(keys)
        )

    def found(self, person: str) -> np.ndarray:
        """(t,) bool at 25 Hz: whether there is a face. UserError that names the file if it is
        broken, or has another length than the sound."""
        theirs = read_coefficients(self._file(COEFFICIENTS, person))
        rate_hz = self._rate_hz(person, len(theirs))
        at = np.arange(frames_at_25_hz(len(theirs), rate_hz)) * rate_hz / FRAME_RATE_HZ
        nearest = at.round().astype(int).clip(0, len(theirs) - 1)
        seen: np.ndarray = theirs.any(axis=1)[nearest]
        return seen

    def face(self, person: str) -> np.ndarray:
        """(t, 58) float32 of ours at 25 Hz, gaps interpolated; t and errors as ``found``."""
        theirs = read_coefficients(self._file(COEFFICIENTS, person))
        rate_hz = self._rate_hz(person, len(theirs))
        return at_25_hz(self._space.to_ours(_without_gaps(theirs)), rate_hz)

    def kept(self) -> Kept:
        """What the report tells."""
        parts, lengths = [], {}
        for index, one in self._pieces():
            speaker, listener = self.recordings[index]
            talk = speaker.partition("/")[2]
            span_s = one.start / FRAME_RATE_HZ, one.end / FRAME_RATE_HZ
            lengths[talk] = span_s[1]
            for a, b in [(speaker, listener), (listener, speaker)][: 2 - self.one_way]:
                name = "" if one.reason else _name(a, one.start)
                parts.append(FloorPart(talk, a, b, *span_s, name, one.reason))
        note = "Recordings are cut every 30 s, whoever talks, so that sessions can be compared."
        title = f"What was kept of {self.root.name}, {self.split} (mars)"
        return Kept(title, parts, lengths, notes=[note])

    @cached_property
    def _space(self) -> Space:
        return space_of(self.mean_face)

    def _pieces(self) -> Iterator[tuple[int, Piece]]:
        """The parts of all recordings in order of time, kept or not, and the recording of each."""
        known = ProgressBar(self.recordings, f"reading {self.split}", unit="pair", leave=False)
        for index, pair in enumerate(known):
            tracks = [self._track(person) for person in pair]
            length = min(map(len, tracks))
            reasons = np.full(length, "", object)
            for person, track in zip(pair, tracks, strict=True):
                mine = unusable(track.part(0, length), person)
                reasons = np.where(reasons == "", mine, reasons)
            for start in range(0, length, CLIP_FRAMES):
                cell = start, min(start + CLIP_FRAMES, length)
                for piece in sorted(pieces(cell, reasons), key=lambda one: one.start):
                    yield index, piece

    def _track(self, person: str, voice: np.ndarray | None = None) -> SideTrack:
        """voice: (n,) int16 at 16 kHz, None if it does not matter. All faces are of one person, and
        nothing is known of how well they were read."""
        face, seen = self.face(person), self.found(person)
        frames = len(face) if voice is None else min(len(face), round(HEARD_S * FRAME_RATE_HZ))
        speaks, level, heard = voice_of(voice, frames, default_speech)
        return SideTrack(
            face[:frames],
            seen[:frames],
            np.ones(frames, np.float32),
            np.zeros(frames, np.uint8),
            np.ones(frames, np.int32),
            speaks,
            level,
            heard,
        )

    def _heard(self, person: str) -> SideTrack:
        return self._track(person, read_audio(self._file(AUDIO, person), HEARD_S))

    def _rate_hz(self, person: str, frames: int) -> float:
        video, audio = self._file(VIDEO, person), self._file(AUDIO, person)
        if video.is_file():
            return picture_rate_hz(video)
        seconds = sound_frames(audio) / FRAME_RATE_HZ
        face = self._file(COEFFICIENTS, person)
        return rate_of(frames, seconds, f"{face}, beside {audio.name},")

    def _listed(self) -> Iterator[Path]:
        """Coefficients of either side, so that a missing side is reported."""
        for role in ROLES:
            for path in (self.root / self.split / COEFFICIENTS / role).glob("session*/*.npy"):
                if not path.name.startswith("."):
                    yield path

    def _files(self, person: str) -> Iterator[tuple[Path, Callable[[Path], int]]]:
        """The files of a person, each with the function that measures its 25 Hz frames."""
        yield self._file(COEFFICIENTS, person), lambda _: len(self.found(person))
        yield self._file(AUDIO, person), sound_frames
        if self.faces:
            yield self._file(VIDEO, person), picture_frames

    def _file(self, modality: str, person: str) -> Path:
        suffix = {COEFFICIENTS: ".npy", AUDIO: ".wav", VIDEO: ".mp4"}[modality]
        return self.root / self.split / modality / (person + suffix)

    def _crops(self, person: str, length: int) -> np.ndarray:
        """(length, 224, 224, 3); the last picture is repeated if a video lacks a frame or two."""
        crops = np.empty((length, CROP_PX, CROP_PX, 3), np.uint8)
        last = 0
        pictures = video_frames(self._file(VIDEO, person))
        for index, rgb in zip(range(length), pictures, strict=False):
            crops[index], last = centre_crop(rgb), index
        crops[last + 1 :] = crops[last]
        return crops


def open_splits(root: Path, choice: DatasetChoice, _: RosConfig) -> Splits:
    """As ``kind.Kind`` has it."""

    def open_split(split: str) -> Mars:
        return Mars(root, split, choice.faces, choice.one_way, choice.mean_face)

    present = [split for split in SPLITS if (root / split).is_dir()]
    return Splits(root, SPLITS, present, open_split)


def _name(speaker: str, start: int) -> str:
    return f"{speaker}/{start:06d}"


def _number(name: str) -> int:
    digits = name.partition("/")[0].removeprefix("session")
    return int(digits) if digits.isdecimal() else 0


def _without_gaps(theirs: np.ndarray) -> np.ndarray:
    """(t, 58) with frames of zeros interpolated."""
    at = np.flatnonzero(theirs.any(axis=1))
    if len(at) in (0, len(theirs)):
        return theirs
    places = np.arange(len(theirs))
    columns = [np.interp(places, at, column[at]) for column in theirs.T]
    filled: np.ndarray = np.stack(columns, axis=1).astype(np.float32)
    return filled

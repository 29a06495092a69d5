"""MARS, the data set of REACT 2025 and REACT 2026, as its organisers distribute it.

    ROOT/{train,val,test}/coefficients/{speaker,listener}/session0..22/Camera-NUMBERS.npy
    ROOT/{train,val,test}/audio/{speaker,listener}/session0..22/Camera-NUMBERS.wav
    ROOT/{train,val,test}/video-face-crop/{speaker,listener}/session0..22/Camera-NUMBERS.mp4

Coefficients are FaceVerse's, (t, 58) or (t, 1, 58), as in REACT 2023. The two people of a recording
have the same file name. A session number stands for a topic with given sentences, so that all
listeners of a session react appropriately to each speaker of it; with the roles swapped, all
speakers do. The organisers compare whole recordings, of 2 s to many minutes; here they are cut
(``pairs``), and a listener reacts appropriately to what is said at the same time of its session.
The rate is that of the cropped video, or, without one, the usual rate that fits the sound. Frames
whose coefficients are all 0 have no face.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.faceverse import Space
from reactface_node.files.arrays import mean_face_problems, space_of
from reactface_node.research.data.check import read_coefficients, sound_frames
from reactface_node.research.data.kind import DatasetChoice, Splits
from reactface_node.research.data.pairs import PairSource, interpolated
from reactface_node.research.data.rates import at_25_hz, frames_at_25_hz, picture_rate_hz, rate_of
from reactface_node.research.data.source import SPLITS
from reactface_node.schema import FRAME_RATE_HZ

COEFFICIENTS, AUDIO, VIDEO = "coefficients", "audio", "video-face-crop"
ROLES = ("speaker", "listener")


@dataclass(frozen=True, eq=False)
class Mars(PairSource):
    """One split; people are named "ROLE/SESSION/FILE"."""

    mean_face: Path | None = None

    @cached_property
    def listed(self) -> tuple[tuple[str, str], ...]:
        stems = {path.parent.name + "/" + path.stem for path in self._coefficients()}
        if not stems:
            raise UserError(f"{self.root / self.split / COEFFICIENTS} holds no sessions")
        ordered = sorted(stems, key=lambda one: (_number(one), one))
        return tuple((f"speaker/{one}", f"listener/{one}") for one in ordered)

    @property
    def facts(self) -> dict[str, Any]:
        return {**super().facts, "kind": "mars", "labels": True, **self._space.facts()}

    def problems(self) -> Iterator[str]:
        yield from mean_face_problems(self.mean_face)
        yield from super().problems()

    def group(self, listener: str) -> str:
        return listener.rpartition("/")[0]

    def face_file(self, person: str) -> Path:
        return self._file(COEFFICIENTS, person, ".npy")

    def audio_file(self, person: str) -> Path:
        return self._file(AUDIO, person, ".wav")

    def video_file(self, person: str) -> Path:
        return self._file(VIDEO, person, ".mp4")

    def found(self, person: str) -> np.ndarray:
        theirs = read_coefficients(self.face_file(person))
        rate_hz = self._rate_hz(person, len(theirs))
        at = np.arange(frames_at_25_hz(len(theirs), rate_hz)) * rate_hz / FRAME_RATE_HZ
        nearest = at.round().astype(int).clip(0, len(theirs) - 1)
        seen: np.ndarray = theirs.any(axis=1)[nearest]
        return seen

    def face(self, person: str) -> np.ndarray:
        theirs = read_coefficients(self.face_file(person))
        filled = interpolated(theirs, theirs.any(axis=1))
        return at_25_hz(self._space.to_ours(filled), self._rate_hz(person, len(theirs)))

    @cached_property
    def _space(self) -> Space:
        return space_of(self.mean_face)

    def _rate_hz(self, person: str, frames: int) -> float:
        video, audio = self.video_file(person), self.audio_file(person)
        if video.is_file():
            return picture_rate_hz(video)
        seconds = sound_frames(audio) / FRAME_RATE_HZ
        return rate_of(frames, seconds, f"{self.face_file(person)}, beside {audio.name},")

    def _coefficients(self) -> Iterator[Path]:
        """Coefficients of either side, so that a missing side is reported."""
        for role in ROLES:
            for path in (self.root / self.split / COEFFICIENTS / role).glob("session*/*.npy"):
                if not path.name.startswith("."):
                    yield path

    def _file(self, modality: str, person: str, suffix: str) -> Path:
        return self.root / self.split / modality / (person + suffix)


def open_splits(root: Path, choice: DatasetChoice, _: RosConfig) -> Splits:
    """As ``kind.Kind`` has it."""

    def open_split(split: str) -> Mars:
        return Mars(root, split, choice.faces, choice.one_way, choice.skip_broken, choice.mean_face)

    present = [split for split in SPLITS if (root / split).is_dir()]
    return Splits(root, SPLITS, present, open_split)


def _number(name: str) -> int:
    digits = name.partition("/")[0].removeprefix("session")
    return int(digits) if digits.isdecimal() else 0

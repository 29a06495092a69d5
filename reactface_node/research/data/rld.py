"""RLD, also called ViCo (Zhou et al., "Responsive listening head generation", ECCV 2022).

    ROOT/RLD_data.csv columns: attitude, audio, listener, speaker, data_split (and more)
    ROOT/videos/NAME.mp4 faces without sound, named in the columns listener and speaker
    ROOT/audios/NAME.wav the speaker's voice, named in the column audio
    ROOT/3D_FV_files/NAME.npy optional: FaceVerse coefficients of a video, as in REACT 2023

Splits are those of the csv: train, test and ood (listeners unseen in training). There are no
appropriateness labels: only a clip's own listener is appropriate (Table 9), unless neighbours are
computed afterwards (``neighbours``). Without 3D_FV_files the faces are tracked with the node's own
tracker. The Deep3DFaceRecon coefficients of ViCo's authors (64 PCA expressions) cannot be converted
to ARKit weights.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.faceverse import Space
from reactface_node.files.arrays import mean_face_problems, space_of
from reactface_node.files.csv_files import named_csv_rows
from reactface_node.files.listed import listed_path
from reactface_node.files.progress import ProgressBar
from reactface_node.research.data.check import (
    lengths_that_disagree,
    measured,
    open_coefficients,
    picture_frames,
    sound_frames,
)
from reactface_node.research.data.decode import (
    ClipTracker,
    NodeTracker,
    TrackerFactory,
    fit_audio,
    read_audio,
    track_video,
)
from reactface_node.research.data.given import seen_coefficients, seen_frames
from reactface_node.research.data.kind import DatasetChoice, Splits
from reactface_node.research.data.react2023 import COEFFICIENTS
from reactface_node.research.data.source import Clip, own_reactions, single_jobs

SPLITS = ("train", "test", "ood")
LIST = "RLD_data.csv"
FILES = ("audio", "listener", "speaker")
COLUMNS = (*FILES, "data_split")


@dataclass(frozen=True, eq=False)
class Rld:
    """One split; a ``Source``. faces: keep the speaker's face crops too (they are tracked).
    read_with: as ``Conversations``."""

    root: Path
    split: str
    faces: bool = False
    mean_face: Path | None = None
    tracker: TrackerFactory = field(default_factory=NodeTracker)
    read_with: Mapping[str, Any] = field(default_factory=dict)
    listeners: int = 1

    @cached_property
    def rows(self) -> tuple[dict[str, str], ...]:
        """The split's rows of the csv, without suffixes of file names. UserError if it cannot be
        read."""
        found = [row for row in read_rows(self.root / LIST) if row["data_split"] == self.split]
        if not found:
            raise UserError(f"{self.root / LIST} has no rows of the {self.split} split")
        return tuple(found)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{row['speaker']}+{row['listener']}" for row in self.rows)

    @property
    def facts(self) -> dict[str, Any]:
        if not self.given:
            return {"kind": "rld", "tracked": True, **self.read_with}
        return {"kind": "rld", "tracked": False, **self._space.facts()}

    @cached_property
    def _space(self) -> Space:
        return space_of(self.mean_face)

    @cached_property
    def given(self) -> bool:
        """Whether the data set holds coefficients; otherwise the faces are tracked."""
        return (self.root / COEFFICIENTS).is_dir()

    def problems(self) -> Iterator[str]:
        yield from mean_face_problems(self.mean_face)
        rows = ProgressBar(self.rows, f"checking {self.split}", unit="clip", leave=False)
        for row in rows:
            broken: list[str] = []
            yield from lengths_that_disagree(measured(self._files(row), broken))
            yield from broken

    def files(self) -> Iterator[Path]:
        yield self.root / LIST
        for row in self.rows:
            yield from (path for path, _ in self._files(row))

    def max_frames(self) -> int:
        # A container's header may be off by a frame or two.
        return max(self._length(row["speaker"]) for row in self.rows) + 2

    def jobs(self) -> list[range]:
        return single_jobs(len(self.rows))

    def read(self, clips: range) -> Iterator[Clip]:
        tracker = None if self.given and not self.faces else self.tracker(self.faces)
        try:
            for index in clips:
                yield self._clip(self.rows[index], tracker)
        finally:
            if tracker is not None:
                tracker.close()

    def appropriate(self) -> tuple[np.ndarray, ...]:
        return own_reactions(len(self.rows))

    def _clip(self, row: dict[str, str], tracker: ClipTracker | None) -> Clip:
        faces = None
        if tracker is not None:
            speaker, faces = track_video(self._video(row["speaker"]), tracker)
        if self.given:
            speaker, listener = (self._read(row[role]) for role in ("speaker", "listener"))
        else:
            assert tracker is not None
            listener, _ = track_video(self._video(row["listener"]), tracker)
        length = min(len(speaker), len(listener), self.max_frames())
        length = length if faces is None else min(length, len(faces))
        audio = fit_audio(read_audio(self._audio(row)), length)
        faces = None if faces is None else faces[:length]
        return Clip(speaker[:length], audio, listener[None, :length], faces)

    def _files(self, row: dict[str, str]) -> Iterator[tuple[Path, Callable[[Path], int]]]:
        yield self._audio(row), sound_frames
        for role in ("speaker", "listener"):
            yield self._video(row[role]), picture_frames
            if self.given:
                yield self._coefficients(row[role]), seen_frames

    def _read(self, name: str) -> np.ndarray:
        return self._space.to_ours(seen_coefficients(self._coefficients(name)))

    def _length(self, name: str) -> int:
        if self.given:
            return len(open_coefficients(self._coefficients(name)))
        return picture_frames(self._video(name))

    def _audio(self, row: dict[str, str]) -> Path:
        return self.root / "audios" / f"{row['audio']}.wav"

    def _video(self, name: str) -> Path:
        return self.root / "videos" / f"{name}.mp4"

    def _coefficients(self, name: str) -> Path:
        return self.root / COEFFICIENTS / f"{name}.npy"


def open_splits(root: Path, choice: DatasetChoice, _: RosConfig) -> Splits:
    """As ``kind.Kind`` has it; UserError if the list of rows cannot be read."""

    def open_split(split: str) -> Rld:
        return Rld(
            root,
            split,
            choice.faces,
            choice.mean_face,
            NodeTracker(choice.perception),
            choice.read_with(),
        )

    listed = {row["data_split"] for row in read_rows(root / LIST)}
    return Splits(root / LIST, SPLITS, [one for one in SPLITS if one in listed], open_split)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The csv's rows with the columns that are needed. UserError that names file and line."""
    rows = named_csv_rows(path, COLUMNS)
    found = []
    for number, row in rows:
        where = f"{path}: line {number}"
        if not all((row[name] or "").strip() for name in COLUMNS):
            raise UserError(f"{where} leaves a column empty")
        found.append({name: _stem(row[name]) for name in COLUMNS})
        for name in FILES:
            listed_path(found[-1][name], f"{where}: {name}")
        if found[-1]["speaker"] == found[-1]["listener"]:
            raise UserError(f"{where} names {row['speaker']} twice")
    return found


def _stem(value: str) -> str:
    value = value.strip()
    return value[:-4] if value.lower().endswith((".mp4", ".wav")) else value

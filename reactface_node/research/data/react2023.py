"""REACT 2023 (NoXI, RECOLA and UDIVA clips of 751 frames), as its organisers distribute it.

    ROOT/{train,val,test}.csv                 columns: index, speaker_path, listener_path
    ROOT/{train,val,test}/Audio_files/SITE/.../CLIP.wav
    ROOT/{train,val,test}/3D_FV_files/SITE/.../CLIP.npy     (t, 58) or (t, 1, 58) FaceVerse
    ROOT/{train,val,test}/Video_files/SITE/.../CLIP.mp4     or a folder CLIP/ of 1.png, 2.png ...
    ROOT/neighbour_emotion_{train,val,test}.npy             (N, N), or neighbour_emotion_new_...

The modality folders may also lie in ROOT itself, the pictures in ROOT/SL-crop and the lists in
ROOT/paper-list, as the released code of ReactFace expects them. Every session is used twice: the
S rows of the list as they are, then the same with the roles swapped, N = 2 S clips. Clip k's
reaction is row k, and row k of the matrix marks the rows that are appropriate for clip k.

REACT 2024 has the same files of NoXI and RECOLA alone; its lists and matrices may still name the
clips of UDIVA.
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
from reactface_node.files.arrays import load_array, mean_face_problems, space_of
from reactface_node.files.csv_files import csv_rows
from reactface_node.files.listed import listed_path
from reactface_node.files.progress import ProgressBar
from reactface_node.research.data.check import (
    lengths_that_disagree,
    measured,
    open_coefficients,
    picture_frames,
    sound_frames,
)
from reactface_node.research.data.decode import centre_crop, fit_audio, read_audio, video_frames
from reactface_node.research.data.exchanged import doubts
from reactface_node.research.data.given import seen_coefficients, seen_frames
from reactface_node.research.data.kind import DatasetChoice, Splits
from reactface_node.research.data.source import SPLITS, Clip, own_reactions, single_jobs
from reactface_node.schema import index_of

AUDIO, COEFFICIENTS, VIDEO = "Audio_files", "3D_FV_files", "Video_files"
JAW = index_of("jawOpen")


@dataclass(frozen=True, eq=False)
class React2023:
    """One split with both roles; a ``Source``. faces: read the pictures too. labels: use the
    matrix. without: a site whose clips are left out."""

    root: Path
    split: str
    faces: bool = False
    labels: bool = True
    mean_face: Path | None = None
    listeners: int = 1
    without: str = ""

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """(N,) of (speaker, listener), both roles. UserError if the list cannot be read."""
        listed = zip(read_pairs(self._list()), self._used, strict=True)
        pairs = [pair for pair, used in listed if used]
        if not pairs:
            raise UserError(f"{self._list()} lists no clips but those of {self.without}")
        return (*pairs, *((listener, speaker) for speaker, listener in pairs))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(speaker for speaker, _ in self.pairs)

    @property
    def facts(self) -> dict[str, Any]:
        without = {"without": self.without} if self.without else {}
        return {"kind": "react2023", "labels": self.labels, **without, **self._space.facts()}

    @cached_property
    def _space(self) -> Space:
        return space_of(self.mean_face)

    def problems(self) -> Iterator[str]:
        yield from mean_face_problems(self.mean_face)
        people = dict.fromkeys(self.names)
        for person in ProgressBar(people, f"checking {self.split}", unit="clip", leave=False):
            broken: list[str] = []
            yield from lengths_that_disagree(measured(self._files(person), broken))
            yield from broken
        for speaker, listener in self.pairs[: len(self.pairs) // 2]:
            files = [(self._file(COEFFICIENTS, one), _frames) for one in (speaker, listener)]
            yield from lengths_that_disagree(measured(files, []))
        if self.labels:
            yield from self._matrix_problems()

    def warnings(self) -> Iterator[str]:
        """Lines on voices that may be wrong; of a split without problems."""
        sessions = self.pairs[: len(self.pairs) // 2]
        for pair in ProgressBar(sessions, f"hearing {self.split}", unit="clip", leave=False):
            jaws = [open_coefficients(self._file(COEFFICIENTS, one))[:, JAW] for one in pair]
            yield from doubts([self._file(AUDIO, one) for one in pair], jaws, pair)

    def files(self) -> Iterator[Path]:
        yield self._list()
        for person in dict.fromkeys(self.names):
            yield from (path for path, _ in self._files(person))

    def max_frames(self) -> int:
        return max(
            len(open_coefficients(self._file(COEFFICIENTS, person))) for person in self.names
        )

    def jobs(self) -> list[range]:
        return single_jobs(len(self.pairs))

    def read(self, clips: range) -> Iterator[Clip]:
        for index in clips:
            speaker, listener = (
                self._space.to_ours(seen_coefficients(self._file(COEFFICIENTS, person)))
                for person in self.pairs[index]
            )
            length = min(len(speaker), len(listener))
            person = self.pairs[index][0]
            audio = fit_audio(read_audio(self._file(AUDIO, person)), length)
            faces = _crops(self._video(person), length) if self.faces else None
            yield Clip(speaker[:length], audio, listener[None, :length], faces)

    def appropriate(self) -> tuple[np.ndarray, ...]:
        if not self.labels:
            return own_reactions(len(self.pairs))
        for problem in self._matrix_problems():
            raise UserError(problem)
        matrix = self._matrix()
        found = []
        for own, row in enumerate(matrix):
            others = np.flatnonzero(row == 1)
            found.append(np.concatenate([[own], others[others != own]]).astype(np.int64))
        return tuple(found)

    def _matrix_problems(self) -> Iterator[str]:
        path = self._matrix_path()
        try:
            matrix = self._matrix()
        except UserError as error:
            yield str(error)
            return
        count = len(self.pairs)
        if matrix.shape != (count, count):
            yield (
                f"{path} is {_size(matrix)}, but {self._list()} makes "
                f"{count} x {count} (both roles of {count // 2} sessions)"
            )
            return
        if not np.isin(matrix, (0, 1)).all():
            yield f"{path} holds values other than 0 and 1"
        for row in np.flatnonzero(~(matrix == 1).any(axis=1)):
            yield f"{path}: row {row} ({self.names[row]}) has no neighbour, not even itself"

    @cached_property
    def _used(self) -> np.ndarray:
        """(S,) bool: the rows of the list that are used."""
        sites = [speaker.partition("/")[0] for speaker, _ in read_pairs(self._list())]
        return np.array([not self.without or site != self.without for site in sites])

    def _matrix(self) -> np.ndarray:
        """Of the clips that are used, if it is of all that are listed. UserError if it cannot be
        read."""
        matrix = _matrix(self._matrix_path())
        used = np.tile(self._used, 2)
        whole = matrix.shape == (len(used), len(used))
        return matrix[np.ix_(used, used)] if whole and not used.all() else matrix

    def _files(self, person: str) -> list[tuple[Path, Any]]:
        files = [
            (self._file(COEFFICIENTS, person), seen_frames),
            (self._file(AUDIO, person), sound_frames),
        ]
        return files + [(self._video(person), picture_frames)] * self.faces

    def _file(self, modality: str, person: str) -> Path:
        suffix = {AUDIO: ".wav", COEFFICIENTS: ".npy", VIDEO: ""}[modality]
        return self._folder(modality) / (person + suffix)

    def _video(self, person: str) -> Path:
        folder = self._file(VIDEO, person)
        return folder if folder.is_dir() else folder.with_name(folder.name + ".mp4")

    def _folder(self, modality: str) -> Path:
        places = [self.root / self.split, self.root, self.root / "SL-crop"]
        return next((p / modality for p in places if (p / modality).is_dir()), places[0] / modality)

    def _list(self) -> Path:
        names = [self.root, self.root / "paper-list", self.root / self.split]
        paths = [folder / f"{self.split}.csv" for folder in names]
        return next((path for path in paths if path.is_file()), paths[0])

    def _matrix_path(self) -> Path:
        names = [f"neighbour_emotion_{new}{self.split}.npy" for new in ("new_", "")]
        paths = [f / n for n in names for f in (self.root, self.root / self.split)]
        return next((path for path in paths if path.is_file()), paths[-2])


def open_splits(root: Path, choice: DatasetChoice, _: RosConfig, without: str = "") -> Splits:
    """As ``kind.Kind`` has it. without: as ``React2023``."""

    def open_split(split: str) -> React2023:
        return React2023(
            root, split, choice.faces, choice.labels, choice.mean_face, without=without
        )

    return Splits(root, SPLITS, begun_splits(root), open_split)


def begun_splits(root: Path) -> list[str]:
    """Splits with a list, a folder or a matrix, so that a missing list is reported."""

    def begun(split: str) -> bool:
        one = React2023(root, split)
        return any(path.exists() for path in (root / split, one._list(), one._matrix_path()))

    return [split for split in SPLITS if begun(split)]


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """(speaker, listener) of each row of a list. UserError if it is missing, damaged or empty."""
    rows = csv_rows(path)
    header = rows[0] if rows else []
    if "speaker_path" not in header or "listener_path" not in header:
        raise UserError(f"{path} has no columns speaker_path and listener_path")
    columns = header.index("speaker_path"), header.index("listener_path")
    pairs = []
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        where = f"{path}: line {number}"
        if len(row) <= max(columns) or not all(row[c].strip() for c in columns):
            raise UserError(f"{where} does not name a speaker and a listener")
        speaker, listener = (listed_path(row[c].strip(), where) for c in columns)
        if speaker == listener:
            raise UserError(f"{where} names {speaker} twice")
        pairs.append((speaker, listener))
    if not pairs:
        raise UserError(f"{path} lists no clips")
    return pairs


def _matrix(path: Path) -> np.ndarray:
    if not path.exists():
        raise UserError(f"{path} is missing; without it, say so (--no-labels)")
    return load_array(path)


def _size(array: np.ndarray) -> str:
    return " x ".join(map(str, array.shape)) or "a single number"


def _frames(path: Path) -> int:
    return len(open_coefficients(path))


def _crops(path: Path, length: int) -> np.ndarray:
    """(length, 224, 224, 3); the last picture is repeated if a video lacks a frame or two."""
    found = [centre_crop(rgb) for _, rgb in zip(range(length), video_frames(path), strict=False)]
    if not found:
        raise UserError(f"{path} holds no pictures")
    return np.stack(found + [found[-1]] * (length - len(found)))

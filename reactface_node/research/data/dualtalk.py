"""DualTalk (Peng et al., CVPR 2025): both people of conversations, with FLAME or ARKit faces.

FLAME, as its authors distribute it:

    ROOT/{train,test,ood}/NAME_speaker{1,2}.npz   exp (t, 50), pose (t, 6): neck, then jaw, rad
    ROOT/{train,test,ood}/NAME_speaker{1,2}.wav

ARKit (OpenFacebot/DualTalk_Dataset_ARKit), which also has

    ROOT/metadata/{train,test,ood}.jsonl          a pair a line: name, speaker{1,2}_audio and _arkit
    ROOT/ARKit_npy/{train,test,ood}/NAME_speaker{1,2}.npy       or in ROOT/ARKit, or in ROOT

with (t, 61) float32 in the order of Live Link Face: 52 weights; yaw, pitch and roll of the head in
rad; the eyes. The paths of the metadata are relative to ROOT, or to the folder of the npy files.
The gaze, the tongue and the eyes are always 0 there: they are unknown, not neutral. A split with
metadata is read as ARKit, others as FLAME (``flame`` has the map). All are at 25 Hz, up to 30 s
long. Frames whose numbers are all 0 have no face.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.files.arrays import load_array, usable
from reactface_node.files.text import shown
from reactface_node.outputs.livelink import NAMES
from reactface_node.research.data import flame
from reactface_node.research.data.check import sound_frames
from reactface_node.research.data.conversations import Conversations, LeftOut, Talk
from reactface_node.research.data.decode import TrackerFactory, read_audio
from reactface_node.research.data.kind import DatasetChoice, Splits
from reactface_node.research.data.quality import centred
from reactface_node.research.data.sides import SideTrack, SpeechFactory, voice_of
from reactface_node.schema import FRAME_RATE_HZ, NUM_COEFFICIENTS, ROTATION, index_of, indices_of

SPLITS = ("train", "test", "ood")
SIDES = ("speaker1", "speaker2")
FOLDERS = ("ARKit_npy", "ARKit", ".")
COLUMNS = 61
HEAD = slice(52, 55)
_ORDER = [index_of(name) for name in NAMES]


@dataclass(frozen=True)
class DualTalkSide(ABC):
    """One person; a ``TalkSide``."""

    name: str
    numbers: Path
    voice: Path
    tracked: bool = False

    @property
    @abstractmethod
    def missing(self) -> tuple[str, ...]: ...

    @abstractmethod
    def rows(self) -> np.ndarray:
        """(t, C) as the file has them. UserError that names it."""

    @abstractmethod
    def face(self, rows: np.ndarray) -> np.ndarray:
        """The rows that hold a face -> (n, 58) of ours."""

    def files(self) -> Iterator[Path]:
        yield from (self.numbers, self.voice)

    def problems(self) -> Iterator[str]:
        try:
            if not self.rows().any():
                yield f"{self.numbers} holds nothing but zeros"
            sound_frames(self.voice)
        except UserError as error:
            yield str(error)

    def begins_s(self) -> float:
        return 0.0

    def length_s(self) -> float:
        return len(self.rows()) / FRAME_RATE_HZ

    def read(self, tracker: TrackerFactory, speech: SpeechFactory) -> SideTrack:
        rows = self.rows()
        seen, frames = rows.any(axis=1), len(rows)
        face = np.zeros((frames, NUM_COEFFICIENTS), np.float32)
        face[seen] = self.face(rows[seen])
        voice, level, heard = voice_of(self.sound(), frames, speech)
        return SideTrack(
            face=centred(face, seen),
            seen=seen,
            trust=seen.astype(np.float32),
            doubt=np.zeros(frames, np.uint8),
            person=np.ones(frames, np.int32),
            voice=voice,
            level_db=level,
            heard=heard,
        )

    def sound(self) -> np.ndarray | None:
        return read_audio(self.voice)

    def pictures(self) -> Iterator[np.ndarray]:
        raise UserError(f"{self.numbers} has no pictures: leave out --faces")


@dataclass(frozen=True)
class ArkitSide(DualTalkSide):
    """A person of the ARKit form."""

    @property
    def missing(self) -> tuple[str, ...]:
        return flame.UNSEEN

    def rows(self) -> np.ndarray:
        return read_arkit(self.numbers)

    def face(self, rows: np.ndarray) -> np.ndarray:
        ours = np.zeros((len(rows), NUM_COEFFICIENTS), np.float32)
        ours[:, _ORDER] = rows[:, : len(NAMES)].clip(0.0, 1.0)
        ours[:, ROTATION] = flame.head_rotation(rows[:, HEAD])
        ours[:, indices_of(*self.missing)] = 0.0
        return ours


@dataclass(frozen=True)
class FlameSide(DualTalkSide):
    """A person of the FLAME form. flame_map: as ``flame.read_map``."""

    flame_map: Path | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        return flame.missing_channels(self.flame_map is not None)

    def files(self) -> Iterator[Path]:
        yield from super().files()
        if self.flame_map is not None:
            yield self.flame_map

    def rows(self) -> np.ndarray:
        return np.concatenate(read_flame(self.numbers), axis=1)

    def face(self, rows: np.ndarray) -> np.ndarray:
        expression, pose = np.split(rows, [flame.EXPRESSIONS], axis=1)
        known = None if self.flame_map is None else flame.read_map(self.flame_map)
        return flame.to_coefficients(expression, pose, known)


def open_splits(root: Path, choice: DatasetChoice, _: RosConfig) -> Splits:
    """As ``kind.Kind`` has it. UserError, also of its splits, for a wrong ``flame_map``, for face
    crops, and for metadata that cannot be read."""
    if choice.faces:
        raise UserError(f"{root} holds no pictures: leave out --faces")
    if choice.flame_map is not None:
        flame.read_map(choice.flame_map)

    def open_split(split: str) -> Conversations:
        listed = _metadata_file(root, split)
        form = "arkit" if listed.is_file() else "flame"
        lists = (listed,) if form == "arkit" else ()
        talks, left_out = (
            _arkit_talks(root, listed)
            if form == "arkit"
            else _flame_talks(root, split, choice.flame_map)
        )
        settings = {"form": form, "flame_map": choice.flame_map is not None}
        return Conversations(root, split, "dualtalk", talks, settings, lists, left_out, False)

    present = [
        split
        for split in SPLITS
        if (root / split).is_dir() or _metadata_file(root, split).is_file()
    ]
    return Splits(root, SPLITS, present, open_split)


Found = tuple[tuple[Talk, ...], tuple[LeftOut, ...]]
"""The pairs of a split, and those that lack a side."""


def _flame_talks(root: Path, split: str, flame_map: Path | None) -> Found:
    folder = root / split
    files = [
        path
        for side in SIDES
        for path in folder.glob(f"*_{side}.*")
        if path.suffix in (".npz", ".wav") and not path.name.startswith(".")
    ]
    names = sorted({path.stem.rpartition("_")[0] for path in files})
    if not names:
        listed = _metadata_file(root, split)
        raise UserError(f"{folder} holds no pairs, and there is no {listed}")
    talks = []
    for name in names:
        first, second = (
            FlameSide(
                f"{name}_{side}",
                folder / f"{name}_{side}.npz",
                folder / f"{name}_{side}.wav",
                flame_map=flame_map,
            )
            for side in SIDES
        )
        talks.append(Talk(name, (first, second)))
    return tuple(talks), ()


def _arkit_talks(root: Path, listed: Path) -> Found:
    talks, left_out = [], []
    for name, sides in read_metadata(listed):
        if isinstance(sides, str):
            left_out.append(LeftOut(name, sides))
            continue
        first, second = (
            ArkitSide(Path(face).stem, _arkit_file(root, face), root / voice)
            for face, voice in sides
        )
        talks.append(Talk(name, (first, second)))
    return tuple(talks), tuple(left_out)


def _arkit_file(root: Path, face: str) -> Path:
    places = [root / folder / face for folder in FOLDERS]
    return next((path for path in places if path.is_file()), places[0])


def _metadata_file(root: Path, split: str) -> Path:
    """The list of pairs of the ARKit form."""
    return root / "metadata" / f"{split}.jsonl"


Sides = tuple[tuple[str, str], ...]
"""(face file, sound file) of each person of a pair."""


def read_metadata(path: Path) -> list[tuple[str, Sides | str]]:
    """(name, its files as named there, or why it is no pair) of each line.

    UserError that names file and line if one cannot be read or leaves the folder.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {shown(str(error))}") from error
    rows: list[tuple[str, Sides | str]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UserError(f"{where} is no JSON: {shown(str(error))}") from error
        name = row.get("name") if isinstance(row, dict) else None
        if not isinstance(name, str) or not name:
            raise UserError(f"{where} names no pair")
        rows.append((name, _sides(row, where)))
    if not rows:
        raise UserError(f"{path} lists no pairs")
    return rows


def _sides(row: dict[str, Any], where: str) -> Sides | str:
    """The files of a row, or why it is no pair. UserError for a path that leaves the folder."""
    keys = [(f"{side}_arkit", f"{side}_audio") for side in SIDES]
    for key in (key for pair in keys for key in pair):
        value = row.get(key)
        if not isinstance(value, str) or not value:
            return f"the metadata name no {key}"
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts:
            raise UserError(f"{where}: {key} leaves the data set's folder")
    return tuple((row[face], row[voice]) for face, voice in keys)


def read_arkit(path: Path) -> np.ndarray:
    """(t, 61) float32. UserError, with the file's name, if it does not hold that."""
    values = load_array(path)
    if values.ndim != 2 or values.shape[1] != COLUMNS or not len(values):
        raise UserError(f"{path} has shape {values.shape}, not (frames, {COLUMNS})")
    return _finite(path, values)


def read_flame(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """exp (t, 50) and pose (t, 6) of an npz, float32. UserError, with the file's name, if it does
    not hold that."""
    if not path.is_file():
        raise UserError(f"{path} is missing")
    try:
        # Not by its path: numpy leaves a file open that is no whole archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            expression, pose = (np.asarray(held[name]) for name in ("exp", "pose"))
    except Exception as error:  # damaged archives and headers raise many kinds
        raise UserError(f"{path} holds no exp and pose: {shown(str(error))}") from error
    frames = len(pose) if pose.ndim == 2 else 0
    wide = expression.ndim == 2 and expression.shape[1] >= flame.EXPRESSIONS
    if not frames or pose.shape[1] != 6 or not wide or len(expression) != frames:
        raise UserError(
            f"{path} has exp {expression.shape} and pose {pose.shape}, not (frames, 50) and "
            "(frames, 6)"
        )
    return _finite(path, expression[:, : flame.EXPRESSIONS]), _finite(path, pose)


def _finite(path: Path, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "fiu":
        raise UserError(f"{path} holds {values.dtype}, not numbers")
    good = usable(values).all(axis=1)
    if not good.all():
        frame = int(np.flatnonzero(~good)[0])
        raise UserError(f"{path} holds NaN, infinite or huge values, the first in frame {frame}")
    found: np.ndarray = values.astype(np.float32)
    return found

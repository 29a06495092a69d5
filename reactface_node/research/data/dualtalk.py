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
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.files.arrays import load_array, usable
from reactface_node.files.listed import listed_path
from reactface_node.files.text import shown
from reactface_node.outputs.livelink import NAMES
from reactface_node.research.data import flame
from reactface_node.research.data.kind import DatasetChoice, Splits
from reactface_node.research.data.pairs import PairSource, interpolated
from reactface_node.schema import NUM_COEFFICIENTS, ROTATION, index_of

SPLITS = ("train", "test", "ood")
SIDES = ("speaker1", "speaker2")
FOLDERS = ("ARKit_npy", "ARKit", ".")
COLUMNS = 61
HEAD = slice(52, 55)
_ORDER = [index_of(name) for name in NAMES]


@dataclass(frozen=True, eq=False)
class DualTalk(PairSource):
    """One split with FLAME faces; people are named "SPLIT/NAME_speaker1"."""

    flame_map: Path | None = None

    @cached_property
    def listed(self) -> tuple[tuple[str, str], ...]:
        folder = self.root / self.split
        stems = {
            path.stem.removesuffix(f"_{side}")
            for side in SIDES
            for path in folder.glob(f"*_{side}.*")
            if path.suffix in (".npz", ".wav") and not path.name.startswith(".")
        }
        if not stems:
            raise UserError(f"{folder} holds no pairs, and there is no {self.metadata}")
        names = [f"{self.split}/{stem}" for stem in sorted(stems)]
        return tuple((f"{name}_speaker1", f"{name}_speaker2") for name in names)

    @property
    def metadata(self) -> Path:
        return metadata_file(self.root, self.split)

    @property
    def facts(self) -> dict[str, Any]:
        missing = flame.missing_channels(self.flame_map is not None)
        return {**super().facts, "kind": "dualtalk", "form": "flame", "missing": missing}

    def common_files(self) -> Iterator[Path]:
        if self.flame_map is not None:
            yield self.flame_map

    def problems(self) -> Iterator[str]:
        try:
            _ = self._map
        except UserError as error:
            yield str(error)
        yield from super().problems()

    def group(self, listener: str) -> str:
        return listener

    def face_file(self, person: str) -> Path:
        return self.root / f"{person}.npz"

    def audio_file(self, person: str) -> Path:
        return self.root / f"{person}.wav"

    def found(self, person: str) -> np.ndarray:
        expression, pose = read_flame(self.face_file(person))
        seen: np.ndarray = expression.any(axis=1) | pose.any(axis=1)
        return seen

    def face(self, person: str) -> np.ndarray:
        both = np.concatenate(read_flame(self.face_file(person)), axis=1)
        filled = interpolated(both, both.any(axis=1))
        expression, pose = np.split(filled, [flame.EXPRESSIONS], axis=1)
        return flame.to_coefficients(expression, pose, self._map)

    def jaw(self, person: str) -> np.ndarray:
        opened: np.ndarray = read_flame(self.face_file(person))[1][:, 3]
        return opened

    @cached_property
    def _map(self) -> flame.FlameMap | None:
        return None if self.flame_map is None else flame.read_map(self.flame_map)


@dataclass(frozen=True, eq=False)
class DualTalkArkit(PairSource):
    """One split with ARKit faces; people are named as their npy files in the metadata."""

    @cached_property
    def listed(self) -> tuple[tuple[str, str], ...]:
        return tuple((row[0][0], row[1][0]) for row in self._rows)

    @property
    def facts(self) -> dict[str, Any]:
        return {**super().facts, "kind": "dualtalk", "form": "arkit", "missing": flame.UNSEEN}

    def common_files(self) -> Iterator[Path]:
        yield metadata_file(self.root, self.split)

    def group(self, listener: str) -> str:
        return listener

    def face_file(self, person: str) -> Path:
        places = [self.root / folder / f"{person}.npy" for folder in FOLDERS]
        return next((path for path in places if path.is_file()), places[0])

    def audio_file(self, person: str) -> Path:
        return self.root / self._voices[person]

    def found(self, person: str) -> np.ndarray:
        seen: np.ndarray = read_arkit(self.face_file(person)).any(axis=1)
        return seen

    def face(self, person: str) -> np.ndarray:
        theirs = read_arkit(self.face_file(person))
        filled = interpolated(theirs, theirs.any(axis=1))
        ours = np.zeros((len(filled), NUM_COEFFICIENTS), np.float32)
        ours[:, _ORDER] = filled[:, : len(NAMES)].clip(0.0, 1.0)
        ours[:, ROTATION] = flame.head_rotation(filled[:, HEAD])
        ours[:, [index_of(name) for name in flame.UNSEEN]] = 0.0
        return ours

    @cached_property
    def _rows(self) -> tuple[tuple[tuple[str, str], ...], ...]:
        return read_metadata(metadata_file(self.root, self.split))

    @cached_property
    def _voices(self) -> dict[str, str]:
        return {face: voice for row in self._rows for face, voice in row}


def open_splits(root: Path, choice: DatasetChoice, _: RosConfig) -> Splits:
    """As ``kind.Kind`` has it."""

    def open_split(split: str) -> PairSource:
        if metadata_file(root, split).is_file():
            return DualTalkArkit(root, split, choice.faces, choice.one_way, choice.skip_broken)
        return DualTalk(
            root, split, choice.faces, choice.one_way, choice.skip_broken, choice.flame_map
        )

    present = [
        split for split in SPLITS if (root / split).is_dir() or metadata_file(root, split).is_file()
    ]
    return Splits(root, SPLITS, present, open_split)


def metadata_file(root: Path, split: str) -> Path:
    """The list of pairs of the ARKit form."""
    return root / "metadata" / f"{split}.jsonl"


def read_metadata(path: Path) -> tuple[tuple[tuple[str, str], ...], ...]:
    """For each pair, for each side: (face file without its suffix, sound file), as named there.

    What a line leaves null has its usual name, so that a missing file is reported as others.
    UserError that names file and line if one cannot be read, names no pair or a face that was named
    before, or leaves the folder.
    """
    try:
        # Not splitlines, which also ends lines at characters that JSON's texts may hold.
        lines = path.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {shown(str(error))}") from error
    rows: list[tuple[tuple[str, str], ...]] = []
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}: line {number}"
        rows.append(_pair(line, path.stem, where))
        for face, _ in rows[-1]:
            if face in seen:
                raise UserError(f"{where} names {face}, which was named before")
            seen.add(face)
    if not rows:
        raise UserError(f"{path} lists no pairs")
    return tuple(rows)


def _pair(line: str, split: str, where: str) -> tuple[tuple[str, str], ...]:
    """A line of the metadata, as ``read_metadata``."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is no JSON: {shown(str(error))}") from error
    name = row.get("name") if isinstance(row, dict) else None
    if not isinstance(name, str) or not name:
        raise UserError(f"{where} names no pair")
    sides = [
        [
            _named(row, f"{side}_{what}", f"{split}/{name}_{side}{suffix}", where)
            for what, suffix in (("arkit", ".npy"), ("audio", ".wav"))
        ]
        for side in SIDES
    ]
    return tuple((face.removesuffix(".npy"), voice) for face, voice in sides)


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


def _named(row: dict[str, Any], key: str, usual: str, where: str) -> str:
    """A path of the row, or the usual one, that stays inside the folder."""
    value = usual if row.get(key) is None else row[key]
    if not isinstance(value, str) or not value:
        raise UserError(f"{where}: {key} is no path")
    return listed_path(value, f"{where}: {key}")

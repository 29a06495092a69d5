"""The stored form: one split of ``Clips`` in a folder, as .npy arrays that are memory-mapped.

``FOLDER/SPLIT/`` holds ``manifest.json`` (names, shapes, facts) and ``frames``, ``speaker``,
``audio``, ``reactions``, ``appropriate`` (rows, one clip after the other), ``appropriate_ends``
and, if there are crops, ``faces``. An unfinished split lies in the folder ``.SPLIT.unfinished``,
which is renamed in one step when it is complete. Each clip has a byte in ``done``, set after its
rows are on the disk, so that a conversion that ends early leaves complete clips and the next run
makes the others.
"""

import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.text import shown
from reactface_node.files.whole import (
    cannot_write,
    check_new,
    hidden_place,
    make_folder,
    put_in_place,
    unfinished_folder,
    write_errors,
    write_text,
)
from reactface_node.research.data.clips import Clips
from reactface_node.research.data.plan import MANIFEST, Plan, read_json, read_plan
from reactface_node.research.data.source import Clip
from reactface_node.schema import COEFFICIENT_NAMES

PLAN, DONE = "plan.json", "done"


class ClipWriter:
    """Makes ``folder/SPLIT``; a context manager that keeps finished clips after any error.

    UserError if the split exists already, if an unfinished one was made from another source, if
    another process is writing it, or if the disk is full.
    """

    def __init__(self, folder: Path, plan: Plan, origin: dict[str, str] | None = None):
        """origin: of the files that the clips are read from (``origin.origin_of``)."""
        self.plan, self.origin = plan, origin or {}
        self.path = folder / plan.split
        self.unfinished = unfinished_folder(self.path) / plan.split
        self._place = ExitStack()

    def __enter__(self) -> "ClipWriter":
        check_new(self.path, makes_folders=True)
        make_folder(self.path.parent)
        with ExitStack() as place, write_errors(self.path):
            place.enter_context(hidden_place(self.path, keep=True))
            self._open()
            self._place = place.pop_all()
        return self

    @property
    def done(self) -> np.ndarray:
        """(N,) bool: the clips that are finished."""
        return np.fromfile(self.unfinished / DONE, np.uint8) > 0

    def finish(self, appropriate: tuple[np.ndarray, ...]) -> None:
        """Name the split when all clips are written. ValueError if some are missing."""
        if not self.done.all():
            raise ValueError(f"{int((~self.done).sum())} clips are not written")
        rows = np.concatenate([np.asarray(one, np.int64) for one in appropriate])
        ends = np.cumsum([len(one) for one in appropriate], dtype=np.int64)
        with write_errors(self.path):
            for name, array in (("appropriate", rows), ("appropriate_ends", ends)):
                np.save(self.unfinished / f"{name}.npy", array)
            write_text(self.unfinished / MANIFEST, json.dumps(self.plan.to_json()))
            put_in_place(self.unfinished, self.path)
            # Only now: an unfinished split without its plan is made again from the beginning.
            for name in (PLAN, DONE):
                (self.path / name).unlink()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._place.close()

    def _open(self) -> None:
        """Begin a split, or continue an unfinished one."""
        if not (self.unfinished / PLAN).exists():
            self._create()
        begun = read_json(self.unfinished / PLAN)
        if begun != self._begun():
            root = begun.get("origin", {}).get("root", "")
            moved = root != self.origin.get("root", "")
            what = f"from {root}" if root and moved else "from other files or with other settings"
            raise UserError(
                f"{self.unfinished.parent} was begun {what}: use the same again, or remove it first"
            )

    def _begun(self) -> dict[str, Any]:
        return {**self.plan.to_json(), "origin": self.origin}

    def _create(self) -> None:
        """Make empty arrays of full size (sparse files), then the plan, which shows that all
        exist."""
        self.unfinished.mkdir(exist_ok=True)
        for name, (dtype, shape, _) in self.plan.arrays().items():
            path = self.unfinished / f"{name}.npy"
            np.lib.format.open_memmap(path, "w+", dtype, shape)
        (self.unfinished / DONE).write_bytes(bytes(len(self.plan.names)))
        write_text(self.unfinished / PLAN, json.dumps(self._begun()))


def write_clip(unfinished: Path, plan: Plan, index: int, clip: Clip) -> None:
    """Write a clip into a ``ClipWriter``'s folder; several processes may write different clips.

    UserError, with the number of kept clips, if the disk is full; ValueError for a wrong shape.
    """
    try:
        _write_rows(unfinished, plan, index, clip)
    except OSError as error:
        done = np.fromfile(unfinished / DONE, np.uint8)
        kept = f"; {int(done.sum())} of {len(done)} clips are kept, run it again"
        raise cannot_write(unfinished.parent.parent / plan.split, error, kept) from error


def _write_rows(folder: Path, plan: Plan, index: int, clip: Clip) -> None:
    """Writes without a memory map, since a full disk under a map kills the process."""
    length = len(clip.speaker)
    values = {
        "frames": np.array([length]),
        "speaker": clip.speaker[None],
        "audio": clip.audio[None],
        "reactions": clip.reactions,
        "nods": clip.nods,
        "faces": clip.faces[None] if clip.faces is not None else None,
    }
    for name, (dtype, shape, rows) in plan.arrays().items():
        value = values[name]
        if value is None or len(value) != rows or value.shape[2:] != shape[2:]:
            raise ValueError(f"clip {index}: {name} is not of the planned shape")
        row_bytes = int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize
        with open(folder / f"{name}.npy", "r+b") as file:
            # The bytes of an .npy file before its data are its header.
            header_bytes = os.fstat(file.fileno()).st_size - shape[0] * row_bytes
            for offset, row in enumerate(value):
                file.seek(header_bytes + (index * rows + offset) * row_bytes)
                file.write(np.ascontiguousarray(row, dtype).tobytes())
            file.flush()
            os.fsync(file.fileno())
    # Only after the rows are on the disk, in case of a power cut between the two writes.
    with open(folder / DONE, "r+b") as file:
        file.seek(index)
        file.write(b"\1")
        file.flush()
        os.fsync(file.fileno())


def load_clips(folder: Path, split: str) -> Clips:
    """The split that a conversion made; its arrays are mapped read-only.

    A reaction row k * L + i is as long as clip k. UserError if the split is not there, not
    finished, of a newer version, or if an array does not fit the manifest.
    """
    path = folder / split
    if not path.is_dir() and unfinished_folder(path).is_dir():
        raise UserError(f"{path} is not finished; run the same conversion again and it goes on")
    plan = read_plan(path)
    found = {name: _mapped(path / f"{name}.npy", *kind[:2]) for name, kind in plan.arrays().items()}
    rows, ends = (_small(path / f"{name}.npy") for name in ("appropriate", "appropriate_ends"))
    if ends.shape != (len(plan.names),) or rows.shape != (ends[-1],):
        raise UserError(f"{path / 'appropriate.npy'} does not fit {MANIFEST}; convert again")
    if rows.min() < 0 or rows.max() >= len(found["reactions"]):
        raise UserError(f"{path / 'appropriate.npy'} names reactions that are not there")
    return Clips(
        names=plan.names,
        frames=np.array(found["frames"]),
        speaker=found["speaker"],
        audio=found["audio"],
        reactions=found["reactions"],
        appropriate=tuple(np.split(rows, ends[:-1])),
        reaction_frames=np.repeat(found["frames"], plan.listeners),
        faces=found.get("faces"),
        nods=found.get("nods"),
        missing=_missing(path, plan.facts),
    )


def _missing(path: Path, facts: dict[str, Any]) -> tuple[str, ...]:
    names = facts.get("missing", [])
    if not isinstance(names, list) or not set(map(str, names)) <= set(COEFFICIENT_NAMES):
        raise UserError(f"{path / MANIFEST} names missing channels that nobody knows")
    return tuple(names)


def load_facts(folder: Path, split: str) -> dict[str, Any]:
    """Facts that the source noted at conversion, such as its coefficient space."""
    return read_plan(folder / split).facts


def check_space(folder: Path, needed: int) -> None:
    """UserError if there is not enough space for ``needed`` bytes, before the work begins."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{folder} has {free / 1e9:.1f} GB free, the converted data need {needed / 1e9:.1f} GB"
        )


def _mapped(path: Path, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a wrong header raises many kinds
        raise UserError(
            f"{path} is missing or damaged ({shown(str(error))}); convert again"
        ) from error
    if array.dtype != dtype or array.shape != shape:
        raise UserError(
            f"{path} is {array.dtype} {array.shape}, {MANIFEST} says {dtype} {shape}; convert again"
        )
    result: np.ndarray = array
    return result


def _small(path: Path) -> np.ndarray:
    try:
        result: np.ndarray = np.load(path, allow_pickle=False)
        return result
    except Exception as error:  # a wrong header raises many kinds
        raise UserError(
            f"{path} is missing or damaged ({shown(str(error))}); convert again"
        ) from error

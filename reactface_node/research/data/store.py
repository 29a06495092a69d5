"""The stored form: one split of ``Clips`` in a folder, as .npy arrays of which training maps a few
at a time.

``FOLDER/SPLIT/`` holds ``manifest.json`` (names, shapes, facts, and the shards with their hashes),
a folder for each shard, ``00000`` and so on, with the arrays of consecutive clips (``plan.fields``;
rows, one clip after the other), and for the whole split ``frames``, ``appropriate`` (row numbers,
one clip after the other), ``appropriate_ends`` and, without labels, ``nearest`` and
``nearest_distances``. Version 1 has no shards: its arrays lie in the split's folder.

An unfinished split lies in the folder ``.SPLIT.unfinished``, which is renamed in one step when it
is complete. Each finished clip is a file of its own there (``parts``) until its shard is complete,
so that a conversion that ends early leaves complete clips and the next run makes the others.
"""

import json
import shutil
from collections.abc import Sequence
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
from reactface_node.research.data.clips import Clips, RowLists
from reactface_node.research.data.neighbours import Nearest, behaviour_of, bins_of, nearest_of
from reactface_node.research.data.parts import (
    DIGEST,
    PARTS,
    finished_clips,
    gather,
    shard_name,
    tidy,
    write_part,
)
from reactface_node.research.data.plan import (
    MANIFEST,
    ONE_FILE,
    Plan,
    StoredSplit,
    read_json,
    read_manifest,
)
from reactface_node.research.data.reaction_events import reaction_events
from reactface_node.research.data.shards import OpenFiles, Shard
from reactface_node.research.data.source import Clip
from reactface_node.schema import COEFFICIENT_NAMES

PLAN = "plan.json"


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
        self._left: list[set[int]] = []

    def __enter__(self) -> "ClipWriter":
        check_new(self.path, makes_folders=True)
        make_folder(self.path.parent)
        with ExitStack() as place, write_errors(self.path):
            place.enter_context(hidden_place(self.path, keep=True))
            self._open()
            self._place = place.pop_all()
        done = self.done
        self._left = [{index for index in clips if not done[index]} for clips in self.plan.shards]
        return self

    @property
    def done(self) -> np.ndarray:
        """(N,) bool: the clips that are finished."""
        return finished_clips(self.unfinished, self.plan)

    def gather(self, clips: range) -> None:
        """Make the shards of which these clips, just written, were the last ones missing.

        UserError, with the number of kept clips, if the disk is full.
        """
        each = len(self.plan.shards[0])
        for number in range(clips.start // each, (clips.stop - 1) // each + 1):
            left = self._left[number]
            if left:
                left.difference_update(clips)
                if not left:
                    self._gather(number)

    def finish(self, appropriate: Sequence[np.ndarray]) -> None:
        """Name the split when all clips are written. ValueError if some are missing."""
        done = self.done
        if not done.all():
            raise ValueError(f"{int((~done).sum())} clips are not written")
        for number in range(len(self.plan.shards)):
            if not (self.unfinished / shard_name(number)).is_dir():
                self._gather(number)
        with write_errors(self.path):
            self._write_tables(appropriate)
            (self.unfinished / PARTS).rmdir()
            put_in_place(self.unfinished, self.path)
            # Only now: an unfinished split without its plan is made again from the beginning.
            (self.path / PLAN).unlink()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._place.close()

    def _gather(self, number: int) -> None:
        try:
            gather(self.unfinished, self.plan, number)
        except OSError as error:
            raise _cannot_write(self.unfinished, self.plan, error) from error

    def _write_tables(self, appropriate: Sequence[np.ndarray]) -> None:
        """The manifest and the arrays of the whole split."""
        names = [shard_name(number) for number in range(len(self._left))]
        shards = tuple(
            Shard(name, len(clips), (self.unfinished / name / DIGEST).read_text())
            for name, clips in zip(names, self.plan.shards, strict=True)
        )
        files = OpenFiles(self.unfinished, shards, self.plan.fields())
        tables = {
            "frames": np.array([int(one) for one in files.rows("frames")], np.int64),
            "appropriate": np.concatenate([np.asarray(one, np.int64) for one in appropriate]),
            "appropriate_ends": np.cumsum([len(one) for one in appropriate], dtype=np.int64),
        }
        if not self.plan.labelled:
            nearest = nearest_of(files.rows("behaviour"), tables["frames"])
            tables |= {"nearest": nearest.clips, "nearest_distances": nearest.distances}
        for name, table in tables.items():
            np.save(self.unfinished / f"{name}.npy", table)
        manifest = StoredSplit(self.plan, self.plan.to_json()["version"], shards)
        write_text(self.unfinished / MANIFEST, json.dumps(manifest.to_json()))

    def _open(self) -> None:
        """Begin a split, or continue an unfinished one."""
        if not (self.unfinished / PLAN).exists():
            self.unfinished.mkdir(exist_ok=True)
            (self.unfinished / PARTS).mkdir(exist_ok=True)
            write_text(self.unfinished / PLAN, json.dumps(self._begun()))
        begun = read_json(self.unfinished / PLAN)
        if begun != self._begun():
            origin = begun.get("origin")
            root = origin.get("root", "") if isinstance(origin, dict) else ""
            moved = root != self.origin.get("root", "")
            what = f"from {root}" if root and moved else "from other files or with other settings"
            raise UserError(
                f"{self.unfinished.parent} was begun {what}: use the same again, or remove it first"
            )
        (self.unfinished / PARTS).mkdir(exist_ok=True)  # it ended while the split was named
        tidy(self.unfinished, self.plan)

    def _begun(self) -> dict[str, Any]:
        each = len(self.plan.shards[0])
        return {**self.plan.to_json(), "shard_clips": each, "origin": self.origin}


def write_clip(unfinished: Path, plan: Plan, index: int, clip: Clip) -> None:
    """Write a clip into a ``ClipWriter``'s folder; several processes may write different clips.

    UserError, with the number of kept clips, if the disk is full; ValueError for a wrong shape.
    """
    arrays = _arrays(plan, index, clip)
    try:
        write_part(unfinished, index, arrays)
    except OSError as error:
        raise _cannot_write(unfinished, plan, error) from error


def _cannot_write(unfinished: Path, plan: Plan, error: OSError) -> UserError:
    done = finished_clips(unfinished, plan) if (unfinished / PARTS).is_dir() else np.zeros(0, bool)
    kept = f"; {int(done.sum())} of {len(plan.names)} clips are kept, run it again"
    return cannot_write(unfinished.parent.parent / plan.split, error, kept)


def _arrays(plan: Plan, index: int, clip: Clip) -> dict[str, np.ndarray]:
    """The clip's rows by the names of ``plan.fields``. ValueError if one has another shape."""
    length = len(clip.speaker)
    values: dict[str, np.ndarray | None] = {
        "frames": np.array([length]),
        "speaker": clip.speaker[None],
        "audio": clip.audio[None],
        "reactions": clip.reactions,
        "faces": clip.faces[None] if clip.faces is not None else None,
    }
    fields = plan.fields()
    if plan.facts.get("nods") and clip.nods is None:
        raise ValueError(f"clip {index}: nods are not there")
    for name, value in values.items():
        field = fields.get(name)
        if field is not None and (
            value is None
            or len(value) != field.per_clip
            or value.shape[2:] != field.row[1:]
            or value.shape[1:2] > field.row[:1]
        ):
            raise ValueError(f"clip {index}: {name} is not of the planned shape")
    stored = {
        name: np.asarray(values[name], field.dtype)
        for name, field in fields.items()
        if name in values
    }
    named = clip.nods if plan.facts.get("nods") else None
    known = [None] * len(clip.reactions) if named is None else named
    pairs = zip(stored["reactions"], known, strict=True)
    stored["events"] = np.stack([reaction_events(one, nods) for one, nods in pairs])
    if "behaviour" in fields:
        heard = stored["speaker"][0], stored["audio"][0]
        stored["behaviour"] = behaviour_of(*heard, bins_of(plan.frames))[None]
    return stored


def load_clips(folder: Path, split: str) -> Clips:
    """The split that a conversion made; its arrays stay on the disk.

    A reaction row k * L + i is as long as clip k. UserError if the split is not there, not
    finished, of a newer version, or if a file is missing, cut off, or does not fit the manifest.
    """
    path, manifest = _manifest(folder, split)
    plan = manifest.plan
    fields = plan.fields(manifest.version)
    files = OpenFiles(path, manifest.shards, fields)
    files.check()
    frames = np.array(_table(path, "frames"))
    if frames.shape != (len(plan.names),) or not 0 < frames.min() <= frames.max() <= plan.frames:
        raise UserError(f"{path / 'frames.npy'} does not fit {MANIFEST}; convert again")
    rows, ends = _table(path, "appropriate"), _table(path, "appropriate_ends")
    if ends.shape != frames.shape or rows.shape != (ends[-1],):
        raise UserError(f"{path / 'appropriate.npy'} does not fit {MANIFEST}; convert again")
    if rows.min() < 0 or rows.max() >= len(plan.names) * plan.listeners:
        raise UserError(f"{path / 'appropriate.npy'} names reactions that are not there")
    optional = ("faces", "nods", "events")
    return Clips(
        names=plan.names,
        frames=frames,
        speaker=files.rows("speaker"),
        audio=files.rows("audio"),
        reactions=files.rows("reactions"),
        appropriate=_lists(rows, ends),
        reaction_frames=np.repeat(frames, plan.listeners),
        **{name: files.rows(name) for name in optional if name in fields},
        missing=_missing(path, plan.facts),
    )


def _missing(path: Path, facts: dict[str, Any]) -> tuple[str, ...]:
    names = facts.get("missing", [])
    if not isinstance(names, list) or not set(map(str, names)) <= set(COEFFICIENT_NAMES):
        raise UserError(f"{path / MANIFEST} names missing channels that nobody knows")
    return tuple(names)


def load_nearest(folder: Path, split: str) -> Nearest | None:
    """The neighbours of a split without labels that its conversion has found; None in version 1.
    UserError if they are missing or damaged."""
    path, manifest = _manifest(folder, split)
    if manifest.version == ONE_FILE or manifest.plan.labelled:
        return None
    nearest = Nearest(_table(path, "nearest"), _table(path, "nearest_distances", "f"))
    count = len(manifest.plan.names)
    if nearest.clips.shape != nearest.distances.shape or len(nearest.clips) != count:
        raise UserError(f"{path / 'nearest.npy'} does not fit {MANIFEST}; convert again")
    return nearest


def load_facts(folder: Path, split: str) -> dict[str, Any]:
    """Facts that the source noted at conversion, such as its coefficient space."""
    return read_manifest(folder / split).plan.facts


def load_digest(folder: Path, split: str) -> str:
    """SHA-256 of the split's content, computed when it was converted; "" in version 1."""
    return read_manifest(folder / split).digest


def check_space(folder: Path, needed: int) -> None:
    """UserError if there is not enough space for ``needed`` bytes, before the work begins."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"{folder} has {free / 1e9:.1f} GB free, the converted data need {needed / 1e9:.1f} GB"
        )


def _manifest(folder: Path, split: str) -> tuple[Path, StoredSplit]:
    """The split's folder and its manifest. UserError if it is not finished."""
    path = folder / split
    if not path.is_dir() and unfinished_folder(path).is_dir():
        raise UserError(f"{path} is not finished; run the same conversion again and it goes on")
    return path, read_manifest(path)


def _table(path: Path, name: str, kinds: str = "i") -> np.ndarray:
    """An array of the whole split, mapped read-only. kinds: those of numpy's types."""
    file = path / f"{name}.npy"
    try:
        result: np.ndarray = np.load(file, mmap_mode="r", allow_pickle=False)
        if result.dtype.kind not in kinds:
            raise ValueError(f"it holds {result.dtype}")
        return result
    except Exception as error:  # a wrong header raises many kinds
        raise UserError(
            f"{file} is missing or damaged ({shown(str(error))}); convert again"
        ) from error


def _lists(rows: np.ndarray, ends: np.ndarray) -> RowLists:
    def of(index: int) -> np.ndarray:
        return np.array(rows[ends[index - 1] if index else 0 : ends[index]])

    return RowLists(len(ends), of)

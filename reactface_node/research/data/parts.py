"""Converted clips, one file each, until they are gathered into a shard.

So no two processes, and no two machines of a cluster, ever write to the same file: what shared
file systems promise for that differs.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO
from uuid import uuid4

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.text import shown
from reactface_node.research.data.plan import SHARD_NAME, Plan
from reactface_node.research.data.shards import Field

PARTS, DIGEST = "parts", "sha256"


def write_part(unfinished: Path, index: int, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a clip's rows as a whole file, or nothing. OSError if it cannot be written."""
    folder = unfinished / PARTS
    hidden = folder / f".{uuid4().hex}"
    try:
        with open(hidden, "xb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(hidden, _part(unfinished, index))
    except BaseException:
        hidden.unlink(missing_ok=True)
        raise


def written_frames(unfinished: Path, clips: range) -> int | None:
    """Frames of some clips together; None if not all of them are written as parts."""
    paths = [_part(unfinished, index) for index in clips]
    if not all(path.is_file() for path in paths):
        return None
    frames = {"frames": Field(np.dtype("<i8"), ())}
    return sum(int(row) for path in paths for _, row in _rows(path, frames))


def finished_clips(unfinished: Path, plan: Plan) -> np.ndarray:
    """(N,) bool: the clips that are written, in a shard or as a part."""
    done = np.zeros(len(plan.names), bool)
    gathered = {path.name for path in unfinished.iterdir() if SHARD_NAME.fullmatch(path.name)}
    for number, clips in enumerate(plan.shards):
        done[clips.start : clips.stop] = shard_name(number) in gathered
    for path in (unfinished / PARTS).iterdir():
        if path.suffix == ".npz" and path.stem.isdecimal() and int(path.stem) < len(done):
            done[int(path.stem)] = True
    return done


def tidy(unfinished: Path, plan: Plan) -> None:
    """Remove what a killed process left: unfinished files, and parts of gathered clips."""
    for path in (unfinished / PARTS).glob(".*"):
        path.unlink(missing_ok=True)
    for number, clips in enumerate(plan.shards):
        if (unfinished / shard_name(number)).is_dir():
            for index in clips:
                _part(unfinished, index).unlink(missing_ok=True)


def shard_name(number: int) -> str:
    return f"{number:05d}"


def gather(unfinished: Path, plan: Plan, number: int) -> None:
    """Make a shard of its clips' parts and remove these. OSError if it cannot be written;
    UserError if a part is damaged."""
    name, clips = shard_name(number), plan.shards[number]
    hidden = unfinished / f".{name}"
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.mkdir()
    try:
        (hidden / DIGEST).write_text(_write_shard(hidden, unfinished, plan.fields(), clips))
        os.replace(hidden, unfinished / name)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    for index in clips:
        _part(unfinished, index).unlink()


def _write_shard(hidden: Path, unfinished: Path, fields: dict[str, Field], clips: range) -> str:
    """Returns the content's hash. Writes without a memory map, since a full disk under a map kills
    the process; what follows a clip's end is left out, so that the files have holes there."""
    digest = hashlib.sha256()
    with ExitStack() as opened:
        files: dict[str, IO[bytes]] = {}
        for name, field in fields.items():
            files[name] = opened.enter_context(open(hidden / f"{name}.npy", "xb"))
            shape = (len(clips) * field.per_clip, *field.row)
            descr = np.lib.format.dtype_to_descr(field.dtype)
            header = {"descr": descr, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(files[name], header)
        for index in clips:
            for name, row in _rows(_part(unfinished, index), fields):
                data = row.tobytes()
                rest = fields[name].row_bytes - len(data)
                digest.update(data)
                digest.update(bytes(rest))
                files[name].write(data)
                files[name].seek(rest, os.SEEK_CUR)
        for file in files.values():
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
    return digest.hexdigest()


def _rows(path: Path, fields: dict[str, Field]) -> Iterator[tuple[str, np.ndarray]]:
    try:
        with np.load(path, allow_pickle=False) as part:
            read = {name: part[name] for name in fields}
    except Exception as error:  # a damaged file raises many kinds
        raise UserError(
            f"{path} is damaged ({shown(str(error))}); remove it and convert again"
        ) from error
    for name, rows in read.items():
        yield from ((name, row) for row in rows)


def _part(unfinished: Path, index: int) -> Path:
    return unfinished / PARTS / f"{index:06d}.npz"

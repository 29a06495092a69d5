"""Arrays that are cut into files along their first axis, of which a bounded number is open."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.text import shown

OPEN = 32
"""Files of a split that are mapped at the same time."""


@dataclass(frozen=True)
class Shard:
    """folder: within the split's, "" for itself (the form of version 1). clips: their number.
    sha256: of the content, "" if it was not computed."""

    folder: str
    clips: int
    sha256: str = ""


@dataclass(frozen=True)
class Field:
    """One array of a split: the type and the shape of a row, and the rows of each clip."""

    dtype: np.dtype
    row: tuple[int, ...]
    per_clip: int = 1

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.row, dtype=np.int64)) * self.dtype.itemsize


class OpenFiles:
    """The mapped files of a split: those that were used last, at most ``OPEN``."""

    def __init__(self, path: Path, shards: Sequence[Shard], fields: Mapping[str, Field]):
        self.path, self.shards, self.fields = path, shards, fields
        self.ends = np.cumsum([shard.clips for shard in shards])
        self._mapped: OrderedDict[tuple[int, str], np.ndarray] = OrderedDict()

    def __len__(self) -> int:
        return len(self._mapped)

    def check(self) -> None:
        """UserError for the first file that is missing or too short, without opening any."""
        for number, shard in enumerate(self.shards):
            for name, field in self.fields.items():
                path = self.file(number, name)
                try:
                    size = path.stat().st_size
                except OSError as error:
                    raise _damaged(path, error.strerror or "it cannot be read") from error
                if size < shard.clips * field.per_clip * field.row_bytes:
                    raise _damaged(path, "it is cut off")

    def rows(self, name: str) -> "ShardedRows":
        return ShardedRows(self, name, range(int(self.ends[-1]) * self.fields[name].per_clip))

    def file(self, number: int, name: str) -> Path:
        return self.path / self.shards[number].folder / f"{name}.npy"

    def read(self, name: str, row: int) -> np.ndarray:
        """One row, mapped read-only. UserError if its file is gone, cut off or another array."""
        per_clip = self.fields[name].per_clip
        number = int(np.searchsorted(self.ends, row // per_clip, "right"))
        first = int(self.ends[number]) - self.shards[number].clips
        result: np.ndarray = self._file(number, name)[row - first * per_clip]
        return result

    def _file(self, number: int, name: str) -> np.ndarray:
        key = number, name
        if key not in self._mapped:
            while len(self._mapped) >= OPEN:
                self._mapped.popitem(last=False)
            field, clips = self.fields[name], self.shards[number].clips
            shape = (clips * field.per_clip, *field.row)
            self._mapped[key] = _mapped(self.file(number, name), field.dtype, shape)
        self._mapped.move_to_end(key)
        return self._mapped[key]


class ShardedRows:
    """An array on the disk, read as a numpy array is: what is asked for is copied to memory, only
    a single row is a view. ``part`` chooses rows without reading them."""

    def __init__(self, files: OpenFiles, name: str, rows: range | np.ndarray):
        self._files, self._name, self._rows = files, name, rows
        field = files.fields[name]
        self.dtype, self.shape = field.dtype, (len(rows), *field.row)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[index] for index in range(len(self)))

    def part(self, which: slice | np.ndarray) -> "ShardedRows":
        """Some of the rows."""
        rows = self._rows
        chosen = rows[which] if isinstance(which, slice) else np.asarray(rows)[which]
        return ShardedRows(self._files, self._name, chosen)

    def __getitem__(self, key: Any) -> Any:
        first, *rest = key if isinstance(key, tuple) else (key,)
        if isinstance(first, int | np.integer):
            return self._files.read(self._name, int(self._rows[first]))[tuple(rest)]
        if isinstance(first, slice):
            chosen = np.arange(len(self))[first]
        else:
            chosen = np.asarray(first)
            chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        if any(isinstance(one, np.ndarray | list) for one in rest):
            return self._each(chosen, rest)
        read = [self[int(index)][tuple(rest)] for index in chosen.reshape(-1)]
        if not read:
            return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
        return np.stack(read).reshape(*chosen.shape, *read[0].shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        del copy  # it is always one
        return np.asarray(self[:], dtype)

    def _each(self, chosen: np.ndarray, rest: list[Any]) -> np.ndarray:
        """Arrays for the first axes, paired as numpy pairs them."""
        rows, *places = np.broadcast_arrays(chosen, *rest)
        found = np.empty((*rows.shape, *self.shape[1 + len(places) :]), self.dtype)
        for row in np.unique(rows):
            here = rows == row
            found[here] = self[int(row)][tuple(place[here] for place in places)]
        return found


def _mapped(path: Path, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a wrong header raises many kinds
        raise _damaged(path, shown(str(error))) from error
    if array.dtype != dtype or array.shape != shape:
        raise UserError(
            f"{path} is {array.dtype} {array.shape}, its manifest says {dtype} {shape}; "
            "convert again"
        )
    result: np.ndarray = array
    return result


def _damaged(path: Path, why: str) -> UserError:
    return UserError(f"{path} is missing or damaged ({why}); convert again")

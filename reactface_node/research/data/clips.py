"""One split of any data set, in the form that training and evaluation read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from reactface_node.research.data.shards import ShardedRows
from reactface_node.schema import COEFFICIENT_NAMES

Rows = np.ndarray | ShardedRows


class RowLists(Sequence[np.ndarray]):
    """``count`` arrays of row numbers, each made when it is read."""

    def __init__(self, count: int, one: Callable[[int], np.ndarray]):
        self._count, self._one = count, one

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[np.ndarray]: ...
    def __getitem__(self, index: int | slice) -> Any:
        chosen = range(self._count)[index]
        if isinstance(chosen, range):
            return RowLists(len(chosen), lambda place: self._one(chosen[place]))
        return self._one(chosen)

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(self._one, range(self._count))


@dataclass(frozen=True, eq=False)
class Clips:
    """N speaker clips of at most T frames at 25 Hz and R listener reactions. The arrays of a
    converted split stay on the disk (``ShardedRows``).

    names: (N,) of the clips. frames: (N,) int64 the length of each; later values are zero. speaker:
    (N, T, 58) float32 coefficients. audio: (N, T * 640) int16, 16 kHz mono.
    reactions: (R, T, 58) float32. appropriate: for every clip the indices of its appropriate
    ``reactions``, the clip's own listener first. reaction_frames: (R,) int64 the length of each
    reaction. A clip's own reaction is as long as the clip, others may be shorter; later values are
    zero. faces: (N, T, 224, 224, 3) uint8 crops for the pixel encoder, or None. nods: (R, T, 3)
    float32 the nods of the reactions, as ``nods.nod_starts``, where the data set knows them.
    events: (R, T, 8) float32 as ``reaction_events``, or None where they are not computed yet.
    missing: coefficients, by their names, that the data set does not have; their values are zero.
    """

    names: tuple[str, ...]
    frames: np.ndarray
    speaker: Rows
    audio: Rows
    reactions: Rows
    appropriate: Sequence[np.ndarray]
    reaction_frames: np.ndarray
    faces: Rows | None = None
    nods: Rows | None = None
    events: Rows | None = None
    missing: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.names)

    @property
    def known(self) -> np.ndarray:
        """(58,) bool: the coefficients that the data set has."""
        found: np.ndarray = ~np.isin(COEFFICIENT_NAMES, self.missing)
        return found

    def lasting(self, frames: int) -> tuple[np.ndarray, ...]:
        """``appropriate`` without reactions of fewer frames."""
        return tuple(rows[self.reaction_frames[rows] >= frames] for rows in self.appropriate)


def part_of(rows: Rows, which: slice | np.ndarray) -> Rows:
    """Some of the rows; those on the disk stay there."""
    return rows.part(which) if isinstance(rows, ShardedRows) else rows[which]

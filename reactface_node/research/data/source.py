"""The interface of a data set's split, for checking and conversion."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Clip:
    """One speaker clip of t frames at 25 Hz and the reactions recorded with it.

    speaker: (t, 58) float32. audio: (t * 640,) int16, 16 kHz mono. reactions: (L, t, 58)
    float32, the clip's own listeners. faces: (t, 224, 224, 3) uint8 crops of the speaker. nods: (L,
    t, 3) float32, as ``nods.nod_starts``; of all clips of a source whose facts say "nods", or of
    none.
    """

    speaker: np.ndarray
    audio: np.ndarray
    reactions: np.ndarray
    faces: np.ndarray | None = None
    nods: np.ndarray | None = None


class Source(Protocol):
    """One split. Pickled into worker processes, so it holds paths and no open files.

    names: (N,) of the clips. listeners: L, the number of reactions of each clip; reaction row k * L
    + i is the i-th of clip k. faces: whether clips hold face crops. facts: other settings that
    determine the content, as JSON; "missing" names coefficients that the data set does not have.
    root: the data set's folder, None for synthetic data. A conversion is resumed only with the
    same values and unchanged files.
    """

    @property
    def split(self) -> str: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def listeners(self) -> int: ...
    @property
    def faces(self) -> bool: ...
    @property
    def facts(self) -> dict[str, Any]: ...
    @property
    def root(self) -> Path | None: ...

    def problems(self) -> Iterator[str]:
        """Lines that begin with a file's name: everything that is missing or broken."""
        ...

    def files(self) -> Iterable[Path]:
        """Files, and folders of files, that ``names`` and ``read`` depend on. Files of
        ``appropriate`` are not listed: they are read only at the end and may change until then."""
        ...

    def max_frames(self) -> int:
        """The length of the longest clip; nothing is decoded to know it."""
        ...

    def jobs(self) -> list[range]:
        """The indices of clips that are read together; all jobs together are all clips, in
        order."""
        ...

    def read(self, clips: range) -> Iterable[Clip]:
        """The clips of one job. UserError that names the file if one cannot be used."""
        ...

    def appropriate(self) -> tuple[np.ndarray, ...]:
        """For each clip the rows of its appropriate reactions, its own first."""
        ...


def single_jobs(count: int) -> list[range]:
    """One job for each clip."""
    return [range(index, index + 1) for index in range(count)]


def own_reactions(count: int, listeners: int = 1) -> tuple[np.ndarray, ...]:
    """The rows of ``appropriate`` without labels: only a clip's own listeners (as in Table 9)."""
    rows = np.arange(count * listeners, dtype=np.int64).reshape(count, listeners)
    return tuple(rows)

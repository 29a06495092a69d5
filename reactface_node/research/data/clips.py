"""One split of any data set, in the form that training and evaluation read."""

from dataclasses import dataclass

import numpy as np

from reactface_node.schema import COEFFICIENT_NAMES


@dataclass(frozen=True, eq=False)
class Clips:
    """N speaker clips of at most T frames at 25 Hz and R listener reactions; arrays may be
    memory-mapped.

    names: (N,) of the clips. frames: (N,) int64 the length of each; later values are zero. speaker:
    (N, T, 58) float32 coefficients. audio: (N, T * 640) int16, 16 kHz mono.
    reactions: (R, T, 58) float32. appropriate: for every clip the indices of its appropriate
    ``reactions``, the clip's own listener first. reaction_frames: (R,) int64 the length of each
    reaction. A clip's own reaction is as long as the clip, others may be shorter; later values are
    zero. faces: (N, T, 224, 224, 3) uint8 crops for the pixel encoder, or None. nods: (R, T, 3)
    float32 the nods of the reactions, as ``nods.nod_starts``, where the data set knows them.
    missing: coefficients, by their names, that the data set does not have; their values are zero.
    """

    names: tuple[str, ...]
    frames: np.ndarray
    speaker: np.ndarray
    audio: np.ndarray
    reactions: np.ndarray
    appropriate: tuple[np.ndarray, ...]
    reaction_frames: np.ndarray
    faces: np.ndarray | None = None
    nods: np.ndarray | None = None
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

"""One split of any data set, in the form that training and evaluation read."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Clips:
    """N speaker clips of at most T frames at 25 Hz and R listener reactions; arrays may be mapped.

    names: (N,) of the clips. frames: (N,) int64 the length of each; what follows is zero.
    speaker: (N, T, 58) float32 coefficients. audio: (N, T * 640) int16, 16 kHz mono.
    reactions: (R, T, 58) float32. appropriate: for every clip the indices into ``reactions`` of
    what is appropriate, the clip's own listener first. reaction_frames: (R,) int64 the length of
    each reaction, the own one's that of its clip; others' may be shorter; what follows is zero.
    faces: (N, T, 224, 224, 3) uint8 crops for the pixel encoder, or None.
    """

    names: tuple[str, ...]
    frames: np.ndarray
    speaker: np.ndarray
    audio: np.ndarray
    reactions: np.ndarray
    appropriate: tuple[np.ndarray, ...]
    reaction_frames: np.ndarray
    faces: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.names)

    def lasting(self, frames: int) -> tuple[np.ndarray, ...]:
        """``appropriate`` without the reactions that are shorter than so many frames."""
        return tuple(rows[self.reaction_frames[rows] >= frames] for rows in self.appropriate)

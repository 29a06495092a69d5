"""What listeners did while one speaker was seen and heard: the input of the human statistics."""

from dataclasses import dataclass

import numpy as np

from reactface_node.research.data.labels import ClipLabels, Interval
from reactface_node.schema import FRAME_RATE_HZ


@dataclass(frozen=True, eq=False)
class Meeting:
    """One speaker and M listeners for T frames at 25 Hz, listeners as they were shown.

    listeners: (M, T, 58). who: M names; the same name in two meetings is the same listener.
    speaker: (T, 58), 0 where the face was not seen. speaking: (T,) bool, None where that is not
    known. laughs: the speaker's, None where they are not known. labels: what the speaker's face
    does.
    """

    listeners: np.ndarray
    who: tuple[str, ...]
    speaker: np.ndarray
    speaking: np.ndarray | None = None
    laughs: tuple[Interval, ...] | None = None
    labels: ClipLabels | None = None

    @property
    def seconds(self) -> float:
        return self.listeners.shape[1] / FRAME_RATE_HZ

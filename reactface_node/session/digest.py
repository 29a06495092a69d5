"""A digest of what a session saw and heard, from which its random numbers follow."""

import zlib
from collections.abc import Sequence

import numpy as np

from reactface_node.schema import SAMPLES_PER_FRAME, Observation

STEPS_PER_UNIT = 32
"""Coefficients count in steps of 1/32: coarser than what differs between two computers."""
MOST = 1000.0
"""Larger coefficients count as this; in steps it fits 16 bits."""
LOUDEST = 32767.0


class Digest:
    """The CRC-32 of all frames before a window of the model, frame by frame in order.

    It is the same for frames that come one by one and for those that come window by window.
    """

    def __init__(self, window: int) -> None:
        """window: w."""
        self._window = window
        self._number = -1
        self._before = self._newest = 0

    def note(self, slot: int, seen: Sequence[Observation], audio: np.ndarray) -> int:
        """Note n frames from ``slot`` on; returns the digest of what was before their window.

        audio: (n*640,) in [-1, 1].
        """
        number = slot // self._window
        if number != self._number:
            self._number, self._before = number, self._newest
        found = np.array([[one.face_found] for one in seen])
        faces = np.stack([one.coefficients for one in seen])
        heard = audio.reshape(-1, SAMPLES_PER_FRAME)
        parts = (
            found,
            STEPS_PER_UNIT * np.nan_to_num(faces).clip(-MOST, MOST),
            LOUDEST * np.nan_to_num(heard).clip(-1.0, 1.0),
        )
        whole = np.concatenate([np.rint(part).astype("<i2") for part in parts], axis=1)
        self._newest = zlib.crc32(whole.tobytes(), self._newest)
        return self._before

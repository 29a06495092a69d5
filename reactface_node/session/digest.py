"""A digest of what a session saw and heard, from which its random numbers follow."""

import zlib
from collections.abc import Sequence

import numpy as np

from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME, Observation

STEPS_PER_UNIT = 32
"""Coefficients count in steps of 1/32: coarser than what differs between two computers."""
LOUDEST = 32767.0
"""Sound counts in steps of 16 bits."""


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
        heard = audio.reshape(-1, SAMPLES_PER_FRAME)
        frames = np.empty((len(seen), 1 + NUM_COEFFICIENTS + SAMPLES_PER_FRAME), np.float32)
        for frame, one in zip(frames, seen, strict=True):
            frame[0], frame[1 : 1 + NUM_COEFFICIENTS] = one.face_found, one.coefficients
        # A value that is no number, or too large for one, is hashed as it is.
        with np.errstate(over="ignore", invalid="ignore"):
            frames[:, : 1 + NUM_COEFFICIENTS] *= STEPS_PER_UNIT
            frames[:, 1 + NUM_COEFFICIENTS :] = LOUDEST * heard
        whole = np.rint(frames) + np.float32(0.0)  # there are two zeros, -0 and 0
        self._newest = zlib.crc32(whole.tobytes(), self._newest)
        return self._before

"""Which way up the camera's images are, from the scores of a face detector."""

from collections.abc import Callable

import numpy as np

DETECT_S = 0.5
"""Period at which the whole image is searched."""
UNSURE_S = 0.15
"""The same while the faces may be turned."""
SURE, SURER, DETECTIONS = 0.85, 0.1, 3
"""Turned faces, found by trial: MediaPipe finds them too, but with a score below SURE. If the score
of the image turned another way is higher by SURER in so many detections in a row, the faces are
turned that way. On seven real clips the scores were 0.85 to 0.99 upright, up to 0.90 on the side
and up to 0.85 upside down; at each moment the upright image had the highest."""


class Orientation:
    """The quarter turns, counter-clockwise, that make the faces in the images upright.

    The landmark models take a face that is upside down for an upright one, at the wrong place, and
    they lose one on its side more easily.
    """

    def __init__(self, detect: Callable[[np.ndarray], list[float]]):
        """detect: image (H, W, 3) uint8 -> the score of each face in it."""
        self.turns = 0
        self._detect = detect
        self._detected_s = -np.inf
        self._surer: int | None = None
        self._surer_times = 0

    def check(self, stamp_s: float, image: np.ndarray) -> int | None:
        """Detect faces if it is time to, and change ``turns``; the number of faces in the image as
        it was turned before, None if it was not searched."""
        period_s = UNSURE_S if self._surer_times else DETECT_S
        if 0.0 <= stamp_s - self._detected_s < period_s:
            return None
        self._detected_s = stamp_s
        scores = self._detect(turned(image, self.turns))
        surer = self._surer_turns(image, max(scores, default=0.0))
        if surer is None:
            self._surer_times = 0
        else:
            self._surer_times = self._surer_times + 1 if surer == self._surer else 1
        self._surer = surer
        if surer is not None and self._surer_times >= DETECTIONS:
            self.turns, self._surer_times, self._surer = surer, 0, None
        return len(scores)

    def _surer_turns(self, image: np.ndarray, score: float) -> int | None:
        """Other turns with a much higher score; None if there are none."""
        if score >= SURE:
            return None
        others = [turns for turns in range(4) if turns != self.turns]
        found = {t: max(self._detect(turned(image, t)), default=0.0) for t in others}
        best = max(found, key=lambda turns: found[turns])
        return best if found[best] > score + SURER else None


def turned(image: np.ndarray, turns: int) -> np.ndarray:
    """The image (H, W, 3) rotated counter-clockwise by quarter turns, contiguous."""
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image

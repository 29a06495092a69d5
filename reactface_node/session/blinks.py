"""The lids: short blinks at random, long ones with nods, and the gaze that they lower."""

import math

import numpy as np

from reactface_node.schema import FRAME_RATE_HZ
from reactface_node.session.idle import Blinks, lid_closure
from reactface_node.session.nod_detector import NodDetector

LONG_S, LONG_SPREAD, LONG_LIMITS_S = 0.607, 0.12, (0.45, 0.8)
"""Long blinks at half height: 607 ms (Hoemke et al. 2018); spread and limits are chosen."""
CLOSING_S, OPENING_S = 0.12, 0.2
"""Motion of the lids in a long blink; chosen."""
LONG_SHARE = 1 / 3
"""Most nods with a long blink, as a share; chosen."""
REST_S = 1.1
"""A long blink begins only if no short one begins within this time."""
LOWERS = 0.4
"""Part of the lids' closure by which the eyes look down: a blink lowers the gaze (r 0.86 in ARKit
recordings); the part is chosen."""


class LidMotion:
    """Lid closure 0..1 of one listener. The long blinks come on top of the short ones, whose times
    they do not change."""

    def __init__(self, short: Blinks, rng: np.random.Generator):
        """rng: of the long blinks; replace it at any time."""
        self.short, self.rng = short, rng
        self._nods = NodDetector()
        self._start_s, self._width_s = -math.inf, 0.0

    def frames(
        self, times_s: np.ndarray, pitch: np.ndarray, there: np.ndarray, per_minute: float
    ) -> np.ndarray:
        """Lid closure (n,), 0 open to 1 closed, at increasing times (n,) in seconds.

        pitch: (n,) rad of the shown head, + down. there: (n,) bool, there is somebody to whom a
        long blink is a sign. per_minute: as in ``Blinks.frames``.
        """
        closure = np.zeros(len(times_s), np.float32)
        for index, (time_s, angle) in enumerate(zip(times_s.tolist(), pitch.tolist(), strict=True)):
            short = self.short.step(time_s, per_minute)
            events = self._nods.step(round(time_s * FRAME_RATE_HZ), time_s, angle)
            if there[index] and any(event.phase == "start" for event in events):
                self._consider(time_s)
            long = lid_closure(time_s - self._start_s, self._width_s, CLOSING_S, OPENING_S)
            closure[index] = max(short, long)
        return closure

    def _consider(self, time_s: float) -> None:
        """A nod has begun: begin a long blink, or do not."""
        wanted = self.rng.random() < LONG_SHARE
        width_s = LONG_S * math.exp(LONG_SPREAD * self.rng.standard_normal())
        is_open = time_s > self._start_s + LONG_LIMITS_S[1] + OPENING_S
        if wanted and is_open and self.short.next_s > time_s + REST_S:
            self._start_s = time_s
            self._width_s = min(max(width_s, LONG_LIMITS_S[0]), LONG_LIMITS_S[1])

"""What becomes of each window of the model: it is run, left out, or not needed.

Decided once for a whole window of w frames, also where frames come one by one: the model's own
windows and the windows that reactions are labelled with then stay the same.
"""

from enum import Enum, auto

import numpy as np

from reactface_node.perception.voice import VoiceActivity
from reactface_node.schema import FRAME_RATE_HZ, SAMPLES_PER_FRAME

IDLE_S = 5.0
"""No face and no voice for this long before a window: the model is not run for it."""
_IDLE_SLOTS = round(IDLE_S * FRAME_RATE_HZ)


class Use(Enum):
    """RUN: the model reacts. HIDDEN: it only gets to the end of a window that it has begun with, a
    frame of which was late. SPARED: there is no time for the model, and the last frame is held.
    IDLE: nobody is there, and the face moves by itself. SKIPPED: nothing is shown."""

    RUN = auto()
    HIDDEN = auto()
    SPARED = auto()
    IDLE = auto()
    SKIPPED = auto()


class ModelUse:
    """Of one session. Frames come in order of their slots, n at a time, 1 or w; see ``Timeline``,
    which makes no frames where nothing came for long.

    Whether somebody is there is told by the frames before a window, never by a clock, so that a
    replay decides alike, and so do single frames and whole windows.
    """

    def __init__(self, window: int) -> None:
        """window: w."""
        self._window = window
        self._use, self._next = Use.SKIPPED, 0
        self._absent = 0
        self._was_idle = False
        self._voice = VoiceActivity()

    def decide(self, slot: int, frames: int, is_late: bool, spares: bool) -> tuple[Use, bool]:
        """For the frames from ``slot`` on: their use, and whether the model begins anew with them.

        is_late: they cannot be shown any more. spares: every second window is to be left out.
        """
        left_out = slot - self._next
        self._absent += left_out
        if slot % self._window == 0:
            if self._absent >= _IDLE_SLOTS:
                self._use = Use.IDLE
            else:
                self._use = Use.SPARED if spares and slot // self._window % 2 else Use.RUN
        elif left_out:
            self._use = Use.SKIPPED
        if is_late:
            goes_on = slot % self._window and self._use in (Use.RUN, Use.HIDDEN)
            self._use = Use.HIDDEN if goes_on else Use.SKIPPED
        self._next = slot + frames
        anew = self._use is Use.RUN and self._was_idle
        self._was_idle = (self._was_idle or self._use is Use.IDLE) and not anew
        return self._use, anew

    def saw(self, slot: int, found: np.ndarray, audio: np.ndarray, heard: np.ndarray) -> None:
        """Of the frames from ``slot`` on: (n,) bool whether a face was found, (n*640,) audio and
        (n,) bool where it was heard, without the robot's own voice."""
        levels = np.sqrt(np.square(audio.reshape(-1, SAMPLES_PER_FRAME)).mean(axis=1))
        for place, rms in enumerate(levels):
            time_s = (slot + place) / FRAME_RATE_HZ
            if heard[place]:
                self._voice.hear(time_s, 1 / FRAME_RATE_HZ, float(rms))
            is_there = found[place] or (heard[place] and self._voice.active(time_s))
            self._absent = 0 if is_there else self._absent + 1

"""Decides for each window whether the model is run, skipped, or replaced by idle motion.

The decision holds for a whole window of w frames, also in frame mode, so that the model's windows
stay aligned with the window indices of the reactions.
"""

from enum import Enum, auto

import numpy as np

from reactface_node.perception.silero import SileroModel
from reactface_node.perception.voice import SPEECH, VoiceActivity
from reactface_node.schema import FRAME_RATE_HZ, SAMPLE_RATE_HZ, SAMPLES_PER_FRAME

IDLE_S = 5.0
"""After this long without a face or a voice, the model is not run. Chosen, not derived."""
_IDLE_SLOTS = round(IDLE_S * FRAME_RATE_HZ)


class Use(Enum):
    """What is done for a window.

    RUN: the model runs and its reaction is shown.
    HIDDEN: a frame was too late; the model runs to the end of the window, but nothing is shown.
    SPARED: overload; the model is not run and the last frame is held.
    IDLE: nobody is there; the model is not run and idle motion is shown.
    SKIPPED: too late; the model is not run and nothing is shown.
    """

    RUN = auto()
    HIDDEN = auto()
    SPARED = auto()
    IDLE = auto()
    SKIPPED = auto()


class ModelUse:
    """The decisions of one session. Frames come in order of their slots, 1 or w at a time.

    Whether somebody is there depends on earlier frames alone, never on a clock, so that a replay
    and both modes decide the same. ``Timeline`` makes no frames of long gaps: their slots are
    missing, and count as time without anybody.
    """

    def __init__(self, window: int, speech: SileroModel | None = None) -> None:
        """window: w. speech: without it, loud sound counts as speech."""
        self._window = window
        self._use, self._next = Use.SKIPPED, 0
        self._absent = 0
        self._was_idle = False
        self._voice = VoiceActivity(speech)

    @property
    def is_idle(self) -> bool:
        """Whether the model does not run because nobody is there."""
        return self._use is Use.IDLE

    def decide(self, slot: int, frames: int, is_late: bool, spares: bool) -> tuple[Use, bool]:
        """The use of ``frames`` frames from ``slot`` on, and whether the model starts anew there.

        is_late: they are too late to be shown. spares: every second window is to be skipped.
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

    def note(
        self, slot: int, found: np.ndarray, audio: np.ndarray, heard: np.ndarray
    ) -> np.ndarray:
        """Note the content of n frames from ``slot`` on, for later decisions; returns the
        probability that somebody speaks in each of them, (n,).

        found (n,) bool: a face was found. audio (n*640,) in [-1, 1] and heard (n,) bool: the
        microphone without the robot's own speech.
        """
        speech = np.zeros(len(found))
        for place, samples in enumerate(audio.reshape(-1, SAMPLES_PER_FRAME)):
            if heard[place]:
                time_s = (slot + place) / FRAME_RATE_HZ
                self._voice.hear(time_s, samples, SAMPLE_RATE_HZ)
                speech[place] = self._voice.probability(time_s)
            is_there = found[place] or speech[place] >= SPEECH
            self._absent = 0 if is_there else self._absent + 1
        return speech

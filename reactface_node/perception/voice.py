"""Voice activity: the probability that somebody speaks, by silero-vad or by loudness alone."""

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.files.resources import weights_file
from reactface_node.media.audio import AudioStats, AudioTrack
from reactface_node.perception.silero import FRAME, SileroModel, SileroStream
from reactface_node.schema import SAMPLE_RATE_HZ

SPEECH = 0.5
"""Least probability that counts as speech."""
FRAME_S = FRAME / SAMPLE_RATE_HZ
# Chosen by hand, not derived; checked in tests/perception/test_voice.py and test_people.py.
NEAR_S, HELD_S = 0.1, 0.5
"""Frames count for times up to the first before and after them; without such a frame the last one
counts for the second after it."""
VOICE_DB, QUIETEST_DB, FLOOR_S = 12.0, -55.0, 10.0
"""Loud is VOICE_DB louder than the quietest tenth of the last FLOOR_S seconds, and louder than
QUIETEST_DB (of full scale)."""
LOUDEST_FLOOR_DB = -35.0
"""Without any silence the quietest tenth is speech itself, so it counts as at most this loud."""
HIDING_S, HIDING_SHARE, STEADY_DB = 0.5, 0.8, 1.0
"""Sound may hide a voice if it was loud for this share of that time and its level varied more.
silero-vad finds 61 % of the speech under music that is 5 dB louder, and none under music that is
10 dB louder, but 89 % under white noise that is 5 dB louder, whose level varies by 0.3 dB."""
GAP_S = 0.1
"""Stamps may differ from the count of samples by this."""
ANEW_S = 1.0
"""After a gap or a step back in time of more than this, a new signal begins."""


@dataclass(frozen=True)
class _Frame:
    """32 ms of sound. level_db: RMS, full scale is 0. probability: of speech; None without the
    model."""

    start_s: float
    level_db: float
    probability: float | None

    @property
    def end_s(self) -> float:
        return self.start_s + FRAME_S


class VoiceActivity:
    """Tells how probable it is that somebody speaks, from the microphone's samples.

    The result depends on the samples and their times, not on the length of the chunks.
    """

    def __init__(self, model: SileroModel | None = None) -> None:
        """model: without it, loud sound counts as speech."""
        self._model = model
        self.reset()

    def reset(self) -> None:
        """Forget the sound; stamps may start anew."""
        self._frames: deque[_Frame] = deque(maxlen=round(FLOOR_S / FRAME_S))
        self._track: AudioTrack | None = None
        self._stream: SileroStream | None = None
        self._zero_s, self._next = 0.0, 0

    @property
    def known_s(self) -> float:
        """The time up to which the sound is known; -inf without any."""
        return self._frames[-1].end_s if self._frames else -math.inf

    def hear(self, stamp_s: float, mono: np.ndarray, rate_hz: float) -> None:
        """A chunk of any length, (n,) float32 in [-1, 1]; stamp_s: time of its first sample."""
        if not len(mono):
            return
        if self._track is None or abs(stamp_s - self._zero_s - self._track.clock_s) > ANEW_S:
            self._begin(stamp_s)
        assert self._track is not None
        self._track.push(stamp_s - self._zero_s, mono, rate_hz)
        while self._next + FRAME <= self._track.reached:
            self._read(*self._track.take(self._next, self._next + FRAME))

    def probability(self, stamp_s: float) -> float:
        """The probability, 0 to 1, that somebody speaks at that time; by loudness it is 0 or 1.

        For times after the last sound, that of the last sound for HELD_S: an image arrives before
        the sound of its time, which may come in long chunks.
        """
        near = self._near(stamp_s)
        if not near:
            return 0.0
        known = [frame.probability for frame in near if frame.probability is not None]
        return max(known) if known else float(self._is_loud(near))

    def active(self, stamp_s: float) -> bool:
        """Whether somebody speaks at that time."""
        return self.probability(stamp_s) >= SPEECH

    def may_speak(self, stamp_s: float) -> bool:
        """Whether somebody speaks at that time, or may do so under loud sound such as music."""
        return self.active(stamp_s) or self._may_hide(stamp_s)

    def _begin(self, stamp_s: float) -> None:
        kept = [frame for frame in self._frames if 0.0 <= stamp_s - frame.start_s <= FLOOR_S]
        self._frames = deque(kept, maxlen=self._frames.maxlen)
        self._track, self._zero_s, self._next = AudioTrack(GAP_S, AudioStats()), stamp_s, 0
        self._stream = self._model.stream() if self._model is not None else None

    def _read(self, samples: np.ndarray, heard: np.ndarray) -> None:
        """Note a frame, (512,) samples; heard (512,) bool: those that came."""
        probability = self._stream.probability(samples) if self._stream is not None else None
        if 2 * np.count_nonzero(heard) > FRAME:
            level_db = 10.0 * math.log10(max(float(np.mean(np.square(samples))), 1e-12))
            start_s = self._zero_s + self._next / SAMPLE_RATE_HZ
            self._frames.append(_Frame(start_s, level_db, probability))
        self._next += FRAME

    def _near(self, stamp_s: float) -> list[_Frame]:
        """The frames that count for a time."""
        near = self._between(stamp_s - NEAR_S, stamp_s + NEAR_S)
        if not near and 0.0 <= stamp_s - self.known_s <= HELD_S:
            near = [self._frames[-1]]
        return near

    def _between(self, start_s: float, end_s: float) -> list[_Frame]:
        found = []
        for frame in reversed(self._frames):
            if frame.end_s < start_s:
                break
            if frame.start_s <= end_s:
                found.append(frame)
        return found

    def _is_loud(self, frames: list[_Frame]) -> bool:
        return max(frame.level_db for frame in frames) > self._least_db()

    def _least_db(self) -> float:
        floor_db = float(np.quantile([frame.level_db for frame in self._frames], 0.1))
        return max(min(floor_db, LOUDEST_FLOOR_DB) + VOICE_DB, QUIETEST_DB)

    def _may_hide(self, stamp_s: float) -> bool:
        """Whether the sound up to a time was loud and not steady."""
        latest_s = min(stamp_s, self.known_s)
        frames = self._between(latest_s - HIDING_S, latest_s)
        if stamp_s - latest_s > HELD_S or len(frames) * FRAME_S < HIDING_S:
            return False
        levels_db = np.array([frame.level_db for frame in frames])
        is_loud = np.mean(levels_db > self._least_db()) >= HIDING_SHARE
        return bool(is_loud and levels_db.std() > STEADY_DB)


def speech_model(config: PerceptionConfig) -> SileroModel | None:
    """The model of ``perception.voice_activity``; None where there is no such file. UserError if
    the file is another or onnxruntime is missing."""
    path = weights_file(config.voice_activity)
    return None if path is None else SileroModel(path)

"""Whose turn it is: what the robot says itself is neither the speaker's voice nor a reaction.

That the robot speaks is told by a flag or heard in what it plays. Where it plays is known, its
echo is recognised and left out, and a person who speaks at the same time is still heard; where
there is only the flag, the microphone is not listened to.
"""

from collections import deque

import numpy as np

from reactface_node.config import TimelineConfig
from reactface_node.media.audio import AudioStats, AudioTrack, check_audio, longest_part, to_mono
from reactface_node.schema import FRAME_RATE_HZ, SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from reactface_node.session.echo import QUIET, EchoGate
from reactface_node.session.timeline import Window

PAUSE_S = 0.4
"""Pauses between words that are shorter belong to the turn."""
LONGEST_S = 120.0
"""A flag that stays up for longer has been forgotten by a speech system that is gone."""
LONGEST_SPEECH_S = 60.0
"""Of what is played by one message, so much is known as the robot's own."""
PLAYED_S = 3.0
"""Nothing played for so long: the reference is gone, and the flag alone counts again."""


class OwnSpeech:
    """Of one session. Times are seconds on the inputs' clock."""

    def __init__(self, config: TimelineConfig) -> None:
        self._config = config
        self._flags: deque[tuple[float, bool]] = deque([(-np.inf, False)], maxlen=64)
        self.clear()

    def clear(self) -> None:
        """Forget the room and what was played; the flag stays as it was last set."""
        self._flags = deque([(-np.inf, self._flags[-1][1])], maxlen=64)
        self._said_s = self._began_s = np.inf
        self._gate = EchoGate()
        self._track: AudioTrack | None = None
        self._zero_s = self._played_s = self._voiced_s = -np.inf

    def flag(self, stamp_s: float, on: bool) -> None:
        """From then on the robot speaks, or does not."""
        if on != self._flags[-1][1]:
            self._flags.append((stamp_s, on))
        self._said_s = stamp_s

    def play(self, stamp_s: float, samples: np.ndarray, rate_hz: int) -> None:
        """What the loudspeaker gets, as for ``Timeline.push_audio``; ValueError as there."""
        check_audio(samples, rate_hz)
        mono = to_mono(samples[: longest_part(samples, rate_hz, LONGEST_SPEECH_S)], AudioStats())
        if not len(mono):
            return
        if self._track is None:
            self._track = AudioTrack(self._config.audio_gap_s, AudioStats())
            self._zero_s = stamp_s
        self._track.push(stamp_s - self._zero_s, mono, rate_hz)
        self._played_s = stamp_s + len(mono) / rate_hz

    def listen(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """The window's audio and audio_valid, without what the robot said itself."""
        count = len(window.audio_valid)
        self._began_s = min(self._began_s, window.start_s)
        played = self._take(window.start_s, count)
        times_s = window.start_s + (np.arange(count) + 0.5) / FRAME_RATE_HZ
        own = self.speaks(times_s)
        if window.start_s - self._played_s < PLAYED_S:
            echo = self._gate.recognise(window.audio, played, window.audio_valid)
            # Until it has heard how the robot sounds here, the flag is all there is.
            own = echo if self._gate.is_sure else echo | self._flagged(times_s)
        if not own.any():
            return window.audio, window.audio_valid
        kept = np.where(own.repeat(SAMPLES_PER_FRAME), 0.0, window.audio).astype(np.float32)
        return kept, window.audio_valid & ~own

    def speaks(self, times_s: np.ndarray) -> np.ndarray:
        """Whether it is the robot's turn at those times, (n,) bool."""
        return self._flagged(times_s) | (times_s - self._voiced_s < PAUSE_S)

    def _flagged(self, times_s: np.ndarray) -> np.ndarray:
        said = np.zeros(len(times_s), bool)
        for since_s, on in self._flags:
            said[times_s >= since_s] = on
        newest_s = self._said_s if np.isfinite(self._said_s) else self._began_s
        return said & (times_s < newest_s + LONGEST_S)

    def _take(self, start_s: float, frames: int) -> np.ndarray:
        """What was played in the window, silence where nothing was."""
        count = frames * SAMPLES_PER_FRAME
        if self._track is None:
            return np.zeros(count, np.float32)
        first = round((start_s - self._zero_s) * SAMPLE_RATE_HZ)
        if self._track.reached < first + count:
            self._track.flush()
        played, _ = self._track.take(first, first + count)
        loud = np.square(played).reshape(frames, -1).mean(axis=1) > 10 * QUIET
        if loud.any():
            last = int(np.flatnonzero(loud)[-1]) + 1
            self._voiced_s = start_s + last / FRAME_RATE_HZ
        return played

"""Own speech: removes the robot's own voice from the microphone and tells when it speaks.

The robot speaks while a flag is set or while there is sound in the audio that it plays. With the
played audio, its echo is recognised and removed, and a person who speaks at the same time is still
heard. With the flag alone, the microphone is ignored while the flag is set.
"""

from collections import deque

import numpy as np

from reactface_node.config import TimelineConfig
from reactface_node.media.audio import AudioStats, AudioTrack, check_audio, longest_part, to_mono
from reactface_node.schema import FRAME_RATE_HZ, SAMPLE_RATE_HZ, SAMPLES_PER_FRAME
from reactface_node.session.echo import QUIET, EchoGate
from reactface_node.session.timeline import Window

PAUSE_S = 0.4
"""Shorter silences in the played audio are pauses between words: the robot still speaks."""
LONGEST_S = 120.0
"""A flag that is set for longer is ignored: the speech system that set it has ended."""
LONGEST_SPEECH_S = 60.0
"""Most audio that is used of one played message."""
PLAYED_S = 3.0
"""After this long without played audio, only the flag counts."""


class OwnSpeech:
    """The robot's own speech in one session. Times are seconds on the inputs' clock."""

    def __init__(self, config: TimelineConfig) -> None:
        self._config = config
        self._flags: deque[tuple[float, bool]] = deque([(-np.inf, False)], maxlen=64)
        self.clear()

    def clear(self) -> None:
        """Forget the learned echo and the played audio; the flag keeps its last value."""
        self._flags = deque([(-np.inf, self._flags[-1][1])], maxlen=64)
        self._flagged_s = self._began_s = np.inf
        self._gate = EchoGate()
        self._track: AudioTrack | None = None
        self._zero_s = self._played_s = self._voiced_s = -np.inf

    def flag(self, stamp_s: float, on: bool) -> None:
        """Set or clear the flag from ``stamp_s`` on."""
        if on != self._flags[-1][1]:
            self._flags.append((stamp_s, on))
        self._flagged_s = stamp_s

    def play(self, stamp_s: float, samples: np.ndarray, rate_hz: int) -> None:
        """Audio for the loudspeaker, shapes and ValueError as in ``Timeline.push_audio``."""
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
        """The window's audio (n*640,) and audio_valid (n,) without the robot's own speech."""
        count = len(window.audio_valid)
        self._began_s = min(self._began_s, window.start_s)
        played = self._take(window.start_s, count)
        times_s = window.start_s + (np.arange(count) + 0.5) / FRAME_RATE_HZ
        own = self.speaks(times_s)
        if window.start_s - self._played_s < PLAYED_S:
            echo = self._gate.recognise(window.audio, played, window.audio_valid)
            # Until the echo of this room has been learned, only the flag can be used.
            own = echo if self._gate.is_sure else echo | self._flagged(times_s)
        if not own.any():
            return window.audio, window.audio_valid
        kept = np.where(own.repeat(SAMPLES_PER_FRAME), 0.0, window.audio).astype(np.float32)
        return kept, window.audio_valid & ~own

    def speaks(self, times_s: np.ndarray) -> np.ndarray:
        """Whether the robot speaks at those times, (n,) seconds -> (n,) bool."""
        return self._flagged(times_s) | (times_s - self._voiced_s < PAUSE_S)

    def _flagged(self, times_s: np.ndarray) -> np.ndarray:
        on_flags = np.zeros(len(times_s), bool)
        for since_s, on in self._flags:
            on_flags[times_s >= since_s] = on
        newest_s = self._flagged_s if np.isfinite(self._flagged_s) else self._began_s
        return on_flags & (times_s < newest_s + LONGEST_S)

    def _take(self, start_s: float, frames: int) -> np.ndarray:
        """The audio played in the window, (frames*640,); zeros where nothing was played."""
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

"""Levels of audio every 10 ms, on the same sample clock as in the live timeline."""

import numpy as np

from reactface_node.media.audio import RATES_HZ, AudioStats, AudioTrack, to_mono
from reactface_node.schema import SAMPLE_RATE_HZ

LEVEL_RATE_HZ = 100
SAMPLES_PER_LEVEL = SAMPLE_RATE_HZ // LEVEL_RATE_HZ
HEARD_SHARE = 0.9
# Of full scale; the largest 8-bit sample is 127/128.
FULL = 0.99
FLOOR_DB = -100.0


class Hearing:
    """Stores levels and counts but no audio, since a recording may be hours long."""

    def __init__(self, gap_s: float) -> None:
        """gap_s: the setting ``timeline.audio_gap_s``."""
        self.stats = AudioStats()
        self.samples = self.clipped = self.zeros = 0
        self._track = AudioTrack(gap_s, self.stats)
        self._next = 0
        self._frames: list[np.ndarray] = []
        self._levels: list[np.ndarray] = []

    def push(self, time_s: float, samples: np.ndarray, rate_hz: int) -> None:
        """(n,) or (n, channels) PCM whose first sample was heard at ``time_s``; ValueError for
        the rates, types and shapes that the timeline refuses, and nothing has changed then."""
        if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
            raise ValueError(f"audio: a rate of {rate_hz} Hz")
        mono = to_mono(samples, self.stats)
        each = np.abs(to_mono(np.reshape(samples, -1), AudioStats()))
        self.samples += each.size
        self.clipped += int((each >= FULL).sum())
        self.zeros += int((each == 0).sum())
        self.stats.audio_chunks += 1
        if len(mono):
            self._track.push(time_s, mono, rate_hz)
            self._take()

    def levels(self) -> tuple[np.ndarray, np.ndarray]:
        """(f,) indices of the 10 ms frames heard so far and (f,) their levels in dBFS."""
        self._track.flush()
        self._take()
        if not self._frames:
            return np.zeros(0, int), np.zeros(0)
        return np.concatenate(self._frames), np.concatenate(self._levels)

    def _take(self) -> None:
        end = self._track.reached // SAMPLES_PER_LEVEL
        first = self._track.first
        if first is None:
            return
        start = max(self._next, first // SAMPLES_PER_LEVEL)
        if end <= start:
            return
        sound, heard = self._track.take(start * SAMPLES_PER_LEVEL, end * SAMPLES_PER_LEVEL)
        self._next = end
        share = heard.reshape(-1, SAMPLES_PER_LEVEL).mean(axis=1)
        kept = np.flatnonzero(share >= HEARD_SHARE)
        self._frames.append(start + kept)
        self._levels.append(levels_db(sound.reshape(-1, SAMPLES_PER_LEVEL)[kept]))


def levels_db(frames: np.ndarray) -> np.ndarray:
    """(f, n) samples in [-1, 1] -> (f,) 20 log10 of their standard deviation, -100 at least.

    The mean of each frame is subtracted, so a constant offset of the microphone has no level.
    """
    if not len(frames):
        return np.zeros(0)
    result: np.ndarray = 20 * np.log10(np.maximum(frames.std(axis=1), 10 ** (FLOOR_DB / 20)))
    return result

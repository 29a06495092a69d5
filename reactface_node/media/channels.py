"""Selects a microphone's channel: the one with speech, the mean of all, or a given one.

The mean attenuates a voice that is in one channel only, and cancels channels in opposite phase.
"""

import logging
from collections import deque
from typing import Any

import numpy as np

from reactface_node.media.audio import AudioStats, to_float

AUTO, MEAN = "auto", "mean"
BLOCK_S, KEPT_S, DECIDE_S = 0.04, 3.0, 0.5
"""Energies of blocks are kept for some seconds; the choice is made twice a second."""
BETTER = 3.0
"""A channel is selected if its speech has this many times the energy of the mean's: a voice in
one of two channels gives 4, two channels with unlike noise give 2."""
STAYS = 2.0
"""It is dropped if another channel has this many times its energy, or if it has less than this
many times the mean's."""
QUIET = 1e-7
"""Mean square at -70 dB of full scale; less is silence."""
FADE_S = 0.01
_FEW_BLOCKS = 12


class Channels:
    """The channel selection of one stream. Its output depends on the chunks alone, and equals
    the mean for mono and for equal channels."""

    def __init__(self, wanted: str) -> None:
        """wanted: "auto", "mean", or a channel's index from 0."""
        self._wanted = wanted
        self._warned = False
        self._begin(0)

    def _begin(self, count: int) -> None:
        self._count = count
        self._chosen: int | None = None
        self._energies: deque[np.ndarray] = deque(maxlen=round(KEPT_S / BLOCK_S))
        self._undecided_s = 0.0

    def mono(self, samples: Any, rate_hz: float, stats: AudioStats) -> np.ndarray:
        """(n,) or (n, channels) PCM -> (n,) float32; ValueError as ``to_float``."""
        pcm = to_float(samples, stats)
        if pcm.ndim == 1 or pcm.shape[1] == 1 or not len(pcm):
            return mean(pcm)
        if pcm.shape[1] != self._count:
            self._begin(pcm.shape[1])
        before = self._chosen
        self._choose(pcm, rate_hz)
        heard = self._of(pcm, self._chosen)
        if self._chosen == before:
            return heard
        share = (np.arange(len(pcm)) / (FADE_S * rate_hz)).clip(max=1.0).astype(np.float32)
        result: np.ndarray = (1.0 - share) * self._of(pcm, before) + share * heard
        return result

    def _of(self, pcm: np.ndarray, channel: int | None) -> np.ndarray:
        return mean(pcm) if channel is None else np.ascontiguousarray(pcm[:, channel])

    def _choose(self, pcm: np.ndarray, rate_hz: float) -> None:
        if self._wanted == AUTO:
            self._listen(pcm, rate_hz)
        elif self._wanted != MEAN and int(self._wanted) < self._count:
            self._chosen = int(self._wanted)
        elif self._wanted != MEAN and not self._warned:
            self._warned = True
            logging.getLogger(__name__).warning(
                "timeline.audio_channel is %s, but the sound has channels 0 to %d: "
                "the mean of all is heard",
                self._wanted,
                self._count - 1,
            )

    def _listen(self, pcm: np.ndarray, rate_hz: float) -> None:
        block = max(1, round(BLOCK_S * rate_hz))
        both = np.column_stack([pcm, mean(pcm)])
        for first in range(0, len(both), block):
            # Without a channel's constant offset.
            self._energies.append(both[first : first + block].var(axis=0))
        self._undecided_s += len(pcm) / rate_hz
        if self._undecided_s >= DECIDE_S or len(self._energies) < _FEW_BLOCKS:
            self._undecided_s = 0.0
            self._decide()

    def _decide(self) -> None:
        loud, speech = _levels(np.array(self._energies))
        # If no channel has speech, the loudest is best.
        levels = loud if self._chosen is None and speech.max() < QUIET else speech
        *channels, mixed = levels
        best = int(np.argmax(channels))
        if channels[best] < QUIET:
            return
        chosen = self._chosen
        if chosen is None:
            chosen = best if channels[best] > BETTER * mixed else None
        elif channels[best] < STAYS * mixed:
            chosen = None
        elif channels[best] > STAYS * channels[chosen]:
            chosen = best
        if chosen != self._chosen:
            self._chosen = chosen
            which = "the mean of all" if chosen is None else f"number {chosen}, from 0,"
            logging.getLogger(__name__).info(
                "of %d audio channels %s is listened to", self._count, which
            )


def mean(pcm: np.ndarray) -> np.ndarray:
    """(n,) or (n, channels) float32 -> (n,) float32."""
    heard: np.ndarray = pcm if pcm.ndim == 1 else pcm.mean(axis=1, dtype=np.float32)
    return heard


def _levels(energies: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(blocks, n) energies -> (n,) of the loud blocks, and their distance to the quiet ones.
    Speech has pauses; a fan or a hum has none."""
    loud: np.ndarray = np.quantile(energies, 0.9, axis=0)
    if len(energies) < _FEW_BLOCKS:
        return loud, loud
    floor = np.quantile(energies, 0.1, axis=0)
    return loud, (loud - BETTER * floor).clip(min=0.0)

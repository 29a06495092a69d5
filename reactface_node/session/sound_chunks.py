"""Microphone chunks: mixes them to one channel and decides at which time they are heard.

A chunk arrives after its last sample was recorded. If it is long, the windows of its time are
closed by then. Audio in long chunks is therefore delayed until nothing of it is lost.
"""

import logging
from typing import Any

import numpy as np

from reactface_node.config import TimelineConfig
from reactface_node.media.audio import LONGEST_CHUNK_S, longest_part
from reactface_node.media.channels import Channels
from reactface_node.session.stamps import AHEAD_S
from reactface_node.session.stats import TimelineStats


class SoundChunks:
    """The microphone chunks of one timeline."""

    def __init__(self, config: TimelineConfig, stats: TimelineStats) -> None:
        self._config, self._stats = config, stats
        self._channels = Channels(config.audio_channel)
        self._delay_s, self._was_long = 0.0, False
        self.newest = np.zeros(0, np.float32)
        """The newest chunk, (n,) float32 mono."""

    def mono(self, samples: Any, rate_hz: float) -> tuple[np.ndarray, float]:
        """(n,) or (n, channels) PCM -> mono (m,) float32 and the seconds cut off before it.

        At most the newest ``LONGEST_CHUNK_S`` of a chunk are used.
        """
        count = longest_part(samples, rate_hz)
        kept = samples[len(samples) - count :] if count else samples
        mono = self._channels.mono(kept, rate_hz, self._stats)
        self.newest = mono
        cut_s = (len(samples) - count) / rate_hz if count else 0.0
        if cut_s:
            self._warn_cut(cut_s + count / rate_hz)
        return mono, cut_s

    def place(
        self, stamp_s: float, cut_s: float, lasts_s: float, closed_s: float, known_s: float
    ) -> float:
        """The time at which a chunk is heard, in seconds.

        cut_s: seconds cut off its start. lasts_s: what is left of it. closed_s: end of the newest
        closed window, known_s: the latest time known from other inputs; both -inf if none.
        """
        if stamp_s + cut_s + lasts_s <= known_s + AHEAD_S:
            stamp_s += cut_s
        # Otherwise the chunk would end in the future: its stamp must be that of its last sample.
        is_long = lasts_s > self._config.max_wait_s
        late_s = closed_s - stamp_s
        if not is_long:
            self._delay_s = 0.0
        elif self._was_long and self._delay_s < late_s <= lasts_s + AHEAD_S:
            # A little more than late_s, as the audio track tolerates stamps off by audio_gap_s.
            self._delay_s = late_s + self._config.audio_gap_s
            self._stats.audio_delays += 1
        self._was_long = is_long
        return stamp_s + self._delay_s

    def _warn_cut(self, lasts_s: float) -> None:
        if not self._stats.audio_cut:
            logging.getLogger(__name__).warning(
                "%.1f s of audio came at once: of such chunks only the last %.0f s are heard",
                lasts_s,
                LONGEST_CHUNK_S,
            )
        self._stats.audio_cut += 1

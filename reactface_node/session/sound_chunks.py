"""The microphone's chunks on their way to the timeline: one channel of them, and when they count.

A chunk comes when its last sample has been recorded. Where it is long, the windows of its time
are closed by then; so sound that comes in long chunks is delayed by as much as it takes to be
heard whole.
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
    """Of one timeline."""

    def __init__(self, config: TimelineConfig, stats: TimelineStats) -> None:
        self._config, self._stats = config, stats
        self._channels = Channels(config.audio_channel)
        self._delay_s, self._was_long = 0.0, False
        self.loudness = 0.0
        """Root mean square of the newest chunk, of full scale 1."""

    def mono(self, samples: Any, rate_hz: float) -> tuple[np.ndarray, float]:
        """(n,) or (n, channels) PCM -> what is heard of it, (m,) float32, and the seconds before
        it that are left out, since no more than ``LONGEST_CHUNK_S`` is heard of a chunk."""
        count = longest_part(samples, rate_hz)
        kept = samples[len(samples) - count :] if count else samples
        mono = self._channels.mono(kept, rate_hz, self._stats)
        self.loudness = float(np.sqrt(np.mean(np.square(mono)))) if count else 0.0
        cut_s = (len(samples) - count) / rate_hz if count else 0.0
        if cut_s:
            self._say_cut(cut_s + count / rate_hz)
        return mono, cut_s

    def place(
        self, stamp_s: float, cut_s: float, lasts_s: float, closed_s: float, known_s: float
    ) -> float:
        """When a chunk is heard that lasts so long after ``cut_s`` of it were left out.

        closed_s: the end of the newest window that is closed, -inf without one. known_s: the
        latest time that is known besides the chunk's, -inf without one.
        """
        if stamp_s + cut_s + lasts_s <= known_s + AHEAD_S:
            stamp_s += cut_s
        # Else it would end in the future, when nobody can have recorded it: its stamp is its end's.
        is_long = lasts_s > self._config.max_wait_s
        late_s = closed_s - stamp_s
        if not is_long:
            self._delay_s = 0.0
        elif self._was_long and self._delay_s < late_s <= lasts_s + AHEAD_S:
            # Further than the sample clock strays by itself.
            self._delay_s = late_s + self._config.audio_gap_s
            self._stats.audio_delays += 1
        self._was_long = is_long
        return stamp_s + self._delay_s

    def _say_cut(self, lasts_s: float) -> None:
        if not self._stats.audio_cut:
            logging.getLogger(__name__).warning(
                "%.1f s of audio came at once: of such chunks only the last %.0f s are heard",
                lasts_s,
                LONGEST_CHUNK_S,
            )
        self._stats.audio_cut += 1

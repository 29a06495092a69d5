"""Audio on one 16 kHz grid: mono conversion, sample clock, streaming resampling.

The stamps of chunks jitter, but their samples are evenly spaced. So a clock that counts samples
from one stamp on places them; it starts from a new stamp only if that differs from the clock by
more than ``gap_s``.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from reactface_node.schema import SAMPLE_RATE_HZ

# libsoxr delays its output by 20 ms (LQ) or 37 ms (MQ, HQ) at 44.1 and 48 kHz, and that time
# is missing between a window's end and its reaction. LQ is flat to 5.9 kHz, -3 dB at 6.5 kHz,
# and no alias is louder than -100 dB. QQ has no delay, but no anti-aliasing either.
QUALITY = "LQ"
# A wrong header (rate 1) would turn one chunk into hours of audio.
RATES_HZ = (4000, 384000)
LONGEST_CHUNK_S = 10.0
"""Only the newest part of a longer chunk is used: resampling minutes would block the session."""
MOST_CHANNELS = 64
_MOST_VALUES = 2**24
_FULL_SCALE = {("i", 1): 2.0**7, ("u", 1): 2.0**7, ("i", 2): 2.0**15, ("i", 4): 2.0**31}
_REMEMBERED_CHUNKS = 8


@dataclass
class AudioStats:
    """Counters of the audio since the start; a reset keeps them.

    audio_chunks: chunks pushed with a usable stamp.
    audio_s: seconds of 16 kHz audio that were placed on the timeline.
    audio_gaps: stamps that leapt forward; the time between is silent and marked invalid.
    audio_overlaps: stamps that leapt back; what had been heard before is trimmed.
    audio_duplicates: chunks that came twice and were heard once.
    reanchors: slow drift between stamps and sample count, corrected (not gaps or overlaps).
    overlapping_samples: 16 kHz samples trimmed because their time had been heard.
    late_samples: 16 kHz samples trimmed because their window was closed (or before time zero).
    nonfinite_samples: input samples that were NaN or infinite, taken as 0.
    clipped_samples: input samples beyond [-1, 1], clipped.
    """

    audio_chunks: int = 0
    audio_s: float = 0.0
    audio_gaps: int = 0
    audio_overlaps: int = 0
    audio_duplicates: int = 0
    reanchors: int = 0
    overlapping_samples: int = 0
    late_samples: int = 0
    nonfinite_samples: int = 0
    clipped_samples: int = 0


def to_mono(samples: Any, stats: AudioStats) -> np.ndarray:
    """(n,) or (n, channels) PCM to a new (n,) float32 in [-1, 1], the mean of the channels; see
    ``to_float``."""
    pcm = to_float(samples, stats)
    return pcm if pcm.ndim == 1 else pcm.mean(axis=1, dtype=np.float32)


def to_float(samples: Any, stats: AudioStats) -> np.ndarray:
    """(n,) or (n, channels) PCM to new float32 in [-1, 1].

    int8, int16 and int32 are signed, uint8 is centred on 128, floats are already in [-1, 1].
    Non-finite and clipped samples are counted in ``stats``. ValueError on any other dtype,
    or a shape that is neither.
    """
    pcm = np.asarray(samples)
    if pcm.ndim not in (1, 2) or (pcm.ndim == 2 and not 0 < pcm.shape[1] <= MOST_CHANNELS):
        raise ValueError(
            f"audio must have shape (n,) or (n, channels), up to {MOST_CHANNELS}, not {pcm.shape}"
        )
    if pcm.dtype.kind != "f":
        return integers_to_float(pcm)
    finite = np.isfinite(pcm)
    pcm = np.where(finite, pcm, 0.0)
    stats.nonfinite_samples += int(finite.size - np.count_nonzero(finite))
    stats.clipped_samples += int(np.count_nonzero(np.abs(pcm) > 1.0))
    return np.clip(pcm, -1.0, 1.0).astype(np.float32)


def integers_to_float(pcm: np.ndarray) -> np.ndarray:
    """int8, int16, int32 or uint8 (centred on 128) of any shape to new float32 in [-1, 1].

    Full scale is the most negative number, so that -32768 is -1 and int16 is exact. ValueError on
    any other dtype.
    """
    scale = _FULL_SCALE.get((pcm.dtype.kind, pcm.dtype.itemsize))
    if scale is None:
        raise ValueError(f"audio must be int8, int16, int32, uint8 or float, not {pcm.dtype}")
    centre = np.float32(128.0 if pcm.dtype.kind == "u" else 0.0)
    return (pcm.astype(np.float32) - centre) / np.float32(scale)


def float_to_int16(samples: np.ndarray) -> np.ndarray:
    """Float of any shape, clipped to [-1, 1 - 2^-15], to the nearest int16: the inverse of
    ``integers_to_float``, which gives back every int16."""
    scale = _FULL_SCALE["i", 2]
    result: np.ndarray = np.clip(np.round(samples * scale), -scale, scale - 1).astype(np.int16)
    return result


def check_rate(rate_hz: float) -> None:
    """ValueError if a rate is outside ``RATES_HZ``."""
    if not RATES_HZ[0] <= rate_hz <= RATES_HZ[1]:
        raise ValueError(f"audio rate must be {RATES_HZ[0]} to {RATES_HZ[1]} Hz, not {rate_hz}")


def check_audio(samples: Any, rate_hz: float) -> None:
    """ValueError for samples or rates that ``Timeline.push_audio`` refuses."""
    check_rate(rate_hz)
    pcm = np.asarray(samples)
    to_mono(pcm[:0] if pcm.ndim else pcm, AudioStats())


def longest_part(samples: Any, rate_hz: float, most_s: float = LONGEST_CHUNK_S) -> int:
    """How many samples of (n,) or (n, channels) are used at once: at most ``most_s`` seconds,
    fewer if there are very many channels."""
    pcm = np.asarray(samples)
    channels = max(1, pcm.shape[1]) if pcm.ndim == 2 else 1
    count = len(pcm) if pcm.ndim else 0
    return min(count, round(most_s * rate_hz), _MOST_VALUES // channels)


class AudioTrack:
    """Mono chunks of any rate, placed on the 16 kHz grid; times are seconds since time zero.

    Sample k of the grid is at k / 16000 s. Every sample is used at most once: samples before
    ``reached``, or before the end of the last ``take``, are dropped and counted.
    """

    def __init__(self, gap_s: float, stats: AudioStats):
        self._gap_s = gap_s
        self._stats = stats
        self._resampler: Any = None
        self._rate_hz = 0.0
        self._anchor_s: float | None = None
        self._counted = 0
        self._stray_s = 0.0
        self._cursor = 0
        self._taken = 0
        self._pieces: deque[tuple[int, np.ndarray]] = deque()
        self._recent: deque[tuple[float, np.ndarray]] = deque(maxlen=_REMEMBERED_CHUNKS)
        self.reached = 0
        """Grid samples before this index are final, heard or not."""

    @property
    def clock_s(self) -> float:
        """The time of the next input sample; 0 before the first chunk."""
        if self._anchor_s is None:
            return 0.0
        return self._anchor_s + self._counted / self._rate_hz

    @property
    def first(self) -> int | None:
        """Index of the oldest sample that was not taken yet."""
        return self._pieces[0][0] if self._pieces else None

    def push(self, time_s: float, mono: np.ndarray, rate_hz: float) -> None:
        """Append (n,) float32 mono whose first sample is stamped ``time_s``."""
        if self._is_duplicate(time_s, mono):
            self._stats.audio_duplicates += 1
            return
        self._set_clock(time_s, rate_hz)
        if self._resampler is None:
            self._start_resampler()
        self._counted += len(mono)
        self._place(self._resampler.resample_chunk(mono))

    def flush(self) -> None:
        """Add the samples that the resampler still holds; the clock continues, the filter
        starts anew."""
        if self._resampler is not None:
            resampler, self._resampler = self._resampler, None
            self._place(resampler.resample_chunk(np.zeros(0, np.float32), last=True))

    def take(self, start: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Samples [start, end) as float32 (zeros where missing) and a bool mask of those
        received.

        Samples before ``end`` are deleted; later chunks for that time count as late.
        """
        audio, heard = np.zeros(end - start, np.float32), np.zeros(end - start, bool)
        self._taken = end
        while self._pieces and self._pieces[0][0] < end:
            first, piece = self._pieces.popleft()
            if first + len(piece) > end:
                self._pieces.appendleft((end, piece[end - first :]))
                piece = piece[: end - first]
            piece = piece[max(start - first, 0) :]
            offset = max(first - start, 0)
            audio[offset : offset + len(piece)] = piece
            heard[offset : offset + len(piece)] = True
        return audio, heard

    def skip_to(self, index: int) -> None:
        """From now on chunks for samples before ``index`` count as late."""
        self._taken = index

    def _is_duplicate(self, time_s: float, mono: np.ndarray) -> bool:
        # Chunks of silence are equal without being sent twice (a coarse simulated clock).
        if mono.any() and any(
            time_s == known_s and np.array_equal(mono, known) for known_s, known in self._recent
        ):
            return True
        self._recent.append((time_s, mono))
        return False

    def _set_clock(self, time_s: float, rate_hz: float) -> None:
        stray_s = 0.0 if self._anchor_s is None else time_s - self.clock_s
        if self._anchor_s is None:
            self._anchor(time_s, rate_hz)
        elif abs(stray_s) > self._gap_s:
            # Drift reaches the threshold in small steps, lost or repeated audio in one.
            if abs(stray_s - self._stray_s) <= self._gap_s / 2:
                self._stats.reanchors += 1
            elif stray_s > 0:
                self._stats.audio_gaps += 1
            else:
                self._stats.audio_overlaps += 1
            self._anchor(time_s, rate_hz)
            stray_s = 0.0
        elif rate_hz != self._rate_hz:
            self._anchor(self.clock_s, rate_hz)
        self._stray_s = stray_s

    def _anchor(self, time_s: float, rate_hz: float) -> None:
        self.flush()
        self._anchor_s, self._rate_hz, self._counted = time_s, rate_hz, 0

    def _start_resampler(self) -> None:
        import soxr

        self._resampler = soxr.ResampleStream(self._rate_hz, SAMPLE_RATE_HZ, 1, "float32", QUALITY)
        self._cursor = round(self.clock_s * SAMPLE_RATE_HZ)
        self.reached = max(self.reached, self._cursor)

    def _place(self, resampled: np.ndarray) -> None:
        start, count = self._cursor, len(resampled)
        self._cursor += count
        late = min(max(self._taken - start, 0), count)
        trimmed = min(max(max(self.reached, self._taken) - start, 0), count)
        self.reached = max(self.reached, self._cursor)
        self._stats.late_samples += late
        self._stats.overlapping_samples += trimmed - late
        self._stats.audio_s += (count - trimmed) / SAMPLE_RATE_HZ
        if trimmed < count:
            # The filter overshoots full scale at steps.
            self._pieces.append((start + trimmed, np.clip(resampled[trimmed:], -1.0, 1.0)))

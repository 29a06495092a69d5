"""Offset between the stamps of microphone and camera, from mouth motion and voice.

Sign as in ``timeline.camera_to_microphone_offset_s``, which is added to audio stamps: positive if
the audio is stamped too early.

In natural speech the mouth opens 100 to 300 ms before the voice at the start of an utterance
(Chandrasekaran et al. 2009). Within an utterance, which a correlation over whole sentences
measures, opening and loudness change almost together: the sound is from 20 ms ahead to 70 ms behind
in chained syllables, and from 40 ms ahead to 200 ms behind in all cases (Schwartz and Savariaux
2014). The middle of the former, 25 ms, is subtracted from the lag, and an estimate below 100 ms
counts as 0.
"""

from dataclasses import dataclass

import numpy as np

from reactface_node.schema import FRAME_RATE_HZ
from reactface_node.tools.inspection.hearing import LEVEL_RATE_HZ
from reactface_node.tools.inspection.signals import noise_floor_db, voice_activity

MOUTH_LEAD_S = 0.025
DOUBT_S = 0.1
MAX_LAG_S = 0.6
# Lags at which mouth and voice are unrelated show the correlation by chance.
CHANCE_LAGS_S = (1.0, 5.0)
MIN_CHANCE_LAGS = 50
TREND_S = 1.0
"""Slower changes (a smile, a turn of the head, a louder voice) are removed from both."""
NEAR_VOICE_S = 0.5
HOLD_S = 0.15
"""The mouth is interpolated only between images that are at most this far apart."""
LEVEL_RANGE_DB = 40.0
MIN_VOICE_S, MIN_MOTION = 3.0, 0.01
MIN_CORRELATION, MIN_SCORE, MAX_SPREAD_S = 0.15, 4.0, 0.12
WEAK = "not enough speech and mouth motion"


@dataclass(frozen=True, eq=False)
class Offset:
    """offset_s: the value to set, None if it is unknown; why: then the reason.

    lag_s: the time from mouth to voice; correlation: at that lag. score: how many standard
    deviations of the correlations at lags of 1 to 5 s it is above them. spread_s: difference of the
    lags of the recording's halves. lags_s, curve: (k,), the correlation around ``MOUTH_LEAD_S``.
    """

    offset_s: float | None
    why: str
    lag_s: float | None
    correlation: float | None
    score: float | None
    spread_s: float | None
    lags_s: np.ndarray
    curve: np.ndarray


def no_offset(why: str) -> Offset:
    empty = np.zeros(0)
    return Offset(None, why, None, None, None, None, empty, empty)


def estimate_offset(
    times_s: np.ndarray,
    mouth: np.ndarray,
    frames: np.ndarray,
    levels_db: np.ndarray,
    tracker_delay_s: float = 0.0,
) -> Offset:
    """times_s, mouth: (n,) of images with a face, and the opening of the mouth; frames, levels_db:
    (f,) indices and levels of the 10 ms frames with audio. tracker_delay_s: delay of the tracker's
    smoothing.

    The lag with the highest normalised correlation, within 0.6 s, of mouth and level on a 25 Hz
    grid, near voice alone and without slow changes; between grid points by a parabola.
    """
    if len(times_s) < 2 or len(frames) < 2:
        return no_offset(WEAK)
    start_s = max(float(times_s[0]), frames[0] / LEVEL_RATE_HZ)
    end_s = min(float(times_s[-1]), frames[-1] / LEVEL_RATE_HZ)
    slots = np.arange(np.ceil(start_s * FRAME_RATE_HZ), np.floor(end_s * FRAME_RATE_HZ), dtype=int)
    if len(slots) < MIN_VOICE_S * FRAME_RATE_HZ:
        return no_offset(WEAK)
    seen, moves = mouth_on_grid(slots, times_s, mouth)
    loud, heard, near = voice_on_grid(slots, frames, levels_db)
    pair = _Pair(_detrended(moves, seen), seen, _detrended(loud, heard), heard & near)
    voiced_s = voice_activity(frames, levels_db).sum() / LEVEL_RATE_HZ
    both = seen & near
    if voiced_s < MIN_VOICE_S or not both.any() or pair.mouth[both].std() < MIN_MOTION:
        return no_offset(WEAK)
    return _judged(pair, MOUTH_LEAD_S - tracker_delay_s)


@dataclass(frozen=True, eq=False)
class _Pair:
    """Mouth and voice on one grid, (t,) each, with masks of the values that are compared."""

    mouth: np.ndarray
    seen: np.ndarray
    voice: np.ndarray
    heard: np.ndarray

    def part(self, start: int, end: int) -> "_Pair":
        cut = slice(start, end)
        return _Pair(self.mouth[cut], self.seen[cut], self.voice[cut], self.heard[cut])

    def correlations(self, lags: np.ndarray) -> np.ndarray:
        """(k,) correlations of mouth[t] with voice[t + lag] for (k,) lags in slots; NaN with too
        few values."""
        return np.array([self._correlation(int(lag)) for lag in lags])

    def _correlation(self, lag: int) -> float:
        size = len(self.mouth) - abs(lag)
        if size < FRAME_RATE_HZ:
            return np.nan
        at, to = max(0, -lag), max(0, lag)
        both = self.seen[at : at + size] & self.heard[to : to + size]
        if both.sum() < FRAME_RATE_HZ:
            return np.nan
        x = self.mouth[at : at + size][both]
        y = self.voice[to : to + size][both]
        x, y = x - x.mean(), y - y.mean()
        size_of = np.sqrt((x @ x) * (y @ y))
        return float(x @ y / size_of) if size_of > 0 else np.nan


def _judged(pair: _Pair, expected_s: float) -> Offset:
    """expected_s: the lag at which there is no offset."""
    reach, middle = round(MAX_LAG_S * FRAME_RATE_HZ), round(expected_s * FRAME_RATE_HZ)
    lags = np.arange(middle - reach, middle + reach + 1)
    curve = pair.correlations(lags)
    first, last = (round(limit * FRAME_RATE_HZ) for limit in CHANCE_LAGS_S)
    away = np.arange(first, min(last, len(pair.mouth) // 2))
    chance = pair.correlations(np.concatenate([-away, away]))
    chance = chance[np.isfinite(chance)]
    if len(chance) < MIN_CHANCE_LAGS or not np.isfinite(curve).all():
        return no_offset(WEAK)
    lag_s, peak = _peak(lags, curve)
    score = float((peak - chance.mean()) / max(chance.std(), 1e-9))
    half = len(pair.mouth) // 2
    parts = [pair.part(0, half), pair.part(half, len(pair.mouth))]
    halves = [part.correlations(lags) for part in parts]
    apart = [_peak(lags, one)[0] for one in halves if np.isfinite(one).all()]
    spread_s = abs(apart[1] - apart[0]) if len(apart) == 2 else None
    why = _doubt(curve, peak, score, spread_s)
    offset_s = None if why else round(expected_s - lag_s, 2) + 0.0
    return Offset(offset_s, why, lag_s, peak, score, spread_s, lags / FRAME_RATE_HZ, curve)


def _doubt(curve: np.ndarray, peak: float, score: float, spread_s: float | None) -> str:
    if peak < MIN_CORRELATION or score < MIN_SCORE:
        return WEAK
    if curve.argmax() in (0, len(curve) - 1):
        return f"mouth and voice match best at or beyond the {MAX_LAG_S} s that are searched"
    if spread_s is not None and spread_s > MAX_SPREAD_S:
        return f"the recording's halves disagree by {1000 * spread_s:.0f} ms"
    return ""


def _peak(lags: np.ndarray, curve: np.ndarray) -> tuple[float, float]:
    """Seconds and height of the maximum, between the lags (k,) by a parabola."""
    top = int(curve.argmax())
    if top in (0, len(curve) - 1):
        return float(lags[top] / FRAME_RATE_HZ), float(curve[top])
    before, height, after = (float(value) for value in curve[top - 1 : top + 2])
    bend = before - 2 * height + after
    shift = 0.0 if bend == 0 else 0.5 * (before - after) / bend
    return float((lags[top] + shift) / FRAME_RATE_HZ), height - 0.25 * (before - after) * shift


def mouth_on_grid(
    slots: np.ndarray, times_s: np.ndarray, mouth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(t,) whether an image is near each slot of 1/25 s, and (t,) the mouth's opening there."""
    at_s = slots / FRAME_RATE_HZ
    after = np.clip(np.searchsorted(times_s, at_s), 1, len(times_s) - 1)
    near = (at_s - times_s[after - 1] <= HOLD_S) & (times_s[after] - at_s <= HOLD_S)
    return near, np.interp(at_s, times_s, mouth)


def voice_on_grid(
    slots: np.ndarray, frames: np.ndarray, levels_db: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(t,) level around each slot, 0..1 for the 40 dB below the loudest; (t,) whether it was
    heard; (t,) whether there is voice within 0.5 s."""
    first, last = int(frames[0]), int(frames[-1])
    size = last - first + 1
    top_db = float(np.percentile(levels_db, 99))
    bottom_db = max(noise_floor_db(levels_db), top_db - LEVEL_RANGE_DB)
    dense, known, voiced = np.zeros(size), np.zeros(size), np.zeros(size)
    dense[frames - first] = np.clip((levels_db - bottom_db) / LEVEL_RANGE_DB, 0.0, 1.0)
    known[frames - first] = 1.0
    voiced[frames - first] = voice_activity(frames, levels_db)
    per_slot = LEVEL_RATE_HZ // FRAME_RATE_HZ
    middle = slots * per_slot - first
    half = per_slot // 2
    count = _sums(known, middle - half, middle + half)
    loud = _sums(dense, middle - half, middle + half) / np.maximum(count, 1.0)
    reach = round(NEAR_VOICE_S * LEVEL_RATE_HZ)
    near = _sums(voiced, middle - reach, middle + reach) > 0
    return loud, count >= half, near


def _sums(values: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Sums of values[start:end]; values outside of the array count as 0."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    result: np.ndarray = (
        total[np.clip(ends, 0, len(values))] - total[np.clip(starts, 0, len(values))]
    )
    return result


def _detrended(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(t,) minus the running mean of the known values over one second."""
    half = round(TREND_S * FRAME_RATE_HZ / 2)
    places = np.arange(len(values))
    around = (places - half, places + half + 1)
    count = _sums(known.astype(float), *around)
    mean = _sums(np.where(known, values, 0.0), *around) / np.maximum(count, 1.0)
    return np.where(known, values - mean, 0.0)

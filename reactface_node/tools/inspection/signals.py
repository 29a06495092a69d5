"""Rates, stamps, levels and jitter: arrays in, numbers out."""

from dataclasses import dataclass

import numpy as np

GAP_FACTOR = 2.5
"""An interval of this many median ones counts as lost images."""
CHANGE_S = 0.1
# Energy-based voice activity, on 10 ms levels.
ABOVE_FLOOR_DB, QUIETEST_DB = 12.0, -60.0
FILL_FRAMES, SHORTEST_FRAMES = 20, 8
FLOOR_PERCENTILE = 10.0
VOICE_RULE = (
    f"10 ms levels {ABOVE_FLOOR_DB:.0f} dB above the noise floor and above {QUIETEST_DB:.0f} dBFS; "
    f"breaks up to {10 * FILL_FRAMES} ms filled, bursts under {10 * SHORTEST_FRAMES} ms dropped"
)


@dataclass(frozen=True)
class StampReport:
    """unstamped: messages of a type without a stamp. zero: stamps of 0. unmoved: stamps that stand
    still while messages arrive. offset_s: added to the others because their clock differs from that
    of arrival (median of all messages); offset_changes: how often it changes by more than 0.1 s.
    duplicates: stamps that occurred before. backwards: stamps earlier than the previous one.

    jitter_ms: 95th percentile of the difference of intervals from the expected one: the median
    interval (or the nearest multiple of it if images are missing), for audio the chunk's length.
    delay_p50_ms, delay_p99_ms: arrival minus stamp (for audio, of the chunk's end), after the
    offset was added; None if unknown.
    """

    unstamped: int
    zero: int
    unmoved: int
    offset_s: float
    offset_changes: int
    duplicates: int
    backwards: int
    jitter_ms: float | None
    delay_p50_ms: float | None
    delay_p99_ms: float | None


def examine_stamps(
    stamps_s: np.ndarray,
    arrivals_s: np.ndarray,
    offsets_s: np.ndarray,
    chunk_s: np.ndarray | None = None,
) -> StampReport:
    """(n,) stamps (NaN: none), arrivals (NaN: no recorder) and offsets (NaN: the stamp is not
    used), as in ``StreamLog``; for sound (n,) lengths."""
    recorded = np.isfinite(arrivals_s)
    none = np.isnan(stamps_s)
    zero = (stamps_s == 0) & recorded
    usable = ~none & ~zero
    unmoved = usable & np.isnan(offsets_s)
    own = stamps_s[usable]
    lengths = None if chunk_s is None else chunk_s[usable]
    ends_s = stamps_s if chunk_s is None else stamps_s + chunk_s
    placed = usable & ~unmoved
    delays = 1000 * (arrivals_s - ends_s - offsets_s)[placed & recorded]
    added = offsets_s[placed]
    return StampReport(
        unstamped=int(none.sum()),
        zero=int(zero.sum()),
        unmoved=int(unmoved.sum()),
        offset_s=float(np.median(added)) if len(added) else 0.0,
        offset_changes=int((np.abs(np.diff(added)) > CHANGE_S).sum()),
        duplicates=len(own) - len(np.unique(own)),
        backwards=int((np.diff(own) < 0).sum()),
        jitter_ms=jitter_ms(own, lengths),
        delay_p50_ms=float(np.percentile(delays, 50)) if len(delays) else None,
        delay_p99_ms=float(np.percentile(delays, 99)) if len(delays) else None,
    )


def jitter_ms(stamps_s: np.ndarray, chunk_s: np.ndarray | None = None) -> float | None:
    """As in ``StampReport``, of (n,) stamps and for sound (n,) lengths; None where too few."""
    if len(stamps_s) < 3:
        return None
    intervals = np.diff(stamps_s)
    if chunk_s is None:
        median_s = max(float(np.median(intervals)), 1e-9)
        due = np.maximum(np.round(intervals / median_s), 1.0) * median_s
    else:
        due = chunk_s[:-1]
    return float(1000 * np.percentile(np.abs(intervals - due), 95))


@dataclass(frozen=True)
class Pace:
    """rate_hz: of the median interval. longest_s: the longest interval; longest_at_s: its start.
    gaps: intervals of more than 2.5 median ones."""

    rate_hz: float | None
    longest_s: float | None
    longest_at_s: float | None
    gaps: int


def examine_pace(times_s: np.ndarray) -> Pace:
    """(n,) times in any order."""
    ordered = np.unique(times_s)
    if len(ordered) < 2:
        return Pace(None, None, None, 0)
    intervals = np.diff(ordered)
    median = float(np.median(intervals))
    longest = int(intervals.argmax())
    gaps = int((intervals > GAP_FACTOR * median).sum())
    return Pace(1 / median, float(intervals[longest]), float(ordered[longest]), gaps)


def noise_floor_db(levels_db: np.ndarray) -> float:
    """10th percentile of the levels (f,) in dBFS; f > 0."""
    return float(np.percentile(levels_db, FLOOR_PERCENTILE))


def voice_activity(frames: np.ndarray, levels_db: np.ndarray) -> np.ndarray:
    """(f,) bool by ``VOICE_RULE``, for the heard 10 ms frames' indices (f,) and levels (f,)."""
    if not len(levels_db):
        return np.zeros(0, bool)
    threshold = max(noise_floor_db(levels_db) + ABOVE_FLOOR_DB, QUIETEST_DB)
    loud = frames[levels_db > threshold]
    if not len(loud):
        return np.zeros(len(levels_db), bool)
    breaks = np.flatnonzero(np.diff(loud) > FILL_FRAMES + 1)
    firsts = loud[np.concatenate([[0], breaks + 1])]
    lasts = loud[np.concatenate([breaks, [len(loud) - 1]])]
    long_enough = lasts - firsts + 1 >= SHORTEST_FRAMES
    firsts, lasts = firsts[long_enough], lasts[long_enough]
    if not len(firsts):
        return np.zeros(len(levels_db), bool)
    burst = np.searchsorted(firsts, frames, side="right") - 1
    result: np.ndarray = (burst >= 0) & (frames <= lasts[np.maximum(burst, 0)])
    return result


def mean_level_db(levels_db: np.ndarray) -> float | None:
    """Level of the mean power of frames with these levels (f,); None if there are none."""
    return float(10 * np.log10(np.mean(10 ** (levels_db / 10)))) if len(levels_db) else None


STILL_SHARE = 0.25
WINDOW_FRAMES, MEAN_FRAMES = 11, 5
JITTER_RULE = (
    "rms of x[t] - (x[t-1] + x[t+1]) / 2 over sqrt(1.5), in the quarter of the images "
    "around which it moves least"
)


def still_jitter(values: np.ndarray, joined: np.ndarray) -> float | None:
    """Jitter of a track while it is still, by ``JITTER_RULE``; None if it is too short.

    values: (n, c); joined: (n,) bool, images that follow the one before without a break. Of white
    noise it is the standard deviation: the residual's variance is 1 + 1/4 + 1/4 that of x. Least
    moves where means over 5 images range least within 11. Channels are left out while they are
    0: a weight that is clipped there has no jitter.
    """
    n = len(values)
    if n < WINDOW_FRAMES:
        return None
    residual = values[1:-1] - (values[:-2] + values[2:]) / 2
    means = np.lib.stride_tricks.sliding_window_view(values, MEAN_FRAMES, axis=0).mean(axis=-1)
    span = WINDOW_FRAMES - MEAN_FRAMES + 1
    windows = np.lib.stride_tricks.sliding_window_view(means, span, axis=0)
    moves = np.linalg.norm(windows.max(axis=-1) - windows.min(axis=-1), axis=1)
    whole = np.lib.stride_tricks.sliding_window_view(joined[1:], WINDOW_FRAMES - 1).all(axis=-1)
    middles = np.flatnonzero(whole)
    if not len(middles):
        return None
    stillest = middles[np.argsort(moves[middles], kind="stable")]
    kept = stillest[: max(1, round(STILL_SHARE * len(middles)))] + WINDOW_FRAMES // 2
    alive = (values[kept - 1] != 0) & (values[kept] != 0) & (values[kept + 1] != 0)
    if not alive.any():
        return 0.0
    return float(np.sqrt((residual[kept - 1][alive] ** 2).mean() / 1.5))

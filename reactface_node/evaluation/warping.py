"""Dynamic time warping to the nearest of many series: exact, without finishing most warps.

A warp over float32 costs, each lowered by all that it can be off, is a lower bound of the true
one and cheap; only what it cannot rule out is warped over float64 costs. Every frame is matched
at least once, so what is still to come costs at least the sum of each frame's smallest cost: a
half-done path that cannot beat the best so far ends there (the cascade of Rakthanmanon et al.
2012, with each frame's nearest neighbour in place of an envelope).
"""

from dataclasses import dataclass

import numba
import numpy as np

ROUNDING = 1e-9  # of a cost: more than float64 sums can be off by
STRIDE = 5  # frames: a warp of every fifth tells which series is likely the nearest


@dataclass(frozen=True, eq=False)
class Series:
    """K series: plain (K, S, C); whole (K, C + 2, S), whose product with a sample's is the squared
    distances; half the same in float32; coarse every fifth frame of it."""

    plain: np.ndarray
    whole: np.ndarray
    half: np.ndarray
    coarse: np.ndarray


def nearest_warps(samples: np.ndarray, others: np.ndarray, band: int | None = None) -> np.ndarray:
    """(M,) smallest warping distance of each of (M, T, C) to any of (K, S, C).

    The distance of tslearn: square root of the squared Euclidean distances summed along the best
    path. band: largest shift in frames (Sakoe and Chiba 1978); None for any, and no less than
    |T - S|. ValueError where there is nothing to compare with or the band joins no ends.
    """
    if not len(others):
        raise ValueError("nothing to compare with")
    frames, length = samples.shape[1], others.shape[1]
    radius = max(frames, length) if band is None else band
    if radius < abs(frames - length):
        raise ValueError(f"a band of {radius} frames cannot join {frames} and {length} frames")
    centre = others.mean(axis=(0, 1), dtype=np.float64)
    series = _prepare(others - centre)
    # Whoever does not draw answers every time the same.
    different, which = np.unique(samples, axis=0, return_inverse=True)
    found = np.array([_nearest(one, series, radius) for one in different - centre])
    nearest: np.ndarray = found[which.reshape(-1)]
    return nearest


def _prepare(others: np.ndarray) -> Series:
    squares = (others**2).sum(axis=2, keepdims=True)
    whole = np.concatenate([others, np.ones_like(squares), squares], axis=2).transpose(0, 2, 1)
    half = np.ascontiguousarray(whole, dtype=np.float32)
    coarse = np.ascontiguousarray(half[:, :, ::STRIDE])
    return Series(others, np.ascontiguousarray(whole), half, coarse)


def _nearest(sample: np.ndarray, series: Series, radius: int) -> float:
    """Distance of (T, C) to the nearest series, the likeliest tried first."""
    squares = (sample**2).sum(axis=1, keepdims=True)
    whole = np.concatenate([-2.0 * sample, squares, np.ones_like(squares)], axis=1)
    half = whole.astype(np.float32)
    # Worst case of a product of n terms (Higham 2002, 3.5), and of rounding what goes in.
    terms = half.shape[1] + 4
    off = 2.0 * terms * np.finfo(np.float32).eps * (squares.max() + series.whole[:, -1].max())
    best = np.inf
    if sample.shape == series.plain.shape[1:]:
        best = float(_straight(sample, series.plain).min())
    cost = np.empty((len(half), series.half.shape[2]), dtype=np.float32)
    for k in _likeliest(half, series.coarse, radius):
        np.matmul(half, series.half[k], out=cost)
        rows, columns = _to_come(cost.min(axis=1), off), _to_come(cost.min(axis=0), off)
        if _warp(cost, off, rows, columns, radius, best) < best:
            exact = whole @ series.whole[k]
            best = min(best, _warp(exact, 0.0, rows, columns, radius, best))
    return float(np.sqrt(best))


def _likeliest(sample: np.ndarray, coarse: np.ndarray, radius: int) -> np.ndarray:
    """(K,) indices by the warp of every fifth frame."""
    few = np.ascontiguousarray(sample[::STRIDE])
    rows, columns = np.zeros(len(few) + 1), np.zeros(coarse.shape[2] + 1)
    reach = -(-radius // STRIDE) + 1
    found = [_warp(few @ one, 0.0, rows, columns, reach, np.inf) for one in coarse]
    return np.argsort(found)


def _to_come(smallest: np.ndarray, off: float) -> np.ndarray:
    """(n,) smallest costs -> (n + 1,) what each frame and all behind it cost at least."""
    least = np.zeros(len(smallest) + 1)
    least[:-1] = np.maximum(smallest.astype(np.float64) - off, 0.0)[::-1].cumsum()[::-1]
    return least * (1.0 - ROUNDING)


@numba.njit(nogil=True)
def _straight(sample, others):
    """(K,) costs of warping (T, C) frame by frame onto (K, T, C)."""
    total = np.zeros(others.shape[0])
    for k in range(others.shape[0]):
        for i in range(sample.shape[0]):
            for c in range(sample.shape[1]):
                total[k] += (sample[i, c] - others[k, i, c]) ** 2
    return total


@numba.njit(nogil=True)
def _warp(cost, off, rows, columns, radius, limit):
    """Smallest sum along a path through cost - off, inf as soon as none can stay within the limit.

    rows, columns: least cost still to come from each frame on. A row visits only what its
    neighbours that can still win reach.
    """
    frames, length = cost.shape
    before = np.full(length + 1, np.inf)
    now = np.full(length + 1, np.inf)
    before[0] = 0.0
    low, high = 0, 1  # cells of the row before that can win: low <= j < high, of 0..length
    for i in range(frames):
        first, last = length + 1, 0
        start, stop = max(low, i - radius + 1, 1), min(length, i + radius + 1)
        left, to_come = np.inf, rows[i + 1]
        for j in range(start, stop + 1):
            if j > high and left == np.inf:
                break
            # What lies outside low..high is left over from older rows.
            reached = left
            if j < high:
                reached = min(reached, before[j])
            if low < j <= high:
                reached = min(reached, before[j - 1])
            left = reached + max(cost[i, j - 1] - off, 0.0)
            if left + max(to_come, columns[j]) > limit:
                left = np.inf
            else:
                first, last = min(first, j), j + 1
            now[j] = left
        if last == 0:
            return np.inf
        low, high = first, last
        before, now = now, before
    return before[length] if high == length + 1 else np.inf

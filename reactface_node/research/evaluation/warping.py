"""The smallest dynamic time warping distance of a sequence to one of many."""

from dataclasses import dataclass

import numpy as np
from dtaidistance import dtw_ndim

KEPT = 0.999
"""The part of the variance of the sequences that bounds are computed with."""
BLOCK = 250
"""Frames of the sample between two comparisons of the bounds with the limit."""
CELLS = 16_000_000
"""Largest number of float32 costs of pairs of frames that are in memory at once."""
ROUNDING = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, eq=False)
class Candidates:
    """K sequences (K, T, C), and what their lower bounds are computed from.

    A bound is the warping distance in the first axes of largest variance, of which there are P,
    and a last one: the length of what the others hold. By the triangle inequality, no pair of
    frames is nearer than that. axes (C, C): the axes. columns (P + 3, T, K) float32: what a frame
    is multiplied with to have its squared distances. largest: squared length of a frame.
    """

    others: np.ndarray
    mean: np.ndarray
    axes: np.ndarray
    columns: np.ndarray
    largest: float

    @classmethod
    def of(cls, others: np.ndarray) -> "Candidates":
        """Of (K, T, C) sequences."""
        kept = np.ascontiguousarray(others, dtype=np.float64)
        frames = kept.reshape(-1, kept.shape[-1])
        mean = frames.mean(axis=0)
        centred = frames - mean
        values, vectors = np.linalg.eigh(centred.T @ centred)
        order = values.argsort()[::-1]
        share = values[order].clip(min=0).cumsum()
        many = int(np.searchsorted(share, KEPT * share[-1])) + 1
        axes = vectors[:, order]
        reduced = _reduce(centred, axes, many).reshape(*kept.shape[:2], -1)
        squares = (reduced**2).sum(axis=2, keepdims=True)
        parts = [reduced, np.ones_like(squares), squares]
        columns = np.concatenate(parts, axis=2).transpose(2, 1, 0).astype(np.float32, order="C")
        return cls(kept, mean, axes, columns, float(squares.max()))

    def nearest(self, sample: np.ndarray, band: int | None = None) -> float:
        """The smallest distance of (T, C) to a candidate.

        band: largest shift in frames, None for any. The distance to the candidate that is nearest
        without warping is a limit for the bounds; then candidates are tried in the order of their
        lower bounds, until the next bound is above the smallest distance.
        """
        x = np.ascontiguousarray(sample, dtype=np.float64)
        rows = self.prepare(x)
        first = int(np.einsum("tp,ptk->k", rows, self.columns).argmin())
        best = self._distance(x, first, band)
        bounds = self.bounds(rows, best, band)
        for index in np.argsort(bounds):
            if bounds[index] > best:
                break
            if index != first:
                best = min(best, self._distance(x, index, band))
        return best

    def bounds(self, rows: np.ndarray, limit: float, band: int | None = None) -> np.ndarray:
        """(K,) lower bounds of the distances to a sample, infinite for those above the limit.

        rows (T, P + 3): of the sample.
        """
        count = self.columns.shape[2]
        part = max(1, CELLS // (BLOCK * self.columns.shape[1]))
        found = np.full(count, np.inf)
        for first in range(0, count, part):
            alive = np.arange(first, min(first + part, count))
            for index, value in self._part(rows, alive, limit, band):
                found[index] = value
        return found

    def _part(
        self, rows: np.ndarray, alive: np.ndarray, limit: float, band: int | None
    ) -> list[tuple[int, float]]:
        """Bounds of the candidates of these indices that are not above the limit."""
        length = self.columns.shape[1]
        columns = self.columns[:, :, alive[0] : alive[-1] + 1]
        front = np.full((length + 1, len(alive)), np.inf, np.float32)
        front[0] = 0.0
        space = np.empty(BLOCK * length * len(alive), np.float32)
        for top in range(0, len(rows), BLOCK):
            block = rows[top : top + BLOCK]
            low, high = 0, length
            if band is not None:
                low, high = max(0, top - band), min(length, top + len(block) + band)
            wide = columns[:, low:high].reshape(len(columns), -1)
            costs = space[: len(block) * wide.shape[1]].reshape(len(block), -1)
            np.matmul(block, wide, out=costs)
            costs = costs.reshape(len(block), high - low, -1)
            below = _advance(costs, front[low : high + 1], low - top, band)
            front = np.full_like(front, np.inf)
            front[low + 1 : high + 1] = below
            inside = self._at_least(front.min(axis=0), rows) <= limit
            if not inside.any():
                return []
            if not inside.all():  # copying takes time
                alive, columns, front = alive[inside], columns[:, :, inside], front[:, inside]
        return list(zip(alive.tolist(), self._at_least(front[-1], rows).tolist(), strict=True))

    def _at_least(self, sums: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Distances that the exact ones are not below; sums: squared, as computed in float32."""
        # Rounding: of each cost, and of the sum along a path of at most 2 T frames.
        width, length, _ = self.columns.shape
        steps = len(rows) + length
        each = 4.0 * (width + 1) * ROUNDING * (self.largest + float(rows[:, -2].max()))
        least = sums * (1.0 - 2.0 * steps * ROUNDING) - steps * each
        lower: np.ndarray = np.sqrt(least.clip(min=0.0))
        return lower

    def _distance(self, x: np.ndarray, index: int, band: int | None) -> float:
        other = self.others[index]
        window = None if band is None else band + 1  # dtaidistance counts the frame itself
        warped = float(dtw_ndim.distance_fast(x, other, window=window))
        # If the straight path is the best one, the two differ by rounding.
        return min(warped, float(np.sqrt(((other - x) ** 2).sum())))

    def prepare(self, x: np.ndarray) -> np.ndarray:
        """(T, P + 3) float32 of (T, C): times ``columns``, the squared distances."""
        reduced = _reduce(x - self.mean, self.axes, len(self.columns) - 3)
        squares = (reduced**2).sum(axis=1, keepdims=True)
        parts = [-2.0 * reduced, squares, np.ones_like(squares)]
        rows: np.ndarray = np.concatenate(parts, axis=1).astype(np.float32)
        return rows


def _reduce(centred: np.ndarray, axes: np.ndarray, many: int) -> np.ndarray:
    """(F, C) -> (F, many + 1): the first axes, and the length of the rest."""
    turned = centred @ axes
    rest = np.sqrt((turned[:, many:] ** 2).sum(axis=1, keepdims=True))
    return np.concatenate([turned[:, :many], rest], axis=1)


def _advance(
    costs: np.ndarray, above: np.ndarray, shift: int = 0, band: int | None = None
) -> np.ndarray:
    """Warping sums at the last row of a block of rows of costs (R, S, K): (S, K).

    above (S + 1, K): the sums at the row above it, from the column before its first on. shift:
    its first column less its first row, for the band. Computed along the antidiagonals, on which
    all pairs of frames are independent.
    """
    rows, columns, count = costs.shape
    # Pair (row, column) lies at (row, row + column) of this view of the same memory.
    across, along, inner = costs.strides
    skewed = np.lib.stride_tricks.as_strided(
        costs, (rows, rows + columns - 1, count), (across - along, along, inner)
    )
    below = np.full((columns, count), np.inf, np.float32)
    last, now, before = (np.full((rows + 1, count), np.inf, np.float32) for _ in range(3))
    before[0], last[0] = above[0], above[1]
    smaller = np.empty((rows, count), np.float32)
    for place in range(rows + columns - 1):
        low, end = max(0, place - columns + 1), min(rows, place + 1)
        if band is not None:
            low = max(low, (place + shift - band + 1) // 2)
            end = min(end, (place + shift + band) // 2 + 1)
        step = smaller[low:end]
        np.minimum(last[low:end], last[low + 1 : end + 1], out=step)
        np.minimum(step, before[low:end], out=step)
        np.add(step, skewed[low:end, place], out=now[low + 1 : end + 1])
        now[low] = above[place + 2] if low == 0 and place + 2 <= columns else np.inf
        now[end + 1 : end + 2] = np.inf
        if place >= rows - 1:
            below[place - rows + 1] = now[rows]
        before, last, now = last, now, before
    return below

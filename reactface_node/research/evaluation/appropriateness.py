"""FRCorr and FRDist: similarity of a reaction to the nearest appropriate real one."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from dtaidistance import dtw_ndim

from reactface_node.files.progress import ProgressBar

SMALLEST = 1e-50  # in the denominator, as the released code: a constant dimension scores 0


def concordance(
    predictions: np.ndarray, reactions: np.ndarray, appropriate: Sequence[np.ndarray]
) -> np.ndarray:
    """(N, M): agreement of each sample with the nearest appropriate reaction; FRCorr (higher is
    better) is 10 times its mean. The released multi-process code sums over M.

    predictions (N, M, T, C), reactions (R, T, C), appropriate: N arrays of indices into them.
    Formula: 2 cov / (var + var + (mean - mean)^2) over T, mean over C, largest over the reactions.
    Unit: none. Range: -1 to 1, FRCorr -10 to 10; 1 for equal reactions, 0 for one without motion.
    Source: Lin 1989 (concordance correlation), the paper's FRCorr.
    """
    return np.stack(
        [
            _concordance(clip, reactions[known]).mean(axis=2).max(axis=1)
            for clip, known in zip(predictions, appropriate, strict=True)
        ]
    )


def _concordance(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """(M, T, C) against (K, T, C) -> (M, K, C): 2 cov / (var + var + (mean - mean)^2)."""
    x, y = (part.astype(np.float64) for part in (ours, theirs))
    mean_x, mean_y = x.mean(1), y.mean(1)
    x, y = x - mean_x[:, None], y - mean_y[:, None]
    covariance = (x.transpose(2, 0, 1) @ y.transpose(2, 1, 0)).transpose(1, 2, 0) / x.shape[1]
    spread = x.var(1)[:, None] + y.var(1)[None]
    apart = (mean_x[:, None] - mean_y[None]) ** 2
    result: np.ndarray = 2.0 * covariance / (spread + apart + SMALLEST)
    return result


def distance(
    predictions: np.ndarray,
    reactions: np.ndarray,
    appropriate: Sequence[np.ndarray],
    workers: int = 1,
    band: int | None = None,
) -> np.ndarray:
    """(N, M): distance of each sample to the nearest appropriate reaction; FRDist (lower is better)
    is 10 times its mean.

    band: largest shift in frames (Sakoe and Chiba), None for any, 0 for none.
    Formula: the smallest over the reactions of the dynamic time warping distance, the square root
    of the squared Euclidean distances of frames summed along the best path. Unit: that of the
    coefficients. Range: 0 (equal up to timing) to infinity. Source: DTW as tslearn defines it, the
    paper's FRDist. Only the smallest distance counts, so computations that cannot give it are
    stopped early.
    """
    jobs = [
        (clip, reactions[known], band) for clip, known in zip(predictions, appropriate, strict=True)
    ]
    if workers == 1:
        return np.stack(
            [_nearest(job) for job in ProgressBar(jobs, "FRDist", unit="clip", leave=False)]
        )
    with ProcessPoolExecutor(workers) as pool:
        found = pool.map(_nearest, jobs)
        return np.stack(list(ProgressBar(found, "FRDist", len(jobs), unit="clip", leave=False)))


def _nearest(job: tuple[np.ndarray, np.ndarray, int | None]) -> np.ndarray:
    """(M,) of (M, T, C) against (K, T, C)."""
    ours, theirs, band = job
    x, y = (np.ascontiguousarray(part, dtype=np.float64) for part in (ours, theirs))
    found: list[float] = []
    for index, sample in enumerate(x):
        same = next((n for n in range(index) if np.array_equal(x[n], sample)), None)
        found.append(found[same] if same is not None else _smallest(sample, y, band))
    return np.array(found)


def _smallest(sample: np.ndarray, others: np.ndarray, band: int | None) -> float:
    """Smallest warping distance of (T, C) to one of (K, T, C); the likeliest is tried first.

    Lower bounds were tried (by envelopes, nearest frames, principal axes). Those that cost less
    than a stopped computation exclude nothing; the others cost as much as it does.
    """
    straight = np.sqrt(((others - sample) ** 2).sum(axis=(1, 2)))
    best = float(straight.min())  # the straight path is an upper bound of the smallest distance
    window = None if band is None else band + 1  # dtaidistance counts the frame itself
    for index in np.argsort(straight):
        bound = best * (1.0 + 1e-9) + 1e-12
        warped = dtw_ndim.distance_fast(sample, others[index], window=window, max_dist=bound)
        best = min(best, float(warped))
    return best

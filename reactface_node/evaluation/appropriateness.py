"""FRCorr and FRDist: how near a reaction comes to the nearest appropriate real one."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from dtaidistance import dtw_ndim
from tqdm import tqdm

SMALLEST = 1e-50  # in the denominator, as the released code: a constant dimension scores 0


def concordance(
    predictions: np.ndarray, reactions: np.ndarray, appropriate: Sequence[np.ndarray]
) -> np.ndarray:
    """(N, M): largest concordance correlation (Lin 1989), mean over dimensions, with a reaction.

    predictions (N, M, T, C), reactions (R, T, C), appropriate: N arrays of indices into them.
    FRCorr is 10 times its mean; the released multi-process code sums over M.
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
    return 2.0 * covariance / (spread + apart + SMALLEST)


def distance(
    predictions: np.ndarray,
    reactions: np.ndarray,
    appropriate: Sequence[np.ndarray],
    workers: int = 1,
    band: int | None = None,
) -> np.ndarray:
    """(N, M): smallest dynamic time warping distance to an appropriate reaction.

    The distance of tslearn: square root of the squared Euclidean distances summed along the best
    path. band: largest shift in frames (Sakoe and Chiba), None for any. FRDist is 10 times its
    mean. Only the smallest counts, so the warps that cannot be it are abandoned early.
    """
    jobs = [
        (clip, reactions[known], band) for clip, known in zip(predictions, appropriate, strict=True)
    ]
    if workers == 1:
        return np.stack([_nearest(job) for job in tqdm(jobs, "FRDist", unit="clip", leave=False)])
    with ProcessPoolExecutor(workers) as pool:
        found = pool.map(_nearest, jobs)
        return np.stack(list(tqdm(found, "FRDist", len(jobs), unit="clip", leave=False)))


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
    """Smallest warp of (T, C) to one of (K, T, C), the likeliest first."""
    straight = np.sqrt(((others - sample) ** 2).sum(axis=(1, 2)))
    best = float(straight.min())  # a straight path is a warp too: no larger one need be finished
    for index in np.argsort(straight):
        bound = best * (1.0 + 1e-9) + 1e-12
        warped = dtw_ndim.distance_fast(sample, others[index], window=band, max_dist=bound)
        best = min(best, float(warped))
    return best

"""FRCorr and FRDist: similarity of a reaction to the nearest appropriate real one."""

from collections.abc import Sequence

import numpy as np

from reactface_node.research.evaluation.warping import Candidates

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
            nearest_concordance(clip, reactions[known])
            for clip, known in zip(predictions, appropriate, strict=True)
        ]
    )


def nearest_concordance(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """(M,) of one clip: (M, T, C) against its appropriate reactions (K, T, C)."""
    result: np.ndarray = _concordance(ours, theirs).mean(axis=2).max(axis=1)
    return result


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
    band: int | None = None,
) -> np.ndarray:
    """(N, M): distance of each sample to the nearest appropriate reaction; FRDist (lower is better)
    is 10 times its mean.

    band: largest shift in frames (Sakoe and Chiba), None for any, 0 for none.
    Formula: the smallest over the reactions of the dynamic time warping distance, the square root
    of the squared Euclidean distances of frames summed along the best path. Unit: that of the
    coefficients. Range: 0 (equal up to timing) to infinity. Source: DTW as tslearn defines it, the
    paper's FRDist. Only the smallest distance counts, so reactions that cannot give it are
    excluded by lower bounds (``warping``).
    """
    return np.stack(
        [
            nearest_distance(clip, reactions[known], band)
            for clip, known in zip(predictions, appropriate, strict=True)
        ]
    )


def nearest_distance(ours: np.ndarray, theirs: np.ndarray, band: int | None = None) -> np.ndarray:
    """(M,) of one clip: (M, T, C) against its appropriate reactions (K, T, C)."""
    candidates = Candidates.of(theirs)
    found: list[float] = []
    for index, sample in enumerate(ours):
        same = next((n for n in range(index) if np.array_equal(ours[n], sample)), None)
        found.append(found[same] if same is not None else candidates.nearest(sample, band))
    return np.array(found)

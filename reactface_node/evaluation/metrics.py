"""The paper's metrics on whole sets of reactions: diversity here, the others beside it.

Everywhere: predictions (N, M, T, C), N clips, M samples, T frames, C dimensions, in the units of
the coefficients. Published tables are in the released code's scale, which is the default;
``paper_scale`` gives what the equations say.
"""

from collections.abc import Sequence

import numpy as np

from reactface_node.errors import UserError
from reactface_node.evaluation.appropriateness import concordance, distance
from reactface_node.evaluation.synchrony import synchrony


def frdvs(predictions: np.ndarray, paper_scale: bool = False) -> float:
    """Inter-condition diversity, Eq. 24, up: mean squared difference between the reactions to
    different speakers; squared units. The released code counts every pair twice."""
    if len(predictions) < 2:
        return float("nan")
    spread = np.mean([_variance(predictions[:, m], 0) for m in range(predictions.shape[1])])
    return float(spread if paper_scale else 2.0 * spread)


def frdiv(predictions: np.ndarray, paper_scale: bool = False) -> float:
    """Inter-sample diversity, Eq. 25, up: squared L2 distance between the samples of a clip.

    The released code counts every pair twice and divides by T * C.
    """
    if predictions.shape[1] < 2:
        return float("nan")
    spread = np.mean([_variance(clip, 0) for clip in predictions])
    return float(spread * np.prod(predictions.shape[2:]) if paper_scale else 2.0 * spread)


def frvar(predictions: np.ndarray) -> float:
    """Inter-frame diversity, Eq. 26, up: unbiased variance over time, mean over dimensions."""
    return float(np.mean([clip.var(axis=1, ddof=1, dtype=np.float64) for clip in predictions]))


def all_metrics(
    predictions: np.ndarray,
    speakers: np.ndarray,
    reactions: np.ndarray,
    appropriate: Sequence[np.ndarray],
    paper_scale: bool = False,
    workers: int = 1,
    band: int | None = None,
) -> dict[str, float]:
    """Every metric that needs no pictures, by the name of its column.

    speakers (N, T, C); reactions (R, T, C) real ones, of which ``appropriate`` names those of
    each clip. band: frames that the time warp may stray (None: any). UserError where there is no
    appropriate reaction or a value is no number.
    """
    check(predictions, appropriate)
    corr = concordance(predictions, reactions, appropriate)
    dist = distance(predictions, reactions, appropriate, workers, band)
    sync = synchrony(predictions, speakers)
    return {
        "FRDvs": frdvs(predictions, paper_scale),
        "FRVar": frvar(predictions),
        "FRDiv": frdiv(predictions, paper_scale),
        "FRCorr": 10.0 * float(corr.mean()),
        "FRCorr_best": 10.0 * float(corr.max(axis=1).mean()),
        "FRCorr_sum": 10.0 * float(corr.sum(axis=1).mean()),
        "FRDist": 10.0 * float(dist.mean()),
        "FRDist_best": 10.0 * float(dist.min(axis=1).mean()),
        "FRDist_sum": 10.0 * float(dist.sum(axis=1).mean()),
        "FRSyn": sync.mean,
        "FRSyn_released": sync.released,
        "constant_dimensions": sync.constant_dimensions,
    }


def check(predictions: np.ndarray, appropriate: Sequence[np.ndarray]) -> None:
    """UserError that names the clip where nothing is appropriate or a value is no number."""
    for index, (clip, known) in enumerate(zip(predictions, appropriate, strict=True)):
        if not len(known):
            raise UserError(f"clip {index} has no appropriate reaction")
        if not np.isfinite(clip).all():
            raise UserError(f"the reactions to clip {index} hold values that are no numbers")


def _variance(values: np.ndarray, axis: int) -> float:
    """Mean over all else of the unbiased variance: half the mean squared difference of a pair."""
    return float(values.var(axis=axis, ddof=1, dtype=np.float64).mean())

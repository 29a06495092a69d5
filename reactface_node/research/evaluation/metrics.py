"""The paper's metrics on sets of reactions; the diversity metrics are here.

In all functions: predictions (N, M, T, C), N clips, M samples, T frames, C dimensions, in the units
of the coefficients. "up" and "down": whether higher or lower values are better. The default scale
is that of the released code and the published tables; ``paper_scale`` is that of the paper's
equations.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.research.evaluation.appropriateness import nearest_concordance, nearest_distance
from reactface_node.research.evaluation.synchrony import Synchrony, summary, synchrony_of
from reactface_node.research.evaluation.workers import Workers


def frdvs(predictions: np.ndarray, paper_scale: bool = False) -> float:
    """FRDvs, inter-condition diversity, up: how different the reactions to different speakers are.

    Formula: the unbiased variance over the N clips, mean over M, T and C; that is the mean squared
    difference of two clips, halved. As released: twice that, because every pair counts twice.
    Unit: squared units of the coefficients. Range: 0 to infinity, NaN for a single clip.
    Source: Eq. 24 of the paper.
    """
    if len(predictions) < 2:
        return float("nan")
    spread = np.mean([_variance(predictions[:, m], 0) for m in range(predictions.shape[1])])
    return float(spread if paper_scale else 2.0 * spread)


def frdiv(predictions: np.ndarray, paper_scale: bool = False) -> float:
    """FRDiv, inter-sample diversity, up: how different the M reactions to one speaker are.

    Formula: the squared L2 distance of two samples of a clip, sum over T and C, halved; mean over
    pairs and clips. As released: mean over T and C in place of their sum, every pair twice.
    Unit: squared units of the coefficients. Range: 0 to infinity, NaN for a single sample.
    Source: Eq. 25 of the paper.
    """
    if predictions.shape[1] < 2:
        return float("nan")
    spread = np.mean([_variance(clip, 0) for clip in predictions])
    return float(spread * np.prod(predictions.shape[2:]) if paper_scale else 2.0 * spread)


def frvar(predictions: np.ndarray) -> float:
    """FRVar, inter-frame diversity, up: the amount of motion in a reaction.

    Formula: the unbiased variance over the T frames, mean over N, M and C. Unit: squared units of
    the coefficients. Range: 0 to infinity. Source: Eq. 26 of the paper, as released.
    """
    return float(np.mean([clip.var(axis=1, ddof=1, dtype=np.float64) for clip in predictions]))


class ClipValues(NamedTuple):
    """What one clip gives: (M,) concordance and distance, synchrony, CPU time in seconds."""

    concordance: np.ndarray
    distance: np.ndarray
    synchrony: Synchrony
    distance_s: float


def all_metrics(
    predictions: np.ndarray,
    speakers: np.ndarray,
    reactions: np.ndarray,
    appropriate: Sequence[np.ndarray],
    paper_scale: bool = False,
    workers: Workers | None = None,
    band: int | None = None,
) -> dict[str, float]:
    """Every metric that needs no pictures, by the name of its column: FRCorr and FRDist are 10
    times ``concordance`` and ``distance``, the mean over samples and clips (_best: of a clip's best
    sample, _sum: over samples, as the released code's multi-process variant), FRSyn and
    FRSyn_released are ``synchrony``'s.

    speakers (N, T, C); reactions (R, T, C) real ones, of which ``appropriate`` names those of each
    clip. band: largest shift in frames of the time warp (None: any). FRDist_s: CPU time of FRDist
    in seconds, of all workers together. UserError if a clip has no appropriate reaction or a value
    is NaN.
    """
    check(predictions, appropriate)
    jobs = (
        (clip, np.asarray(speaker), np.asarray(reactions[known]), band)
        for clip, speaker, known in zip(predictions, speakers, appropriate, strict=True)
    )
    many = len(predictions)
    steps = (workers or Workers()).map(measure_clip, jobs, many)
    found = list(ProgressBar(steps, "metrics", many, unit="clip", leave=False))
    corr, dist = (np.stack(values) for values in zip(*(one[:2] for one in found), strict=True))
    sync = summary([one.synchrony for one in found])
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
        "FRDist_s": sum(one.distance_s for one in found),
        "FRSyn": sync.mean,
        "FRSyn_released": sync.released,
        "constant_dimensions": sync.constant_dimensions,
    }


def measure_clip(job: tuple[np.ndarray, np.ndarray, np.ndarray, int | None]) -> ClipValues:
    """job: reactions (M, T, C), speaker (T, C), appropriate reactions (K, T, C), band."""
    clip, speaker, known, band = job
    corr = nearest_concordance(clip, known)
    started = time.process_time()
    dist = nearest_distance(clip, known, band)
    took_s = time.process_time() - started
    return ClipValues(corr, dist, synchrony_of(clip, speaker), took_s)


def check(predictions: np.ndarray, appropriate: Sequence[np.ndarray]) -> None:
    """UserError that names the clip if it has no appropriate reaction or a value is NaN."""
    for index, (clip, known) in enumerate(zip(predictions, appropriate, strict=True)):
        if not len(known):
            raise UserError(f"clip {index} has no appropriate reaction")
        if not np.isfinite(clip).all():
            raise UserError(f"the reactions to clip {index} hold values that are no numbers")


def _variance(values: np.ndarray, axis: int) -> float:
    """Unbiased variance along an axis, mean over all others: half the mean squared difference of a
    pair."""
    return float(values.var(axis=axis, ddof=1, dtype=np.float64).mean())

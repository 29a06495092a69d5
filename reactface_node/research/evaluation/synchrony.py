"""FRSyn: by how many frames a reaction follows or leads its speaker."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from reactface_node.schema import FRAME_RATE_HZ

LAGS = np.arange(-49, 50)
SHORTEST = int(LAGS.max()) + FRAME_RATE_HZ  # frames: at the largest lag one second still overlaps
FLAT = 1e-12  # a variance below this share of the dimension's variance is a rounding error


@dataclass(frozen=True)
class Synchrony:
    """mean: in frames, without dimensions that do not move. released: as the released multi-process
    code, of sample 0 alone; there a single constant dimension gives 49. constant_dimensions: number
    of dimensions left out, mean over clips and samples."""

    mean: float
    released: float
    constant_dimensions: float


def synchrony(predictions: np.ndarray, speakers: np.ndarray) -> Synchrony:
    """FRSyn, down, of predictions (N, M, T, C) and their speakers (N, T, C).

    Formula: for every lag of -49..49 frames the Pearson correlation of the overlapping frames, mean
    over the C dimensions that move; the absolute value of the lag at which it is largest, mean over
    samples and clips. Unit: frames. Range: 0 to 49; about 40 for independent random walks. Source:
    Boker et al. 2002 (time-lagged cross-correlation).
    ValueError as ``lagged_correlation``.
    """
    return summary([synchrony_of(*pair) for pair in zip(predictions, speakers, strict=True)])


def synchrony_of(clip: np.ndarray, speaker: np.ndarray) -> Synchrony:
    """That of one clip's samples (M, T, C) with its speaker (T, C)."""
    curves = lagged_correlation(clip, speaker)
    moving = np.isfinite(curves).all(axis=1)
    shared = np.where(moving[:, None], np.nan_to_num(curves), 0.0).sum(axis=2)
    lags = np.abs(LAGS[shared.argmax(axis=1)])
    # A mean with a NaN in it is NaN at every lag, and the first lag wins.
    strict = abs(LAGS[shared[0].argmax()]) if moving[0].all() else abs(LAGS[0])
    left_out = (~moving).sum(axis=1).mean()
    return Synchrony(float(lags.mean()), float(strict), float(left_out))


def summary(clips: Sequence[Synchrony]) -> Synchrony:
    """The means over clips."""
    names = (field.name for field in fields(Synchrony))
    return Synchrony(*(float(np.mean([getattr(c, name) for c in clips])) for name in names))


def lagged_correlation(reactions: np.ndarray, speaker: np.ndarray) -> np.ndarray:
    """(M, 99, C): Pearson correlation of (M, T, C) with (T, C) shifted by each lag, over the
    overlapping frames; NaN for a dimension without motion there. ValueError below ``SHORTEST``
    frames."""
    frames = speaker.shape[0]
    if frames < SHORTEST:
        raise ValueError(f"{frames} frames are too few for lags of 49")
    x = reactions.astype(np.float64) - reactions.mean(axis=1, keepdims=True, dtype=np.float64)
    y = speaker.astype(np.float64) - speaker.mean(axis=0, dtype=np.float64)
    size = 1 << (2 * frames - 1).bit_length()
    product = np.fft.rfft(x, size, axis=1) * np.fft.rfft(y, size, axis=0).conj()
    crossed = np.fft.irfft(product, size, axis=1)[:, LAGS]
    # Reaction frame i is compared with speaker frame i - lag.
    first, last = np.maximum(LAGS, 0), frames + np.minimum(LAGS, 0)
    count = (last - first)[:, None]
    sums = [_between(v, first, last) for v in (x, x * x)]
    theirs = [_between(v[None], first - LAGS, last - LAGS) for v in (y, y * y)]
    covariance = crossed - sums[0] * theirs[0] / count
    spread_x, spread_y = sums[1] - sums[0] ** 2 / count, theirs[1] - theirs[0] ** 2 / count
    still = (spread_x <= FLAT * np.maximum((x * x).sum(1, keepdims=True), FLAT)) | (
        spread_y <= FLAT * np.maximum((y * y).sum(0), FLAT)
    )
    scale = np.sqrt(np.where(still, 1.0, spread_x * spread_y))
    return np.where(still, np.nan, covariance / scale)


def _between(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """(M, T, C) -> (M, lags, C): sums over frames first..last-1."""
    total = np.concatenate([np.zeros_like(values[:, :1]), values.cumsum(axis=1)], axis=1)
    sums: np.ndarray = total[:, last] - total[:, first]
    return sums

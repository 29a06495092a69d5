"""How a reaction goes with its speaker: rPCC, and windowed time-lagged cross-correlation."""

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import maximum_filter1d

from reactface_node.research.data.behaviour import SMILES, mean_of
from reactface_node.schema import FRAME_RATE_HZ, ROTATION

WINDOW, STEP, LAG = 4 * FRAME_RATE_HZ, FRAME_RATE_HZ, 2 * FRAME_RATE_HZ
"""Frames of a window, between two windows, and of the largest lag."""
NEAR = round(0.2 * FRAME_RATE_HZ)
"""A peak is the largest value within so many lags on both sides."""
STILL = 1e-9
"""A window whose deviation is below this does not move."""


def pearson(one: np.ndarray, other: np.ndarray) -> float:
    """r over all frames and dimensions of two courses (T, C) together, NaN if one is constant."""
    x, y = (part.astype(np.float64).ravel() for part in (one, other))
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / scale) if scale > 0 else float("nan")


def residual_correlation(made: np.ndarray, real: np.ndarray, speaker: np.ndarray) -> float:
    """rPCC, down, 0 to 2: |r(real, speaker) - r(made, speaker)| of (T, C) each; the metric is its
    mean over samples and clips. NaN if one of them is constant.

    Source: Tran et al. 2024 (DIM) over all clips together, DualTalk and AVTR-1 clip by clip.
    """
    return abs(pearson(real, speaker) - pearson(made, speaker))


def head_speed(face: np.ndarray) -> np.ndarray:
    """(T - 1,) rad/s of (T, 58): how fast the head turns."""
    turned = np.diff(face[:, ROTATION].astype(np.float64), axis=0)
    speed: np.ndarray = FRAME_RATE_HZ * np.linalg.norm(turned, axis=1)
    return speed


def smile(face: np.ndarray) -> np.ndarray:
    """(T,) the mean of the two sides."""
    return mean_of(face, SMILES)


class Peaks(NamedTuple):
    """Correlation and lag in s of each peak, (P,); + after the speaker."""

    height: np.ndarray
    lag_s: np.ndarray

    def means(self) -> tuple[float, float]:
        """NaN without a peak."""
        if not len(self.height):
            return float("nan"), float("nan")
        return float(self.height.mean()), float(self.lag_s.mean())


def windowed_peaks(listeners: np.ndarray, speaker: np.ndarray) -> Peaks:
    """Windowed time-lagged cross-correlation of courses (M, T) with one (T,): a peak of every
    window that has one.

    For each listener window of 4 s, every second, Pearson's r with the speaker's window that is
    lag earlier, for lags of -2 to 2 s; then the peak that is nearest to lag 0: a value that is the
    largest within 0.2 s on both sides. A window in which one of the two never moves has none.
    Source: Boker et al. 2002.
    """
    curves = windowed_correlation(listeners, speaker).reshape(-1, 2 * LAG + 1)
    moving = curves[np.isfinite(curves).all(axis=1)]
    around = maximum_filter1d(moving, 2 * NEAR + 1, axis=1)
    tops = moving >= around
    tops[:, :NEAR] = tops[:, -NEAR:] = False  # not known on both sides
    moving, tops = moving[tops.any(axis=1)], tops[tops.any(axis=1)]
    lags = np.arange(-LAG, LAG + 1)
    best = np.where(tops, np.abs(lags), LAG + 1).argmin(axis=1)
    return Peaks(moving[np.arange(len(best)), best], lags[best] / FRAME_RATE_HZ)


def windowed_correlation(listeners: np.ndarray, speaker: np.ndarray) -> np.ndarray:
    """(M, W, 101): r of every window for lags -2 to 2 s, NaN where one of the two does not move; W
    is 0 for courses below 8 s."""
    starts = np.arange(LAG, len(speaker) - WINDOW - LAG + 1, STEP)
    if not len(starts):
        return np.zeros((len(listeners), 0, 2 * LAG + 1))
    ours = _standard(sliding_window_view(listeners, WINDOW, axis=1)[:, starts])
    every = ours @ _standard(sliding_window_view(speaker, WINDOW)).T / WINDOW
    # The speaker's window begins ``lag`` before the listener's.
    before = starts[:, None] - np.arange(-LAG, LAG + 1)
    found: np.ndarray = np.take_along_axis(every, before[None], axis=2)
    return found


def _standard(windows: np.ndarray) -> np.ndarray:
    """(..., WINDOW) with mean 0 and deviation 1; NaN without motion."""
    centred = windows - windows.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True))
    standard: np.ndarray = centred / np.where(spread > STILL, spread, np.nan)
    return standard

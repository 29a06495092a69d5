"""Mean and variance of frames that are read piece by piece."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Moments:
    """Per channel, (C,) float64; known (C,) bool: whether the frames have it, else both are 0."""

    mean: np.ndarray
    variance: np.ndarray
    known: np.ndarray

    @staticmethod
    def of(pieces: Callable[[], Iterator[np.ndarray]], known: np.ndarray) -> "Moments":
        """Of all frames of the pieces (t, C), which are read twice."""
        count, total = 0, np.float64(0.0)
        for piece in pieces():
            count, total = count + len(piece), total + piece.sum(0, dtype=np.float64)
        mean = total / count
        squares = sum(np.square(piece - mean).sum(0) for piece in pieces())
        return Moments(np.asarray(mean), np.asarray(squares / count), known)

    @staticmethod
    def mixed(parts: Sequence["Moments"], shares: Sequence[float]) -> "Moments":
        """Of a mixture of groups, each channel of those that know it; shares: of each, 1
        together."""
        known = np.stack([part.known for part in parts])
        weights = np.asarray(shares)[:, None] * known
        weights /= np.maximum(weights.sum(axis=0), np.finfo(float).tiny)
        means = np.stack([part.mean for part in parts])
        squares = np.stack([part.variance + np.square(part.mean) for part in parts])
        mean = (weights * means).sum(axis=0)
        variance = (weights * squares).sum(axis=0) - np.square(mean)
        return Moments(mean, variance, known.any(axis=0))

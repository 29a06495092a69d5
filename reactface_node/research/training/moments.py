"""Mean and variance of frames that are read piece by piece."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Moments:
    """Per channel, (C,) float64."""

    mean: np.ndarray
    variance: np.ndarray

    @staticmethod
    def of(pieces: Callable[[], Iterator[np.ndarray]]) -> "Moments":
        """Of all frames of the pieces (t, C), which are read twice."""
        count, total = 0, np.float64(0.0)
        for piece in pieces():
            count, total = count + len(piece), total + piece.sum(0, dtype=np.float64)
        mean = total / count
        squares = sum(np.square(piece - mean).sum(0) for piece in pieces())
        return Moments(np.asarray(mean), np.asarray(squares / count))

    @staticmethod
    def mixed(parts: Sequence["Moments"], shares: Sequence[float]) -> "Moments":
        """Of a mixture of groups; shares: of each, 1 together."""
        mean = sum(share * part.mean for part, share in zip(parts, shares, strict=True))
        square = sum(
            share * (part.variance + np.square(part.mean))
            for part, share in zip(parts, shares, strict=True)
        )
        return Moments(np.asarray(mean), np.asarray(square - np.square(mean)))

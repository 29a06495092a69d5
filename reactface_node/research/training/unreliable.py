"""Stretches in which a tracker reads a face badly, and the errors that its reliability means."""

import numpy as np

from reactface_node.perception.reliability import (
    COVERED,
    COVERED_SHARES,
    DETAIL,
    GRAIN,
    OUTSIDE,
    PARTS,
    SIZE,
    TURNED,
)
from reactface_node.schema import NUM_COEFFICIENTS

UNRELIABLE_SHARE = 0.35
"""Crops of which a stretch, or all, is read badly; chosen, as the numbers below."""
CONDITIONS = (SIZE, DETAIL, GRAIN, TURNED, OUTSIDE)
LASTING = 3
"""The first so many conditions last for the whole crop: size, detail and noise."""
HAND_SHARE, HAND_PARTS = 0.2, 3
"""Share of the bad crops with a hand before the face, and how many parts it covers at most."""
SLOW_FRAMES = 25
"""Frames between the independent values of slow noise."""
SLOW = 0.7
"""Share of the deviation of a bad reading that is slow: most errors last."""


def drawn_reliability(rng: np.random.Generator, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The true coefficients (B, T, 58) -> each channel's reliability, and the errors that it
    stands for, both (B, T, 58).

    A reliability r is mean(read * true) / mean(read * read). With an error of its own for each
    channel, that is T / (T + E) with the mean squares T of the truth and E of the error.
    """
    size, frames, channels = truth.shape
    found = np.ones(truth.shape)
    for index in np.flatnonzero(rng.random(size) < UNRELIABLE_SHARE):
        stretch, factor = _condition(rng, frames)
        found[index, stretch] = factor
    strength = np.sqrt((1.0 - found) / found) * np.sqrt(np.square(truth).mean(1, keepdims=True))
    quick = (1.0 - SLOW**2) ** 0.5 * rng.standard_normal(truth.shape)
    return found, strength * (SLOW * slow_noise(rng, size, frames, channels) + quick)


def slow_noise(rng: np.random.Generator, size: int, frames: int, channels: int) -> np.ndarray:
    """(B, T, C) of deviation about 1: linear between independent normal values."""
    values = rng.standard_normal((size, frames // SLOW_FRAMES + 2, channels))
    at = np.arange(frames) / SLOW_FRAMES + rng.random()
    index = at.astype(int).clip(0, values.shape[1] - 2)
    share = (at - index)[:, None]
    between = (1.0 - share) * values[:, index] + share * values[:, index + 1]
    noise: np.ndarray = between / np.sqrt((1.0 - share) ** 2 + share**2)
    return noise


def _condition(rng: np.random.Generator, frames: int) -> tuple[slice, np.ndarray]:
    """The frames that are read badly, and the reliability of each channel there, (58,)."""
    begin, end = sorted(rng.integers(0, frames + 1, 2).tolist())
    if rng.random() < HAND_SHARE:
        return slice(begin, end), _covered(rng)
    chosen = int(rng.integers(len(CONDITIONS)))
    factor = CONDITIONS[chosen]
    span = slice(0, frames) if chosen < LASTING else slice(begin, end)
    return span, factor.of(float(rng.uniform(factor.at[0], factor.at[-1])))


def _covered(rng: np.random.Generator) -> np.ndarray:
    """(58,) reliability of a face with a hand before a few of its parts."""
    covered = np.zeros(NUM_COEFFICIENTS)
    for part in rng.permutation(len(PARTS))[: rng.integers(1, HAND_PARTS + 1)]:
        covered[PARTS[part][1]] = rng.random()
    return np.interp(covered, COVERED_SHARES, COVERED)

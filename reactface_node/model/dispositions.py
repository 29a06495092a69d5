"""Dispositions: the random vectors that describe the M listeners of a session."""

import numpy as np


def spread_apart(drawn: np.ndarray) -> np.ndarray:
    """Standard normal vectors (B, M, S) -> the same shape, orthogonal in groups of S samples.

    Within a group each vector is orthogonal to those before it, by Gram-Schmidt with the lengths
    kept. Each one is still standard normal and does not depend on how many follow, but no two of a
    group are alike by chance (orthogonal sampling: Yu et al. 2016, random features).
    """
    size = drawn.shape[-1]
    apart = drawn.copy()
    for index in range(drawn.shape[1] if size else 0):
        left = drawn[:, index]
        for other in np.moveaxis(apart[:, index // size * size : index], 1, 0):
            share = (left * other).sum(-1, keepdims=True) / (other**2).sum(-1, keepdims=True)
            left = left - share * other
        lengths = [np.linalg.norm(x, axis=-1, keepdims=True) for x in (drawn[:, index], left)]
        apart[:, index] = lengths[0] / lengths[1] * left
    return apart

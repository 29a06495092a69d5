"""Who the listeners of a session are."""

import numpy as np


def spread_apart(drawn: np.ndarray) -> np.ndarray:
    """(B, M, S) standard normal -> the same, each sample orthogonal to the S - 1 before it.

    Any one of them is still standard normal, and does not depend on how many follow it; but no
    two are alike by chance (orthogonal sampling, as in Yu et al. 2016's random features).
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

"""Random numbers that follow from the seed and from what was seen and heard.

Every random process of every sample has a generator of its own in each window of the model. Two
sessions of one seed with different speakers so have the same listeners, but not the same course.
"""

import numpy as np

from reactface_node.model.dispositions import spread_apart

NOISE = 0
"""The process of the model's noise; ``session.playout`` numbers its own from 1."""


def session_generator(seed: int, sample: int, process: int) -> np.random.Generator:
    """The generator of what a listener keeps for a whole session."""
    return np.random.default_rng([seed, sample, process])


def window_generator(
    seed: int, sample: int, process: int, window: int, digest: int
) -> np.random.Generator:
    """The generator of one process in one window of the model.

    seed: below 2**31. window: its number. digest: of all that was seen and heard before it, 32
    bits.
    """
    key = 0
    for number, bits in ((seed, 32), (sample, 16), (process, 16), (window, 32), (digest, 32)):
        key = key << bits | number & (1 << bits) - 1
    # A counter-based generator takes its key as it is; nothing is computed before the first draw.
    return np.random.Generator(np.random.Philox(key=key))


def model_noise(seed: int, samples: int, width: int, window: int, digest: int) -> np.ndarray:
    """(M, width) standard normal numbers for one window of the model."""
    drawn = (window_generator(seed, m, NOISE, window, digest) for m in range(samples))
    return np.stack([rng.standard_normal(width, np.float32) for rng in drawn])


def dispositions(seed: int, samples: int, width: int) -> np.ndarray:
    """(M, width) the listeners of a seed, drawn once for a session; see ``spread_apart``."""
    generators = (session_generator(seed, m, NOISE) for m in range(samples))
    drawn = np.stack([rng.standard_normal(width, np.float32) for rng in generators])
    apart: np.ndarray = spread_apart(drawn[None])[0]
    return apart

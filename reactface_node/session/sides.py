"""Faces are not symmetric: each listener smiles more on one side."""

import numpy as np

from reactface_node.schema import indices_of

SMILE_SIDES, CHEEK_SIDES = 0.09, 0.21
"""Mean difference of left and right as a share of a smile and of raised cheeks (ARKit recordings).
Brows have none."""
MOST = 0.4
MEAN_OF_ABSOLUTE = 0.8
"""Of a normal number, as a share of its deviation."""
CHANNELS = (indices_of("mouthSmile"), indices_of("cheekSquint"))


class Sides:
    """The differences of one listener, which stay for a session."""

    def __init__(self, rng: np.random.Generator):
        spread = np.array([SMILE_SIDES, CHEEK_SIDES]) / MEAN_OF_ABSOLUTE
        self._shares = np.clip(spread * rng.standard_normal(2), -MOST, MOST)

    def lean(self, face: np.ndarray, amount: float) -> None:
        """Make one side of smiles and cheeks of (n, 58) stronger and the other weaker, in place.

        amount: 0 none, 1 as people.
        """
        for (left, right), share in zip(CHANNELS, amount * self._shares, strict=True):
            face[:, left] *= 1.0 + share / 2.0
            face[:, right] *= 1.0 - share / 2.0

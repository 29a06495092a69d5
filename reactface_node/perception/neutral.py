"""What a person's face looks like at rest, learned while it is seen."""

from collections import deque

import numpy as np

from reactface_node.perception.measures import NAMES, REST_QUANTILES

SAMPLE_PERIOD_S = 0.2
KEPT = 300  # a minute of samples: old enough to outlast a smile, short enough to follow the light
POSE = 6

# A generic adult face, used until the person's own has been seen.
_PRIOR = {
    "gap": 1.0, "chin": 66.0, "width": 58.0, "pout": -5.8, "upper": -6.2, "lower": 31.0,
    "brow_gap": 25.0, "open": 0.27, "inner": 18.3, "outer": 15.8, "corner_up": -19.5,
    "corner_out": 29.0, "lip_up": -15.5, "lip_down": 39.0, "cheek": -22.5, "sneer": -38.0,
    "look_out": 0.0, "look_up": 0.02,
}  # fmt: skip
# Faces differ by this much from the generic one at rest; what differs more is an expression,
# however long it is held. Millimetres, or shares of the eye's width.
_SPREAD_MM = 8.0
_SPREADS = {"open": 0.12, "look_out": 0.10, "look_up": 0.10, "chin": 12.0, "width": 16.0}


def spread() -> np.ndarray:
    """How far a neutral measure may lie from ``prior``, (len(NAMES),)."""
    return np.array([_SPREADS.get(_stem(name), _SPREAD_MM) for name in NAMES])


def _stem(name: str) -> str:
    return name.removesuffix("Left").removesuffix("Right")


def prior() -> np.ndarray:
    """The generic face's measures, (len(NAMES),)."""
    return np.array([_PRIOR[_stem(name)] for name in NAMES])


class RunningNeutral:
    """Per-measure quantiles of the last minute; the generic face fades out over ``neutral_s``.

    Usable from the first frame. The pose's neutral is its median.
    """

    def __init__(self, neutral_s: float):
        self._neutral_s = neutral_s
        self._quantiles = np.array([REST_QUANTILES.get(name, 0.5) for name in NAMES])
        self._seen: deque[np.ndarray] = deque(maxlen=KEPT)
        self._prior, self._spread = prior(), spread()
        self._first_s = self._sampled_s = -np.inf
        self.measures = self._own = self._prior
        self.pose = np.zeros(POSE)

    def see(self, stamp_s: float, measures: np.ndarray, pose: np.ndarray) -> None:
        """Learn from a frame: measures (len(NAMES),), pose (6,) angles and position."""
        if not self._seen:
            self._first_s = stamp_s
        if stamp_s - self._sampled_s >= SAMPLE_PERIOD_S:
            self._sampled_s = stamp_s
            self._seen.append(np.concatenate([measures, pose]))
            self._learn()
        # The first frame weighs half already: faces differ more than expressions do.
        trust = 0.5 + 0.5 * min(1.0, (stamp_s - self._first_s) / self._neutral_s)
        self.measures = (1.0 - trust) * self._prior + trust * self._own

    def _learn(self) -> None:
        seen = np.sort(np.stack(self._seen), axis=0)
        count = len(self._prior)
        rows = np.round(self._quantiles * (len(seen) - 1)).astype(int)
        rest = seen[rows, np.arange(count)]
        self._own = np.clip(rest, self._prior - self._spread, self._prior + self._spread)
        self.pose = np.median(seen[:, count:], axis=0)

"""What a person's face looks like at rest, learned while it is seen."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from reactface_node.perception.measures import NAMES
from reactface_node.schema import ARKIT_NAMES

SAMPLE_PERIOD_S = 0.2
KEPT = 300  # a minute of samples: old enough to outlast a smile, short enough to follow the light
POSE = 6

# A generic adult face, used until the person's own has been seen.
_TYPICAL = {
    "gap": 1.0,
    "chin": 66.0,
    "width": 58.0,
    "pout": -5.8,
    "upper": -6.2,
    "lower": 31.0,
    "brow_gap": 25.0,
    "open": 0.27,
    "inner": 18.3,
    "outer": 15.8,
    "corner_up": -19.5,
    "corner_out": 29.0,
    "lip_up": -15.5,
    "lip_down": 39.0,
    "cheek": -22.5,
    "sneer": -38.0,
    "look_out": 0.0,
    "look_up": 0.02,
}
# Expressions mostly push these one way, so rest lies towards the other end; eyes are open except
# when they blink. What is not named has its median.
_QUANTILES = {
    "gap": 0.3,
    "chin": 0.4,
    "open": 0.75,
    "width": 0.4,
    "corner_up": 0.4,
    "corner_out": 0.4,
    "lip_up": 0.4,
    "lip_down": 0.6,
    "cheek": 0.4,
    "sneer": 0.4,
}
# Faces differ by this much (below, above) from the generic one at rest; what differs more is an
# expression, however long it is held. Millimetres, or shares of the eye's width.
_SPREAD_MM = (8.0, 8.0)
_SPREADS = {
    "open": (0.09, 0.22),
    "look_out": (0.10, 0.10),
    "look_up": (0.10, 0.10),
    "chin": (12.0, 12.0),
    "width": (16.0, 16.0),
}


@dataclass(frozen=True, eq=False)
class Rest:
    """What rest may look like, each (n,): the generic face, which quantile of what is seen is
    rest, and how far a person's own may lie below and above the generic one."""

    typical: np.ndarray
    quantile: np.ndarray
    below: np.ndarray
    above: np.ndarray


def measured_rest() -> Rest:
    """For ``measures.measure``'s numbers, n = len(NAMES)."""
    stems = [name.removesuffix("Left").removesuffix("Right") for name in NAMES]
    spreads = np.array([_SPREADS.get(stem, _SPREAD_MM) for stem in stems])
    return Rest(
        typical=np.array([_TYPICAL[stem] for stem in stems]),
        quantile=np.array([_QUANTILES.get(stem, 0.5) for stem in stems]),
        below=spreads[:, 0],
        above=spreads[:, 1],
    )


def blendshape_rest() -> Rest:
    """For a model's own 52 blendshapes, which are seldom 0 on a face at rest."""
    count = len(ARKIT_NAMES)
    return Rest(np.zeros(count), np.full(count, 0.3), np.zeros(count), np.full(count, 0.3))


class RunningNeutral:
    """Per-value quantiles of the last minute; the generic face fades out over ``neutral_s``.

    Usable from the first frame. The pose's neutral is its median.
    """

    def __init__(self, neutral_s: float, rest: Rest):
        self._neutral_s = neutral_s
        self._rest = rest
        self._quantiles = np.concatenate([rest.quantile, np.full(POSE, 0.5)])
        self._seen: deque[np.ndarray] = deque(maxlen=KEPT)
        self._first_s = self._sampled_s = -np.inf
        self.values = self._own = rest.typical
        self.pose = np.zeros(POSE)

    def see(self, stamp_s: float, values: np.ndarray, pose: np.ndarray) -> None:
        """Learn from a frame: (n,) values, NaN where it has nothing to teach; pose (6,)."""
        if not self._seen:
            self._first_s = stamp_s
        if stamp_s - self._sampled_s >= SAMPLE_PERIOD_S:
            self._sampled_s = stamp_s
            self._seen.append(np.concatenate([values, pose]))
            self._learn()
        # The first frame weighs half already: faces differ more than expressions do.
        trust = 0.5 + 0.5 * min(1.0, (stamp_s - self._first_s) / self._neutral_s)
        self.values = (1.0 - trust) * self._rest.typical + trust * self._own

    def _learn(self) -> None:
        seen = np.sort(np.stack(self._seen), axis=0)  # NaN last
        known = (~np.isnan(seen)).sum(axis=0)
        rows = np.round(self._quantiles * np.maximum(known - 1, 0)).astype(int)
        found = seen[rows, np.arange(seen.shape[1])]
        own, self.pose = found[:-POSE], found[-POSE:]
        typical = self._rest.typical
        own = np.where(np.isnan(own), typical, own)
        self._own = np.clip(own, typical - self._rest.below, typical + self._rest.above)

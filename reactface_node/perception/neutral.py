"""Neutral face: learns a person's face at rest from the frames seen so far."""

from collections import deque
from dataclasses import dataclass

import numpy as np

from reactface_node.perception.measures import NAMES
from reactface_node.schema import ARKIT_NAMES, stem_of

SAMPLE_PERIOD_S = 0.2
"""Period at which frames are kept as samples."""
KEPT = 300
"""Samples kept: a minute, longer than a smile, and short enough to follow changes of the light."""
POSE = 6
"""Numbers of a pose: three angles (rad), three coordinates (m)."""

# A generic adult face, used until the person's own face is known: millimetres, for eyes eye
# widths. Set by hand; no record of the source exists.
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
# Quantile of the samples that is taken as rest. Expressions change these distances mostly in one
# direction, so rest lies towards the other end. Others use the median. Found by trial (see
# ``measures``): a held smile, closed eyes and a hand before the face must not become the rest.
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
# Largest difference (below, above) of a resting face from the generic one; a larger difference is
# an expression, however long it is held. Millimetres, for eyes eye widths. Found by trial: the
# first, smaller values cut off the faces of real people.
_SPREAD_MM = (8.0, 8.0)
_SPREADS = {
    "open": (0.09, 0.22),
    "look_out": (0.10, 0.10),
    "look_up": (0.10, 0.10),
    "chin": (12.0, 12.0),
    "width": (16.0, 16.0),
}
# Highest weight that the Face Landmarker's blendshapes have on a resting face, where that is more
# than 0.3. It takes the form of brows and eyes for an expression: on labelled neutral faces it gave
# browInnerUp up to 0.80, browDown 0.68, eyeSquint 0.70, browOuterUp 0.42.
_MOST_AT_REST = {
    "browInnerUp": 0.85,
    "browDown": 0.75,
    "eyeSquint": 0.75,
    "browOuterUp": 0.5,
}


@dataclass(frozen=True, eq=False)
class Rest:
    """Rules for a neutral face, each (n,).

    typical: the generic face. quantile: the quantile of the samples that is the rest. below, above:
    how far a person's rest may lie from the generic face.
    """

    typical: np.ndarray
    quantile: np.ndarray
    below: np.ndarray
    above: np.ndarray


def measured_rest() -> Rest:
    """The rules for the distances of ``measures.measure``, n = len(NAMES)."""
    stems = [stem_of(name) for name in NAMES]
    spreads = np.array([_SPREADS.get(stem, _SPREAD_MM) for stem in stems])
    return Rest(
        typical=np.array([_TYPICAL[stem] for stem in stems]),
        quantile=np.array([_QUANTILES.get(stem, 0.5) for stem in stems]),
        below=spreads[:, 0],
        above=spreads[:, 1],
    )


def blendshape_rest() -> Rest:
    """The rules for a model's own 52 blendshapes, which are seldom 0 at rest; found by trial."""
    count = len(ARKIT_NAMES)
    stems = [stem_of(name) for name in ARKIT_NAMES]
    most = np.array([_MOST_AT_REST.get(stem, 0.3) for stem in stems])
    return Rest(np.zeros(count), np.full(count, 0.3), np.zeros(count), most)


class RunningNeutral:
    """The neutral face of one person: quantiles over the last minute of samples.

    values: (n,) neutral values, usable from the first frame. They begin half way between the
    generic face and the person's and reach the person's after ``neutral_s``. pose: (6,) median.
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
        """Learn from a frame: values (n,), NaN where nothing may be learned, and pose (6,)."""
        if not self._seen:
            self._first_s = stamp_s
        if stamp_s - self._sampled_s >= SAMPLE_PERIOD_S:
            self._sampled_s = stamp_s
            self._seen.append(np.concatenate([values, pose]))
            self._learn()
        # The first frame counts half at once: faces differ more than expressions do.
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

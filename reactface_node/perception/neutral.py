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
MEASURED_PRIOR_S, LEARNED_PRIOR_S = 0.05, 0.02
"""The prior counts as much as so many seconds at rest: resting faces differ from each other more
than the resting face of one person from image to image, a model's blendshapes above all."""
GROUPS = ("brow", "eye", "mouth")
"""Parts of the face that are at rest or not, each for itself."""

# Median of the resting faces of 22 people: real ones, on videos and photographs, that do not smile,
# speak or blink by the Face Landmarker's blendshapes. Millimetres, for eyes eye widths.
_PRIOR = {
    "gap": 0.1,
    "chin": 60.9,
    "width": 44.2,
    "pout": -2.5,
    "upper": -6.2,
    "lower": 30.9,
    "brow_gap": 22.7,
    "open": 0.30,
    "inner": 16.3,
    "outer": 13.2,
    "corner_up": -21.2,
    "corner_out": 21.9,
    "lip_up": -15.3,
    "lip_down": 35.4,
    "cheek": -22.4,
    "sneer": -37.2,
    "look_out": -0.01,
    "look_up": 0.06,
}
# Largest difference of a resting face from the prior; a larger difference is an expression, however
# long it is held. About three standard deviations of the 22 people.
_LIMIT_MM = 8.0
_LIMITS = {
    "gap": 5.0,
    "chin": 13.0,
    "width": 9.0,
    "open": 0.15,
    "look_out": 0.15,
    "look_up": 0.12,
}
# Highest weight that the Face Landmarker's blendshapes have on a resting face, where that is more
# than 0.15. It takes the form of brows, eyes and lips for an expression: on labelled neutral faces
# it gave browInnerUp up to 0.80, browDown 0.71, eyeSquint 0.70, mouthRollLower 0.61.
_LIMIT_WEIGHT = 0.15
_LIMIT_WEIGHTS = {
    "browInnerUp": 0.85,
    "browDown": 0.75,
    "eyeSquint": 0.75,
    "browOuterUp": 0.6,
    "eyeBlink": 0.4,
    "mouthPucker": 0.45,
}


@dataclass(frozen=True, eq=False)
class Rest:
    """What is known about resting faces before the person is seen, each (n,).

    prior: the mean resting face; it counts as much as prior_s seconds at rest. below, above: how
    far a person's rest may lie from it. group: index of each value's part of the face in
    ``GROUPS``.
    """

    prior: np.ndarray
    below: np.ndarray
    above: np.ndarray
    group: np.ndarray
    prior_s: float


def group_of(name: str) -> int:
    """Index in ``GROUPS`` of a distance of ``measures.NAMES`` or of a blendshape."""
    stem = stem_of(name)
    if stem.startswith("brow") or stem in ("inner", "outer"):
        return GROUPS.index("brow")
    if stem.startswith("eye") or stem in ("open", "look_out", "look_up"):
        return GROUPS.index("eye")
    return GROUPS.index("mouth")


def measured_rest() -> Rest:
    """The rules for the distances of ``measures.measure``, n = len(NAMES)."""
    stems = [stem_of(name) for name in NAMES]
    limits = np.array([_LIMITS.get(stem, _LIMIT_MM) for stem in stems])
    prior = np.array([_PRIOR[stem] for stem in stems])
    group = np.array([group_of(name) for name in NAMES])
    return Rest(prior, limits, limits, group, MEASURED_PRIOR_S)


def blendshape_rest() -> Rest:
    """The rules for a model's own 52 blendshapes, which are seldom 0 at rest; found by trial."""
    most = [_LIMIT_WEIGHTS.get(stem_of(name), _LIMIT_WEIGHT) for name in ARKIT_NAMES]
    zeros = np.zeros(len(ARKIT_NAMES))
    group = np.array([group_of(name) for name in ARKIT_NAMES])
    return Rest(zeros, zeros, np.array(most), group, LEARNED_PRIOR_S)


class RunningNeutral:
    """The neutral face of one person: weighted medians over the last minute of samples.

    values: (n,) neutral values, usable from the first frame. They begin near the prior and reach
    the person's own within a few samples at rest. pose: (6,) median.
    """

    def __init__(self, rest: Rest):
        self._rest = rest
        self._seen: deque[np.ndarray] = deque(maxlen=KEPT)
        self._counts: deque[np.ndarray] = deque(maxlen=KEPT)
        self._sampled_s = -np.inf
        self.values = rest.prior
        self.pose = np.zeros(POSE)

    def see(
        self, stamp_s: float, values: np.ndarray, pose: np.ndarray, at_rest: np.ndarray
    ) -> bool:
        """Learn from a frame: values (n,), NaN where nothing may be learned, pose (6,), and how
        much each of ``GROUPS`` is at rest, (3,) in [0, 1]. Whether the frame was a sample."""
        if stamp_s - self._sampled_s < SAMPLE_PERIOD_S:
            return False
        self._sampled_s = stamp_s
        counts = np.where(np.isnan(values), 0.0, at_rest[self._rest.group])
        self._seen.append(np.concatenate([np.nan_to_num(values), pose]))
        self._counts.append(np.concatenate([counts, np.ones(POSE)]))
        seen, weights = np.stack(self._seen), np.stack(self._counts)
        middle = weighted_median(seen, weights)
        own, self.pose = middle[:-POSE], middle[-POSE:]
        prior = self._rest.prior
        own = np.clip(own, prior - self._rest.below, prior + self._rest.above)
        at_rest_s = SAMPLE_PERIOD_S * weights[:, :-POSE].sum(axis=0)
        share = at_rest_s / (at_rest_s + self._rest.prior_s)
        self.values = (1.0 - share) * prior + share * own
        return True


def weighted_median(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Rows (m, n) with weights (m, n) >= 0 -> the weighted median of each column (n,)."""
    order = np.argsort(rows, axis=0, kind="stable")
    summed = np.take_along_axis(weights, order, axis=0).cumsum(axis=0)
    row = (summed < 0.5 * summed[-1]).sum(axis=0)
    column = np.arange(rows.shape[1])
    middle: np.ndarray = rows[order[np.minimum(row, len(rows) - 1), column], column]
    return middle

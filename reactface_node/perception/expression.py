"""The expression of one person: blendshape weights relative to their own neutral face."""

import numpy as np

from reactface_node.perception.face import Face
from reactface_node.perception.fusion import fused
from reactface_node.perception.kinds import KindReader, smile_belief
from reactface_node.perception.measures import learnable, measure, weights
from reactface_node.perception.neutral import (
    GROUPS,
    SAMPLE_PERIOD_S,
    RunningNeutral,
    blendshape_rest,
    group_of,
    measured_rest,
)
from reactface_node.schema import ARKIT_NAMES, indices_of, stem_of

LEAST_ROOM = 0.5
"""The least range above the rest that counts as weight 1 of a model's own blendshape."""
CALM, MOVING = 0.2, 0.4
"""A part of the face is at rest while its blendshapes are below the first, and in expression above
the second; between them it is partly at rest."""
LEAST_REST = 0.02
"""How much a face in expression counts as at rest: a neutral face that was learned wrongly, as from
a pout that is held from the first image on, is corrected in the end."""

# Blendshapes whose values mean much the same on all faces. They count from the first image on; the
# others only as far as the person's neutral face is known. A model's own lips count too.
_ABSOLUTE = ("mouthSmile", "jawOpen", "eyeBlink")
_ABSOLUTE_LEARNED = ("mouthUpperUp", "mouthLowerDown")
_STEMS = np.array([stem_of(name) for name in ARKIT_NAMES])
_GATED = ~np.isin(_STEMS, _ABSOLUTE)
_GATED_LEARNED = _GATED & ~np.isin(_STEMS, _ABSOLUTE_LEARNED)
_GROUP = np.array([group_of(name) for name in ARKIT_NAMES])
_IS_GAZE = np.array([name.startswith("eyeLook") for name in ARKIT_NAMES])
_SMILE = indices_of("mouthSmile")
# What shows in a model's blendshapes, before their rest is taken off, that a face is not at rest.
_UNREST = np.isin(_STEMS, (*_ABSOLUTE, *_ABSOLUTE_LEARNED, "mouthStretch"))
_BROW, _EYE, _MOUTH = range(len(GROUPS))


class ExpressionReader:
    """Reads one person's expression from landmarks and, where they are there, learned blendshapes
    and emotions."""

    def __init__(self, neutral_s: float):
        """neutral_s: seconds at rest after which the learned neutral face counts fully."""
        self._neutral_s = neutral_s
        self._measured = RunningNeutral(measured_rest())
        self._learned = RunningNeutral(blendshape_rest())
        self._kinds = KindReader()
        self._rested_s = np.zeros(len(GROUPS))
        self._last_s: float | None = None

    @property
    def pose(self) -> np.ndarray:
        """The neutral pose: angles (rad) and position (m), (6,)."""
        return self._measured.pose

    def read(
        self, stamp_s: float, shape: np.ndarray, face: Face, pose: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Landmarks (478, 3) in metres on the generic face, the finder's face, pose (6,) ->
        weights (52,) in [0, 1] and probabilities of ``KINDS`` (9,)."""
        distances = measure(shape)
        named = None if face.shapes is None else named_weights(face.shapes)
        found = self._weights(distances, named)
        if self._learn(stamp_s, found, distances, named, pose):
            found = self._weights(distances, named)
        found = self._known(found, named)
        corners = float(found[_SMILE].mean())
        if face.emotions is not None:
            found[_SMILE] *= smile_belief(face.emotions)
        return found, self._kinds.read(stamp_s, found, corners, face.emotions)

    def _learn(
        self,
        stamp_s: float,
        found: np.ndarray,
        distances: np.ndarray,
        named: tuple[np.ndarray, np.ndarray] | None,
        pose: np.ndarray,
    ) -> bool:
        """Learn the neutral face, of those parts of the face that are at rest by the weights found
        (52,); returns whether it has changed."""
        at_rest = rest_shares(self._known(found, named), None if named is None else named[0])
        past_s = 0.0 if self._last_s is None else stamp_s - self._last_s
        self._last_s = stamp_s
        self._rested_s += at_rest * min(max(past_s, 0.0), SAMPLE_PERIOD_S)
        taught = learnable(distances, self._measured.values)
        changed = self._measured.see(stamp_s, taught, pose, at_rest)
        if named is not None:
            changed |= self._learned.see(stamp_s, named[0], pose, at_rest)
        return changed

    def _weights(
        self, distances: np.ndarray, named: tuple[np.ndarray, np.ndarray] | None
    ) -> np.ndarray:
        """Weights (52,) relative to the neutral face."""
        measured = weights(distances, self._measured.values)
        if named is None:
            return measured
        values, given = named
        rest = self._learned.values
        # A high rest leaves little room above it: it would be all noise at full scale.
        learned = (values - rest) / np.maximum(1.0 - rest, LEAST_ROOM)
        return fused(measured, learned.clip(0.0, 1.0), given)

    def _known(self, found: np.ndarray, named: tuple[np.ndarray, np.ndarray] | None) -> np.ndarray:
        """Weights (52,) as far as the person's neutral face is known."""
        known = np.minimum(self._rested_s / self._neutral_s, 1.0)
        return as_known(found, known, named is not None)


def as_known(found: np.ndarray, known: np.ndarray, learned: bool) -> np.ndarray:
    """Weights (52,), as far as the neutral face of each of ``GROUPS`` is known: (3,) in [0, 1].
    learned: whether a model's own blendshapes are among the weights."""
    return np.where(_GATED_LEARNED if learned else _GATED, known[_GROUP] * found, found)


def rest_shares(found: np.ndarray, learned: np.ndarray | None) -> np.ndarray:
    """Weights (52,) and a model's own, before their rest is taken off -> how much each of
    ``GROUPS`` is at rest, (3,) in [``LEAST_REST``, 1]."""
    active = np.array([found[(group == _GROUP) & ~_IS_GAZE].max() for group in range(len(GROUPS))])
    if learned is not None:
        active[_MOUTH] = max(active[_MOUTH], learned[_UNREST].max())
    # A smile, an open mouth or a cry moves lids and brows as well.
    active[[_BROW, _EYE]] = np.maximum(active[[_BROW, _EYE]], active[_MOUTH])
    share: np.ndarray = (MOVING - active) / (MOVING - CALM)
    return share.clip(LEAST_REST, 1.0)


def named_weights(shapes: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Blendshapes by name -> weights (52,) in [0, 1] and which are given. Others are ignored."""
    given = np.array([name in shapes for name in ARKIT_NAMES])
    values = [min(max(shapes.get(name, 0.0), 0.0), 1.0) for name in ARKIT_NAMES]
    return np.array(values), given

"""FaceVerse's coefficients, which the released code and its renderer speak, and ours."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reactface_node.schema import NUM_COEFFICIENTS, ROTATION, TRANSLATION

MEAN_POSE = (3.191, 0.045, 0.002, -0.006, -0.018, 1.838)
"""Mean rotation (rad) and translation (model units) of the training set (model.md)."""
METRES_PER_UNIT = 0.16
"""On FaceVerse's mesh brows and chin are 0.83 units apart, on people about 13 cm. Its camera
agrees: at the mean distance 224 pixels show 1.4 units, of which a cropped face fills over half."""


@dataclass(frozen=True, eq=False)
class Space:
    """FaceVerse coefficients to ours and back: ours = (theirs - offset) * scale, each (58,).

    Expression: the same 52 ARKit weights in the same order, 0 at neutral in both, so nothing is
    done. Rotation: both are R = Rz Ry Rx on column vectors; FaceVerse's mesh has y down and z
    into the head, which its x angle of about pi turns round, and Rx(pi + d) = Rx(d) Rx(pi), so
    only the mean is taken off: x nods down, y turns to the subject's left, z tilts the left side
    up. Translation: FaceVerse's world has x to the right of the picture (the subject's left), y
    up and z towards the camera, as ours; the mean is taken off and units become metres. Metrics
    on the scale of published tables need ``to_faceverse``.
    """

    offset: np.ndarray
    scale: np.ndarray

    @staticmethod
    def of(mean_face: np.ndarray | None = None) -> "Space":
        """With the pose of a mean face, (58,) in FaceVerse's units, or with MEAN_POSE."""
        offset, scale = np.zeros(NUM_COEFFICIENTS), np.ones(NUM_COEFFICIENTS)
        offset[ROTATION.start :] = MEAN_POSE
        if mean_face is not None:
            offset[ROTATION.start :] = mean_face[ROTATION.start :]
        scale[TRANSLATION] = METRES_PER_UNIT
        return Space(offset, scale)

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Space":
        """As a conversion noted it (``store.load_facts``)."""
        return Space(np.array(facts["offset"]), np.array(facts["scale"]))

    def facts(self) -> dict[str, Any]:
        return {"offset": self.offset.tolist(), "scale": self.scale.tolist()}

    def to_ours(self, faceverse: np.ndarray) -> np.ndarray:
        """(..., 58) -> (..., 58) float32."""
        return ((faceverse - self.offset) * self.scale).astype(np.float32)

    def to_faceverse(self, ours: np.ndarray) -> np.ndarray:
        """(..., 58) -> (..., 58) float32."""
        return (ours / self.scale + self.offset).astype(np.float32)

"""Conversion between FaceVerse's coefficients (the released code's) and those of ``schema``."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from reactface_node.schema import NUM_COEFFICIENTS, ROTATION, TRANSLATION

MEAN_POSE = (3.191, 0.045, 0.002, -0.006, -0.018, 1.838)
"""Mean rotation (rad) and translation (FaceVerse units) of the paper's training set."""
METRES_PER_UNIT = 0.16
"""Measured: brows and chin of FaceVerse's mesh are 0.83 units apart, those of people about 13 cm.
Its camera agrees: at the mean distance 224 pixels show 1.4 units, of which a face fills half."""


@dataclass(frozen=True, eq=False)
class Space:
    """Conversion ours = (theirs - offset) * scale, with offset and scale (58,).

    Expression: both have the same 52 ARKit weights in the same order, with 0 at neutral. Rotation:
    both are R = Rz Ry Rx on column vectors. FaceVerse's mesh has y down and z into the head; its x
    angle of about pi turns it round, and Rx(pi + d) = Rx(d) Rx(pi), so only the mean is
    subtracted. Translation: FaceVerse's axes are ours (x to the right of the picture, y up, z to
    the camera); the mean is subtracted and units become metres. Metrics on the scale of published
    tables need ``to_faceverse``.
    """

    offset: np.ndarray
    scale: np.ndarray

    @staticmethod
    def of(mean_face: np.ndarray | None = None) -> "Space":
        """The conversion with the pose of a mean face (58,), in FaceVerse's units, or MEAN_POSE."""
        offset, scale = np.zeros(NUM_COEFFICIENTS), np.ones(NUM_COEFFICIENTS)
        offset[ROTATION.start :] = MEAN_POSE
        if mean_face is not None:
            offset[ROTATION.start :] = mean_face[ROTATION.start :]
        scale[TRANSLATION] = METRES_PER_UNIT
        return Space(offset, scale)

    @staticmethod
    def from_facts(facts: dict[str, Any]) -> "Space":
        """The conversion that ``facts`` wrote. KeyError if an entry is missing."""
        return Space(np.array(facts["offset"]), np.array(facts["scale"]))

    def facts(self) -> dict[str, Any]:
        """Offset and scale as plain lists, for a JSON file."""
        return {"offset": self.offset.tolist(), "scale": self.scale.tolist()}

    def to_ours(self, faceverse: np.ndarray) -> np.ndarray:
        """FaceVerse coefficients (..., 58) -> ours (..., 58) float32."""
        ours: np.ndarray = ((faceverse - self.offset) * self.scale).astype(np.float32)
        return ours

    def to_faceverse(self, ours: np.ndarray) -> np.ndarray:
        """Our coefficients (..., 58) -> FaceVerse's (..., 58) float32."""
        faceverse: np.ndarray = (ours / self.scale + self.offset).astype(np.float32)
        return faceverse

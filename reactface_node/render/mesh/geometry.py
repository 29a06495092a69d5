"""A neutral head and its ARKit blendshapes, in our axes and in metres."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.arrays import usable
from reactface_node.schema import ARKIT_NAMES

FACE_M = 0.125  # brows to chin
HEAD_M = 0.24  # chin to crown
NECK_M = 0.04  # of the neck, seen below the chin
PIVOT_M = 0.09  # the head turns about this point behind its face
LEAST_FACE = 0.25  # share of a mesh's height, for meshes with few shapes
CORE = 0.5
LARGEST_INDEX = 65535
"""skia's vertex indices have 16 bits."""


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """A head in the axes of ``schema.py``, which turns about the origin.

    vertices: (N, 3) float32, neutral, metres. triangles: (F, 3) int64, counter-clockwise from
    outside. names: the K ARKit weights that it can show. shapes: (K, 3N) float32, how far weight 1
    moves x, y and z of every vertex. lowest, highest: y of the part that is to be shown.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    names: tuple[str, ...]
    shapes: np.ndarray
    lowest: float
    highest: float

    def shaped(self, weights: np.ndarray) -> np.ndarray:
        """(K,) weights -> (N, 3) float32 vertices."""
        found: np.ndarray = self.vertices + (weights.astype(np.float32) @ self.shapes).reshape(
            -1, 3
        )
        return found


def face_mesh(
    source: str, vertices: np.ndarray, triangles: np.ndarray, shapes: Mapping[str, np.ndarray]
) -> FaceMesh:
    """vertices (N, 3) in any unit, x to the subject's left, y up, z out of the face; triangles (F,
    3) vertex indices; shapes: the offsets (N, 3) of weight 1 by ARKit name.

    UserError, one line that begins with the source, if they are no usable face.
    """
    if not usable(vertices).all() or not all(usable(shape).all() for shape in shapes.values()):
        raise UserError(f"{source} holds NaN or numbers beyond reason; export it again")
    if len(vertices) > LARGEST_INDEX:
        raise UserError(
            f"{source} has {len(vertices)} vertices and {LARGEST_INDEX} can be drawn; "
            "simplify the mesh"
        )
    names = tuple(name for name in ARKIT_NAMES if name in shapes)
    offsets = np.stack([shapes[name] for name in names])
    centre, scale = _placed(vertices, offsets)
    if not np.isfinite(scale):
        raise UserError(f"{source} is flat, or none of its shapes moves the neutral face")
    head = (vertices - centre) * scale
    low, high = head[:, 1].min(), head[:, 1].max()
    chin = -FACE_M / 2
    return FaceMesh(
        head.astype(np.float32),
        _outwards(head, triangles),
        names,
        (offsets * scale).reshape(len(names), -1).astype(np.float32),
        lowest=float(max(low, chin - NECK_M)),
        highest=float(min(high, chin + HEAD_M)),
    )


def _placed(vertices: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, float]:
    """The point that the head turns about, and metres per unit; infinite or NaN if there is no
    face.

    Meshes have any unit, and may have a neck and a skull or not. So the scale is taken from the
    part that the shapes move most, which is always the one from brows to chin.
    """
    far = np.linalg.norm(offsets, axis=2)
    face = vertices[(far > CORE * far.max(axis=1, keepdims=True)).any(axis=0)]
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    if not len(face) or not (high > low).all():
        return high, float("inf")
    bottom, top = face[:, 1].min(), face[:, 1].max()
    scale = FACE_M / max(top - bottom, LEAST_FACE * (high[1] - low[1]))
    # For x the whole mesh is used: a one-sided shape would move the middle.
    x, y, z = (low[0] + high[0]) / 2, (bottom + top) / 2, face[:, 2].max() - PIVOT_M / scale
    return np.array([x, y, z]), float(scale)


def _outwards(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The triangles, reversed if most of them face inwards."""
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    outside = (np.cross(b - a, c - a) * (a - vertices.mean(axis=0))).sum()
    return triangles if outside >= 0 else np.ascontiguousarray(triangles[:, ::-1])

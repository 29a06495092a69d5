"""A face in one image, as a landmark model finds it."""

from dataclasses import dataclass

import numpy as np

from reactface_node.perception.geometry import quarter_turned, to_pixels, turned_pose


@dataclass(frozen=True, eq=False)
class Face:
    """The output of a landmark model for one face.

    landmarks: (478, 3), x in image widths, y in image heights, z in image widths.
    shapes: blendshapes by name; None if the model gives none.
    pose: rotation (3, 3) and position (3,) in metres in our axes; None if the model gives none.
    emotions: probabilities of ``emotions.EMOTIONS`` (7,); None without the classifier.
    """

    landmarks: np.ndarray
    shapes: dict[str, float] | None = None
    pose: tuple[np.ndarray, np.ndarray] | None = None
    emotions: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Sighting:
    """A face with its position.

    size: (width, height) of the image in pixels. points: landmarks (478, 3) in pixels in our axes.
    rotation (3, 3) and place (3,) in metres, relative to the camera.
    """

    face: Face
    size: tuple[int, int]
    points: np.ndarray
    rotation: np.ndarray
    place: np.ndarray

    @property
    def box(self) -> np.ndarray:
        """Left, top, right, bottom of the face in the image, (4,) in pixels, y down."""
        places = self.points[:, :2] * [1.0, -1.0]
        return np.concatenate([places.min(0), places.max(0)])

    @property
    def to_camera(self) -> np.ndarray:
        """Direction from the face to the camera in the face's axes, a unit vector (3,)."""
        away: np.ndarray = self.rotation.T @ -self.place
        return away / max(float(np.linalg.norm(away)), 1e-9)


def turned_back(face: Face, size: tuple[int, int], turns: int) -> Face:
    """A face found in an image of size (width, height), which was rotated counter-clockwise by
    ``turns`` quarter turns -> the face in the image before that."""
    points, (width, height) = quarter_turned(to_pixels(face.landmarks, *size), size, -turns % 4)
    pose = None if face.pose is None else turned_pose(face.pose, -turns)
    landmarks = points / np.array([width, -height, -width])
    return Face(landmarks, face.shapes, pose, face.emotions)

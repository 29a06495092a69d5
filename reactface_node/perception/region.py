"""The square around a face that the landmark network sees, turned so that the eyes are level."""

from dataclasses import dataclass

import cv2
import numpy as np

from reactface_node.perception import detection, geometry
from reactface_node.perception.detection import Detection

MARGIN = 1.5
"""Side of the square, in sizes of the face."""
SAME = 1 / 3
"""Squares are of one face if their middles are nearer than this share of their sides: the face
reaches a third of the side from the middle."""


@dataclass(frozen=True, eq=False)
class Region:
    """middle: (2,) in pixels, y down. side: pixels. angle: of the eyes, clockwise, radians."""

    middle: np.ndarray
    side: float
    angle: float

    def is_of_same_face(self, other: "Region") -> bool:
        """Whether both squares are around one face."""
        away = float(np.hypot(*(self.middle - other.middle)))
        return away < SAME * max(self.side, other.side)

    def cut(self, rgb: np.ndarray, side_px: int) -> np.ndarray:
        """Image (H, W, 3) uint8 -> the square (side_px, side_px, 3) uint8; the image's edge goes on
        outside it."""
        to_image = self._to_image(side_px)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(
            rgb, to_image, (side_px, side_px), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )

    def placed(self, points: np.ndarray, side_px: int, size: tuple[int, int]) -> np.ndarray:
        """Points (n, 3) in pixels of the square -> in widths, heights and widths of an image of
        size (width, height)."""
        to_image = self._to_image(side_px)
        width, height = size
        places = points[:, :2] @ to_image[:, :2].T + to_image[:, 2]
        depths = points[:, 2:] * (self.side / side_px)
        placed: np.ndarray = np.concatenate([places, depths], axis=1) / [width, height, width]
        return placed

    def _to_image(self, side_px: int) -> np.ndarray:
        """Matrix (2, 3): pixels of the square -> pixels of the image."""
        zoom = self.side / side_px
        cos, sin = zoom * np.cos(self.angle), zoom * np.sin(self.angle)
        turn = np.array([[cos, -sin], [sin, cos]])
        return np.column_stack([turn, self.middle - turn @ [side_px / 2, side_px / 2]])


def region_of_detection(found: Detection) -> Region:
    """The square around a detected face."""
    eyes = found.points[[detection.RIGHT_EYE, detection.LEFT_EYE]]
    return _region(found.box[:2], found.box[2:], eyes)


def region_of_landmarks(landmarks: np.ndarray, size: tuple[int, int]) -> Region:
    """The square around landmarks (n, 3), in widths and heights of an image of size (width,
    height)."""
    places = landmarks[:, :2] * size
    eyes = places[[geometry.RIGHT_EYE, geometry.LEFT_EYE]]
    return _region(places.min(0), places.max(0), eyes)


def _region(low: np.ndarray, high: np.ndarray, eyes: np.ndarray) -> Region:
    across, down = eyes[1] - eyes[0]
    side = max(MARGIN * float((high - low).max()), 1.0)
    return Region((low + high) / 2, side, float(np.arctan2(down, across)))

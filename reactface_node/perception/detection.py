"""Face detector: the short-range BlazeFace network of the Face Landmarker's model file.

Bazarevsky et al. 2019, arXiv:1907.05047. The network gives a score, a box and six points for each
of 896 anchors; the boxes that overlap are averaged, weighted by their scores.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from reactface_node.perception.networks import Network

# Anchors: cells on a side, anchors a cell.
_GRIDS = ((16, 2), (8, 6))
_OVERLAP = 0.3
"""Intersection over union of boxes that are one face."""
_MOST_LOGIT = 80.0
RIGHT_EYE, LEFT_EYE = 0, 1


@dataclass(frozen=True, eq=False)
class Detection:
    """score: 0..1. box: left, top, right, bottom (4,); points: (6, 2), of which ``RIGHT_EYE`` is
    at the subject's right; both in pixels, y down."""

    score: float
    box: np.ndarray
    points: np.ndarray


class FaceDetector:
    """Finds faces that take more than about a tenth of the image's longer side."""

    def __init__(self, content: bytes, confidence: float):
        """content: the network, a .tflite file. confidence: least score. ValueError or RuntimeError
        if it is another network."""
        self._network = Network(content)
        self._side = self._network.shape[1]
        self._anchors = _anchors()
        self._least = confidence
        count = len(self._anchors)
        if self._network.output_shapes != [(1, count, 16), (1, count, 1)]:
            raise ValueError("the face detector is another network")

    def detect(self, rgb: np.ndarray) -> list[Detection]:
        """Image (H, W, 3) uint8 -> its faces, the surest first."""
        longer = max(rgb.shape[:2])
        picture, left, top = self._letterbox(rgb)
        values, logits = self._network.run_picture(picture, -1.0)
        scores = 1.0 / (1.0 + np.exp(-logits[0, :, 0].clip(-_MOST_LOGIT, _MOST_LOGIT)))
        (sure,) = np.nonzero(scores >= self._least)
        # Box (middle, size) and points, relative to the anchor, in pixels of the network's input.
        pairs = values[0, sure].reshape(-1, 8, 2) / self._side
        pairs[:, [0, *range(2, 8)]] += self._anchors[sure, None]
        corners = pairs[:, :1] + pairs[:, 1:2] * [[-0.5], [0.5]]
        places = np.concatenate([corners, pairs[:, 2:]], axis=1)
        pixels = (places * self._side - [left, top]) * (longer / self._side)
        return _merged(scores[sure], pixels)

    def _letterbox(self, rgb: np.ndarray) -> tuple[np.ndarray, int, int]:
        """The image in the middle of a black square, and its left and upper margins there."""
        height, width = rgb.shape[:2]
        scale = self._side / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        left, top = (self._side - size[0]) // 2, (self._side - size[1]) // 2
        picture = np.zeros((self._side, self._side, 3), np.uint8)
        inside = picture[top : top + size[1], left : left + size[0]]
        inside[:] = cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR)
        return picture, left, top


def _anchors() -> np.ndarray:
    """Middles of the anchors (896, 2), as shares of the network's input."""
    grids = []
    for cells, each in _GRIDS:
        middles = (np.arange(cells) + 0.5) / cells
        down, across = np.meshgrid(middles, middles, indexing="ij")
        grids.append(np.repeat(np.stack([across, down], -1).reshape(-1, 2), each, axis=0))
    anchors: np.ndarray = np.concatenate(grids).astype(np.float32)
    return anchors


def _merged(scores: np.ndarray, places: np.ndarray) -> list[Detection]:
    """Scores (n,) and corners and points (n, 8, 2) in pixels -> one detection a face."""
    found = []
    left = np.argsort(-scores)
    while len(left):
        overlaps = _overlaps(places[left[0], :2], places[left, :2])
        # The first one counts even if its box is empty.
        same = (overlaps > _OVERLAP) | (left == left[0])
        weights = scores[left[same]]
        mean = np.tensordot(weights / weights.sum(), places[left[same]], 1)
        found.append(Detection(float(scores[left[0]]), mean[:2].ravel(), mean[2:]))
        left = left[~same]
    return found


def _overlaps(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Corners (2, 2) and (n, 2, 2) -> intersection over union (n,)."""
    shared = np.minimum(box[1], boxes[:, 1]) - np.maximum(box[0], boxes[:, 0])
    common = shared.clip(0.0).prod(-1)
    union = (box[1] - box[0]).prod() + (boxes[:, 1] - boxes[:, 0]).prod(-1) - common
    ratio: np.ndarray = common / np.maximum(union, 1e-9)
    return ratio

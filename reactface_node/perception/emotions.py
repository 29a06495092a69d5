"""Emotion classifier: a small network that looks at the face's pixels.

Landmarks do not tell crying from smiling: both lift the corners of the mouth. The pixels do, by the
folds between the brows and around eyes and nose. The network is a mini-Xception (Arriaga et al.
2017, arXiv:1710.07557) of 93 KB, trained on FER2013; ``weights --download expression_classifier``
gets it.
"""

from pathlib import Path

import cv2
import numpy as np

from reactface_node.errors import UserError
from reactface_node.perception.networks import Network

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""The classes of the network, in its order."""
SIDE_PX = 64
LEFT_EYE, RIGHT_EYE = 263, 33


class EmotionClassifier:
    """Runs the network; it keeps nothing between images."""

    def __init__(self, model: Path):
        """UserError if the file is not such a network."""
        try:
            self._network = Network(model.read_bytes())
        except (OSError, RuntimeError, ValueError) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(f"{model} is no expression classifier ({why})") from error
        shapes = [self._network.shape, *self._network.output_shapes]
        if shapes != [(1, SIDE_PX, SIDE_PX, 1), (1, len(EMOTIONS))]:
            raise UserError(f"{model} is no expression classifier ({shapes[-1][-1]} classes)")

    def read(self, rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Image (H, W, 3) uint8 and a face's landmarks (n, 3), x and y in image widths and heights
        -> probabilities of ``EMOTIONS`` (7,)."""
        grey = upright_grey(rgb, landmarks)
        (shares,) = self._network.run_picture(grey[..., None], -1.0)[0]
        return np.asarray(shares)


def upright_grey(rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Image and landmarks as ``EmotionClassifier.read`` -> the face alone (64, 64) uint8, upright,
    as large as its landmarks reach; black outside the image."""
    size = np.array([rgb.shape[1], rgb.shape[0]])
    places = landmarks[:, :2] * size
    across, down = places[LEFT_EYE] - places[RIGHT_EYE]
    length = max(float(np.hypot(across, down)), 1e-6)
    upright = np.array([[across, down], [-down, across]]) / length
    turned = places @ upright.T
    low, high = turned.min(0), turned.max(0)
    zoom = SIDE_PX / max(float((high - low).max()), 1.0)
    middle = (low + high) / 2
    corner = np.floor(places.min(0)).astype(int).clip(0, size - 1)
    end = np.ceil(places.max(0)).astype(int).clip(corner + 1, size)
    face = cv2.cvtColor(rgb[corner[1] : end[1], corner[0] : end[0]], cv2.COLOR_RGB2GRAY)
    # warpAffine has no area sampling, which a face larger than the result needs.
    shrink = min(zoom, 1.0)
    small = cv2.resize(face, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    shrunk = np.array([small.shape[1], small.shape[0]]) / [face.shape[1], face.shape[0]]
    matrix = zoom * upright / shrunk
    shift = SIDE_PX / 2 - zoom * (middle - upright @ corner)
    return cv2.warpAffine(small, np.column_stack([matrix, shift]), (SIDE_PX, SIDE_PX))

"""Hands before the face: MediaPipe's Hands, where the mediapipe package carries its models."""

from collections.abc import Sequence
from typing import Any, Protocol

import cv2
import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.media.quiet import quiet_stderr, quiet_warnings
from reactface_node.perception.library import has_facemesh, import_mediapipe
from reactface_node.perception.memory import give_back

SEARCH_S = 0.5
"""Period of searching the image; a search takes about 7 ms of CPU."""
AGAIN_S = 0.1
"""The same after a first hand is found: only a second search in a row counts it. On 17 clips
without a hand before the face 1 % of the single searches found one, but never two in a row."""
CONFIDENCE = 0.5
MOST_HANDS = 2
FINGER = 0.12
"""Half the width of a finger in lengths of the hand: the landmarks lie in its middle."""
BLANK = np.zeros((96, 128, 3), np.uint8)


class Hands(Protocol):
    """Looks for hands."""

    def find(self, stamp_s: float, image: np.ndarray) -> list[np.ndarray]:
        """Outlines of the hands, (n, 2) pixels each, in an image (H, W, 3) uint8 RGB."""
        ...

    def reset(self) -> None:
        """Forget all hands."""

    def close(self) -> None:
        """Free the models."""


class NoHands:
    """Finds no hands."""

    def find(self, stamp_s: float, image: np.ndarray) -> list[np.ndarray]:
        """No hands."""
        return []

    def reset(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is held."""


class HandFinder:
    """Searches images for hands, a few times a second."""

    _found: list[np.ndarray]
    _counts: bool
    _searched_s: float

    def __init__(self) -> None:
        self.reset()
        with quiet_warnings(), quiet_stderr():
            self._model: Any = import_mediapipe().solutions.hands.Hands(
                static_image_mode=True,
                max_num_hands=MOST_HANDS,
                model_complexity=0,
                min_detection_confidence=CONFIDENCE,
            )
            # The models start, and write messages, with the first image.
            self._model.process(BLANK)

    def find(self, stamp_s: float, image: np.ndarray) -> list[np.ndarray]:
        """Outlines of the hands at the last searches, (n, 2) pixels each; image (H, W, 3) uint8."""
        period_s = AGAIN_S if self._found and not self._counts else SEARCH_S
        if not 0.0 <= stamp_s - self._searched_s < period_s:
            self._searched_s = stamp_s
            before = bool(self._found)
            self._found = self._search(image)
            self._counts = before and bool(self._found)
        size = image.shape[1], image.shape[0]
        return [one * size for one in self._found] if self._counts else []

    def reset(self) -> None:
        """Forget all hands."""
        self._found = []
        self._counts = False
        self._searched_s = -np.inf

    def close(self) -> None:
        """Free the models."""
        self._model.close()
        give_back()

    def _search(self, image: np.ndarray) -> list[np.ndarray]:
        with quiet_warnings():
            found = self._model.process(image).multi_hand_landmarks or []
        return [outline(np.array([(p.x, p.y) for p in hand.landmark])) for hand in found]


def outline(points: np.ndarray) -> np.ndarray:
    """Landmarks (21, 2) of a hand -> its convex outline (n, 2), wider by half a finger."""
    hull = cv2.convexHull(points.astype(np.float32))[:, 0]
    middle = hull.mean(axis=0)
    away = hull - middle
    far = np.linalg.norm(away, axis=1, keepdims=True)
    length = float(np.ptp(points, axis=0).max())
    wide: np.ndarray = middle + away * (1.0 + FINGER * length / np.maximum(far, 1e-6))
    return wide


def share_inside(outlines: Sequence[np.ndarray], points: np.ndarray) -> float:
    """Share of points (n, 2) that lie inside an outline."""
    outlines = [one.astype(np.float32) for one in outlines]
    inside = [
        any(cv2.pointPolygonTest(one, (float(x), float(y)), False) >= 0 for one in outlines)
        for x, y in points
    ]
    return float(np.mean(inside))


def choose_hands(config: PerceptionConfig) -> Hands:
    """Hands are looked for where faces are and where mediapipe carries the models."""
    return HandFinder() if config.max_faces > 0 and has_facemesh() else NoHands()

"""The Face Landmarker's networks in LiteRT: half of the time of MediaPipe's own graph of them.

As in that graph, a face that was found is looked for around its last place; the face detector
searches the image only if there is none, and now and then for others.
"""

from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.perception.detection import Detection, FaceDetector
from reactface_node.perception.emotions import EmotionClassifier
from reactface_node.perception.face import Face, turned_back
from reactface_node.perception.networks import Network
from reactface_node.perception.orientation import Orientation, turned
from reactface_node.perception.region import Region, region_of_detection, region_of_landmarks
from reactface_node.perception.shapes import (
    DAMAGE,
    DETECTOR,
    LANDMARKS,
    NUM_LANDMARKS,
    ShapeReader,
    no_model,
)


class LandmarkNetwork:
    """Finds 478 landmarks of the face in a region of an image."""

    def __init__(self, content: bytes):
        """content: the network, a .tflite file. ValueError or RuntimeError if it is another."""
        self._network = Network(content)
        self._side = self._network.shape[1]
        sizes = [int(np.prod(shape)) for shape in self._network.output_shapes[:2]]
        if sizes != [3 * NUM_LANDMARKS, 1]:
            raise ValueError("the landmark network is another one")

    def find(self, rgb: np.ndarray, region: Region) -> tuple[np.ndarray, float]:
        """Image (H, W, 3) uint8 -> landmarks (478, 3) as in ``Face``, and the probability that a
        face is there."""
        picture = region.cut(rgb, self._side)
        values, logit, *_ = self._network.run_picture(picture, 0.0)
        size = rgb.shape[1], rgb.shape[0]
        landmarks = region.placed(values.reshape(NUM_LANDMARKS, 3), self._side, size)
        return landmarks, float(1.0 / (1.0 + np.exp(-logit.item())))


class LandmarkerFinder:
    """Landmarks, blendshapes and pose by the Face Landmarker's model file; with the expression
    classifier's, emotions too."""

    _regions: list[Region]
    _orientation: Orientation

    def __init__(self, config: PerceptionConfig, model: Path, classifier: Path | None = None):
        """UserError if ``model`` is not a face landmarker model, or ``classifier`` is given and no
        expression classifier."""
        self._most, self._confidence = config.max_faces, config.min_confidence
        self._shapes = ShapeReader(model)
        try:
            with ZipFile(BytesIO(model.read_bytes())) as parts:
                self._detector = FaceDetector(parts.read(DETECTOR), config.min_confidence)
                self._network = LandmarkNetwork(parts.read(LANDMARKS))
        except DAMAGE as error:
            raise no_model(model, error) from error
        self._emotions = EmotionClassifier(classifier) if classifier is not None else None
        self._forget()

    def find(self, stamp_s: float, image: np.ndarray) -> list[Face]:
        """All faces in an image, (H, W, 3) contiguous uint8 RGB."""
        before = self._orientation.turns
        count = self._orientation.check(stamp_s, image)
        turns = self._orientation.turns
        if turns != before:
            self._regions = []
        shown = turned(image, turns)
        if not self._regions or (count or 0) > len(self._regions):
            self._add_regions(self._detector.detect(shown))
        size = shown.shape[1], shown.shape[0]
        found = self._look(shown, size)
        faces = [self._face(shown, landmarks, size) for landmarks in found]
        return [turned_back(face, size, turns) for face in faces] if turns else faces

    def reset(self) -> None:
        """Forget all faces."""
        self._forget()

    def close(self) -> None:
        """Nothing is held that is not freed with the finder."""

    def _forget(self) -> None:
        self._regions = []
        self._orientation = Orientation(self._scores)

    def _scores(self, image: np.ndarray) -> list[float]:
        return [found.score for found in self._detector.detect(image)]

    def _add_regions(self, detections: list[Detection]) -> None:
        """Look at detected faces too that are not followed yet, the surest first."""
        for found in detections:
            region = region_of_detection(found)
            if not any(region.is_of_same_face(other) for other in self._regions):
                self._regions.append(region)
        del self._regions[self._most :]

    def _look(self, shown: np.ndarray, size: tuple[int, int]) -> list[np.ndarray]:
        """The landmarks in each region that still has a face, around which the next image is
        looked at."""
        found: list[np.ndarray] = []
        regions: list[Region] = []
        for region in self._regions:
            landmarks, share = self._network.find(shown, region)
            if share < self._confidence or not np.isfinite(landmarks).all():
                continue
            follow = region_of_landmarks(landmarks, size)
            # Two regions may slide to one face.
            if not any(follow.is_of_same_face(other) for other in regions):
                regions.append(follow)
                found.append(landmarks)
        self._regions = regions
        return found

    def _face(self, shown: np.ndarray, landmarks: np.ndarray, size: tuple[int, int]) -> Face:
        shapes, pose = self._shapes.read(landmarks, size)
        emotions = None if self._emotions is None else self._emotions.read(shown, landmarks)
        return Face(landmarks, shapes, pose, emotions)

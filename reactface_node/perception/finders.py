"""Face finders: MediaPipe's FaceMesh solution, where a mediapipe that carries it is installed, and
otherwise the Face Landmarker's networks."""

from contextlib import nullcontext
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.files import resources
from reactface_node.media.quiet import quiet_stderr, quiet_warnings
from reactface_node.perception.emotions import EmotionClassifier
from reactface_node.perception.face import Face, turned_back
from reactface_node.perception.landmarker import LandmarkerFinder
from reactface_node.perception.library import has_facemesh, import_mediapipe, no_face_model
from reactface_node.perception.memory import give_back
from reactface_node.perception.orientation import Orientation, turned
from reactface_node.perception.shapes import ShapeReader
from reactface_node.perception.tracker import Finder

ALONE_S = 3.0
"""After this long with at most one face, only one face is tracked again."""
BLANK = np.zeros((96, 128, 3), np.uint8)
FIRST_IMAGES = 100
"""Images during which MediaPipe's own messages are suppressed, until the first face."""


class NoFinder:
    """Finds no face: the listener goes by voice."""

    def find(self, stamp_s: float, image: np.ndarray) -> list[Face]:
        """No faces."""
        return []

    def reset(self) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is held."""


class FaceMeshFinder:
    """The older FaceMesh solution, whose models are part of the mediapipe package.

    It finds landmarks; with the Face Landmarker's model file, blendshapes and pose too; with the
    expression classifier's, emotions.

    While FaceMesh tracks fewer faces than it may, it searches every image for more, which takes
    half as long again. So a FaceMesh for one face is used, a face detector looks for others every
    ``DETECT_S``, and only if there are some is a FaceMesh for several faces used.
    """

    def __init__(
        self,
        config: PerceptionConfig,
        model: Path | None = None,
        classifier: Path | None = None,
    ):
        """UserError if ``model`` is given and is not a face landmarker model, or ``classifier`` and
        is no expression classifier."""
        self._confidence = config.min_confidence
        self._most = config.max_faces
        self._shapes = ShapeReader(model) if model is not None else None
        self._emotions = EmotionClassifier(classifier) if classifier is not None else None
        self._open()

    def find(self, stamp_s: float, image: np.ndarray) -> list[Face]:
        """All faces in an image, (H, W, 3) contiguous uint8 RGB."""
        # MediaPipe writes a message with the first face. Not suppressed for longer, because stderr
        # of other threads is lost meanwhile.
        self._images += 1
        is_noisy = self._images < FIRST_IMAGES and not self._has_found
        quiet = quiet_stderr() if is_noisy else nullcontext()
        with quiet_warnings(), quiet:
            self._check_faces(stamp_s, image)
            turns = self._orientation.turns
            shown = turned(image, turns)
            found = self._mesh.process(shown).multi_face_landmarks or []
        self._has_found |= bool(found)
        size = shown.shape[1], shown.shape[0]
        faces = [self._face(face, shown, size) for face in found]
        return [turned_back(face, size, turns) for face in faces] if turns else faces

    def reset(self) -> None:
        """Forget all faces."""
        # New models: no state is left, so a replay gives the same numbers.
        self._close_mesh()
        self._open()

    def close(self) -> None:
        """Free the models."""
        self._close_mesh()

    def _face(self, found: Any, image: np.ndarray, size: tuple[int, int]) -> Face:
        landmarks = positions(found.landmark)
        shapes, pose = (None, None) if self._shapes is None else self._shapes.read(landmarks, size)
        emotions = None if self._emotions is None else self._emotions.read(image, landmarks)
        return Face(landmarks, shapes, pose, emotions)

    def _close_mesh(self) -> None:
        self._mesh.close()
        self._detector.close()
        give_back()

    def _open(self) -> None:
        self._has_several = False
        self._images, self._has_found = 0, False
        self._others_s = -np.inf
        self._orientation: Orientation = Orientation(self._detect)
        self._mesh: Any = self._make(1)
        with quiet_warnings(), quiet_stderr():
            self._detector = import_mediapipe().solutions.face_detection.FaceDetection(
                min_detection_confidence=self._confidence
            )
            self._detector.process(BLANK)
        give_back()

    def _check_faces(self, stamp_s: float, image: np.ndarray) -> None:
        """Use another FaceMesh if there are several faces now, or if they are turned."""
        turns = self._orientation.turns
        count = self._orientation.check(stamp_s, image)
        if count is None:
            return
        if count > 1:
            self._others_s = stamp_s
        several = self._most > 1 and 0.0 <= stamp_s - self._others_s < ALONE_S
        if several != self._has_several or turns != self._orientation.turns:
            self._has_several = several
            self._mesh.close()
            self._mesh = self._make(self._most if several else 1)
            give_back()

    def _detect(self, image: np.ndarray) -> list[float]:
        found = self._detector.process(image).detections or []
        return [float(detection.score[0]) for detection in found]

    def _make(self, faces: int) -> Any:
        mediapipe = import_mediapipe()
        with quiet_warnings(), quiet_stderr():
            mesh = mediapipe.solutions.face_mesh.FaceMesh(
                max_num_faces=faces,
                refine_landmarks=True,
                min_detection_confidence=self._confidence,
                min_tracking_confidence=self._confidence,
            )
            # The models start, and write messages, with the first image.
            mesh.process(BLANK)
        return mesh


def positions(landmarks: Any) -> np.ndarray:
    """MediaPipe's landmarks as an array (n, 3)."""
    # Twice as fast as a loop over the points, which took a fortieth of the time of tracking.
    return np.array(list(map(attrgetter("x", "y", "z"), landmarks)))


def choose_finder(config: PerceptionConfig) -> Finder:
    """FaceMesh where mediapipe has it, with learned blendshapes if the model file exists; otherwise
    the networks of the model file. UserError if there is neither."""
    if config.max_faces == 0:
        return NoFinder()
    model = resources.weights_file(config.landmarker)
    classifier = resources.weights_file(config.expression_classifier)
    if has_facemesh():
        return FaceMeshFinder(config, model, classifier)
    if model is None:
        raise no_face_model()
    return LandmarkerFinder(config, model, classifier)

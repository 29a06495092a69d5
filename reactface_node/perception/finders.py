"""Face finders: MediaPipe's FaceMesh solution, with learned blendshapes where the Face Landmarker's
model file is there, and MediaPipe's Tasks API, where mediapipe has no FaceMesh."""

from contextlib import nullcontext
from io import BytesIO
from operator import attrgetter
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.media.quiet import quiet_stderr, quiet_warnings
from reactface_node.perception.emotions import EmotionClassifier
from reactface_node.perception.face import Face
from reactface_node.perception.geometry import quarter_turned, to_pixels, turned_pose
from reactface_node.perception.library import import_mediapipe
from reactface_node.perception.memory import give_back
from reactface_node.perception.orientation import Orientation, turned
from reactface_node.perception.shapes import ShapeReader, no_model, read_pose
from reactface_node.perception.tracker import Finder

MODEL_HELP = (
    "run `reactface weights --download face_landmarker`, which puts face_landmarker.task into "
    "{folder}, or use Python 3.11 or 3.12 with mediapipe 0.10.21, which carries its models"
)

ALONE_S = 3.0
"""After this long with at most one face, only one face is tracked again."""
DETECTOR = "face_detector.tflite"
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
        for model in (self._shapes, self._emotions):
            if model is not None:
                model.close()
        self._close_mesh()

    def _face(self, found: Any, image: np.ndarray, size: tuple[int, int]) -> Face:
        landmarks = positions(found.landmark)
        shapes, pose = (None, None) if self._shapes is None else self._shapes.read(found, size)
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


class LandmarkerFinder:
    """The Tasks API with a model file from weights/: landmarks, blendshapes and pose."""

    _last_ms: int
    _landmarker: Any

    def __init__(self, config: PerceptionConfig, model: Path):
        """UserError if the file is not a face landmarker model."""
        self._confidence = config.min_confidence
        self._most = config.max_faces
        self._model = model
        mediapipe = import_mediapipe()
        self._image, self._srgb = mediapipe.Image, mediapipe.ImageFormat.SRGB
        self._options, self._vision = mediapipe.tasks.BaseOptions, mediapipe.tasks.vision
        try:
            # Read once: a later reset does not depend on the file.
            self._content = model.read_bytes()
            with ZipFile(BytesIO(self._content)) as parts:
                self._detector_content = parts.read(DETECTOR)
        except (OSError, BadZipFile, KeyError) as error:
            raise no_model(model, error) from error
        self._open()

    def find(self, stamp_s: float, image: np.ndarray) -> list[Face]:
        """All faces in an image, (H, W, 3) contiguous uint8 RGB."""
        before = self._orientation.turns
        self._orientation.check(stamp_s, image)
        turns = self._orientation.turns
        if turns != before:
            # It would go on with the face where it was.
            self._landmarker.close()
            self._landmarker = self._make()
            give_back()
        self._last_ms = max(self._last_ms + 1, round(stamp_s * 1000))
        shown = turned(image, turns)
        found = self._landmarker.detect_for_video(self._wrapped(shown), self._last_ms)
        size = shown.shape[1], shown.shape[0]
        faces = read_result(found)
        return [turned_back(face, size, turns) for face in faces] if turns else faces

    def reset(self) -> None:
        """Forget all faces."""
        # The landmarker's time must not go back, so a new session needs a new landmarker.
        self.close()
        self._open()

    def close(self) -> None:
        """Free the model."""
        self._landmarker.close()
        self._detector.close()
        give_back()

    def _open(self) -> None:
        self._last_ms = -1
        self._landmarker = self._make()
        self._detector: Any = self._make_detector()
        self._orientation: Orientation = Orientation(self._detect)

    def _detect(self, image: np.ndarray) -> list[float]:
        found = self._detector.detect(self._wrapped(image)).detections
        return [float(detection.categories[0].score) for detection in found]

    def _wrapped(self, image: np.ndarray) -> Any:
        return self._image(image_format=self._srgb, data=image)

    def _make(self) -> Any:
        options = self._vision.FaceLandmarkerOptions(
            base_options=self._options(model_asset_buffer=self._content),
            running_mode=self._vision.RunningMode.VIDEO,
            num_faces=self._most,
            min_face_detection_confidence=self._confidence,
            min_face_presence_confidence=self._confidence,
            min_tracking_confidence=self._confidence,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        try:
            with quiet_stderr():
                return self._vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise no_model(self._model, error) from error

    def _make_detector(self) -> Any:
        """The face detector that the model file holds."""
        options = self._vision.FaceDetectorOptions(
            base_options=self._options(model_asset_buffer=self._detector_content),
            min_detection_confidence=self._confidence,
        )
        try:
            with quiet_stderr():
                return self._vision.FaceDetector.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            self._landmarker.close()
            raise no_model(self._model, error) from error


def read_result(result: Any) -> list[Face]:
    """The faces of a FaceLandmarkerResult."""
    faces = []
    for index, landmarks in enumerate(result.face_landmarks):
        shapes = {c.category_name: float(c.score) for c in result.face_blendshapes[index]}
        pose = None
        if result.facial_transformation_matrixes:
            pose = read_pose(np.asarray(result.facial_transformation_matrixes[index], float))
        faces.append(Face(positions(landmarks), shapes, pose))
    return faces


def positions(landmarks: Any) -> np.ndarray:
    """MediaPipe's landmarks as an array (n, 3)."""
    # Twice as fast as a loop over the points, which took a fortieth of the time of tracking.
    return np.array(list(map(attrgetter("x", "y", "z"), landmarks)))


def turned_back(face: Face, size: tuple[int, int], turns: int) -> Face:
    """A face found in an image of size (width, height), which was rotated counter-clockwise by
    ``turns`` quarter turns -> the face in the image before that."""
    points, (width, height) = quarter_turned(to_pixels(face.landmarks, *size), size, -turns % 4)
    pose = None if face.pose is None else turned_pose(face.pose, -turns)
    landmarks = points / np.array([width, -height, -width])
    return Face(landmarks, face.shapes, pose, face.emotions)


def choose_finder(config: PerceptionConfig) -> Finder:
    """FaceMesh where mediapipe has it, with learned blendshapes if the model file exists; otherwise
    the Tasks API, which needs the file. UserError if neither works."""
    if config.max_faces == 0:
        return NoFinder()
    model = resources.weights_file(config.landmarker)
    if hasattr(import_mediapipe(), "solutions"):
        return FaceMeshFinder(config, model, resources.weights_file(config.expression_classifier))
    if model is not None:
        return LandmarkerFinder(config, model)
    folder = resources.folder("weights")
    raise UserError("this mediapipe carries no face model: " + MODEL_HELP.format(folder=folder))

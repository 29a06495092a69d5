"""Face finders: MediaPipe's FaceMesh solution and its Tasks API."""

from contextlib import nullcontext
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.media.quiet import quiet_stderr, quiet_warnings
from reactface_node.perception.library import import_mediapipe
from reactface_node.perception.memory import give_back
from reactface_node.perception.person import Face
from reactface_node.perception.tracker import Finder

MODEL_HELP = (
    "download face_landmarker.task from MediaPipe's model page into the weights folder "
    "({folder}), or use Python 3.11 or 3.12 with mediapipe 0.10.21, which carries its models"
)

DETECT_S = 0.5
"""Period at which the whole image is searched for further faces and for upside down ones."""
ALONE_S = 3.0
"""After this long with at most one face, only one face is tracked again."""
BLANK = np.zeros((96, 128, 3), np.uint8)
FIRST_IMAGES = 100
"""Images during which MediaPipe's own messages are suppressed, until the first face."""
SURE, SURER, DETECTIONS = 0.85, 0.1, 3
"""Upside down faces, found by trial: MediaPipe finds them too, but with a score below SURE. If the
score of the image turned by 180 degrees is higher by SURER in so many detections in a row, the face
is upside down."""


class FaceMeshFinder:
    """The older FaceMesh solution, whose models are part of the mediapipe package: landmarks only.

    While FaceMesh tracks fewer faces than it may, it searches every image for more, which takes
    half as long again. So a FaceMesh for one face is used, a face detector looks for others every
    ``DETECT_S``, and only if there are some is a FaceMesh for several faces used.
    """

    def __init__(self, config: PerceptionConfig):
        self._confidence = config.min_confidence
        self._most = config.max_faces
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
            shown = _turned(image) if self._is_upside_down else image
            found = self._mesh.process(shown).multi_face_landmarks or []
        self._has_found |= bool(found)
        faces = [positions(face.landmark) for face in found]
        if self._is_upside_down:
            faces = [np.array([1.0, 1.0, 0.0]) + [-1.0, -1.0, 1.0] * face for face in faces]
        return [Face(face) for face in faces]

    def reset(self) -> None:
        """Forget all faces."""
        # New models: no state is left, so a replay gives the same numbers.
        self.close()
        self._open()

    def close(self) -> None:
        """Free the models."""
        self._mesh.close()
        self._detector.close()
        give_back()

    def _open(self) -> None:
        self._has_several = self._is_upside_down = False
        self._images, self._has_found = 0, False
        self._surer_turned = 0
        self._detected_s = self._others_s = -np.inf
        self._mesh = self._make(1)
        with quiet_warnings(), quiet_stderr():
            self._detector = import_mediapipe().solutions.face_detection.FaceDetection(
                min_detection_confidence=self._confidence
            )
            self._detector.process(BLANK)
        give_back()

    def _check_faces(self, stamp_s: float, image: np.ndarray) -> None:
        """Use another FaceMesh if there are several faces now, or if they are upside down."""
        if 0.0 <= stamp_s - self._detected_s < DETECT_S:
            return
        self._detected_s = stamp_s
        scores = self._detect(_turned(image) if self._is_upside_down else image)
        if len(scores) > 1:
            self._others_s = stamp_s
        several = self._most > 1 and 0.0 <= stamp_s - self._others_s < ALONE_S
        upside_down = self._is_upside_down != self._must_turn(image, max(scores, default=0.0))
        if (several, upside_down) != (self._has_several, self._is_upside_down):
            self._has_several, self._is_upside_down = several, upside_down
            self._surer_turned = 0
            self._mesh.close()
            self._mesh = self._make(self._most if several else 1)
            give_back()

    def _must_turn(self, image: np.ndarray, score: float) -> bool:
        """Whether faces had a higher score upside down in several detections in a row."""
        if score >= SURE:
            self._surer_turned = 0
            return False
        other = max(self._detect(image if self._is_upside_down else _turned(image)), default=0.0)
        self._surer_turned = self._surer_turned + 1 if other > score + SURER else 0
        return self._surer_turned >= DETECTIONS

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

    def __init__(self, config: PerceptionConfig, model: Path):
        """UserError if the file is not a face landmarker model."""
        self._confidence = config.min_confidence
        self._most = config.max_faces
        self._model = model
        self._last_ms = -1
        self._landmarker = self._make()

    def find(self, stamp_s: float, image: np.ndarray) -> list[Face]:
        """All faces in an image, (H, W, 3) contiguous uint8 RGB."""
        self._last_ms = max(self._last_ms + 1, round(stamp_s * 1000))
        wrapped = self._image(image_format=self._srgb, data=image)
        return read_result(self._landmarker.detect_for_video(wrapped, self._last_ms))

    def reset(self) -> None:
        """Forget all faces."""
        # The landmarker's time must not go back, so a new session needs a new landmarker.
        self.close()
        self._last_ms = -1
        self._landmarker = self._make()

    def close(self) -> None:
        """Free the model."""
        self._landmarker.close()
        give_back()

    def _make(self) -> Any:
        mediapipe = import_mediapipe()
        vision = mediapipe.tasks.vision
        self._image = mediapipe.Image
        self._srgb = mediapipe.ImageFormat.SRGB
        options = vision.FaceLandmarkerOptions(
            base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(self._model)),
            running_mode=vision.RunningMode.VIDEO,
            num_faces=self._most,
            min_face_detection_confidence=self._confidence,
            min_face_presence_confidence=self._confidence,
            min_tracking_confidence=self._confidence,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        try:
            with quiet_stderr():
                return vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            why = str(error).partition("\n")[0]
            raise UserError(
                f"{self._model} is no face landmarker model ({why}): replace or remove it"
            ) from error


def read_result(result: Any) -> list[Face]:
    """The faces of a FaceLandmarkerResult.

    Its transformation maps MediaPipe's canonical face (our axes, centimetres) to a camera that
    looks along -z with y up, so rotation and position are already in our axes.
    """
    faces = []
    for index, landmarks in enumerate(result.face_landmarks):
        shapes = {c.category_name: float(c.score) for c in result.face_blendshapes[index]}
        pose = None
        if result.facial_transformation_matrixes:
            matrix = np.asarray(result.facial_transformation_matrixes[index], float)
            u, _, vt = np.linalg.svd(matrix[:3, :3])  # Removes the scale.
            pose = u @ vt, matrix[:3, 3] / 100
        faces.append(Face(positions(landmarks), shapes, pose))
    return faces


def positions(landmarks: Any) -> np.ndarray:
    """MediaPipe's landmarks as an array (n, 3)."""
    # Twice as fast as a loop over the points, which took a fortieth of the time of tracking.
    return np.array(list(map(attrgetter("x", "y", "z"), landmarks)))


def _turned(image: np.ndarray) -> np.ndarray:
    """The image turned by 180 degrees."""
    return np.ascontiguousarray(image[::-1, ::-1])


def choose_finder(config: PerceptionConfig) -> Finder:
    """The Tasks API if its model file exists, otherwise FaceMesh; UserError if neither works."""
    folder = resources.folder("weights")
    model = resources.weights_file(config.landmarker)
    if model is not None:
        return LandmarkerFinder(config, model)
    if hasattr(import_mediapipe(), "solutions"):
        return FaceMeshFinder(config)
    raise UserError("this mediapipe carries no face model: " + MODEL_HELP.format(folder=folder))

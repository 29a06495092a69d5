"""MediaPipe's two ways to find a face: the FaceMesh solution and the Tasks API."""

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


LOOK_AROUND_S = 0.5
"""How often a single person's surroundings are searched for others."""
ALONE_S = 3.0
"""Nobody else for so long: the person is alone again."""
BLANK = np.zeros((96, 128, 3), np.uint8)
FIRST_IMAGES = 100
SURE, SURER, LOOKS = 0.85, 0.1, 3
"""An upside down face is taken for an upright one, but with less confidence than SURE. What is
surer by SURER the other way up, so many looks in a row, is upside down."""


class FaceMeshFinder:
    """The legacy FaceMesh solution, whose models lie inside the wheel: landmarks alone.

    As long as it follows fewer faces than it may, FaceMesh searches every image for more, which
    costs half as much again. So one face is followed alone, others are looked for now and then,
    and only where there are some does a second FaceMesh follow all of them.
    """

    def __init__(self, config: PerceptionConfig):
        self._confidence = config.min_confidence
        self._most = config.max_faces
        self._open()

    def find(self, stamp_s: float, image: np.ndarray) -> list[Face]:
        # With the first face comes another note of MediaPipe's. No longer, because what others
        # say meanwhile is lost too.
        self._looked_at += 1
        is_noisy = self._looked_at < FIRST_IMAGES and not self._has_found
        quiet = quiet_stderr() if is_noisy else nullcontext()
        with quiet_warnings(), quiet:
            self._look_around(stamp_s, image)
            shown = _over(image) if self._is_over else image
            found = self._mesh.process(shown).multi_face_landmarks or []
        self._has_found |= bool(found)
        faces = [positions(face.landmark) for face in found]
        if self._is_over:
            faces = [np.array([1.0, 1.0, 0.0]) + [-1.0, -1.0, 1.0] * face for face in faces]
        return [Face(face) for face in faces]

    def reset(self) -> None:
        # Fresh graphs: nothing of the old tracking is left, and a replay repeats itself.
        self.close()
        self._open()

    def close(self) -> None:
        self._mesh.close()
        self._detector.close()
        give_back()

    def _open(self) -> None:
        self._is_crowd = self._is_over = False
        self._looked_at, self._has_found = 0, False
        self._doubts = 0
        self._looked_s = self._others_s = -np.inf
        self._mesh = self._make(1)
        with quiet_warnings(), quiet_stderr():
            self._detector = import_mediapipe().solutions.face_detection.FaceDetection(
                min_detection_confidence=self._confidence
            )
            self._detector.process(BLANK)
        give_back()

    def _look_around(self, stamp_s: float, image: np.ndarray) -> None:
        if 0.0 <= stamp_s - self._looked_s < LOOK_AROUND_S:
            return
        self._looked_s = stamp_s
        scores = self._detect(_over(image) if self._is_over else image)
        if len(scores) > 1:
            self._others_s = stamp_s
        is_crowd = self._most > 1 and 0.0 <= stamp_s - self._others_s < ALONE_S
        is_over = self._is_over != self._doubt(image, max(scores, default=0.0))
        if (is_crowd, is_over) != (self._is_crowd, self._is_over):
            self._is_crowd, self._is_over, self._doubts = is_crowd, is_over, 0
            self._mesh.close()
            self._mesh = self._make(self._most if is_crowd else 1)
            give_back()

    def _doubt(self, image: np.ndarray, score: float) -> bool:
        """Whether faces have been surer the other way up for a while."""
        if score >= SURE:
            self._doubts = 0
            return False
        other = max(self._detect(image if self._is_over else _over(image)), default=0.0)
        self._doubts = self._doubts + 1 if other > score + SURER else 0
        return self._doubts >= LOOKS

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
            # Its models have begun, and said so, once an image has gone through.
            mesh.process(BLANK)
        return mesh


class LandmarkerFinder:
    """The Tasks API with a model that the user has put into weights/: blendshapes and pose too."""

    def __init__(self, config: PerceptionConfig, model: Path):
        """UserError if the file is no face landmarker model."""
        self._confidence = config.min_confidence
        self._most = config.max_faces
        self._model = model
        self._last_ms = -1
        self._landmarker = self._make()

    def find(self, stamp_s: float, image: np.ndarray) -> list[Face]:
        self._last_ms = max(self._last_ms + 1, round(stamp_s * 1000))
        wrapped = self._image(image_format=self._srgb, data=image)
        return read_result(self._landmarker.detect_for_video(wrapped, self._last_ms))

    def reset(self) -> None:
        # Its clock may not go back, so a new session needs a new one.
        self.close()
        self._last_ms = -1
        self._landmarker = self._make()

    def close(self) -> None:
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
    """A FaceLandmarkerResult -> its faces.

    Its transformation takes MediaPipe's canonical face (our axes, centimetres) to a camera that
    looks along -z with y up, so its rotation and position are ours.
    """
    faces = []
    for index, landmarks in enumerate(result.face_landmarks):
        shapes = {c.category_name: float(c.score) for c in result.face_blendshapes[index]}
        pose = None
        if result.facial_transformation_matrixes:
            matrix = np.asarray(result.facial_transformation_matrixes[index], float)
            u, _, vt = np.linalg.svd(matrix[:3, :3])  # Without its scale.
            pose = u @ vt, matrix[:3, 3] / 100
        faces.append(Face(positions(landmarks), shapes, pose))
    return faces


def positions(landmarks: Any) -> np.ndarray:
    """MediaPipe's landmarks as (n, 3)."""
    # Twice as fast as a loop over the points, which took a fortieth of a tracked image's time.
    return np.array(list(map(attrgetter("x", "y", "z"), landmarks)))


def _over(image: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(image[::-1, ::-1])


def choose_finder(config: PerceptionConfig) -> Finder:
    """The Tasks API where its model is there, else FaceMesh; UserError where neither can be."""
    folder = resources.folder("weights")
    model = resources.weights_file(config.landmarker)
    if model is not None:
        return LandmarkerFinder(config, model)
    if hasattr(import_mediapipe(), "solutions"):
        return FaceMeshFinder(config)
    raise UserError("this mediapipe carries no face model: " + MODEL_HELP.format(folder=folder))

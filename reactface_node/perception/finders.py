"""MediaPipe's two ways to find a face: the FaceMesh solution and the Tasks API."""

from pathlib import Path
from typing import Any

import numpy as np

from reactface_node import resources
from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.perception.library import import_mediapipe, quiet_warnings
from reactface_node.perception.tracker import Face, Finder

MODEL_HELP = (
    "download face_landmarker.task from MediaPipe's model page into the weights folder "
    "({folder}), or use Python 3.11 or 3.12 with mediapipe 0.10.21, which carries its models"
)


class FaceMeshFinder:
    """The legacy FaceMesh solution, whose models lie inside the wheel: landmarks alone."""

    def __init__(self, config: PerceptionConfig):
        self._confidence = config.min_confidence
        self._mesh = self._make()

    def find(self, stamp_s: float, image: np.ndarray) -> Face | None:
        with quiet_warnings():
            faces = self._mesh.process(image).multi_face_landmarks
        return Face(positions(faces[0].landmark)) if faces else None

    def reset(self) -> None:
        # A fresh graph: nothing of the old tracking is left, and a replay repeats itself.
        self._mesh.close()
        self._mesh = self._make()

    def close(self) -> None:
        self._mesh.close()

    def _make(self) -> Any:
        mediapipe = import_mediapipe()
        with quiet_warnings():
            return mediapipe.solutions.face_mesh.FaceMesh(
                max_num_faces=1,
                refine_landmarks=True,
                min_detection_confidence=self._confidence,
                min_tracking_confidence=self._confidence,
            )


class LandmarkerFinder:
    """The Tasks API with a model that the user has put into weights/: blendshapes and pose too."""

    def __init__(self, config: PerceptionConfig, model: Path):
        """UserError if the file is no face landmarker model."""
        self._confidence = config.min_confidence
        self._model = model
        self._last_ms = -1
        self._landmarker = self._make()

    def find(self, stamp_s: float, image: np.ndarray) -> Face | None:
        self._last_ms = max(self._last_ms + 1, round(stamp_s * 1000))
        wrapped = self._image(image_format=self._srgb, data=image)
        return read_result(self._landmarker.detect_for_video(wrapped, self._last_ms))

    def reset(self) -> None:
        # Its clock may not go back, so a new session needs a new one.
        self._landmarker.close()
        self._last_ms = -1
        self._landmarker = self._make()

    def close(self) -> None:
        self._landmarker.close()

    def _make(self) -> Any:
        mediapipe = import_mediapipe()
        vision = mediapipe.tasks.vision
        self._image = mediapipe.Image
        self._srgb = mediapipe.ImageFormat.SRGB
        options = vision.FaceLandmarkerOptions(
            base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(self._model)),
            running_mode=vision.RunningMode.VIDEO,
            num_faces=1,
            min_face_detection_confidence=self._confidence,
            min_face_presence_confidence=self._confidence,
            min_tracking_confidence=self._confidence,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        try:
            return vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            why = str(error).partition("\n")[0]
            raise UserError(
                f"{self._model} is no face landmarker model ({why}): replace or remove it"
            ) from error


def read_result(result: Any) -> Face | None:
    """A FaceLandmarkerResult -> its first face; None without one.

    Its transformation takes MediaPipe's canonical face (our axes, centimetres) to a camera that
    looks along -z with y up, so its rotation and position are ours.
    """
    if not result.face_landmarks:
        return None
    shapes = {c.category_name: float(c.score) for c in result.face_blendshapes[0]}
    pose = None
    if result.facial_transformation_matrixes:
        matrix = np.asarray(result.facial_transformation_matrixes[0], float)
        u, _, vt = np.linalg.svd(matrix[:3, :3])  # Without its scale.
        pose = u @ vt, matrix[:3, 3] / 100
    return Face(positions(result.face_landmarks[0]), shapes, pose)


def positions(landmarks: Any) -> np.ndarray:
    """MediaPipe's landmarks as (n, 3)."""
    return np.array([[point.x, point.y, point.z] for point in landmarks])


def choose_finder(config: PerceptionConfig) -> Finder:
    """The Tasks API where its model is there, else FaceMesh; UserError where neither can be."""
    folder = resources.folder("weights")
    model = folder / config.landmarker
    if model.is_file():
        return LandmarkerFinder(config, model)
    if hasattr(import_mediapipe(), "solutions"):
        return FaceMeshFinder(config)
    raise UserError("this mediapipe carries no face model: " + MODEL_HELP.format(folder=folder))

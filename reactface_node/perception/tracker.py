"""MediaPipe's face landmarks to the speaker's coefficients."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reactface_node import resources
from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.perception.geometry import (
    euler_angles,
    face_shape,
    head_pose,
    rotation_matrix,
    to_pixels,
    without_perspective,
)
from reactface_node.perception.measures import ESTIMATED, measure, weights
from reactface_node.perception.neutral import RunningNeutral
from reactface_node.schema import (
    ARKIT_NAMES,
    EXPRESSION,
    NUM_COEFFICIENTS,
    NUM_EXPRESSION,
    ROTATION,
    TRANSLATION,
    Observation,
    index_of,
)

CROP_PX = 224
CROP_PADDING = 1.4
# Of a new frame; the rest is the last one. 40 ms frames: about 15 ms of delay.
FRESH = 0.7
FRESH_CROP = 0.2
MODEL_HELP = (
    "download face_landmarker.task from MediaPipe's model page into the weights folder "
    "({folder}), or use Python 3.11 or 3.12 with mediapipe 0.10.21, which carries its models"
)


class LandmarkTracker:
    """One face from image to image; subclasses say how landmarks are found."""

    _last_s: float

    def __init__(self, config: PerceptionConfig, want_crop: bool):
        self._config = config
        self._want_crop = want_crop
        self._clear()

    def track(self, stamp_s: float, rgb: np.ndarray) -> Observation:
        """(H, W, 3) uint8 RGB, stamps increasing -> what is seen; ValueError on another array."""
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
            raise ValueError(f"an image is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
        image = self._shrink(np.ascontiguousarray(rgb))
        found = self._find(stamp_s, image)
        if found is None:
            return Observation.missing()
        if stamp_s - self._last_s > self._config.person_change_s:
            self._clear()
        self._last_s = stamp_s
        landmarks, shapes = found
        height, width = image.shape[:2]
        points = to_pixels(landmarks, width, height)
        pose = head_pose(points, width, height)
        if pose is None:
            return Observation.missing()
        coefficients, valid = self._compare(
            stamp_s, without_perspective(points, width, height), pose, shapes
        )
        crop = self._crop(rgb, points, rgb.shape[1] / width) if self._want_crop else None
        return Observation(coefficients, valid, crop)

    def reset(self) -> None:
        """Forget the person."""
        self._clear()

    def close(self) -> None:
        """Free the landmark model."""

    def _find(
        self, stamp_s: float, image: np.ndarray
    ) -> tuple[np.ndarray, dict[str, float] | None] | None:
        """Normalised landmarks (478, 3) and, where the model gives them, blendshapes by name."""
        raise NotImplementedError

    def _clear(self) -> None:
        self._neutral = RunningNeutral(self._config.neutral_s)
        self._smooth: np.ndarray | None = None
        self._box: np.ndarray | None = None
        self._last_s = -np.inf

    def _shrink(self, rgb: np.ndarray) -> np.ndarray:
        scale = self._config.max_width_px / rgb.shape[1]
        if scale >= 1.0:
            return rgb
        size = (self._config.max_width_px, max(1, round(rgb.shape[0] * scale)))
        return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)

    def _compare(
        self,
        stamp_s: float,
        points: np.ndarray,
        pose: tuple[np.ndarray, np.ndarray],
        shapes: dict[str, float] | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients relative to the person's neutral, and which of them are known."""
        measures = measure(face_shape(points))
        rotation, place = pose
        self._neutral.see(stamp_s, measures, np.concatenate([euler_angles(rotation), place]))
        rest_angles, rest_place = np.split(self._neutral.pose, 2)
        raw = np.zeros(NUM_COEFFICIENTS, np.float32)
        valid = np.ones(NUM_COEFFICIENTS, bool)
        raw[ROTATION] = euler_angles(rotation_matrix(rest_angles).T @ rotation)
        raw[TRANSLATION] = place - rest_place
        if shapes is None:
            raw[EXPRESSION] = weights(measures, self._neutral.measures)
            valid[:NUM_EXPRESSION] = [name in ESTIMATED for name in ARKIT_NAMES]
        else:
            raw[EXPRESSION], valid[:NUM_EXPRESSION] = named_weights(shapes)
        return self._smoothed(raw), valid

    def _smoothed(self, raw: np.ndarray) -> np.ndarray:
        before = raw if self._smooth is None else self._smooth
        smooth = FRESH * raw + (1.0 - FRESH) * before
        for name in ("eyeBlinkLeft", "eyeBlinkRight"):  # A blink is a few frames long.
            smooth[index_of(name)] = raw[index_of(name)]
        self._smooth = smooth
        return smooth.astype(np.float32)

    def _crop(self, rgb: np.ndarray, points: np.ndarray, scale: float) -> np.ndarray:
        """The face in a steady square box, (224, 224, 3)."""
        places = points[:, :2] * [scale, -scale]
        low, high = places.min(0), places.max(0)
        box = np.array([*(low + high) / 2, CROP_PADDING * (high - low).max()])
        if self._box is not None:
            box = FRESH_CROP * box + (1.0 - FRESH_CROP) * self._box
        self._box = box
        across, down, side = box
        zoom = CROP_PX / max(side, 1.0)
        shift = np.array([[zoom, 0, CROP_PX / 2 - zoom * across],
                          [0, zoom, CROP_PX / 2 - zoom * down]])  # fmt: skip
        image = np.ascontiguousarray(rgb)
        return cv2.warpAffine(image, shift, (CROP_PX, CROP_PX), flags=cv2.INTER_LINEAR)


def named_weights(shapes: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Blendshapes by name -> (52,) weights in [0, 1] and which were given; others are ignored."""
    given = np.array([name in shapes for name in ARKIT_NAMES])
    values = [min(max(shapes.get(name, 0.0), 0.0), 1.0) for name in ARKIT_NAMES]
    return np.array(values, np.float32), given


class FaceMeshTracker(LandmarkTracker):
    """The legacy FaceMesh solution, whose models lie inside the wheel."""

    def __init__(self, config: PerceptionConfig, want_crop: bool):
        super().__init__(config, want_crop)
        self._mesh = self._make()

    def reset(self) -> None:
        # A fresh graph: nothing of the old tracking is left, and a replay repeats itself.
        super().reset()
        self._mesh.close()
        self._mesh = self._make()

    def close(self) -> None:
        self._mesh.close()

    def _make(self) -> Any:
        return import_mediapipe().solutions.face_mesh.FaceMesh(
            max_num_faces=1,
            refine_landmarks=True,
            min_detection_confidence=self._config.min_confidence,
            min_tracking_confidence=self._config.min_confidence,
        )

    def _find(
        self, stamp_s: float, image: np.ndarray
    ) -> tuple[np.ndarray, dict[str, float] | None] | None:
        with quiet_warnings():
            faces = self._mesh.process(image).multi_face_landmarks
        if not faces:
            return None
        return np.array([[p.x, p.y, p.z] for p in faces[0].landmark]), None


class LandmarkerTracker(LandmarkTracker):
    """The Tasks API with a model that the user has put into weights/: 52 blendshapes too."""

    def __init__(self, config: PerceptionConfig, want_crop: bool, model: Path):
        super().__init__(config, want_crop)
        self._model = model
        self._landmarker = self._make()

    def reset(self) -> None:
        # Its clock may not go back, so a new session needs a new one.
        super().reset()
        self._landmarker.close()
        self._landmarker = self._make()

    def close(self) -> None:
        self._landmarker.close()

    def _make(self) -> Any:
        mediapipe = import_mediapipe()
        vision = mediapipe.tasks.vision
        self._image = mediapipe.Image
        self._srgb = mediapipe.ImageFormat.SRGB
        self._last_ms = -1
        options = vision.FaceLandmarkerOptions(
            base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(self._model)),
            running_mode=vision.RunningMode.VIDEO,
            num_faces=1,
            min_face_detection_confidence=self._config.min_confidence,
            min_tracking_confidence=self._config.min_confidence,
            output_face_blendshapes=True,
        )
        try:
            return vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise UserError(f"{self._model} is no face landmarker model: {error}") from error

    def _find(
        self, stamp_s: float, image: np.ndarray
    ) -> tuple[np.ndarray, dict[str, float] | None] | None:
        self._last_ms = max(self._last_ms + 1, round(stamp_s * 1000))
        wrapped = self._image(image_format=self._srgb, data=image)
        return read_result(self._landmarker.detect_for_video(wrapped, self._last_ms))


def read_result(result: Any) -> tuple[np.ndarray, dict[str, float]] | None:
    """A FaceLandmarkerResult -> landmarks (478, 3) and blendshapes by name; None without a face."""
    if not result.face_landmarks:
        return None
    landmarks = np.array([[p.x, p.y, p.z] for p in result.face_landmarks[0]])
    shapes = {c.category_name: float(c.score) for c in result.face_blendshapes[0]}
    return landmarks, shapes


def import_mediapipe() -> Any:
    """mediapipe, with its own deprecation warnings kept to itself; UserError if it cannot load."""
    try:
        with quiet_warnings():
            import mediapipe
    except ImportError as error:
        if "lib" in str(error) and ".so" in str(error):
            raise UserError(
                f"a system library is missing ({error}): "
                "sudo apt install libgl1 libegl1 libglib2.0-0"
            ) from error
        raise UserError(
            f"face tracking needs mediapipe ({error}): pip install mediapipe"
        ) from error
    return mediapipe


@contextmanager
def quiet_warnings() -> Iterator[None]:
    """Protobuf's and numpy's deprecation warnings from inside mediapipe are not the user's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def choose_tracker(config: PerceptionConfig, want_crop: bool) -> LandmarkTracker:
    """The Tasks API where its model is there, else FaceMesh; UserError where neither can be."""
    folder = resources.folder("weights")
    model = folder / config.landmarker
    if model.is_file():
        return LandmarkerTracker(config, want_crop, model)
    if hasattr(import_mediapipe(), "solutions"):
        return FaceMeshTracker(config, want_crop)
    raise UserError("this mediapipe carries no face model: " + MODEL_HELP.format(folder=folder))

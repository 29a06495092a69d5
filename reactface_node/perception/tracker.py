"""A face found in an image to the speaker's coefficients, relative to their neutral."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.perception.crop import FaceCrop
from reactface_node.perception.geometry import (
    euler_angles,
    face_shape,
    head_pose,
    rotation_matrix,
    to_pixels,
    without_perspective,
)
from reactface_node.perception.measures import ESTIMATED, learnable, measure, weights
from reactface_node.perception.neutral import RunningNeutral, blendshape_rest, measured_rest
from reactface_node.schema import (
    ARKIT_NAMES,
    EXPRESSION,
    NUM_COEFFICIENTS,
    NUM_EXPRESSION,
    ROTATION,
    TRANSLATION,
    Observation,
    indices_of,
)

# Of a new frame; the rest is the last one. 40 ms frames: about 17 ms of delay.
FRESH = 0.7
# A blink is a few frames long.
UNSMOOTHED = indices_of("eyeBlink")
# A face elsewhere is another face where a head could not have got there: the slack is for wrong
# distances, and after half a second without a face anything within reach may be the same one.
JUMP_M, HEAD_SPEED_M_S, SAME_S = 0.25, 1.0, 0.5


@dataclass(frozen=True, eq=False)
class Face:
    """What a landmark model says of one image.

    landmarks: (478, 3) as MediaPipe normalises them: x, y in image sizes, z in image widths.
    shapes: blendshapes by name, where the model gives them.
    pose: rotation (3, 3) and position (3,) in metres in our axes, where the model gives them.
    """

    landmarks: np.ndarray
    shapes: dict[str, float] | None = None
    pose: tuple[np.ndarray, np.ndarray] | None = None


class Finder(Protocol):
    """What finds the face; ``finders`` has MediaPipe's."""

    def find(self, stamp_s: float, image: np.ndarray) -> Face | None:
        """(H, W, 3) contiguous uint8 RGB -> the face or None."""
        ...

    def reset(self) -> None: ...
    def close(self) -> None: ...


class LandmarkTracker:
    """One face from image to image.

    face: what the landmark model said of the last image. people: persons taken so far, that is
    how often a neutral was begun.
    """

    def __init__(self, config: PerceptionConfig, want_crop: bool, finder: Finder):
        self.face: Face | None = None
        self.people = 0
        self._config = config
        self._want_crop = want_crop
        self._finder = finder
        self._forget()

    def track(self, stamp_s: float, rgb: np.ndarray) -> Observation:
        """(H, W, 3) uint8 RGB, stamps increasing -> what is seen; ValueError on another array."""
        if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or 0 in rgb.shape:
            raise ValueError(f"an image is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
        rgb = np.ascontiguousarray(rgb)
        image = self._shrink(rgb)
        height, width = image.shape[:2]
        face = self.face = self._finder.find(stamp_s, image)
        if face is None or not np.isfinite(face.landmarks).all():
            return self._lost()
        points = to_pixels(face.landmarks, width, height)
        pose = face.pose or head_pose(points, width, height)
        if pose is None:
            return self._lost()
        if self._is_another(stamp_s, pose[1]):
            self._forget()
        self.people += self._neutral is None
        self._last_s, self._last_place = stamp_s, pose[1]
        if face.shapes is None:
            shape = face_shape(without_perspective(points, width, height))
            expression, valid = self._estimate(stamp_s, shape, pose)
        else:
            expression, valid = self._named(stamp_s, face.shapes, pose)
        crop = None
        if self._want_crop:
            crop = self._crop.cut(rgb, face.landmarks[:, :2] * [rgb.shape[1], rgb.shape[0]])
        known = np.concatenate([valid, np.ones(NUM_COEFFICIENTS - NUM_EXPRESSION, bool)])
        return Observation(self._coefficients(expression, pose), known, crop)

    def reset(self) -> None:
        """Forget the person; stamps may begin anew."""
        self._forget()
        self._finder.reset()

    def close(self) -> None:
        """Free the landmark model."""
        self._finder.close()

    def _forget(self) -> None:
        self._last_s = -np.inf
        self._last_place = np.zeros(3)
        self._neutral: RunningNeutral | None = None
        self._lost()

    def _lost(self) -> Observation:
        # What was smoothed and boxed before a gap says nothing of the face after it.
        self._smooth: np.ndarray | None = None
        self._crop = FaceCrop()
        return Observation.missing()

    def _is_another(self, stamp_s: float, place: np.ndarray) -> bool:
        """Whether a face at ``place`` (metres) may be another person than the last one."""
        away_s = stamp_s - self._last_s
        if away_s > self._config.person_change_s:
            return True
        reach_m = JUMP_M + HEAD_SPEED_M_S * min(away_s, SAME_S)
        return bool(np.linalg.norm((place - self._last_place)[:2]) > reach_m)

    def _shrink(self, rgb: np.ndarray) -> np.ndarray:
        scale = self._config.max_width_px / rgb.shape[1]
        if scale >= 1.0:
            return rgb
        size = (self._config.max_width_px, max(1, round(rgb.shape[0] * scale)))
        return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)

    def _estimate(
        self, stamp_s: float, shape: np.ndarray, pose: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weights (52,) from the landmarks' distances, and which of them can be told."""
        if self._neutral is None:
            self._neutral = RunningNeutral(self._config.neutral_s, measured_rest())
        values = measure(shape)
        self._neutral.see(stamp_s, learnable(values, self._neutral.values), _flat(pose))
        return weights(values, self._neutral.values), np.isin(ARKIT_NAMES, ESTIMATED)

    def _named(
        self, stamp_s: float, shapes: dict[str, float], pose: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weights (52,) from the model's own blendshapes, stretched from the person's rest."""
        if self._neutral is None:
            self._neutral = RunningNeutral(self._config.neutral_s, blendshape_rest())
        values, given = named_weights(shapes)
        self._neutral.see(stamp_s, values, _flat(pose))
        rest = self._neutral.values
        return np.clip((values - rest) / (1.0 - rest), 0.0, 1.0), given

    def _coefficients(
        self, expression: np.ndarray, pose: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """(58,) smoothed, the head's pose relative to its neutral one."""
        assert self._neutral is not None
        rotation, place = pose
        rest_angles, rest_place = np.split(self._neutral.pose, 2)
        raw = np.zeros(NUM_COEFFICIENTS)
        raw[EXPRESSION] = expression
        raw[ROTATION] = euler_angles(rotation_matrix(rest_angles).T @ rotation)
        raw[TRANSLATION] = place - rest_place
        before = raw if self._smooth is None else self._smooth
        smooth = FRESH * raw + (1.0 - FRESH) * before
        smooth[UNSMOOTHED] = raw[UNSMOOTHED]
        self._smooth = smooth
        return smooth.astype(np.float32)


def named_weights(shapes: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Blendshapes by name -> (52,) weights in [0, 1] and which were given; others are ignored."""
    given = np.array([name in shapes for name in ARKIT_NAMES])
    values = [min(max(shapes.get(name, 0.0), 0.0), 1.0) for name in ARKIT_NAMES]
    return np.array(values), given


def _flat(pose: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.concatenate([euler_angles(pose[0]), pose[1]])

"""One person over time: neutral face, smoothing, orientation in the image, mouth motion."""

from dataclasses import dataclass

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.perception.crop import FaceCrop
from reactface_node.perception.fusion import fused
from reactface_node.perception.geometry import (
    euler_angles,
    face_shape,
    head_pose,
    quarter_turned,
    roll,
    rotation_matrix,
    turned_pose,
    without_perspective,
)
from reactface_node.perception.identity import Identity
from reactface_node.perception.measures import (
    ESTIMATED,
    LOWER_LIP,
    UPPER_LIP,
    learnable,
    measure,
    weights,
)
from reactface_node.perception.neutral import RunningNeutral, blendshape_rest, measured_rest
from reactface_node.perception.stillness import Stillness
from reactface_node.schema import (
    ARKIT_NAMES,
    EXPRESSION,
    FRAME_RATE_HZ,
    NUM_COEFFICIENTS,
    NUM_EXPRESSION,
    ROTATION,
    TRANSLATION,
    Observation,
    indices_of,
)

# Weight of a new image against the smoothed past: about 17 ms of delay at 25 Hz. Found by trial.
# Per image, not per time: at 12.5 Hz, smoothing per time was no nearer to the values of 25 Hz (RMS
# of the expression 0.058 against 0.056 on the clip of acted emotions), as each image has its own
# noise.
FRESH = 0.7
# Blinks are too short for smoothing.
UNSMOOTHED = indices_of("eyeBlink")
# A tilt beyond the limit for this long is a camera on its side; a shorter one is a tilted head.
TILT_LIMIT, TILT_S = np.radians(60), 0.42
# No head is upside down for a moment: only the camera is.
OVER_LIMIT, OVER_S = np.radians(120), 0.1
# The least range above the rest that counts as weight 1 of a model's own blendshape.
LEAST_ROOM = 0.5
# The blendshapes that are measured from landmarks, (52,) bool.
MEASURED = np.isin(ARKIT_NAMES, ESTIMATED)


@dataclass(frozen=True, eq=False)
class Face:
    """The output of a landmark model for one face.

    landmarks: (478, 3), x in image widths, y in image heights, z in image widths.
    shapes: blendshapes by name; None if the model gives none.
    pose: rotation (3, 3) and position (3,) in metres in our axes; None if the model gives none.
    """

    landmarks: np.ndarray
    shapes: dict[str, float] | None = None
    pose: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class Sighting:
    """A face with its position.

    size: (width, height) of the image in pixels. points: landmarks (478, 3) in pixels in our axes.
    rotation (3, 3) and place (3,) in metres, relative to the camera.
    """

    face: Face
    size: tuple[int, int]
    points: np.ndarray
    rotation: np.ndarray
    place: np.ndarray


class Person:
    """A tracked person; number: counts people from 1 in order of appearance."""

    def __init__(self, number: int, config: PerceptionConfig, first: Sighting):
        self.number = number
        self.last_s = -np.inf
        self.place = first.place
        self.mouth_speed = 0.0
        """Speed of the lips' opening or closing at the newest image, mm/s."""
        self.quarter_turns = 0
        """Counter-clockwise quarter turns that make the face upright; 2 = it is upside down."""
        self.identity, self.stillness = Identity(), Stillness()
        self._neutral_s = config.neutral_s
        self._away_frames = 1.0
        self._mouth_mm: float | None = None
        self._neutral: RunningNeutral | None = None
        self._learned_neutral: RunningNeutral | None = None
        self.lose()
        self.come(first)

    def come(self, first: Sighting) -> None:
        """The person comes, or comes back: take the orientation of this face."""
        self.quarter_turns = round(roll(first.points) / (np.pi / 2)) % 4
        self._tilted_s: float | None = None

    def lose(self) -> None:
        """The person is not in the image: forget the smoothed values and the crop's box."""
        self.identity.lose()
        self._smooth: np.ndarray | None = None
        self._crop = FaceCrop()
        self._mouth_mm, self.mouth_speed = None, 0.0

    def see(self, stamp_s: float, seen: Sighting) -> Observation:
        """Learn the neutral face from an image, and return its observation without a crop."""
        self._keep_upright(stamp_s, seen.points)
        away_s, self.last_s, self.place = stamp_s - self.last_s, stamp_s, seen.place
        self._away_frames = max(away_s, 0.0) * FRAME_RATE_HZ
        points, (width, height) = quarter_turned(seen.points, seen.size, self.quarter_turns)
        pose = seen.rotation, seen.place
        if self.quarter_turns and seen.face.pose is not None:
            pose = turned_pose(pose, self.quarter_turns)
        elif self.quarter_turns:
            pose = head_pose(points, width, height) or pose
        shape = face_shape(without_perspective(points, width, height))
        self._follow_mouth(1000.0 * float(shape[UPPER_LIP, 1] - shape[LOWER_LIP, 1]), away_s)
        flat = np.concatenate([euler_angles(pose[0]), pose[1]])
        self.stillness.see(stamp_s, flat[:3])
        expression = self._estimate(stamp_s, shape, flat)
        if seen.face.shapes is not None:
            expression = fused(expression, *self._learned(stamp_s, seen.face.shapes, flat))
        known = np.concatenate([MEASURED, np.ones(NUM_COEFFICIENTS - NUM_EXPRESSION, bool)])
        return Observation(self._coefficients(expression, pose), known, person=self.number)

    def cut(self, rgb: np.ndarray, seen: Sighting) -> np.ndarray:
        """Image (H, W, 3) uint8 -> the upright face (224, 224, 3) uint8."""
        places = seen.points[:, :2] * [1, -1] * (rgb.shape[1] / seen.size[0])
        height, width = rgb.shape[:2]
        if not self.quarter_turns:
            return self._crop.cut(rgb, places, self._away_frames)
        flat = np.column_stack([places * [1, -1], np.zeros(len(places))])
        turned, _ = quarter_turned(flat, (width, height), self.quarter_turns)
        upright = np.ascontiguousarray(np.rot90(rgb, self.quarter_turns))
        return self._crop.cut(upright, turned[:, :2] * [1, -1], self._away_frames)

    def _keep_upright(self, stamp_s: float, points: np.ndarray) -> None:
        """Change the orientation, and learn the neutral anew, if the face was tilted for long."""
        tilt = roll(points) - self.quarter_turns * np.pi / 2
        tilt = (tilt + np.pi) % (2 * np.pi) - np.pi
        if abs(tilt) <= TILT_LIMIT:
            self._tilted_s = None
        elif self._tilted_s is None:
            self._tilted_s = stamp_s
        elif stamp_s - self._tilted_s >= (OVER_S if abs(tilt) > OVER_LIMIT else TILT_S):
            self.quarter_turns = (self.quarter_turns + round(tilt / (np.pi / 2))) % 4
            self._tilted_s = self._neutral = self._learned_neutral = None
            self.identity = Identity()
            self.lose()

    def _follow_mouth(self, mouth_mm: float, away_s: float) -> None:
        if self._mouth_mm is not None and away_s > 0:
            self.mouth_speed = abs(mouth_mm - self._mouth_mm) / away_s
        self._mouth_mm = mouth_mm

    def _estimate(self, stamp_s: float, shape: np.ndarray, pose: np.ndarray) -> np.ndarray:
        """Weights (52,) measured from landmarks; 0 where not ``MEASURED``. pose: (6,)."""
        if self._neutral is None:
            self._neutral = RunningNeutral(self._neutral_s, measured_rest())
        values = measure(shape)
        self._neutral.see(stamp_s, learnable(values, self._neutral.values), pose)
        return weights(values, self._neutral.values)

    def _learned(
        self, stamp_s: float, shapes: dict[str, float], pose: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weights (52,) of the model's blendshapes, with the person's neutral ones moved to 0, and
        which are given. pose: (6,)."""
        if self._learned_neutral is None:
            self._learned_neutral = RunningNeutral(self._neutral_s, blendshape_rest())
        values, given = named_weights(shapes)
        self._learned_neutral.see(stamp_s, values, pose)
        rest = self._learned_neutral.values
        # A high rest leaves little room above it: it would be all noise at full scale.
        shown: np.ndarray = (values - rest) / np.maximum(1.0 - rest, LEAST_ROOM)
        return shown.clip(0.0, 1.0), given

    def _coefficients(
        self, expression: np.ndarray, pose: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """Smoothed coefficients (58,); the pose is relative to the neutral one."""
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
    """Blendshapes by name -> weights (52,) in [0, 1] and which are given. Others are ignored."""
    given = np.array([name in shapes for name in ARKIT_NAMES])
    values = [min(max(shapes.get(name, 0.0), 0.0), 1.0) for name in ARKIT_NAMES]
    return np.array(values), given

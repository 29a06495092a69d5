"""One person over time: neutral face, smoothing, orientation in the image, mouth motion."""

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.perception.crop import FaceCrop
from reactface_node.perception.expression import ExpressionReader
from reactface_node.perception.face import Sighting
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
)
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
    stem_of,
)

# Weight of a new image against the smoothed past: about 17 ms of delay at 25 Hz. Found by trial.
# Per image, not per time: at 12.5 Hz, smoothing per time was no nearer to the values of 25 Hz (RMS
# of the expression 0.058 against 0.056 on the clip of acted emotions), as each image has its own
# noise.
FRESH = 0.7
# Of the head's pose, whose noise is small: with 0.7 a quick nod was followed by 0.93 of its size.
FRESH_POSE = 0.85
# Standard deviation of each blendshape on a still face in a camera's noise (sigma 4 of 255), the
# higher of those with and without learned blendshapes, by ``reactface inspect --compare``. Changes
# up to twice that are noise.
NOISE = {
    "browDown": 0.014,
    "browInnerUp": 0.012,
    "browOuterUp": 0.019,
    "cheekSquint": 0.014,
    "eyeBlink": 0.025,
    "eyeLookDown": 0.020,
    "eyeLookIn": 0.018,
    "eyeLookOut": 0.014,
    "eyeLookUp": 0.016,
    "eyeSquint": 0.012,
    "eyeWide": 0.032,
    "jawOpen": 0.019,
    "mouthLowerDown": 0.032,
    "mouthSmile": 0.033,
    "mouthStretch": 0.037,
    "mouthUpperUp": 0.023,
}
DEAD_ZONE = 2.0 * np.array([NOISE.get(stem_of(name), 0.003) for name in ARKIT_NAMES])
FRESH_SHARES = np.full(NUM_COEFFICIENTS, FRESH_POSE)
"""(58,) weight of a new image for each channel."""
FRESH_SHARES[EXPRESSION] = FRESH
FRESH_SHARES[indices_of("eyeBlink")] = 1.0  # Blinks are too short for smoothing.
# A tilt beyond the limit for this long is a camera on its side; a shorter one is a tilted head.
TILT_LIMIT, TILT_S = np.radians(60), 0.42
# No head is upside down for a moment: only the camera is.
OVER_LIMIT, OVER_S = np.radians(120), 0.1
# The blendshapes that are measured from landmarks, (52,) bool.
MEASURED = np.isin(ARKIT_NAMES, ESTIMATED)


class Person:
    """A tracked person; number: counts people from 1 in order of appearance."""

    def __init__(self, number: int, config: PerceptionConfig, first: Sighting):
        self.number = number
        self.last_s = -np.inf
        self.place = first.place
        self.mouth_mm = 0.0
        """Distance of the inner lips at the newest image."""
        self.quarter_turns = 0
        """Counter-clockwise quarter turns that make the face upright; 2 = it is upside down."""
        self.identity, self.stillness = Identity(), Stillness()
        self._neutral_s = config.neutral_s
        self._away_frames = 1.0
        self._reader = ExpressionReader(self._neutral_s)
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
        self.mouth_mm = 1000.0 * float(shape[UPPER_LIP, 1] - shape[LOWER_LIP, 1])
        flat = np.concatenate([euler_angles(pose[0]), pose[1]])
        self.stillness.see(stamp_s, flat[:3])
        expression, kinds = self._reader.read(stamp_s, shape, seen.face, flat)
        known = np.concatenate([MEASURED, np.ones(NUM_COEFFICIENTS - NUM_EXPRESSION, bool)])
        coefficients = self._coefficients(expression, pose)
        return Observation(coefficients, known, person=self.number, kinds=kinds, place=pose[1])

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
            self._tilted_s = None
            self._reader = ExpressionReader(self._neutral_s)
            self.identity = Identity()
            self.lose()

    def _coefficients(
        self, expression: np.ndarray, pose: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """Smoothed coefficients (58,); the pose is relative to the neutral one."""
        rotation, place = pose
        rest_angles, rest_place = np.split(self._reader.pose, 2)
        raw = np.zeros(NUM_COEFFICIENTS)
        raw[EXPRESSION] = expression
        raw[ROTATION] = euler_angles(rotation_matrix(rest_angles).T @ rotation)
        raw[TRANSLATION] = place - rest_place
        before = raw if self._smooth is None else self._smooth
        smooth = FRESH_SHARES * raw + (1.0 - FRESH_SHARES) * before
        self._smooth = smooth
        shown = smooth.copy()
        shown[EXPRESSION] = beyond_noise(smooth[EXPRESSION])
        return shown.astype(np.float32)


def beyond_noise(weights: np.ndarray) -> np.ndarray:
    """Smoothed weights (..., 52) -> 0 up to the dead zone, and from there linear to 1."""
    shown: np.ndarray = (weights - DEAD_ZONE).clip(0.0) / (1.0 - DEAD_ZONE)
    return shown

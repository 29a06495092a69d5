"""One face over time: its rest, its smoothing, which way up it is, and how its mouth moves."""

from dataclasses import dataclass

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.perception.crop import FaceCrop
from reactface_node.perception.geometry import (
    euler_angles,
    face_shape,
    head_pose,
    quarter_turned,
    roll,
    rotation_matrix,
    without_perspective,
)
from reactface_node.perception.measures import (
    ESTIMATED,
    JAW_OPEN_MM,
    NAMES,
    learnable,
    measure,
    weights,
)
from reactface_node.perception.neutral import RunningNeutral, blendshape_rest, measured_rest
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

# Of a new image; the rest is the last one. 40 ms frames: about 17 ms of delay. By images, not by
# time: at 12.5 Hz, smoothing by time came no nearer to what 25 Hz tell (expression 0.058 against
# 0.056 of full scale rms on acted emotions), for a landmark model's noise is an image's.
FRESH = 0.7
# A blink is a few frames long.
UNSMOOTHED = indices_of("eyeBlink")
# A head tilts this far, a camera is mounted on its side: which it is shows if it lasts.
TILT_LIMIT, TILT_S = np.radians(60), 0.42
# Which coefficients a face's landmarks tell.
MEASURED = np.isin(ARKIT_NAMES, ESTIMATED)


@dataclass(frozen=True, eq=False)
class Face:
    """What a landmark model says of one face in an image.

    landmarks: (478, 3) as MediaPipe normalises them: x, y in image sizes, z in image widths.
    shapes: blendshapes by name, where the model gives them.
    pose: rotation (3, 3) and position (3,) in metres in our axes, where the model gives them.
    """

    landmarks: np.ndarray
    shapes: dict[str, float] | None = None
    pose: tuple[np.ndarray, np.ndarray] | None = None


@dataclass(frozen=True, eq=False)
class Sighting:
    """A face in an image of ``size`` (width, height) pixels; points (478, 3) in pixels, our axes;
    rotation (3, 3) and place (3,) in metres as the camera sees it."""

    face: Face
    size: tuple[int, int]
    points: np.ndarray
    rotation: np.ndarray
    place: np.ndarray


class Person:
    """``number`` counts the people that were seen, from 1."""

    def __init__(self, number: int, config: PerceptionConfig, first: Sighting):
        self.number = number
        self.last_s = -np.inf
        self.place = first.place
        self.mouth_speed = 0.0
        """How fast the lips part and close, mm/s, at the newest image."""
        self.turns = round(roll(first.points) / (np.pi / 2)) % 4
        """Quarter turns, counter-clockwise, that put the face upright in the image."""
        self._neutral_s = config.neutral_s
        self._tilted_s: float | None = None
        self._away_frames = 1.0
        self._mouth_mm: float | None = None
        self._neutral: RunningNeutral | None = None
        self.lose()

    def lose(self) -> None:
        """Not seen: what was smoothed and boxed before a gap says nothing of the face after it."""
        self._smooth: np.ndarray | None = None
        self._crop = FaceCrop()
        self._mouth_mm, self.mouth_speed = None, 0.0

    def see(self, stamp_s: float, seen: Sighting) -> Observation:
        """Learn from an image and read it, without a crop."""
        self._keep_upright(stamp_s, seen.points)
        away_s, self.last_s, self.place = stamp_s - self.last_s, stamp_s, seen.place
        self._away_frames = max(away_s, 0.0) * FRAME_RATE_HZ
        points, (width, height) = quarter_turned(seen.points, seen.size, self.turns)
        pose = seen.rotation, seen.place
        if self.turns:
            pose = head_pose(points, width, height) or pose
        if seen.face.shapes is None:
            shape = face_shape(without_perspective(points, width, height))
            expression, valid, mouth_mm = self._estimate(stamp_s, shape, pose)
        else:
            expression, valid, mouth_mm = self._named(stamp_s, seen.face.shapes, pose)
        self._follow_mouth(mouth_mm, away_s)
        known = np.concatenate([valid, np.ones(NUM_COEFFICIENTS - NUM_EXPRESSION, bool)])
        return Observation(self._coefficients(expression, pose), known, person=self.number)

    def cut(self, rgb: np.ndarray, seen: Sighting) -> np.ndarray:
        """(H, W, 3) image -> the upright face (224, 224, 3)."""
        places = seen.points[:, :2] * [1, -1] * (rgb.shape[1] / seen.size[0])
        height, width = rgb.shape[:2]
        if not self.turns:
            return self._crop.cut(rgb, places, self._away_frames)
        flat = np.column_stack([places * [1, -1], np.zeros(len(places))])
        turned, _ = quarter_turned(flat, (width, height), self.turns)
        upright = np.ascontiguousarray(np.rot90(rgb, self.turns))
        return self._crop.cut(upright, turned[:, :2] * [1, -1], self._away_frames)

    def _keep_upright(self, stamp_s: float, points: np.ndarray) -> None:
        """Turns, and learns anew, where the face has been lying on its side for a while."""
        tilt = roll(points) - self.turns * np.pi / 2
        tilt = (tilt + np.pi) % (2 * np.pi) - np.pi
        if abs(tilt) <= TILT_LIMIT:
            self._tilted_s = None
        elif self._tilted_s is None:
            self._tilted_s = stamp_s
        elif stamp_s - self._tilted_s >= TILT_S:
            self.turns = (self.turns + round(tilt / (np.pi / 2))) % 4
            self._tilted_s = self._neutral = None
            self.lose()

    def _follow_mouth(self, mouth_mm: float, away_s: float) -> None:
        if self._mouth_mm is not None and away_s > 0:
            self.mouth_speed = abs(mouth_mm - self._mouth_mm) / away_s
        self._mouth_mm = mouth_mm

    def _estimate(
        self, stamp_s: float, shape: np.ndarray, pose: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Weights (52,) from the landmarks' distances, which of them can be told, the lips' gap."""
        if self._neutral is None:
            self._neutral = RunningNeutral(self._neutral_s, measured_rest())
        values = measure(shape)
        self._neutral.see(stamp_s, learnable(values, self._neutral.values), _flat(pose))
        shown = weights(values, self._neutral.values)
        return shown, MEASURED, float(values[NAMES.index("gap")])

    def _named(
        self, stamp_s: float, shapes: dict[str, float], pose: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Weights (52,) from the model's own blendshapes, stretched from the person's rest."""
        if self._neutral is None:
            self._neutral = RunningNeutral(self._neutral_s, blendshape_rest())
        values, given = named_weights(shapes)
        self._neutral.see(stamp_s, values, _flat(pose))
        rest = self._neutral.values
        gap_mm = JAW_OPEN_MM * float(values[ARKIT_NAMES.index("jawOpen")])
        return np.clip((values - rest) / (1.0 - rest), 0.0, 1.0), given, gap_mm

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

"""Eye contact: the eyes and, slowly, the head turn to the speaker's face in the camera's picture.

Angles are (right, up) in radians, as the robot sees them. Numbers without a source are chosen by
eye.
"""

import math

import numpy as np

from reactface_node.config import PlayoutConfig
from reactface_node.schema import FRAME_RATE_HZ, GAZE_RAD, index_of
from reactface_node.session.gaze import Saccades, move_eyes

TURN = [index_of("rotationY"), index_of("rotationX")]
"""Head rotation to the subject's left, and down: the opposite of (right, up)."""
POINTS_M = ((-0.032, 0.0), (0.032, 0.0), (0.0, -0.07))
"""Where people look in a face: eyes and mouth, right and up from the point between the eyes."""
POINT_SHARES = (0.35, 0.35, 0.3)
FIXATION_S, FIXATION_SPREAD = 0.6, 0.5
"""Median and sigma of the log-normal time on one of the points."""
SHORTEST_FIXATION_S = 0.2
"""Least time between two saccades: a person's reaction time."""
OFF_RAD = math.radians(1.5)
"""The eyes follow a face that moves by a saccade once they are off by more than this."""
FIND_S = 0.08
"""Duration of the saccade to a face that appears, and to straight ahead once it is gone."""
HELD_S = 1.0
"""The robot looks so long at the place where the face was last seen."""
HEAD_SHARE, HEAD_S = 1 / 3, 0.35
"""The head's share of the angle; it follows by two equal low-pass filters of this time constant."""
NEAREST_M, NEAREST_TALK_M = 0.05, 0.8
"""Least distance of a face, and the least of people who talk: where a face fills the picture the
lens is narrower than the setting says, and the angle between eyes and mouth would be too large."""
LONGEST_STEP_S = 0.5
"""Longest time between two frames, after skipped windows, with which the head's filter reckons."""


class EyeContact:
    """Turns the eyes and the head of one trajectory to the speaker, frame by frame.

    The eyes make saccades between the speaker's eyes and mouth, and turn against every rotation of
    the head, so that the gaze stays. Without a face the robot looks straight ahead.
    """

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self._forget()

    def _forget(self) -> None:
        self._gaze = Saccades()
        self._weight = 0.0
        self._head = np.zeros((2, 2))
        self._time_s = -math.inf
        self._place, self._seen_s = np.zeros(3), -math.inf
        self._point, self._fixed_until_s = 0, -math.inf

    def turn(
        self,
        times_s: np.ndarray,
        faces: np.ndarray,
        places: np.ndarray,
        is_away: np.ndarray,
        config: PlayoutConfig,
    ) -> None:
        """Turn eyes and head of the faces (n, 58) in place.

        times_s: (n,) increasing. places: (n, 3) as ``Observation.place``, NaN without a face.
        is_away: (n,) bool, the robot glances away; the eyes then rest, and go to a new
        point afterwards.
        """
        if config.eye_contact == 0.0:
            self._forget()
            return
        for time_s, face, place, away in zip(times_s, faces, places, is_away, strict=True):
            self._turn_frame(float(time_s), face, place, bool(away), config)

    def _turn_frame(
        self,
        time_s: float,
        face: np.ndarray,
        place: np.ndarray,
        is_away: bool,
        config: PlayoutConfig,
    ) -> None:
        step_s = time_s - self._time_s
        step_s = min(step_s, LONGEST_STEP_S) if math.isfinite(step_s) else 1 / FRAME_RATE_HZ
        self._time_s = time_s
        if np.isfinite(place).all():
            self._place, self._seen_s = place, time_s
        is_known = time_s - self._seen_s <= HELD_S
        if is_known:
            self._look(time_s, is_away, config)
        change = step_s / FIND_S
        self._weight = min(max(self._weight + (change if is_known else -change), 0.0), 1.0)
        self._turn_head(step_s, is_known, config)
        face[TURN] -= self._head[1]
        if self._weight > 0.0:
            eyes = self._gaze.at(time_s) + config.eye_contact * face[TURN]
            move_eyes(face, self._weight * eyes / GAZE_RAD)

    def _turn_head(self, step_s: float, is_known: bool, config: PlayoutConfig) -> None:
        """Move the head's part of the angle through two equal low-pass filters."""
        target = np.zeros(2)
        if is_known:
            share = HEAD_SHARE * config.eye_contact * min(config.head_gain, 1.0)
            target = share * direction(self._place, config)
        nearer = 1.0 - math.exp(-step_s / HEAD_S)
        self._head[0] += nearer * (target - self._head[0])
        self._head[1] += nearer * (self._head[0] - self._head[1])

    def _look(self, time_s: float, is_away: bool, config: PlayoutConfig) -> None:
        """Start a saccade if the eyes rest elsewhere than where they are to look."""
        if self._weight == 0.0:
            # A face appears: the saccade to it is the rise of the weight.
            self._draw_point(time_s)
            self._gaze.jump(self._aim(config))
        if is_away:
            self._fixed_until_s = time_s
            return
        is_new = time_s >= self._fixed_until_s
        if is_new:
            self._draw_point(time_s)
        aim = self._aim(config)
        is_off = float(np.abs(aim - self._gaze.target).max()) > OFF_RAD
        if is_new or (is_off and time_s - self._gaze.start_s >= SHORTEST_FIXATION_S):
            self._gaze.go(time_s, aim)

    def _aim(self, config: PlayoutConfig) -> np.ndarray:
        """Direction (2,) of the point of the speaker's face that is looked at."""
        return config.eye_contact * direction(self._place, config, POINTS_M[self._point])

    def _draw_point(self, time_s: float) -> None:
        """Another point of the face, and how long the eyes rest there."""
        shares = np.array(POINT_SHARES)
        shares[self._point] = 0.0
        self._point = int(self.rng.choice(len(shares), p=shares / shares.sum()))
        rest_s = FIXATION_S * math.exp(FIXATION_SPREAD * self.rng.standard_normal())
        self._fixed_until_s = time_s + max(rest_s, SHORTEST_FIXATION_S)


def direction(
    place: np.ndarray, config: PlayoutConfig, point_m: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Direction (2,) from the shown face to a point of a face in the camera's picture.

    place: (3,) metres as ``Observation.place``. point_m: the point, to the right and up from there.
    """
    # With another field of view than that of ``place`` only the distance is another.
    widths = 2.0 * math.tan(math.radians(config.camera_fov_deg) / 2.0)
    ahead_m = max(-place[2] / widths, NEAREST_M)
    far_m = max(ahead_m, NEAREST_TALK_M)
    sign = -1.0 if config.camera_mirrored else 1.0
    right = sign * place[0] / ahead_m + (config.camera_right_m + point_m[0]) / far_m
    up = place[1] / ahead_m + (config.camera_up_m + point_m[1]) / far_m
    # ``playout.mirror`` swaps the sides of the face afterwards; the person does not move.
    aside = math.atan(right) * (-1.0 if config.mirror else 1.0)
    return np.array([aside, math.atan(up / math.hypot(right, 1.0))])

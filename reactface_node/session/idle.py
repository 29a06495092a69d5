"""Idle motion of a face: blinks, gaze shifts, head sway, breath, posture shifts.

Each is a streaming process with its own random generator ``rng``, which may be replaced between
two frames. It is asked for frames in order of time and never reads a clock. Amplitudes and times
without a source are chosen by eye, not derived; tests/session/test_idle.py bounds the motion.
"""

import math

import numpy as np

from reactface_node.schema import FRAME_RATE_HZ, NUM_COEFFICIENTS, index_of, indices_of
from reactface_node.session.easing import smootherstep

BLINK_SPREAD = 0.5  # sigma of the log-normal intervals (people differ: Bentivoglio et al. 1997)
SHORTEST_INTERVAL_S = 0.6
CLOSING_S, OPENING_S = 0.06, 0.11
HALF_HEIGHT_S = (0.088, 0.1)  # short blinks of people: 83-100 ms (ARKit recordings)
LOOK_S = (1.2, 4.5)  # duration of a gaze (Argyle and Ingham 1972)
LOOK_AWAY_CHANCE = 0.25  # listeners look at the speaker about 75 % of the time (the same)
SACCADE_S = 0.06
POSTURE_S, POSTURE_SPREAD, SHORTEST_POSTURE_S = 30.0, 0.6, 8.0  # log-normal time in a posture
POSTURE_MOVE_S = (0.8, 1.6)
POSTURE_DEG, POSTURE_M = (0.8, 1.2, 1.5), (0.004, 0.002, 0.003)  # sd of each axis
POSTURE_LIMIT = 2.0  # in sd

GAZE_RIGHT = indices_of("eyeLookInLeft", "eyeLookOutRight")
GAZE_LEFT = indices_of("eyeLookOutLeft", "eyeLookInRight")
GAZE_UP = indices_of("eyeLookUp")
GAZE_DOWN = indices_of("eyeLookDown")


class Blinks:
    """Lid closure 0..1: log-normal intervals, each blink 88-100 ms long at half height."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self._next_s = math.inf
        self._width_s = 0.0
        self._rate = 0.0

    def frames(self, times_s: np.ndarray, per_minute: float) -> np.ndarray:
        """Lid closure (n,), 0 open to 1 closed, at increasing times (n,) in seconds.

        per_minute: mean blink rate, 0 = none. A changed rate applies at once: the time of the next
        blink is drawn anew, which cuts off a blink under way.
        """
        closure = np.zeros(len(times_s), np.float32)
        for index, time_s in enumerate(times_s.tolist()):
            closure[index] = self.step(time_s, per_minute)
        return closure

    def step(self, time_s: float, per_minute: float) -> float:
        """The closure of the next frame; see ``frames``."""
        if per_minute != self._rate:
            self._rate = per_minute
            self._plan(time_s)
        if time_s > self._next_s + self._width_s + (CLOSING_S + OPENING_S) / 2:
            self._plan(time_s)
        return lid_closure(time_s - self._next_s, self._width_s, CLOSING_S, OPENING_S)

    @property
    def next_s(self) -> float:
        """When the next blink begins, or the one under way began."""
        return self._next_s

    def _plan(self, now_s: float) -> None:
        if self._rate <= 0:
            self._next_s = math.inf
            return
        closed_s = sum(HALF_HEIGHT_S) / 2 + (CLOSING_S + OPENING_S) / 2
        mean_s = max(60.0 / self._rate - SHORTEST_INTERVAL_S - closed_s, 0.1)
        median_s = mean_s * math.exp(-(BLINK_SPREAD**2) / 2)
        wait_s = median_s * math.exp(BLINK_SPREAD * self.rng.standard_normal())
        self._next_s = now_s + SHORTEST_INTERVAL_S + wait_s
        self._width_s = self.rng.uniform(*HALF_HEIGHT_S)


def lid_closure(since_s: float, width_s: float, closing_s: float, opening_s: float) -> float:
    """Lid closure so long after a blink's beginning; width_s: its length at half height."""
    if since_s <= 0:
        return 0.0
    if since_s < closing_s:
        return 0.5 - 0.5 * math.cos(math.pi * since_s / closing_s)
    hold_s = width_s - (closing_s + opening_s) / 2
    opening = (since_s - closing_s - hold_s) / opening_s
    return 0.5 + 0.5 * math.cos(math.pi * min(max(opening, 0.0), 1.0))


class IdleMotion:
    """Gaze shifts, slow head sway and breath as small additions to the 58 coefficients."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        # Posture sways below the band of conversational head motion (0.2-1.1 Hz, Hale et al.).
        self._frequency_hz = rng.uniform(0.04, 0.22, (3, 6))
        self._phase = rng.uniform(0, 2 * math.pi, (3, 6))
        degrees = np.array([0.9, 1.3, 0.7])
        self._amplitude = np.concatenate([np.radians(degrees), [0.0015, 0.001, 0.002]])
        self._breath_hz = rng.uniform(0.2, 0.28)
        self._gaze = np.zeros(2)  # right, up
        self._target = np.zeros(2)
        self._until_s = -math.inf

    def frames(self, times_s: np.ndarray) -> np.ndarray:
        """Coefficients to add, (n, 58) in rad and metres, at increasing times (n,) in seconds."""
        face = np.zeros((len(times_s), NUM_COEFFICIENTS), np.float32)
        angles = 2 * math.pi * self._frequency_hz * times_s[:, None, None] + self._phase
        face[:, 52:] = np.sin(angles).mean(axis=1) * 1.7 * self._amplitude
        face += self.breath(times_s)
        for index, time_s in enumerate(times_s):
            right, up = self._look(float(time_s))
            face[index, GAZE_RIGHT], face[index, GAZE_LEFT] = max(right, 0), max(-right, 0)
            face[index, GAZE_UP], face[index, GAZE_DOWN] = max(up, 0), max(-up, 0)
        return face

    def breath(self, times_s: np.ndarray) -> np.ndarray:
        """The breath alone, (n, 58): the head rises and tips back a little, 12 to 17 times a
        minute."""
        face = np.zeros((len(times_s), NUM_COEFFICIENTS), np.float32)
        breath = np.sin(2 * math.pi * self._breath_hz * times_s)
        face[:, index_of("translationY")] = 0.0012 * breath
        face[:, index_of("rotationX")] = -0.004 * breath
        return face

    def _look(self, time_s: float) -> np.ndarray:
        if time_s >= self._until_s:
            self._until_s = time_s + self.rng.uniform(*LOOK_S)
            away = self.rng.random() < LOOK_AWAY_CHANCE
            spread = (0.3, 0.14) if away else (0.05, 0.03)
            self._target = self.rng.normal(0.0, spread).clip(-0.5, 0.5)
            if away:
                self._until_s = min(self._until_s, time_s + 1.6)
        # A saccade is over in one or two frames.
        share = 1.0 - math.exp(-1.0 / (FRAME_RATE_HZ * SACCADE_S * 0.5))
        self._gaze = self._gaze + share * (self._target - self._gaze)
        return self._gaze


class PostureShifts:
    """Rare shifts of the head to another position, a few millimetres and degrees."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng
        self._spread = np.concatenate([np.radians(POSTURE_DEG), POSTURE_M])
        self._from = self._to = np.zeros(6)
        self._start_s, self._lasts_s = -math.inf, 1.0
        self._next_s: float | None = None

    def frames(self, times_s: np.ndarray) -> np.ndarray:
        """Head rotation and translation to add, (n, 6) in rad and metres, at increasing times (n,)
        in seconds."""
        poses: np.ndarray = np.stack([self._pose(float(time_s)) for time_s in times_s])
        return poses.astype(np.float32)

    def _pose(self, time_s: float) -> np.ndarray:
        if self._next_s is None:
            self._next_s = time_s + self._wait_s()
        if time_s >= self._next_s:
            self._from, self._start_s = self._to, time_s
            drawn = self.rng.standard_normal(6).clip(-POSTURE_LIMIT, POSTURE_LIMIT)
            self._to = self._spread * drawn
            self._lasts_s = self.rng.uniform(*POSTURE_MOVE_S)
            self._next_s = time_s + self._lasts_s + self._wait_s()
        share = smootherstep((time_s - self._start_s) / self._lasts_s)
        pose: np.ndarray = self._from + share * (self._to - self._from)
        return pose

    def _wait_s(self) -> float:
        wait_s = POSTURE_S * math.exp(POSTURE_SPREAD * self.rng.standard_normal())
        return max(wait_s, SHORTEST_POSTURE_S)

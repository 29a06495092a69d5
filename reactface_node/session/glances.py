"""Glances away from the speaker, some of them with a pressed mouth: a thinking face.

Numbers with a source are people's; the others are chosen by eye.
"""

import math
from dataclasses import dataclass

import numpy as np

from reactface_node.config import PlayoutConfig
from reactface_node.schema import indices_of
from reactface_node.session.easing import smoothstep
from reactface_node.session.gaze import Saccades

GLANCES_PER_MIN = (3.6, 6.0)
"""A listener's rate is log-uniform in this range. Two people glance away 3.4 and 7.2 times a minute
(IFADV); the limits keep the eyes on the speaker for 90 to 97 % of the time, as theirs are."""
LOOK_SPREAD, SHORTEST_LOOK_S, LONGEST_LOOK_S = 1.1, 0.3, 90.0
"""Looks at the speaker are log-normal. 10/50/90 % of two people's are 0.6/2.3/13 and 1.1/4.3/19 s
(IFADV), which is a sigma of 1.2 and 1.1."""
LONG_SHARE, LONG_TIMES = 0.095, 11.0
"""This share of the looks is longer by this factor; chosen. People's looks are heavy-tailed: with
the others alone they would glance away more often than they do."""
FIRST_TIMES = 1.5
"""The first look at somebody who appears is longer by this factor; chosen."""
GLANCE_S, GLANCE_SPREAD, SHORTEST_GLANCE_S = 0.96, 0.3, 0.3
"""Glances are log-normal: two people's medians are 0.92 and 1.04 s, their upper quartiles 1.3 and
1.9 s (IFADV)."""
GLANCE_DEG, GLANCE_DEG_SPREAD, LEAST_DEG, MOST_DEG = 13.0, 0.35, 8.0, 24.0
"""Angles of the glances: log-normal, within limits."""
GLANCE_SLOPE_DEG = (-75.0, 45.0)
"""Angles to the horizontal; more glances go down than up."""
MODEL_GLANCE = 0.2
"""Gaze of the model, in eyeLook weights, from which it counts as a glance of its own."""
THINKING_SHARE, SHORTEST_THINKING_S = 0.38, 0.6
"""This share of the glances that are long enough carry a press. People show a thinking face, the
eyes away and the mouth pressed for 0.4 s and more, in 27 % of 10 s of listening (CCDb)."""
PRESS, PRESS_RISE_S, PRESS_FALL_S = (0.25, 0.45), 0.2, 0.3
SMILE = 0.2
"""Nobody thinks in a smile that counts as one."""

_MEAN_GLANCE_S = GLANCE_S * math.exp(GLANCE_SPREAD**2 / 2)
_PRESSES, _SMILES = indices_of("mouthPress"), indices_of("mouthSmile")
_LOOKS = indices_of("eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeLookDown")


@dataclass(frozen=True, eq=False)
class Away:
    """What glances add to n frames: eyes (n, 2) in rad to the right and up, a press (n,) in
    weights. is_away: (n,) bool, a glance is under way."""

    eyes: np.ndarray
    press: np.ndarray
    is_away: np.ndarray


class Glances:
    """The glances away of one listener, whose rate is drawn once."""

    def __init__(self, rng: np.random.Generator):
        """rng: of the rate; replace it for the glances."""
        self.rng = rng
        low, high = map(math.log, GLANCES_PER_MIN)
        mean_look_s = 60.0 / math.exp(rng.uniform(low, high)) - _MEAN_GLANCE_S
        times = math.exp(LOOK_SPREAD**2 / 2) * (1.0 + LONG_SHARE * (LONG_TIMES - 1.0))
        self._median_look_s = mean_look_s / times
        self._offset = Saccades()
        self._look_until_s = self._glance_until_s = -math.inf
        self._models_glances, self._model_is_away = 0, False
        self._press, self._pressed_s, self._released_s = 0.0, -math.inf, -math.inf
        self._was_there = False

    def frames(
        self, times_s: np.ndarray, faces: np.ndarray, there: np.ndarray, config: PlayoutConfig
    ) -> Away:
        """The glances at increasing times (n,) in seconds.

        faces: (n, 58) without them; a glance that they hold takes the place of the next of ours.
        there: (n,) bool, somebody is there to look at. Without a gaze gain or without idle motion
        there is none.
        """
        models = faces[:, _LOOKS].max(axis=1) > MODEL_GLANCE
        away = Away(np.zeros((len(faces), 2)), np.zeros(len(faces)), np.zeros(len(faces), bool))
        for index, time_s in enumerate(times_s.tolist()):
            self._note(bool(models[index]))
            self._follow(time_s, faces[index], bool(there[index]), config)
            if self._moves(time_s):
                away.eyes[index] = self._offset.at(time_s)
                away.press[index] = self._press_at(time_s)
            away.is_away[index] = time_s < self._glance_until_s
        return away

    def _moves(self, time_s: float) -> bool:
        """Whether a glance is under way, or was until a moment ago."""
        return time_s < self._glance_until_s or time_s < self._offset.start_s + PRESS_FALL_S

    def _note(self, is_away: bool) -> None:
        """Count the model's glances since the last one of ours."""
        self._models_glances += is_away and not self._model_is_away
        self._model_is_away = is_away

    def _follow(
        self, time_s: float, face: np.ndarray, is_there: bool, config: PlayoutConfig
    ) -> None:
        """Begin or end a glance if it is time."""
        appears, self._was_there = is_there and not self._was_there, is_there
        if math.isfinite(self._glance_until_s):
            if is_there and time_s < self._glance_until_s:
                return
            self._glance_until_s = -math.inf
            self._released_s = min(self._released_s, time_s)
            self._offset.go(time_s, np.zeros(2))
            self._draw_look(time_s)
        if appears:
            self._draw_look(time_s, FIRST_TIMES)
        if not is_there or time_s < self._look_until_s:
            return
        if self._models_glances or config.gaze_gain == 0.0 or config.idle_gain == 0.0:
            self._models_glances = 0
            self._draw_look(time_s)
        else:
            self._begin(time_s, face, config.gaze_gain)

    def _begin(self, time_s: float, face: np.ndarray, gain: float) -> None:
        degrees = GLANCE_DEG * math.exp(GLANCE_DEG_SPREAD * self.rng.standard_normal())
        size = gain * math.radians(min(max(degrees, LEAST_DEG), MOST_DEG))
        slope = math.radians(self.rng.uniform(*GLANCE_SLOPE_DEG))
        side = 1.0 if self.rng.random() < 0.5 else -1.0
        self._offset.go(time_s, size * np.array([side * math.cos(slope), math.sin(slope)]))
        lasts_s = GLANCE_S * math.exp(GLANCE_SPREAD * self.rng.standard_normal())
        lasts_s = max(lasts_s, SHORTEST_GLANCE_S)
        self._glance_until_s = time_s + lasts_s
        thinks, press = self.rng.random() < THINKING_SHARE, self.rng.uniform(*PRESS)
        smiles = float(face[_SMILES].mean()) > SMILE
        if thinks and not smiles and lasts_s >= SHORTEST_THINKING_S:
            self._press, self._pressed_s = gain * press, time_s
            self._released_s = self._glance_until_s

    def _draw_look(self, time_s: float, times: float = 1.0) -> None:
        """How long the speaker is looked at before the next glance."""
        look_s = times * self._median_look_s * math.exp(LOOK_SPREAD * self.rng.standard_normal())
        look_s *= LONG_TIMES if self.rng.random() < LONG_SHARE else 1.0
        self._look_until_s = time_s + min(max(look_s, SHORTEST_LOOK_S), LONGEST_LOOK_S)

    def _press_at(self, time_s: float) -> float:
        rise = smoothstep((time_s - self._pressed_s) / PRESS_RISE_S)
        return self._press * rise * (1.0 - smoothstep((time_s - self._released_s) / PRESS_FALL_S))


def press(faces: np.ndarray, by: np.ndarray) -> None:
    """Press the mouths of faces (n, 58) by weights (n,), in place."""
    if by.any():
        for row in np.flatnonzero(by):
            faces[row, _PRESSES] += by[row]

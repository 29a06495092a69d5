"""The events of the listener's shown face: nods, smiles, laughs, tilts, frowns, looks away.

Each is known from the frames up to it alone.
"""

import numpy as np

from reactface_node.schema import ListenerEvent, index_of, indices_of
from reactface_node.session.nod_detector import NodDetector
from reactface_node.session.threshold_detector import ThresholdDetector

# Thresholds. A smile counts as answered from 0.2 on, and laughs and frowns as in
# ``perception.kinds``, where a probability of 0.5 is reached. The others were chosen by hand: a
# tilt of 4 degrees, and a gaze of a fifth of its range, more than the saccades of one who looks at
# a face. Idle sway rolls the head by 0.7 degrees.
SMILE, FROWN, TEETH = 0.2, 0.3, 0.45
TILT_RAD, AWAY = 0.07, 0.2

_SMILES, _UPPER_LIPS = indices_of("mouthSmile"), indices_of("mouthUpperUp")
_FROWNS = (indices_of("browDown"), indices_of("mouthFrown"))
_OUT, _IN = indices_of("eyeLookOut"), indices_of("eyeLookIn")
_UP, _DOWN = indices_of("eyeLookUp"), indices_of("eyeLookDown")
_PITCH, _ROLL, _OPEN = index_of("rotationX"), index_of("rotationZ"), index_of("jawOpen")


class ListenerEvents:
    """Reads the frames of one listener in order; each costs the same."""

    def __init__(self) -> None:
        self._nods = NodDetector()
        self._smile = ThresholdDetector("listener", "smile", SMILE)
        self._laugh = ThresholdDetector("listener", "laugh", TEETH)
        self._tilt = ThresholdDetector("listener", "tilt", TILT_RAD)
        self._frown = ThresholdDetector("listener", "frown", FROWN)
        self._away = ThresholdDetector("listener", "gaze_away", AWAY)

    def read(self, first: int, show_at_s: np.ndarray, face: np.ndarray) -> list[ListenerEvent]:
        """The events of n frames: the number of the first, show times (n,) in seconds, and
        coefficients (n, 58)."""
        events: list[ListenerEvent] = []
        for place, (stamp_s, one) in enumerate(zip(show_at_s.tolist(), face, strict=True)):
            events += self._nods.step(first + place, stamp_s, float(one[_PITCH]))
            smile = float(one[_SMILES].mean())
            teeth = max(float(one[_OPEN]), float(one[_UPPER_LIPS].mean()))
            frown = max(float(one[side].mean()) for side in _FROWNS)
            events += self._smile.step(stamp_s, smile)
            events += self._laugh.step(stamp_s, teeth if smile >= SMILE else 0.0)
            events += self._tilt.step(stamp_s, float(one[_ROLL]), is_angle=True)
            events += self._frown.step(stamp_s, frown)
            events += self._away.step(stamp_s, _gaze(one))
        return events


def _gaze(face: np.ndarray) -> float:
    """How far the eyes look away from straight ahead, 0 to about 1.4."""
    left, right = face[_OUT] - face[_IN]
    up = float((face[_UP] - face[_DOWN]).mean())
    return float(np.hypot((left - right) / 2.0, up))

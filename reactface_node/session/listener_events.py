"""The events of the listener's shown face: nods, smiles, laughs, tilts, frowns, looks away.

Each is known from the frames up to it alone.
"""

import numpy as np

from reactface_node.schema import FRAME_RATE_HZ, GAZE_RAD, ListenerEvent, index_of, indices_of
from reactface_node.session.nod_detector import NodDetector
from reactface_node.session.threshold_detector import ThresholdDetector

# Thresholds. A smile counts as answered from 0.2 on, and laughs and frowns as in
# ``perception.kinds``, where a probability of 0.5 is reached. The others were chosen by hand: a
# tilt of 4 degrees, as idle sway rolls the head by 0.7, and a gaze of a fifth of its range (7
# degrees), more than the saccades of one who looks at a face.
SMILE, FROWN, TEETH = 0.2, 0.3, 0.45
TILT_RAD, AWAY = 0.07, 0.2
# The usual direction of the gaze follows the gaze with this time constant while it is near, and at
# once after the longest glance: people's last 0.92 and 1.04 s, a quarter more than 1.3 and 1.9 s
# (medians and quartiles of 2 people, IFADV).
USUAL_S, LONGEST_GLANCE_S = 1.5, 4.0
# Lids that are further closed than any at rest hide the eyes, which a blink lowers.
BLINK = 0.35

_SMILES, _UPPER_LIPS = indices_of("mouthSmile"), indices_of("mouthUpperUp")
_FROWNS = (indices_of("browDown"), indices_of("mouthFrown"))
_OUT, _IN = indices_of("eyeLookOut"), indices_of("eyeLookIn")
_UP, _DOWN = indices_of("eyeLookUp"), indices_of("eyeLookDown")
_PITCH, _YAW, _ROLL = indices_of("rotationX", "rotationY", "rotationZ")
_OPEN, _LIDS = index_of("jawOpen"), indices_of("eyeBlink")


class ListenerEvents:
    """Reads the frames of one listener in order; each costs the same."""

    def __init__(self) -> None:
        self._nods = NodDetector()
        self._smile = ThresholdDetector("listener", "smile", SMILE)
        self._laugh = ThresholdDetector("listener", "laugh", TEETH)
        self._tilt = ThresholdDetector("listener", "tilt", TILT_RAD)
        self._frown = ThresholdDetector("listener", "frown", FROWN)
        self._away = ThresholdDetector("listener", "gaze_away", AWAY)
        self._gaze = _Gaze()

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
            events += self._away.step(stamp_s, self._gaze.away(one))
        return events


class _Gaze:
    """How far the eyes look from where they usually look, which is where the speaker is.

    Eyes that stay on the speaker turn against the head, so the gaze is away only if it is both as
    an angle of the eyes in the head and as a direction in space.
    """

    def __init__(self) -> None:
        self._usual = np.zeros((2, 2))
        self._away_frames, self._far = 0, 0.0

    def away(self, face: np.ndarray) -> float:
        """The next frame (58,) -> how far, in weights of eyeLook*, 0 to about 2; a blink keeps that
        of the frame before it."""
        if face[_LIDS].mean() > BLINK:
            return self._far
        left, right = face[_OUT] - face[_IN]
        in_head = np.array([(left - right) / 2.0, (face[_UP] - face[_DOWN]).mean()])
        now = np.stack([in_head, in_head + np.array([face[_YAW], -face[_PITCH]]) / GAZE_RAD])
        far = float(np.linalg.norm(now - self._usual, axis=1).min())
        self._away_frames = self._away_frames + 1 if far >= AWAY else 0
        if self._away_frames > LONGEST_GLANCE_S * FRAME_RATE_HZ:
            self._usual, self._away_frames = now, 0
        elif not self._away_frames:
            self._usual += (now - self._usual) / (USUAL_S * FRAME_RATE_HZ)
        self._far = far
        return far

"""How a listener's head follows the speaker's: Hale et al. (2019)."""

from collections.abc import Sequence

import numpy as np
from scipy.signal import butter, coherence, sosfiltfilt

from reactface_node.research.evaluation.meeting import Meeting
from reactface_node.schema import FRAME_RATE_HZ, ROTATION

SLOW_HZ, FAST_HZ = (0.2, 1.1), (2.6, 6.5)
LAG_S = 0.6
LAGS_S = np.arange(-10, 51) / FRAME_RATE_HZ
SHORTEST_S = 8.0
"""Shorter meetings say nothing about motion at 0.2 Hz."""
STILL_RAD = 1e-5
MIRROR = np.array([1.0, -1.0])
"""Pitch, and yaw as in a mirror: who turns to his left is followed by a turn to the right, which is
the same side in space."""


def coordination(meetings: Sequence[Meeting]) -> dict[str, float]:
    """r of slow motion 0.6 s later in pitch and yaw; the lag at which it is largest, whatever its
    sign; coherence of fast motion against that of listeners to other speakers. Left out without a
    moving speaker.

    r: over all frames of all listeners, each course standardised first.
    """
    pairs = [
        (_slow(_angles(meeting.speaker)) * MIRROR, _slow(_angles(face)))
        for meeting in meetings
        if meeting.seconds >= SHORTEST_S and _angles(meeting.speaker).std(axis=0).min() > STILL_RAD
        for face in meeting.listeners
    ]
    if not pairs:
        return {}
    courses = np.array([np.mean([_lagged(*pair, lag) for pair in pairs], axis=0) for lag in LAGS_S])
    at = int(np.argmin(np.abs(LAGS_S - LAG_S)))
    best = int(np.argmax(np.abs(courses).mean(axis=1)))
    return {
        "follow_pitch": float(courses[at, 0]),
        "follow_yaw": float(courses[at, 1]),
        "follow_lag": float(LAGS_S[best]),
        **_fast(meetings),
    }


def _angles(face: np.ndarray) -> np.ndarray:
    """(T, 2) pitch and yaw in rad."""
    return face[:, ROTATION.start : ROTATION.start + 2].astype(np.float64)


def _slow(angles: np.ndarray) -> np.ndarray:
    band = butter(2, SLOW_HZ, "bandpass", fs=FRAME_RATE_HZ, output="sos")
    filtered: np.ndarray = sosfiltfilt(band, angles, axis=0)
    return filtered


def _lagged(speaker: np.ndarray, listener: np.ndarray, lag_s: float) -> np.ndarray:
    """(2,) r of the listener's motion with the speaker's ``lag_s`` before; 0 without motion."""
    shift = round(lag_s * FRAME_RATE_HZ)
    frames = len(speaker) - abs(shift)
    first = speaker[max(-shift, 0) :][:frames]
    later = listener[max(shift, 0) :][:frames]
    first, later = first - first.mean(axis=0), later - later.mean(axis=0)
    spread = np.sqrt((first**2).sum(axis=0) * (later**2).sum(axis=0))
    r: np.ndarray = (first * later).sum(axis=0) / np.maximum(spread, 1e-12)
    return r


def _fast(meetings: Sequence[Meeting]) -> dict[str, float]:
    """Left out with fewer than two meetings of equal length: there are no strangers then."""
    long = [m for m in meetings if m.seconds >= SHORTEST_S]
    own: list[float] = []
    strangers: list[float] = []
    for meeting in long:
        for other in long:
            if meeting.listeners.shape[1] == other.listeners.shape[1]:
                found = [_coherence(other.speaker, face) for face in meeting.listeners]
                (own if other is meeting else strangers).append(float(np.mean(found)))
    if not strangers:
        return {}
    return {"fast_coherence": float(np.mean(own) / max(float(np.mean(strangers)), 1e-9))}


def _coherence(speaker: np.ndarray, listener: np.ndarray) -> float:
    """Mean over 2.6-6.5 Hz of the coherence of pitch; 0 where one of them is still."""
    one, other = _angles(speaker)[:, 0], _angles(listener)[:, 0]
    if one.std() < STILL_RAD or other.std() < STILL_RAD:
        return 0.0
    hz, values = coherence(one, other, FRAME_RATE_HZ, nperseg=2 * FRAME_RATE_HZ)
    return float(values[(hz >= FAST_HZ[0]) & (hz <= FAST_HZ[1])].mean())

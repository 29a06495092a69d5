"""When a listener may nod: Ward and Tsukahara's rule on the speaker's pitch."""

import numpy as np

from reactface_node.research.data.speech import TRACK_RATE_HZ

LOW_PITCH_PERCENTILE = 26.0
LOW_PITCH_S = 0.11
SPEECH_BEFORE_S = 0.7
BETWEEN_CUES_S = 0.8
# Longest stretch without pitch inside a phrase; chosen.
VOICELESS_S = 0.2


def backchannel_cues(f0_hz: np.ndarray) -> np.ndarray:
    """Times (N,) in seconds, in order, at which the listener can have noticed a cue.

    f0_hz: (N,) pitch at 100 Hz, 0 where the speaker is silent. A cue is a stretch of 110 ms
    under the 26th percentile of the speaker's pitch after at least 700 ms of speech, none within
    800 ms of the last (Ward and Tsukahara 2000).
    """
    speaking = f0_hz > 0
    if not speaking.any():
        return np.zeros(0)
    low = speaking & (f0_hz < np.percentile(f0_hz[speaking], LOW_PITCH_PERCENTILE))
    spoken = _run_length(_bridged(speaking))
    cue = (_run_length(low) == _steps(LOW_PITCH_S)) & (spoken >= _steps(SPEECH_BEFORE_S))
    kept: list[float] = []
    for time in np.flatnonzero(cue) / TRACK_RATE_HZ:
        if not kept or time - kept[-1] >= BETWEEN_CUES_S:
            kept.append(float(time))
    return np.array(kept)


def _bridged(speaking: np.ndarray) -> np.ndarray:
    """(N,) bool with short silences counted as speech: voiceless sounds have no pitch."""
    last = np.maximum.accumulate(np.where(speaking, np.arange(len(speaking)), -len(speaking)))
    near: np.ndarray = np.arange(len(speaking)) - last < _steps(VOICELESS_S)
    return near


def _steps(seconds: float) -> int:
    return round(seconds * TRACK_RATE_HZ)


def _run_length(flags: np.ndarray) -> np.ndarray:
    """(N,) for each step the number of consecutive steps, up to and including it, with the flag
    set."""
    steps = np.arange(1, len(flags) + 1)
    result: np.ndarray = steps - np.maximum.accumulate(np.where(flags, 0, steps))
    return result

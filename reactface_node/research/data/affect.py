"""What feelings do to a voice that speaks: pitch, loudness, tempo, timbre and tremor.

Directions are those of Juslin and Laukka 2003 (joy, anger and fear: higher, louder or tenser,
faster; sadness: lower, softer, darker, slower); the sizes at full strength are chosen.
"""

from dataclasses import dataclass

import numpy as np

from reactface_node.research.data.motion import smoothstep
from reactface_node.research.data.script import Episode, Script
from reactface_node.research.data.speech import TRACK_RATE_HZ

_RISE_S = 0.4


@dataclass(frozen=True)
class _Tone:
    """Of a feeling at full strength. tempo: share by which speech is faster. tremor: semitones."""

    semitones: float = 0.0
    gain_db: float = 0.0
    tilt_db: float = 0.0
    breath_db: float = 0.0
    tempo: float = 0.0
    tremor: float = 0.0


_TONES = {
    "smile": _Tone(1.5, 1.5, 0.7, 0.0, 0.08),
    "laugh": _Tone(3.0, 1.0, 0.7, 6.0, 0.0, 1.2),
    "frown": _Tone(-2.5, -5.0, -1.5, 4.0, -0.25),
    "surprise": _Tone(4.0, 3.0, 1.0, 0.0, 0.1),
    "cry": _Tone(2.5, -3.0, -0.5, 8.0, -0.2, 1.6),
    "anger": _Tone(5.0, 9.0, 3.0, -3.0, 0.15),
    "grimace": _Tone(2.0, -1.0, 1.0, 3.0, -0.15, 0.6),
    "fear": _Tone(4.5, -1.0, 1.0, 6.0, 0.2, 0.9),
    "disgust": _Tone(-2.0, -1.0, 0.5, 2.0, -0.15),
    "confusion": _Tone(0.8, -2.0, 0.0, 1.0, -0.15),
    "thinking": _Tone(-1.0, -3.0, -0.5, 2.0, -0.25),
}


@dataclass(frozen=True, eq=False)
class Tone:
    """The tone of a clip; (N,) at 100 Hz each, as in ``vocoder.Change``. tempo: factor."""

    semitones: np.ndarray
    gain_db: np.ndarray
    tilt_db: np.ndarray
    breath_db: np.ndarray
    tempo: np.ndarray


def tone_of(rng: np.random.Generator, script: Script) -> Tone:
    """The tone of a script's episodes as far as they are heard."""
    times = np.arange(round(script.seconds * 25) * 4) / TRACK_RATE_HZ
    total = {name: np.zeros(len(times)) for name in vars(_Tone())}
    for episode in script.episodes:
        tone = _TONES.get(episode.kind)
        if tone is None or not heard(episode):
            continue
        course = episode.strength * _course(times, episode)
        for name, value in vars(tone).items():
            total[name] += value * course
    tremor = np.sin(2 * np.pi * np.cumsum(rng.uniform(4.5, 7.5, len(times))) / TRACK_RATE_HZ)
    return Tone(
        total["semitones"] + total["tremor"] * tremor,
        total["gain_db"] + 2.0 * total["tremor"] * tremor,
        total["tilt_db"],
        total["breath_db"],
        np.clip(1.0 + total["tempo"], 0.6, 1.4),
    )


def heard(episode: Episode) -> bool:
    """Whether the voice has anything of this episode."""
    return bool(getattr(episode, "voice", True))


def _course(times: np.ndarray, episode: Episode) -> np.ndarray:
    """(N,) 0..1: the episode, with 0.4 s before and after it."""
    rising = smoothstep((times - episode.start_s) / _RISE_S)
    falling = smoothstep((episode.end_s + _RISE_S - times) / _RISE_S)
    result: np.ndarray = rising * falling
    return result

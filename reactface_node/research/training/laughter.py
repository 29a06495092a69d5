"""Made voices, of nobody seen, that laugh at known times.

Data sets do not teach what laughter sounds like: they do not say where it is, and faces that talk
and smile look as if they laughed.
"""

from dataclasses import dataclass

import numpy as np
import torch

from reactface_node.model.records import SpeakerInput
from reactface_node.research.data.room import record
from reactface_node.research.data.script import LAUGH, Episode, Phrase, Script, draw_script
from reactface_node.research.data.voice import draw_voice
from reactface_node.schema import FRAME_RATE_HZ, NUM_COEFFICIENTS, SAMPLES_PER_FRAME

KNOWN_S, OVER_S = 0.2, 0.4
"""A laugh can be known so long after its start, and until so long after its end."""
LAUGHED_SHARE = 0.45
LAUGH_S, PHRASE_S = (0.0, 0.4, 0.5, 2.5), (0.6, 0.75, 0.5, 5.0)
"""Log-normal: mean and deviation of the logarithm of seconds, and limits. Phrases are people's
(IFADV), and laughs are 1.06 s long on average."""
LAUGH_PAUSE_S, PHRASE_PAUSE_S = (0.3, 2.0), (0.2, 1.2)


@dataclass(frozen=True)
class Voices:
    """B made speakers whom nobody sees. laughing (B, T) bool: they laugh."""

    speaker: SpeakerInput
    laughing: torch.Tensor

    def chosen(self, index: np.ndarray, device: str) -> "Voices":
        """The voices of these indices, on a device."""
        rows = torch.from_numpy(index)
        speaker = SpeakerInput(*(value[rows] for value in vars(self.speaker).values()))
        return Voices(speaker.to(device), self.laughing[rows].to(device))


def made_voices(seed: int, count: int, frames: int) -> Voices:
    """``count`` voices of T frames; the same seed gives the same ones. Every second one laughs
    often, the others have all feelings of a synthetic speaker."""
    seconds = frames / FRAME_RATE_HZ
    sounds = np.zeros((count, frames * SAMPLES_PER_FRAME), np.float32)
    laughing = np.zeros((count, frames), bool)
    for index in range(count):
        rng = np.random.default_rng([seed, 7, index])
        script = _merry(rng, seconds) if index % 2 else draw_script(rng, seconds)
        sounds[index] = record(rng, draw_voice(rng).speak(rng, script).sound)
        heard = [one for one in script.episodes if one.kind == LAUGH and one.voice]
        laughing[index] = _frames_of([(one.start_s, one.end_s) for one in heard], frames)
    face = torch.zeros(count, frames, NUM_COEFFICIENTS)
    hears = torch.ones(count, frames, dtype=torch.bool)
    speaker = SpeakerInput(face, face > 0, torch.from_numpy(sounds), hears)
    return Voices(speaker, torch.from_numpy(laughing))


def _merry(rng: np.random.Generator, seconds: float) -> Script:
    """Somebody who laughs nearly as often as he says something."""
    phrases: list[Phrase] = []
    episodes: list[Episode] = []
    start_s = float(rng.uniform(*PHRASE_PAUSE_S))
    while start_s < seconds - 1.0:
        laughed = bool(rng.random() < LAUGHED_SHARE)
        mean, spread, least, most = LAUGH_S if laughed else PHRASE_S
        length_s = float(np.clip(rng.lognormal(mean, spread), least, most))
        end_s = min(start_s + length_s, seconds - 0.2)
        phrases.append(Phrase(start_s, end_s, laughed=laughed))
        if laughed:
            strength = float(rng.uniform(0.5, 1.0))
            episodes.append(Episode(LAUGH, start_s, end_s, strength, face=False))
        start_s = end_s + float(rng.uniform(*(LAUGH_PAUSE_S if laughed else PHRASE_PAUSE_S)))
    return Script(seconds, tuple(phrases), tuple(episodes))


def _frames_of(spans: list[tuple[float, float]], frames: int) -> np.ndarray:
    """(T,) bool: the frames at which these laughs can be known."""
    known = np.zeros(frames, bool)
    for start_s, end_s in spans:
        first, end = ((s * FRAME_RATE_HZ) for s in (start_s + KNOWN_S, end_s + OVER_S))
        known[round(first) : round(end)] = True
    return known

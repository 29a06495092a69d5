"""The speaker's face: mouth from syllables, emotions from the script, head, gaze, blinks."""

from dataclasses import dataclass

import numpy as np

from reactface_node.research.data.motion import (
    add,
    delayed,
    envelope,
    finish,
    frame_times,
    gaze,
    neutral,
    smooth_noise,
    write_gaze,
)
from reactface_node.research.data.phonemes import VISEME_NAMES
from reactface_node.research.data.script import FROWN, LAUGH, SMILE, SURPRISE, Episode, Script
from reactface_node.research.data.voice import Spoken
from reactface_node.schema import ROTATION, TRANSLATION, index_of

# Weights at full strength of each feeling (ARKit names; the prototypes of FACS: AU6+12 for
# joy, AU1+4+15 for sadness, AU1+2+5+26 for surprise).
_FEELINGS: dict[str, dict[str, float]] = {
    SMILE: {"mouthSmile": 0.75, "cheekSquint": 0.5, "eyeSquint": 0.25, "mouthDimple": 0.15},
    LAUGH: {
        "mouthSmile": 0.9,
        "cheekSquint": 0.7,
        "eyeSquint": 0.45,
        "jawOpen": 0.12,
        "mouthUpperUp": 0.2,
    },
    FROWN: {
        "mouthFrown": 0.6,
        "browInnerUp": 0.35,
        "browDown": 0.45,
        "mouthShrugLower": 0.3,
        "mouthPress": 0.15,
    },
    SURPRISE: {"browInnerUp": 0.75, "browOuterUp": 0.7, "eyeWide": 0.6, "jawOpen": 0.22},
}
# Rise and fall in seconds: smiles grow in about half a second, surprise comes fast.
_COURSE = {SMILE: (0.5, 0.8), LAUGH: (0.35, 0.9), FROWN: (0.6, 0.8), SURPRISE: (0.2, 0.6)}


@dataclass(frozen=True)
class Manner:
    """Characteristics of a speaker's motion. blinks_per_min: 17 at rest to 26 in conversation
    (Bentivoglio)."""

    articulation: float
    expressiveness: float
    head: float
    blinks_per_min: float
    attention: float


def draw_manner(rng: np.random.Generator) -> Manner:
    """Draw a speaker; the attention is around 40 %, as of speakers (Argyle and Ingham)."""
    return Manner(
        articulation=rng.uniform(0.7, 1.25),
        expressiveness=rng.uniform(0.75, 1.1),
        head=rng.uniform(0.5, 1.4),
        blinks_per_min=rng.uniform(17.0, 26.0),
        attention=rng.uniform(0.3, 0.55),
    )


def act(rng: np.random.Generator, script: Script, spoken: Spoken, manner: Manner) -> np.ndarray:
    """(T, 58) float32 coefficients of the speaker."""
    frames = len(spoken.visemes)
    face = neutral(frames)
    feelings = [(e, _course(rng, e, frames)) for e in script.episodes]
    _speak(face, spoken, manner)
    for episode, course in feelings:
        for name, weight in _FEELINGS[episode.kind].items():
            add(face, name, manner.expressiveness * episode.strength * weight * course)
    smiling = sum((c for e, c in feelings if e.kind in (SMILE, LAUGH)), np.zeros(frames))
    face[:, index_of("mouthPucker")] *= 1 - 0.6 * np.clip(smiling, 0, 1)
    face[:, index_of("mouthFunnel")] *= 1 - 0.6 * np.clip(smiling, 0, 1)
    _emphasise(rng, face, spoken, manner)
    _move_head(rng, face, spoken, feelings, manner)
    looks, _ = gaze(rng, frames, manner.attention, 1.6)
    write_gaze(face, looks)
    face[:, ROTATION.start + 1] += 0.12 * delayed(looks[:, :1], 0.12, 0.24)[:, 0]
    for name in ("browInnerUp", "browDown", "mouthPress", "mouthSmile"):
        add(face, name, 0.015 * smooth_noise(rng, frames, 1, 1.5)[:, 0])
    add(face, "eyeBlink", blinks(rng, frames, manner.blinks_per_min))
    return finish(face)


def blinks(rng: np.random.Generator, frames: int, per_min: float) -> np.ndarray:
    """(T,) 0..1: blinks of 100-200 ms at half height, gamma-spaced, never within 0.5 s."""
    times = frame_times(frames)
    mean_gap = 60.0 / per_min
    count = int(frames / 25 / mean_gap * 2) + 8
    gaps = 0.5 + rng.gamma(2.0, (mean_gap - 0.5) / 2.0, count)
    centres = np.cumsum(gaps) - gaps[0] * rng.random()
    centres = centres[centres < times[-1] + 0.5]
    half = rng.uniform(0.10, 0.20, len(centres)) / 2
    shape = 0.5 ** (((times[:, None] - centres) / half) ** 4)
    result: np.ndarray = shape.sum(axis=1)
    return result


def _course(rng: np.random.Generator, episode: Episode, frames: int) -> np.ndarray:
    rise, fall = _COURSE[episode.kind]
    course = envelope(frame_times(frames), episode.start_s, episode.end_s, rise, fall)
    result: np.ndarray = course * (1 + 0.08 * smooth_noise(rng, frames, 1, 1.0)[:, 0])
    return result


def _speak(face: np.ndarray, spoken: Spoken, manner: Manner) -> None:
    for name, track in zip(VISEME_NAMES, spoken.visemes.T, strict=True):
        add(face, name, manner.articulation * track)


def _emphasise(rng: np.random.Generator, face: np.ndarray, spoken: Spoken, manner: Manner) -> None:
    """Raise the brows and lower the head shortly at emphatic syllables, less at stressed ones."""
    times = frame_times(len(face))
    for centre in spoken.emphases_s:
        flash = envelope(times, centre - 0.2, centre + 0.25, 0.2, 0.35)
        add(face, "browInnerUp", manner.expressiveness * rng.uniform(0.2, 0.45) * flash)
        add(face, "browOuterUp", manner.expressiveness * rng.uniform(0.15, 0.4) * flash)
    for beat in np.concatenate([spoken.stresses_s, spoken.emphases_s]):
        depth = manner.head * rng.uniform(0.01, 0.045)
        face[:, ROTATION.start] += depth * envelope(times, beat - 0.16, beat + 0.06, 0.16, 0.28)


def _move_head(
    rng: np.random.Generator,
    face: np.ndarray,
    spoken: Spoken,
    feelings: list[tuple[Episode, np.ndarray]],
    manner: Manner,
) -> None:
    """Head motion, larger while talking; during a laugh the head tilts back and shakes at 5 Hz."""
    frames = len(face)
    talking = np.convolve(spoken.speaking, np.hanning(17) / np.hanning(17).sum(), "same")
    lively = manner.head * (0.35 + 0.65 * talking)[:, None]
    face[:, ROTATION] += lively * smooth_noise(rng, frames, 3, 1.6) * [0.03, 0.045, 0.03]
    face[:, ROTATION] += manner.head * smooth_noise(rng, frames, 3, 5.0) * [0.03, 0.05, 0.03]
    face[:, TRANSLATION] += manner.head * smooth_noise(rng, frames, 3, 4.0) * [0.01, 0.006, 0.012]
    times = frame_times(frames)
    for episode, course in feelings:
        amount = episode.strength * course
        if episode.kind == LAUGH:
            shake = 0.02 * np.sin(2 * np.pi * 5.0 * times)
            face[:, ROTATION.start] += amount * (shake - 0.09)
        elif episode.kind == SURPRISE:
            face[:, ROTATION.start] -= 0.06 * amount
        elif episode.kind == FROWN:
            face[:, ROTATION.start] += 0.07 * amount
            face[:, ROTATION.start + 2] += 0.05 * amount * rng.choice([-1.0, 1.0])

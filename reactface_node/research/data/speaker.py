"""The speaker's face: mouth from the voice, feelings from the script, head, gaze, blinks, and
movements that mean nothing."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reactface_node.research.data.distractors import distract
from reactface_node.research.data.feelings import frames_of, show_feelings
from reactface_node.research.data.motion import (
    add,
    band_noise,
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
from reactface_node.research.data.script import LAUGH, SMILE, THINKING, Script
from reactface_node.schema import EXPRESSION, FRAME_RATE_HZ, ROTATION, TRANSLATION

# A listener follows the speaker's head at 0.2-1.1 Hz (Hale et al. 2019).
HEAD_HZ = (0.2, 1.1)
_HEAD_RAD = np.radians([2.2, 3.0, 1.8])  # chosen: sd of pitch, yaw and roll while talking
_SILENT_HEAD, _STILL_HEAD = 0.4, 0.02  # chosen: shares of it
_FURTHEST_RAD = 0.6  # chosen: a head turned further is not tracked well
_GLANCE_S = 1.2
# Chosen: looks down and aside that are not those of gaze(), a minute, and their lengths.
_LONG_LOOKS_PER_MIN, _LONG_LOOK_S = 0.6, (0.8, 4.0)
# ARKit recordings (people.md): 83-100 ms above half height; a blink lowers the gaze. Hoemke 2018:
# long blinks of about 0.6 s. Their share is chosen.
_BLINK_S, _LONG_BLINK_S, _LONG_BLINKS = (0.075, 0.125), (0.4, 0.8), 0.06
_BLINK_LOWERS = 0.3
_DOWN_CLOSES, _DOWN_FROM = 0.35, 0.1  # chosen
# Chosen: the speaker's own nods and shakes, a minute of talk.
_NODS_PER_MIN, _SHAKES_PER_MIN = 1.5, 0.8


class SpokenFace(Protocol):
    """What the face needs of speech: visemes (T, 9) in the order of ``VISEME_NAMES``, times of
    stressed and emphatic syllables in seconds, speaking (T,) bool."""

    @property
    def visemes(self) -> np.ndarray: ...

    @property
    def stresses_s(self) -> np.ndarray: ...

    @property
    def emphases_s(self) -> np.ndarray: ...

    @property
    def speaking(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Manner:
    """Characteristics of a speaker's motion.

    blinks_per_min: 17 at rest to 26 in conversation (Bentivoglio). attention: share of the time in
    which the eyes are on the listener, but for thinking faces. restlessness: factor of the rates of
    movements that mean nothing, 0 for none. person: seed of the person's own ways to move the face.
    """

    articulation: float
    expressiveness: float
    head: float
    blinks_per_min: float
    attention: float
    restlessness: float = 0.0
    person: int = 0


@dataclass(frozen=True, eq=False)
class Acted:
    """face: (T, 58) float32. shown: by kind of feeling (T,): for a smile and a laugh, the weight of
    mouthSmile that they add to the face; for others the visible strength, 0..1."""

    face: np.ndarray
    shown: dict[str, np.ndarray]


def draw_manner(rng: np.random.Generator) -> Manner:
    """Draw a speaker. With the thinking faces, the eyes are on the listener for 0.73 to 0.81 of the
    time, as speakers' are (IFADV)."""
    return Manner(
        articulation=rng.uniform(0.7, 1.25),
        expressiveness=rng.uniform(0.75, 1.2),
        head=float(np.clip(rng.lognormal(0.0, 0.35), 0.4, 2.0)),
        blinks_per_min=rng.uniform(17.0, 26.0),
        attention=float(np.clip(rng.normal(0.86, 0.05), 0.7, 0.95)),
        restlessness=float(rng.lognormal(-0.18, 0.6)),
        person=int(rng.integers(2**31)),
    )


def act(rng: np.random.Generator, script: Script, spoken: SpokenFace, manner: Manner) -> Acted:
    """The face of a speaker who says and feels what the script holds."""
    frames = len(spoken.visemes)
    speaking = np.asarray(spoken.speaking, bool)
    moving = 1.0 - _eased(frames_of(script.still_s, frames))
    face = neutral(frames)
    shown = show_feelings(rng, face, script, speaking, manner.person, manner.expressiveness)
    _speak(face, spoken, manner, shown[SMILE] + shown[LAUGH])
    _emphasise(rng, face, spoken, manner)
    idle = distract(rng, frames, manner.restlessness, manner.person)
    face[:, EXPRESSION] += (idle * moving[:, None])[:, EXPRESSION]
    _move_head(rng, face, speaking, manner, moving)
    _nod_and_shake(rng, face, speaking, manner)
    looks = _looks(rng, frames, manner.attention, shown[THINKING]) * moving[:, None]
    write_gaze(face, looks)
    face[:, ROTATION.start + 1] += 0.12 * delayed(looks[:, :1], 0.12, 0.24)[:, 0]
    face[:, ROTATION] = _FURTHEST_RAD * np.tanh(face[:, ROTATION] / _FURTHEST_RAD)
    closed = blinks(rng, frames, manner.blinks_per_min)
    add(face, "eyeLookDown", _BLINK_LOWERS * closed)
    # A tracker takes the lids of eyes that look down for half closed.
    add(face, "eyeBlink", closed + _DOWN_CLOSES * np.maximum(-looks[:, 1] - _DOWN_FROM, 0.0))
    return Acted(finish(face), shown)


def blinks(rng: np.random.Generator, frames: int, per_min: float) -> np.ndarray:
    """(T,) 0..1: blinks of about 100 ms at half height, some of 0.4-0.8 s, gamma-spaced, never
    within 0.5 s."""
    times = frame_times(frames)
    mean_gap = 60.0 / per_min
    count = int(frames / FRAME_RATE_HZ / mean_gap * 2) + 8
    gaps = 0.5 + rng.gamma(2.0, (mean_gap - 0.5) / 2.0, count)
    centres = np.cumsum(gaps) - gaps[0] * rng.random()
    centres = centres[centres < times[-1] + 0.5]
    length = rng.uniform(*_BLINK_S, len(centres))
    long = rng.random(len(centres)) < _LONG_BLINKS
    length = np.where(long, rng.uniform(*_LONG_BLINK_S, len(centres)), length)
    squared = ((times[:, None] - centres) / (length / 2)) ** 2
    shape = np.exp2(-(squared * squared))
    closed: np.ndarray = np.minimum(shape.sum(axis=1), 1.0)
    return closed


def _eased(flags: np.ndarray, width: int = 17) -> np.ndarray:
    """(T,) 0..1: flags with transitions of so many frames."""
    kernel = np.hanning(width + 2)[1:-1]
    padded = np.pad(flags.astype(float), width // 2, mode="edge")
    result: np.ndarray = np.convolve(padded, kernel / kernel.sum(), "valid")
    return result


def _speak(face: np.ndarray, spoken: SpokenFace, manner: Manner, smiling: np.ndarray) -> None:
    """Move the mouth; smiling lips round less."""
    for name, track in zip(VISEME_NAMES, spoken.visemes.T, strict=True):
        rounded = name in ("mouthPucker", "mouthFunnel")
        add(face, name, manner.articulation * track * (1.0 - 0.6 * rounded * smiling))


def _emphasise(
    rng: np.random.Generator, face: np.ndarray, spoken: SpokenFace, manner: Manner
) -> None:
    """Raise the brows and lower the head shortly at emphatic syllables, less at stressed ones."""
    times = frame_times(len(face))
    for centre in spoken.emphases_s:
        if rng.random() < 0.6:
            flash = envelope(times, centre - 0.2, centre + 0.25, 0.2, 0.35)
            add(face, "browInnerUp", manner.expressiveness * rng.uniform(0.0, 0.5) * flash)
            add(face, "browOuterUp", manner.expressiveness * rng.uniform(0.0, 0.5) * flash)
    for beat in np.concatenate([spoken.stresses_s, spoken.emphases_s]):
        depth = manner.head * rng.uniform(0.0, 0.04)
        face[:, ROTATION.start] += depth * envelope(times, beat - 0.16, beat + 0.06, 0.16, 0.28)


def _move_head(
    rng: np.random.Generator,
    face: np.ndarray,
    speaking: np.ndarray,
    manner: Manner,
    moving: np.ndarray,
) -> None:
    """Slow motion of conversation, larger while talking, in a posture that shifts."""
    frames = len(face)
    talking = _eased(speaking, 33)
    lively = np.clip(1.0 + 0.4 * smooth_noise(rng, frames, 1, 6.0)[:, 0], 0.2, 2.0)
    size = manner.head * lively * (_SILENT_HEAD + (1.0 - _SILENT_HEAD) * talking)
    size = size * (_STILL_HEAD + (1.0 - _STILL_HEAD) * moving)
    conversing = band_noise(rng, frames, 3, *HEAD_HZ)
    face[:, ROTATION] += size[:, None] * conversing * _HEAD_RAD
    posture = smooth_noise(rng, frames, 3, 10.0) * [0.03, 0.05, 0.03]
    kept = posture[:1] * rng.uniform(0.0, 1.0)
    face[:, ROTATION] += (
        kept + (posture - posture[:1]) * np.minimum(manner.head, 1.0) * (moving[:, None])
    )
    sway = smooth_noise(rng, frames, 3, 4.0) * [0.010, 0.006, 0.012]
    face[:, TRANSLATION] += sway * (_STILL_HEAD + manner.head * moving[:, None])


def _nod_and_shake(
    rng: np.random.Generator, face: np.ndarray, speaking: np.ndarray, manner: Manner
) -> None:
    """The speaker's own nods and shakes, while he talks."""
    times = frame_times(len(face))
    minutes = len(face) / FRAME_RATE_HZ / 60
    for axis, per_min in ((0, _NODS_PER_MIN), (1, _SHAKES_PER_MIN)):
        for start in rng.uniform(0.0, times[-1], rng.poisson(per_min * minutes)):
            cycles, hz = rng.integers(1, 5), rng.uniform(1.2, 2.6)
            depth = manner.head * rng.uniform(0.03, 0.12)
            if speaking[round(start * FRAME_RATE_HZ)]:
                end = start + cycles / hz
                course = envelope(times, start, end - 0.2, 0.2, 0.2)
                wave = np.sin(2 * np.pi * hz * (times - start))
                if axis == 0:
                    wave = 0.5 * (1 - np.cos(2 * np.pi * hz * (times - start)))
                face[:, ROTATION.start + axis] += depth * course * wave


def _looks(
    rng: np.random.Generator, frames: int, attention: float, thinking: np.ndarray
) -> np.ndarray:
    """(T, 2) gaze to the left and up: glances, long looks down and aside, and thinking eyes."""
    times = frame_times(frames)
    looks, _ = gaze(rng, frames, attention, _GLANCE_S)
    for start in rng.uniform(0.0, times[-1], rng.poisson(_LONG_LOOKS_PER_MIN * frames / 1500)):
        length = rng.uniform(*_LONG_LOOK_S)
        target = rng.uniform([-1.0, -1.0], [1.0, 0.2])
        looks = _turned(looks, target, envelope(times, start, start + length, 0.1, 0.1))
    edges = np.flatnonzero(np.diff((thinking > 0.1).astype(int), prepend=0) == 1)
    for first, last in zip(edges, [*edges[1:], frames], strict=False):
        away = np.zeros(frames)
        away[first:last] = np.minimum(thinking[first:last] / 0.2, 1.0)
        target = np.array([rng.choice([-1, 1]) * rng.uniform(0.25, 0.7), rng.uniform(-0.4, 0.6)])
        looks = _turned(looks, target, away)
    return looks


def _turned(looks: np.ndarray, target: np.ndarray, course: np.ndarray) -> np.ndarray:
    turned: np.ndarray = looks + (target - looks) * course[:, None]
    return turned

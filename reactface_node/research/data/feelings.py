"""Feelings on a speaker's face: prototypes of facial action, and how people vary them."""

from dataclasses import dataclass

import numpy as np

from reactface_node.research.data.motion import envelope, frame_times, smooth_noise, smoothstep
from reactface_node.research.data.script import (
    ANGER,
    CONFUSION,
    CRY,
    DISGUST,
    FEAR,
    FEELINGS,
    FROWN,
    GRIMACE,
    LAUGH,
    SMILE,
    SURPRISE,
    THINKING,
    Episode,
    Script,
)
from reactface_node.schema import FRAME_RATE_HZ, ROTATION, indices_of


@dataclass(frozen=True)
class Prototype:
    """weights: of channels at full strength. rise_s, fall_s: how fast it comes and goes. pitch:
    rad, down is positive. roll: rad, to either side."""

    weights: dict[str, float]
    rise_s: float
    fall_s: float
    pitch: float = 0.0
    roll: float = 0.0


# Prototypes of FACS by ARKit names: AU6+12 for joy, AU1+4+15 for sadness, AU1+2+5+26 for surprise,
# AU4+5+7+23 for anger, AU1+2+4+5+20 for fear, AU9+10 for disgust, AU4+6+7+9+10 for pain. Weights
# and times are chosen: smiles grow in about half a second, surprise comes fast.
PROTOTYPES: dict[str, Prototype] = {
    SMILE: Prototype(
        {"mouthSmile": 0.9, "cheekSquint": 0.45, "eyeSquint": 0.2, "mouthDimple": 0.1}, 0.5, 0.8
    ),
    LAUGH: Prototype(
        {
            **{"mouthSmile": 0.95, "cheekSquint": 0.6, "eyeSquint": 0.35},
            **{"jawOpen": 0.15, "mouthUpperUp": 0.2},
        },
        rise_s=0.3,
        fall_s=1.0,
        pitch=-0.09,
    ),
    FROWN: Prototype(
        {
            **{"mouthFrown": 0.65, "browInnerUp": 0.4, "browDown": 0.4},
            **{"mouthShrugLower": 0.3, "mouthPress": 0.15},
        },
        rise_s=0.6,
        fall_s=0.9,
        pitch=0.07,
        roll=0.05,
    ),
    SURPRISE: Prototype(
        {"browInnerUp": 0.75, "browOuterUp": 0.7, "eyeWide": 0.6, "jawOpen": 0.3},
        rise_s=0.2,
        fall_s=0.6,
        pitch=-0.06,
    ),
    CRY: Prototype(
        {
            **{"browInnerUp": 0.5, "browDown": 0.4, "eyeSquint": 0.65, "cheekSquint": 0.55},
            **{"mouthStretch": 0.4, "mouthFrown": 0.45, "jawOpen": 0.3, "noseSneer": 0.25},
            **{"mouthLowerDown": 0.25, "mouthUpperUp": 0.25, "mouthShrugLower": 0.25},
        },
        rise_s=0.8,
        fall_s=1.0,
        pitch=0.12,
        roll=0.05,
    ),
    ANGER: Prototype(
        {
            **{"browDown": 0.85, "noseSneer": 0.5, "eyeSquint": 0.35, "eyeWide": 0.15},
            **{"mouthPress": 0.4, "mouthShrugUpper": 0.2},
        },
        rise_s=0.3,
        fall_s=0.8,
        pitch=0.05,
    ),
    GRIMACE: Prototype(
        {
            **{"eyeSquint": 0.85, "cheekSquint": 0.65, "browDown": 0.55, "mouthStretch": 0.6},
            **{"noseSneer": 0.5, "mouthUpperUp": 0.4, "mouthLowerDown": 0.25, "eyeBlink": 0.3},
        },
        rise_s=0.2,
        fall_s=0.6,
        pitch=0.03,
        roll=0.05,
    ),
    FEAR: Prototype(
        {
            **{"browInnerUp": 0.75, "browOuterUp": 0.4, "browDown": 0.3, "eyeWide": 0.7},
            **{"mouthStretch": 0.5, "jawOpen": 0.25},
        },
        rise_s=0.2,
        fall_s=0.8,
        pitch=-0.07,
    ),
    DISGUST: Prototype(
        {
            **{"noseSneer": 0.8, "mouthUpperUp": 0.5, "browDown": 0.4, "mouthFrown": 0.3},
            **{"eyeSquint": 0.3, "mouthShrugLower": 0.25},
        },
        rise_s=0.3,
        fall_s=0.6,
        pitch=-0.05,
        roll=0.04,
    ),
    CONFUSION: Prototype(
        {"browDown": 0.55, "eyeSquint": 0.3, "mouthPress": 0.2, "mouthPucker": 0.15},
        rise_s=0.4,
        fall_s=0.6,
        roll=0.09,
    ),
    THINKING: Prototype(
        {"mouthPress": 0.6, "mouthPucker": 0.15, "browDown": 0.2, "eyeSquint": 0.15},
        rise_s=0.25,
        fall_s=0.4,
        roll=0.03,
    ),
}
_YELL = {"jawOpen": 0.8, "mouthStretch": 0.3, "mouthUpperUp": 0.35, "mouthLowerDown": 0.45}
# What makes the kind: an episode never lacks it.
_DEFINING = {
    **{SMILE: "mouthSmile", LAUGH: "mouthSmile", FROWN: "mouthFrown", SURPRISE: "browInnerUp"},
    **{CRY: "eyeSquint", ANGER: "browDown", GRIMACE: "eyeSquint", FEAR: "eyeWide"},
    **{DISGUST: "noseSneer", CONFUSION: "browDown", THINKING: "mouthPress"},
}
_PERSON_SPREAD, _EPISODE_SPREAD, _LACKS = 0.25, 0.3, 0.15
# Trackers often miss the cheeks and eyes of a smile.
_SMILE_LACKS = 0.6
# ARKit recordings (people.md): mean difference of left and right, as a share of their mean. A
# normal deviation of a side with sd s gives a mean difference of 1.6 s. Other channels: chosen.
_SIDES = {"mouthSmile": 0.09 / 1.6, "cheekSquint": 0.21 / 1.6}
_SYMMETRIC = ("browDown", "browOuterUp", "eyeBlink")
_OTHER_SIDES = 0.08
# Lips drawn wide look partly like a smile to a tracker.
MISREAD_SMILE = 0.15
_MISREAD = (CRY, GRIMACE, ANGER)


def show_feelings(
    rng: np.random.Generator,
    face: np.ndarray,
    script: Script,
    speaking: np.ndarray,
    person: int,
    expressiveness: float = 1.0,
) -> dict[str, np.ndarray]:
    """Add the script's episodes to (T, 58) in place, and return what shows of each kind (T,).

    speaking: (T,) bool. person: seed of the person's own weights of facial actions. expressiveness:
    factor of the strengths. Returned for a smile and a laugh: the weight of mouthSmile that they
    add, the mean of left and right; for other kinds the strength, 0..1.
    """
    times = frame_times(len(face))
    shown = {kind: np.zeros(len(face)) for kind in FEELINGS}
    for episode in script.episodes:
        course = _course(rng, episode, times)
        weights = _weights(rng, episode.kind, person)
        if not episode.face:
            continue
        visible = np.clip(expressiveness * episode.strength * course, 0.0, 1.0)
        if episode.kind in (SMILE, LAUGH):
            smiling = shown[SMILE] + shown[LAUGH]
            smile = np.minimum(weights.pop("mouthSmile") * visible, 1.0 - smiling)
            shown[episode.kind] += smile
            _add_sides(rng, face, "mouthSmile", smile)
        else:
            shown[episode.kind] = np.maximum(shown[episode.kind], visible)
        _add_weights(rng, face, episode, weights, visible, speaking)
    return shown


def _add_weights(
    rng: np.random.Generator,
    face: np.ndarray,
    episode: Episode,
    weights: dict[str, float],
    visible: np.ndarray,
    speaking: np.ndarray,
) -> None:
    """Add a feeling's channels, with the sobs of crying and the yells of anger."""
    times = frame_times(len(face))
    if episode.kind in _MISREAD:
        weights = weights | {"mouthSmile": rng.uniform(0.0, MISREAD_SMILE)}
    sob = np.ones(len(face))
    if episode.kind == CRY:
        sob = 0.65 + 0.35 * np.sin(2 * np.pi * rng.uniform(1.0, 2.5) * times)
        sob *= 1.0 + 0.2 * smooth_noise(rng, len(face), 1, 0.8)[:, 0]
    yell = _yell(rng, episode, times, speaking) if episode.yells else np.zeros(len(face))
    for stem, weight in weights.items():
        change = sob if stem in ("jawOpen", "mouthLowerDown", "mouthUpperUp") else 1.0
        change = 1.0 - yell if stem == "mouthPress" else change
        _add_sides(rng, face, stem, weight * visible * change)
    for stem, weight in _YELL.items():
        _add_sides(rng, face, stem, weight * rng.uniform(0.8, 1.2) * visible * yell)
    prototype = PROTOTYPES[episode.kind]
    head = visible * rng.uniform(0.4, 1.4)
    face[:, ROTATION.start] += prototype.pitch * head
    face[:, ROTATION.start + 2] += rng.choice([-1.0, 1.0]) * prototype.roll * head
    if episode.kind == LAUGH:
        face[:, ROTATION.start] += (
            0.02 * visible * np.sin(2 * np.pi * rng.uniform(4.0, 6.0) * times)
        )


def _course(rng: np.random.Generator, episode: Episode, times: np.ndarray) -> np.ndarray:
    """(T,) about 0..1; a held expression varies slightly."""
    prototype = PROTOTYPES[episode.kind]
    rise, fall = np.array([prototype.rise_s, prototype.fall_s]) * rng.uniform(0.7, 1.3, 2)
    course = envelope(times, episode.start_s, episode.end_s, rise, fall)
    result: np.ndarray = course * (1 + 0.06 * smooth_noise(rng, len(times), 1, 1.0)[:, 0])
    return result


def _weights(rng: np.random.Generator, kind: str, person: int) -> dict[str, float]:
    """The prototype as this person shows it this time: other weights, and some actions lack."""
    prototype = PROTOTYPES[kind].weights
    own = np.random.default_rng([person, FEELINGS.index(kind)])
    factors = own.lognormal(0.0, _PERSON_SPREAD, len(prototype))
    factors *= rng.lognormal(0.0, _EPISODE_SPREAD, len(prototype))
    lacks = rng.random(len(prototype)) < (_SMILE_LACKS if kind in (SMILE, LAUGH) else _LACKS)
    found = {}
    for (stem, weight), factor, lack in zip(prototype.items(), factors, lacks, strict=True):
        if stem == _DEFINING[kind]:
            found[stem] = float(weight * np.clip(factor, 0.8, 1.2))
        elif not lack:
            found[stem] = float(min(weight * factor, 1.0))
    return found


def _add_sides(rng: np.random.Generator, face: np.ndarray, stem: str, values: np.ndarray) -> None:
    """Add (T,) to a channel; of one with two sides, one gets more and the other less."""
    indices = indices_of(stem)
    if len(indices) == 1:
        face[:, indices[0]] += values
        return
    skew = 0.0 if stem in _SYMMETRIC else rng.normal(0.0, _SIDES.get(stem, _OTHER_SIDES))
    # No side goes over 1, so that the mean of both is ``values``.
    more = np.sign(skew) * np.minimum(abs(skew) * values, np.maximum(1.0 - values, 0.0))
    face[:, indices[0]] += values + more
    face[:, indices[1]] += values - more


def _yell(
    rng: np.random.Generator, episode: Episode, times: np.ndarray, speaking: np.ndarray
) -> np.ndarray:
    """(T,) 0..1: yells while he speaks; without a voice, one after another."""
    inside = (times >= episode.start_s) & (times < episode.end_s)
    if episode.voice and (speaking & inside).any():
        kernel = np.hanning(9) / np.hanning(9).sum()
        talk = np.convolve(speaking & inside, kernel)[4 : 4 + len(times)]
        return np.asarray(smoothstep(talk))
    yell = np.zeros(len(times))
    start = episode.start_s + rng.uniform(0.1, 0.3)
    while start < episode.end_s:
        end = min(start + rng.uniform(0.4, 1.2), episode.end_s)
        yell = np.maximum(yell, envelope(times, start, end, 0.15, 0.2))
        start = end + rng.uniform(0.3, 1.0)
    return yell


def frames_of(intervals: tuple[tuple[float, float], ...], frames: int) -> np.ndarray:
    """(T,) bool: frames in one of the intervals."""
    inside = np.zeros(frames, bool)
    for start_s, end_s in intervals:
        inside[round(start_s * FRAME_RATE_HZ) : round(end_s * FRAME_RATE_HZ)] = True
    return inside

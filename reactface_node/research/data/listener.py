"""Synthetic listeners: many appropriate reactions to one speaker, each from a disposition.

A listener reacts to the speaker's events after a human delay; no reaction precedes its
cause. Sources of the numbers are named beside them.
"""

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
from reactface_node.research.data.script import FROWN, LAUGH, SMILE, SURPRISE, Episode
from reactface_node.schema import ROTATION, TRANSLATION

# Slow head motion follows the speaker's with a lag of 0.6 s (Hale et al. 2019).
HEAD_LAG_S = 0.6
# Facial mimicry starts 300-400 ms after its cause and shows within a second (Dimberg and
# Thunberg 1998).
MIMICRY_S = (0.3, 1.0)
# Back-channels come about 700 ms after their cue (Ward and Tsukahara 2000).
NOD_DELAY_S = (0.5, 1.0)
# A nod is likelier after a pause of the speaker than during speech.
NOD_WHILE_TALKING = 0.45


@dataclass(frozen=True)
class Disposition:
    """Character of a listener, drawn once per clip.

    nod_chance: of answering a cue at a pause. nod_rad: depth of the first cycle at 2.5 Hz.
    nod_hz: rhythm, 1.8-3.7. smile, concern, surprise: how strongly the speaker's smile, frown and
    surprise are answered, 0..1. brows: chance of a brow raise on an emphasis. latency_s:
    of mimicry. attention: share of the time in which the listener looks at the speaker. following:
    share of the speaker's slow head motion taken over. energy: scales idle motion. rest: (smile,
    brow
    raise, brow down, press) weights at rest. posture: (x, y, z) rad at rest. blinks_per_min:
    between 17 at rest and 26 in conversation for most, log-normal (Bentivoglio et al. 1997).
    """

    nod_chance: float
    nod_rad: float
    nod_hz: float
    smile: float
    concern: float
    surprise: float
    brows: float
    latency_s: float
    attention: float
    following: float
    energy: float
    rest: tuple[float, float, float, float]
    posture: tuple[float, float, float]
    blinks_per_min: float


@dataclass(frozen=True)
class Nod:
    """start_s: first downward motion. cycles: 1-4. depth_rad: of the first cycle."""

    start_s: float
    cycles: int
    depth_rad: float
    hz: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.cycles / self.hz


@dataclass(frozen=True, eq=False)
class Heard:
    """What a listener perceives of the speaker.

    face: (T, 58) the speaker's coefficients. speaking: (T,) bool. episodes: emotions.
    cues_s: back-channel cues. emphases_s: emphatic syllables.
    """

    face: np.ndarray
    speaking: np.ndarray
    episodes: tuple[Episode, ...]
    cues_s: np.ndarray
    emphases_s: np.ndarray


def draw_disposition(rng: np.random.Generator) -> Disposition:
    """Draw a listener. Attention is around 75 % (Argyle and Ingham 1972); nods have a few degrees
    (Hadar)."""
    rest = rng.uniform(0, 1, 4) ** 2 * [0.15, 0.15, 0.12, 0.14]
    posture = np.clip(rng.normal(0.0, 1.0, 3), -2, 2) * [0.03, 0.05, 0.03]
    return Disposition(
        nod_chance=rng.uniform(0.4, 0.95),
        nod_rad=np.radians(rng.uniform(2.0, 5.5)),
        nod_hz=rng.uniform(2.0, 3.2),
        smile=rng.uniform(0.2, 1.0),
        concern=rng.uniform(0.15, 1.0),
        surprise=rng.uniform(0.15, 1.0),
        brows=rng.uniform(0.1, 0.6),
        latency_s=rng.uniform(0.3, 0.7),
        attention=rng.uniform(0.65, 0.9),
        following=rng.uniform(0.1, 0.4),
        energy=rng.uniform(0.5, 1.5),
        rest=tuple(rest),
        posture=tuple(posture),
        blinks_per_min=float(np.clip(rng.lognormal(np.log(20.0), 0.3), 8.0, 40.0)),
    )


def listen(
    rng: np.random.Generator, heard: Heard, disposition: Disposition
) -> tuple[np.ndarray, tuple[Nod, ...]]:
    """(T, 58) float32 coefficients of the listener, without blinks, and the nods in them."""
    frames = len(heard.face)
    face = neutral(frames)
    _idle(rng, face, disposition)
    concern = _answer(rng, heard, disposition, (FROWN,), (0.6, 1.0))
    smile = _answer(rng, heard, disposition, (SMILE, LAUGH), (0.6, 1.0))
    surprise = _answer(rng, heard, disposition, (SURPRISE,), (0.3, 0.7))
    _feel(rng, face, disposition, smile, concern, surprise)
    _raise_brows(rng, face, heard, disposition)
    nods = draw_nods(rng, heard, disposition)
    for nod in nods:
        face[:, ROTATION.start] += nod_motion(frame_times(frames), nod)
    face[:, ROTATION] += _follow(heard.face[:, ROTATION], disposition)
    return finish(face), nods


def draw_nods(rng: np.random.Generator, heard: Heard, disposition: Disposition) -> tuple[Nod, ...]:
    """Draw nods: each cue is answered with some probability 0.5-1.0 s later, never during a nod."""
    nods: list[Nod] = []
    frames = len(heard.speaking)
    for cue in heard.cues_s:
        start = cue + float(np.clip(rng.normal(0.7, 0.12), *NOD_DELAY_S))
        talking = heard.speaking[min(int(start * 25), frames - 1)]
        chance = disposition.nod_chance * (NOD_WHILE_TALKING if talking else 1.0)
        answered = rng.random() < chance
        cycles = int(rng.choice([1, 2, 3, 4], p=[0.3, 0.4, 0.2, 0.1]))
        hz = float(np.clip(disposition.nod_hz * rng.normal(1.0, 0.08), 1.8, 3.7))
        # Slow nods are wide and rapid ones narrow (Hadar); longer ones start larger (Mori).
        depth = disposition.nod_rad * (2.5 / hz) * (0.8 + 0.12 * cycles) * rng.uniform(0.8, 1.2)
        free = not nods or start > nods[-1].end_s + 0.2
        if answered and free and start < frames / 25:
            nods.append(Nod(start, cycles, float(depth), hz))
    return tuple(nods)


def nod_motion(times: np.ndarray, nod: Nod) -> np.ndarray:
    """(T,) rad of pitch, + down: cycles; the depth of each is a third less than that of the
    previous one (Mori et al.)."""
    cycle = (times - nod.start_s) * nod.hz
    inside = (cycle >= 0) & (cycle < nod.cycles)
    depth = nod.depth_rad * 0.67 ** np.floor(np.clip(cycle, 0, nod.cycles))
    return np.where(inside, depth * 0.5 * (1 - np.cos(2 * np.pi * cycle)), 0.0)


def _idle(rng: np.random.Generator, face: np.ndarray, disposition: Disposition) -> None:
    """Idle motion: sway, small movements, gaze, a face at rest."""
    frames, energy = len(face), disposition.energy
    slow = smooth_noise(rng, frames, 6, 6.0) * energy
    mid = smooth_noise(rng, frames, 3, 2.0) * energy
    face[:, ROTATION] += disposition.posture + slow[:, :3] * [0.012, 0.02, 0.015]
    face[:, ROTATION] += mid * [0.005, 0.008, 0.004]
    face[:, TRANSLATION] += slow[:, 3:] * [0.006, 0.003, 0.008]
    small = smooth_noise(rng, frames, 5, 2.5) * energy
    smile, raised, lowered, pressed = disposition.rest
    add(face, "mouthSmile", smile + 0.012 * small[:, 0])
    add(face, "browInnerUp", raised + 0.015 * small[:, 1])
    add(face, "browOuterUp", 0.6 * raised + 0.010 * small[:, 1])
    add(face, "browDown", lowered + 0.012 * small[:, 2])
    add(face, "mouthPress", pressed + 0.015 * small[:, 3])
    add(face, "jawOpen", 0.006 + 0.006 * small[:, 4])
    looks, _ = gaze(rng, frames, disposition.attention, 1.5)
    write_gaze(face, looks)
    face[:, ROTATION.start + 1] += 0.1 * delayed(looks[:, :1], 0.12, 0.24)[:, 0]


def _answer(
    rng: np.random.Generator,
    heard: Heard,
    disposition: Disposition,
    kinds: tuple[str, ...],
    course_s: tuple[float, float],
) -> np.ndarray:
    """(T,) 0..1: strength of the answer to episodes of these kinds, with the delay of mimicry."""
    times = frame_times(len(heard.face))
    total = np.zeros(len(times))
    for episode in (e for e in heard.episodes if e.kind in kinds):
        latency = float(np.clip(disposition.latency_s + rng.normal(0.05, 0.08), *MIMICRY_S))
        hold = latency + rng.uniform(0.0, 0.4)
        rise, fall = np.array(course_s) * rng.uniform(0.8, 1.2, 2)
        strength = episode.strength * rng.uniform(0.85, 1.1)
        start, end = episode.start_s + latency, episode.end_s + hold
        total = np.maximum(total, strength * envelope(times, start, end, rise, fall))
    # A held expression varies slightly.
    return np.clip(total * (1 + 0.08 * smooth_noise(rng, len(times), 1, 1.2)[:, 0]), 0.0, 1.0)


def _feel(
    rng: np.random.Generator,
    face: np.ndarray,
    disposition: Disposition,
    smile: np.ndarray,
    concern: np.ndarray,
    surprise: np.ndarray,
) -> None:
    """Add the answers: a smile with raised cheeks, concern with a tilted head, raised brows."""
    sober = 1.0 - np.clip(1.6 * concern, 0.0, 1.0)
    add(face, "mouthSmile", (sober - 1.0) * disposition.rest[0])
    glad = disposition.smile * smile * sober
    add(face, "mouthSmile", 0.85 * glad)
    add(face, "cheekSquint", 0.5 * glad)
    add(face, "eyeSquint", 0.2 * glad)
    add(face, "mouthDimple", 0.12 * glad)
    sorry = disposition.concern * concern
    add(face, "mouthFrown", 0.40 * sorry)
    add(face, "browInnerUp", 0.40 * sorry)
    add(face, "browDown", 0.30 * sorry)
    add(face, "mouthPress", 0.15 * sorry)
    face[:, ROTATION.start + 2] += rng.choice([-1.0, 1.0]) * 0.08 * sorry
    amazed = disposition.surprise * surprise
    add(face, "browInnerUp", 0.65 * amazed)
    add(face, "browOuterUp", 0.60 * amazed)
    add(face, "eyeWide", 0.40 * amazed)
    add(face, "jawOpen", 0.10 * amazed)
    face[:, ROTATION.start] += -0.03 * amazed + 0.02 * sorry


def _raise_brows(
    rng: np.random.Generator, face: np.ndarray, heard: Heard, disposition: Disposition
) -> None:
    times = frame_times(len(face))
    for emphasis in heard.emphases_s:
        start = emphasis + rng.uniform(0.4, 0.9)
        height = rng.uniform(0.2, 0.4) * (rng.random() < disposition.brows)
        flash = height * envelope(times, start, start + 0.5, 0.25, 0.45)
        add(face, "browInnerUp", flash)
        add(face, "browOuterUp", 0.8 * flash)


def _follow(rotation: np.ndarray, disposition: Disposition) -> np.ndarray:
    """(T, 3) the speaker's head motion at about 0.2-1.1 Hz, 0.6 s later."""
    rotation = rotation.astype(np.float64)
    recent = delayed(rotation, HEAD_LAG_S, 1.0)
    result: np.ndarray = disposition.following * (recent - delayed(rotation, 2.5, 5.0))
    return result

"""Synthetic listeners: many appropriate reactions to one speaker, each from a disposition.

A listener reacts to the speaker's events after a human delay; no reaction precedes its cause, and
each is in proportion to it. What nothing in the speaker causes (blinks, glances away, posture,
breath) is left to playout. Sources of the numbers are named beside them, here and in
``dispositions`` and ``nodding``; those without a source are chosen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reactface_node.model import laughs
from reactface_node.research.data.dispositions import (
    LAUGHS_ALONG,
    LAUGHS_AT_SMILES,
    Disposition,
)
from reactface_node.research.data.motion import (
    add,
    delayed,
    envelope,
    finish,
    frame_times,
    neutral,
    smooth_noise,
)
from reactface_node.research.data.nodding import SpeechCues, draw_nods
from reactface_node.research.data.nods import Nod, pitch_of
from reactface_node.research.data.script import (
    ANGER,
    CONFUSION,
    CRY,
    DISGUST,
    FEAR,
    FROWN,
    GRIMACE,
    LAUGH,
    SMILE,
    SURPRISE,
    Episode,
)
from reactface_node.schema import FRAME_RATE_HZ, ROTATION, TRANSLATION

HEAD_LAG_S, HEAD_WIDTH_S = 0.6, 1.2
"""Slow head motion follows the speaker's 0.6 s later, at 0.2-1.1 Hz (Hale et al. 2019)."""
MIRROR = np.array([0.4, -1.0, -1.0])
"""The same side in space: who faces somebody turns and tilts the other way. Pitch is followed less,
as larger movements would be counted as nods (chosen)."""
MIMICRY_S = (0.3, 1.0)
"""Facial mimicry starts 300-400 ms after its cause and shows within a second (Dimberg and
Thunberg 1998)."""
SMILE_WIDTH_S = 0.4
BROAD_SMILE = 0.5
LAUGH_DELAY_S, LAUGH_DELAY_SPREAD = 0.66, 0.8
"""Latency of a laugh that answers a laugh: 10/50/90 % 0.07/0.66/2.25 s (IFADV, 669 laughs)."""
HEARD_SMILE = 0.7
"""A laugh that is only heard is answered as a smile of this weight that is seen."""
# How much each feeling of the speaker concerns, or alarms, a listener.
_CONCERNS = {FROWN: 0.7, CRY: 1.0, GRIMACE: 0.9, FEAR: 0.5, DISGUST: 0.25, CONFUSION: 0.2}
_ALARMS = {ANGER: 1.0, FEAR: 0.7, GRIMACE: 0.3, DISGUST: 0.3}


@dataclass(frozen=True, eq=False)
class Heard:
    """What a listener perceives of the speaker.

    face: (T, 58) the speaker's coefficients. shown: by kind (T,), how much of a feeling the face
    shows, 0..1; of smiles and laughs, the weight of mouthSmile. speaking: (T,) bool. episodes:
    feelings. ends_s: ends of phrases. cues_s: low pitch. emphases_s: emphatic syllables.
    """

    face: np.ndarray
    shown: Mapping[str, np.ndarray]
    speaking: np.ndarray
    episodes: tuple[Episode, ...]
    ends_s: np.ndarray
    cues_s: np.ndarray
    emphases_s: np.ndarray


def listen(
    rng: np.random.Generator, heard: Heard, disposition: Disposition
) -> tuple[np.ndarray, tuple[Nod, ...]]:
    """(T, 58) float32 coefficients of the listener, without blinks, and the nods in them."""
    frames = len(heard.face)
    face = neutral(frames)
    _rest(rng, face, disposition)
    concern = _answer(rng, heard, disposition, _CONCERNS, 0.6)
    alarm = _answer(rng, heard, disposition, _ALARMS, 0.35)
    surprise = _answer(rng, heard, disposition, {SURPRISE: 1.0}, 0.3)
    sober = 1.0 - np.clip(2.0 * (concern + alarm), 0.0, 1.0)
    _smile(rng, face, heard, disposition, sober)
    _feel(face, disposition, concern, alarm, surprise)
    _raise_brows(rng, face, heard, disposition, sober)
    cues = SpeechCues(heard.speaking, heard.ends_s, heard.cues_s)
    nods = draw_nods(rng, cues, disposition)
    face[:, ROTATION.start] += pitch_of(nods, frames)
    face[:, ROTATION] += _follow(heard.face[:, ROTATION], disposition)
    return finish(face), nods


def _rest(rng: np.random.Generator, face: np.ndarray, disposition: Disposition) -> None:
    """The face at rest, with small movements."""
    frames, energy = len(face), disposition.energy
    slow = smooth_noise(rng, frames, 6, 6.0) * energy
    face[:, ROTATION] += disposition.posture + slow[:, :3] * [0.004, 0.006, 0.005]
    face[:, TRANSLATION] += slow[:, 3:] * [0.003, 0.002, 0.004]
    small = smooth_noise(rng, frames, 6, 2.5) * energy
    smile, raised, lowered, pressed = disposition.rest
    add(face, "mouthSmile", smile + 0.008 * small[:, 0])
    add(face, "browInnerUp", raised + 0.012 * small[:, 1])
    add(face, "browOuterUp", 0.6 * raised + 0.010 * small[:, 1])
    add(face, "browDown", lowered + 0.010 * small[:, 2])
    add(face, "mouthPress", pressed + 0.012 * small[:, 3])
    add(face, "jawOpen", 0.006 + 0.006 * small[:, 4])
    add(face, "eyeSquint", np.clip(0.04 + 0.05 * small[:, 5], 0.0, None))


def _smile(
    rng: np.random.Generator,
    face: np.ndarray,
    heard: Heard,
    disposition: Disposition,
    sober: np.ndarray,
) -> None:
    """A smile in proportion to the speaker's, and laughs: a laugh is answered by a laugh sometimes,
    else by a smile."""
    frames = len(face)
    cause = np.zeros(frames)
    laughing = np.zeros(frames)
    for episode in (one for one in heard.episodes if one.kind in (SMILE, LAUGH)):
        part = _part(heard, episode) * rng.uniform(0.8, 1.2)
        noticed = episode.face or episode.voice
        if noticed and rng.random() < disposition.laughs * _funny(episode):
            laughing = np.maximum(laughing, _laugh(rng, frames, episode))
        cause = np.maximum(cause, part)
    glad = disposition.smile * _delayed(cause, disposition.latency_s, SMILE_WIDTH_S)
    glad *= 1.0 + 0.06 * smooth_noise(rng, frames, 1, 1.2)[:, 0]
    glad = np.maximum(glad, laughs.SMILE * laughing) * sober
    rest = (sober - 1.0) * disposition.rest[0]
    add(face, "mouthSmile", glad + rest)
    add(face, "cheekSquint", disposition.cheek * glad)
    add(face, "eyeSquint", disposition.squint * glad)
    add(face, "mouthDimple", 0.12 * glad)
    add(face, "jawOpen", laughs.JAW * laughing * sober)
    add(face, "mouthUpperUp", laughs.UPPER_LIP * laughing * sober)
    cycles = laughs.SHAKE_HZ * frame_times(frames) + rng.uniform()
    shake = laughs.SHAKE_M * np.sin(2 * np.pi * cycles)
    face[:, ROTATION.start] -= laughs.BACK_RAD * laughing * sober
    face[:, TRANSLATION.start + 1] += laughing * sober * shake


def _part(heard: Heard, episode: Episode) -> np.ndarray:
    """(T,) the weight of mouthSmile to which one smile or laugh of the speaker amounts: what is
    seen of it, or what is heard."""
    times = frame_times(len(heard.face))
    near = (times >= episode.start_s - 1.0) & (times <= episode.end_s + 1.5)
    seen = np.where(near & episode.face, heard.shown[episode.kind], 0.0)
    if episode.kind == LAUGH and episode.voice:
        sound = envelope(times, episode.start_s + 0.15, episode.end_s, 0.3, 0.5)
        seen = np.maximum(seen, HEARD_SMILE * (0.5 + 0.5 * episode.strength) * sound)
    result: np.ndarray = seen
    return result


def _funny(episode: Episode) -> float:
    """The chance that somebody laughs at a laugh or a smile of the speaker."""
    if episode.kind == LAUGH:
        return LAUGHS_ALONG
    return LAUGHS_AT_SMILES if episode.face and episode.strength >= BROAD_SMILE else 0.0


def _laugh(rng: np.random.Generator, frames: int, episode: Episode) -> np.ndarray:
    """(T,) 0..1 a laugh that answers a laugh."""
    delay_s = LAUGH_DELAY_S * np.exp(LAUGH_DELAY_SPREAD * rng.standard_normal())
    start = episode.start_s + float(np.clip(delay_s, 0.15, 2.6))
    length = laughs.LENGTH_S * np.exp(laughs.LENGTH_SPREAD * rng.standard_normal())
    end = start + float(np.clip(length, laughs.SHORTEST_S, laughs.LONGEST_S))
    course = envelope(frame_times(frames), start, end, laughs.RISE_S, laughs.FALL_S)
    return rng.uniform(laughs.WEAKEST, laughs.STRONGEST) * course


def _answer(
    rng: np.random.Generator,
    heard: Heard,
    disposition: Disposition,
    shares: Mapping[str, float],
    width_s: float,
) -> np.ndarray:
    """(T,) 0..1: the answer to feelings, as strong as they are seen or heard, with the delay of
    mimicry. shares: by kind."""
    times = frame_times(len(heard.face))
    cause = np.zeros(len(times))
    for episode in (one for one in heard.episodes if one.kind in shares):
        near = (times >= episode.start_s - 1.0) & (times <= episode.end_s + 1.5)
        seen = np.where(near & episode.face, heard.shown[episode.kind], 0.0)
        if episode.voice:
            sound = envelope(times, episode.start_s + 0.2, episode.end_s, 0.4, 0.6)
            seen = np.maximum(seen, 0.6 * episode.strength * sound)
        part = shares[episode.kind] * rng.uniform(0.85, 1.15) * seen
        cause = np.maximum(cause, part)
    latency_s = float(np.clip(disposition.latency_s, *MIMICRY_S))
    held = 1 + 0.06 * smooth_noise(rng, len(times), 1, 1.2)[:, 0]
    result: np.ndarray = np.clip(_delayed(cause, latency_s, width_s) * held, 0.0, 1.0)
    return result


def _feel(
    face: np.ndarray,
    disposition: Disposition,
    concern: np.ndarray,
    alarm: np.ndarray,
    surprise: np.ndarray,
) -> None:
    """Add concern with a tilted head, alarm with the head drawn back, and raised brows."""
    sorry = disposition.concern * concern
    for stem, weight in (("mouthFrown", 0.40), ("browInnerUp", 0.55), ("browDown", 0.28)):
        add(face, stem, weight * sorry)
    add(face, "mouthPress", 0.12 * sorry)
    face[:, ROTATION.start + 2] += disposition.tilt_side * 0.06 * sorry
    face[:, ROTATION.start] += 0.02 * sorry
    shocked = disposition.alarm * alarm
    for stem, weight in (("browInnerUp", 0.40), ("browOuterUp", 0.30), ("eyeWide", 0.45)):
        add(face, stem, weight * shocked)
    add(face, "mouthStretch", 0.12 * shocked)
    add(face, "jawOpen", 0.05 * shocked)
    face[:, ROTATION.start] -= 0.03 * shocked
    face[:, TRANSLATION.start + 2] -= 0.006 * shocked
    amazed = disposition.surprise * surprise
    for stem, weight in (("browInnerUp", 0.60), ("browOuterUp", 0.55), ("eyeWide", 0.40)):
        add(face, stem, weight * amazed)
    add(face, "jawOpen", 0.10 * amazed)
    face[:, ROTATION.start] -= 0.03 * amazed


def _raise_brows(
    rng: np.random.Generator,
    face: np.ndarray,
    heard: Heard,
    disposition: Disposition,
    sober: np.ndarray,
) -> None:
    times = frame_times(len(face))
    for emphasis in heard.emphases_s:
        start = emphasis + rng.uniform(0.4, 0.9)
        height = rng.uniform(0.15, 0.35) * (rng.random() < disposition.brows)
        flash = height * sober * envelope(times, start, start + 0.5, 0.25, 0.45)
        add(face, "browInnerUp", flash)
        add(face, "browOuterUp", 0.8 * flash)


def _follow(rotation: np.ndarray, disposition: Disposition) -> np.ndarray:
    """(T, 3) the speaker's head motion at about 0.2-1.1 Hz, 0.6 s later, on the same side."""
    rotation = rotation.astype(np.float64)
    recent = delayed(rotation, HEAD_LAG_S, HEAD_WIDTH_S)
    result: np.ndarray = disposition.following * MIRROR * (recent - delayed(rotation, 2.5, 5.0))
    return result


def _delayed(signal: np.ndarray, lag_s: float, width_s: float) -> np.ndarray:
    """(T,) ``signal`` later, low-passed; it reads only the past."""
    least_s = max(lag_s, width_s / 2 + 1 / FRAME_RATE_HZ)
    result: np.ndarray = delayed(signal[:, None], least_s, width_s)[:, 0]
    return result

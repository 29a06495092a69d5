"""Sounds without words, as keys of the source-filter voice: laughs, sobs, sighs, yells, hums.

Laughs: 4.4 calls a second, in the mean 272 Hz (men) and 405 Hz (women), many without voice
(Bachorowski, Smoski and Owren 2001); notes every 0.21 s that become softer (Provine 1993). The
other sounds are chosen by ear and eye.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reactface_node.research.data.affect import heard
from reactface_node.research.data.phonemes import SOUNDS, VISEMES
from reactface_node.research.data.script import Script
from reactface_node.research.data.speech import (
    ASPIRATION,
    FRICTION,
    FRICTION_HZ,
    MOUTH,
    VOICE,
    Block,
    rest_key,
)

LAUGHS_PER_S = (4.0, 5.6)
_LEAST_GAP_S, _MARGIN_S = 0.4, 0.1
_INHALE_S = 0.3
Span = tuple[float, float]


@dataclass(frozen=True)
class _Laugh:
    """A way to laugh. voice, breath, friction: amplitudes. semitones: of the first call, least
    and most. voiced: share of a call that has voice. sounds: of the mouth and the vocal tract."""

    voice: float
    breath: float
    friction: float
    semitones: Span
    voiced: float
    sounds: tuple[str, ...]


_LAUGHS = (
    _Laugh(1.0, 0.45, 0.0, (8.0, 14.0), 0.50, ("a", "schwa", "ae")),
    _Laugh(0.8, 0.30, 0.0, (12.0, 17.0), 0.40, ("i", "e", "schwa")),
    _Laugh(0.6, 0.10, 0.0, (3.0, 8.0), 0.55, ("m",)),
    _Laugh(0.1, 0.70, 0.25, (4.0, 8.0), 0.35, ("schwa", "n")),
)
_LAUGH_SHARES = (0.45, 0.2, 0.15, 0.2)


def laugh(rng: np.random.Generator, start_s: float, end_s: float, strength: float) -> Block:
    """A train of calls that become softer and lower, of one kind, then perhaps a breath in."""
    kind = _LAUGHS[rng.choice(len(_LAUGHS), p=_LAUGH_SHARES)]
    inhales = end_s - start_s > 3 * _INHALE_S and rng.random() < 0.5
    calls_end_s = end_s - _INHALE_S * inhales
    per_s = rng.uniform(*LAUGHS_PER_S)
    count = max(2, round((calls_end_s - start_s) * per_s))
    lengths = rng.uniform(0.85, 1.15, count)
    onsets = np.cumsum(np.append(0.0, lengths)) / lengths.sum()
    onsets = start_s + (calls_end_s - start_s) * onsets
    loud = np.linspace(1.0, rng.uniform(0.35, 0.7), count) * rng.uniform(0.8, 1.1, count)
    loud = loud * (0.4 + 0.6 * strength)
    fall = np.linspace(rng.uniform(*kind.semitones), rng.uniform(1.0, 4.0), count)
    pitch = fall + rng.uniform(-1, 1, count)
    sound = str(rng.choice(kind.sounds))
    times, keys = [start_s - 0.12], [rest_key(pitch[0])]
    for k in range(count):
        length = onsets[k + 1] - onsets[k]
        for place, voice, breath in (
            (0.05, 0.0, 0.7),
            (0.2, 1.0, 1.0),
            (0.2 + kind.voiced * 0.6, 0.7, 0.5),
            (0.2 + kind.voiced, 0.0, 0.25),
        ):
            key = _key(
                sound, pitch[k], loud[k] * kind.voice * voice, loud[k] * kind.breath * breath
            )
            key[FRICTION] = loud[k] * kind.friction * breath
            key[MOUTH] *= loud[k] * (0.75 + 0.25 * voice)
            times.append(onsets[k] + place * length)
            keys.append(key)
    if inhales:
        middle = _key("schwa", pitch[-1], 0.0, 0.35 * loud[0])
        times += [calls_end_s + 0.15, end_s]
        keys += [middle, _key("schwa", pitch[-1], 0.0, 0.0)]
    return _block([*times, end_s + 0.15], [*keys, rest_key(pitch[-1])])


def sobs(rng: np.random.Generator, start_s: float, end_s: float, strength: float) -> Block:
    """Sobs: short breaths in, each before a falling, trembling, breathy tone."""
    loud = 0.4 + 0.6 * strength
    times, keys = [start_s - 0.1], [rest_key(6.0)]
    time = start_s
    while time < end_s - 0.35:
        sound, pitch = str(rng.choice(("schwa", "e", "m", "a"))), rng.uniform(4.0, 10.0)
        for _ in range(rng.integers(1, 4)):
            times += [time + 0.03, time + 0.09, time + 0.12]
            breath = loud * rng.uniform(0.25, 0.6)
            keys += [_key(sound, pitch, 0.0, part * breath) for part in (0.5, 1.0, 0.0)]
            time += rng.uniform(0.13, 0.22)
        length = min(rng.uniform(0.3, 0.9), end_s - time - 0.05)
        if length < 0.1:
            break
        waves = max(2, round(length * rng.uniform(5.0, 8.0)) * 2)
        for k in range(waves):
            share = (k + 0.5) / waves
            voice = loud * rng.uniform(0.5, 0.8) * (1 - 0.6 * share) * (1.0 if k % 2 else 0.5)
            key = _key(sound, pitch - 6.0 * share + (1.0 if k % 2 else -1.0), voice, 0.3 * voice)
            key[MOUTH] *= 0.8 * loud
            times.append(time + share * length)
            keys.append(key)
        time += length
        times.append(time)
        keys.append(_key(sound, pitch - 6.0, 0.0, 0.05))
        time += rng.uniform(0.1, 0.4)
    return _block([*times, end_s + 0.1], [*keys, rest_key()])


def _tone(
    sounds: tuple[str, ...],
    length_s: Span,
    semitones: tuple[Span, Span],
    voice: float,
    breath: float,
) -> Callable[[np.random.Generator, float, float, float], Block]:
    """One sound that rises fast and falls slowly; semitones: least and most at its start and at
    its end."""

    def block(rng: np.random.Generator, start_s: float, end_s: float, strength: float) -> Block:
        length = min(rng.uniform(*length_s), end_s - start_s)
        loud = (0.4 + 0.6 * strength) * rng.uniform(0.8, 1.2)
        sound = str(rng.choice(sounds))
        first, last = rng.uniform(*semitones[0]), rng.uniform(*semitones[1])
        times, keys = [start_s], [rest_key(first)]
        for place, level in ((0.2, 0.9), (0.4, 1.0), (0.75, 0.7), (1.0, 0.0)):
            pitch = first + (last - first) * place
            key = _key(sound, pitch, loud * voice * level, loud * breath * level)
            key[MOUTH] *= min(loud * max(voice, breath), 1.3)
            times.append(start_s + place * length)
            keys.append(key)
        return _block([*times, start_s + length + 0.1], [*keys, rest_key(last)])

    return block


sigh = _tone(("schwa", "h"), (0.6, 1.4), ((0.0, 3.0), (-5.0, -2.0)), 0.08, 0.45)
gasp = _tone(("a", "schwa"), (0.2, 0.4), ((2.0, 4.0), (4.0, 8.0)), 0.03, 0.8)
exclaim = _tone(("o", "a", "schwa"), (0.25, 0.6), ((6.0, 9.0), (1.0, 4.0)), 1.0, 0.1)
yell = _tone(("a", "ae", "o"), (0.4, 1.0), ((9.0, 13.0), (5.0, 9.0)), 2.5, 0.2)
hum = _tone(("m",), (0.4, 0.9), ((-2.0, 1.0), (-4.0, -2.0)), 0.7, 0.0)
asking_hum = _tone(("m",), (0.25, 0.5), ((-1.0, 1.0), (5.0, 8.0)), 0.7, 0.0)
groan = _tone(("schwa", "o", "a"), (0.4, 1.0), ((0.0, 4.0), (-6.0, -3.0)), 0.8, 0.2)
whimper = _tone(("m", "i"), (0.2, 0.5), ((8.0, 12.0), (5.0, 8.0)), 0.35, 0.15)

# What is heard in a pause of a feeling, and how often; crying and laughing fill every pause.
_SOUNDS_OF = {
    "cry": ((sobs,), 1.0),
    "laugh": ((laugh,), 1.0),
    "anger": ((yell, groan), 0.5),
    "surprise": ((gasp, exclaim), 0.6),
    "frown": ((sigh,), 0.4),
    "thinking": ((hum,), 0.3),
    "confusion": ((asking_hum,), 0.4),
    "grimace": ((groan, gasp), 0.8),
    "fear": ((gasp, whimper), 0.6),
    "disgust": ((groan,), 0.6),
}


def vocal_events(rng: np.random.Generator, script: Script) -> list[Block]:
    """The sounds without words of a script, in order of time."""
    found = [
        (
            phrase.start_s,
            laugh(rng, phrase.start_s, phrase.end_s, _strength(script, phrase.start_s)),
        )
        for phrase in script.phrases
        if phrase.laughed
    ]
    free_s = 0.0
    for episode in script.episodes:
        if not heard(episode) or episode.kind not in _SOUNDS_OF:
            continue
        choices, chance = _SOUNDS_OF[episode.kind]
        for start_s, end_s in _gaps(script, max(episode.start_s, free_s), episode.end_s):
            if rng.random() < chance:
                sound = choices[rng.integers(len(choices))]
                found.append((start_s, sound(rng, start_s, end_s, episode.strength)))
            free_s = end_s
            if chance < 1.0:
                break
    return [block for _, block in sorted(found, key=lambda one: one[0])]


def _strength(script: Script, time_s: float) -> float:
    """Of the laugh at a time."""
    laughs = [e for e in script.episodes if e.kind == "laugh" and e.start_s <= time_s <= e.end_s]
    return max((e.strength for e in laughs), default=0.8)


def _gaps(script: Script, start_s: float, end_s: float) -> list[Span]:
    """Times without phrases between two times, each long enough for a sound."""
    gaps, time_s = [], start_s
    for phrase in script.phrases:
        if phrase.end_s + _MARGIN_S <= start_s:
            continue
        gaps.append((time_s, min(phrase.start_s - _MARGIN_S, end_s)))
        time_s = max(time_s, phrase.end_s + _MARGIN_S)
    gaps.append((time_s, end_s))
    limit = script.seconds - 0.2
    return [(a, min(b, limit)) for a, b in gaps if min(b, limit) - a >= _LEAST_GAP_S]


def _key(sound: str, semitones: float, voice: float, breath: float) -> np.ndarray:
    key = rest_key(semitones)
    key[: 3 + VISEMES] = SOUNDS[sound]
    key[VOICE], key[ASPIRATION], key[FRICTION_HZ] = voice, breath, 2500.0
    return key


def _block(times: list[float], keys: list[np.ndarray]) -> Block:
    return Block(np.array(times), np.array(keys), np.zeros(0), np.zeros(0))

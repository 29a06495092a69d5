"""Phrases read aloud by a natural voice that is changed into another speaker."""

from dataclasses import dataclass

import numpy as np

from reactface_node.research.data.affect import Tone
from reactface_node.research.data.phonemes import VISEMES, is_vowel, mouth_of, sounds_of
from reactface_node.research.data.script import Phrase, Script
from reactface_node.research.data.source_filter import SyntheticVoice
from reactface_node.research.data.speech import (
    SPEECH_RMS,
    TRACK_RATE_HZ,
    eased_mouth,
    flutter,
    mouth_opening,
)
from reactface_node.research.data.text_to_speech import TextReader, Utterance
from reactface_node.research.data.texts import count_syllables, draw_text
from reactface_node.research.data.vocal_events import Interjection
from reactface_node.research.data.vocoder import FRAME_HZ, HOP, RATE_HZ, Change, render

# Seconds that a text of n syllables lasts at speed 1: fitted to 60 readings of hibari-tts, with a
# deviation of 0.3 s; the rest is stretched.
_SECONDS_A_SYLLABLE, _SECONDS_LESS = 0.205, 0.2
_SPEEDS = (0.6, 1.7)
_QUESTION_SHARE = 0.6
"""Of the phrases whose pitch rises; the others rise because more follows (chosen)."""
_HESITATION_SHARE = 0.06
_EMPHASIS_SHARE = 0.3
"""Of the stressed syllables (chosen)."""
_EDGE_S = 0.01
_PAUSE_S = 0.12
"""Longer times without a phoneme close the mouth."""


@dataclass(frozen=True)
class Style:
    """How a speaker differs from the reader besides pitch, vocal tract and tempo.

    liveliness: factor of the pitch range. breath_db, tilt_db: as in ``vocoder.Change``.
    """

    liveliness: float = 1.0
    breath_db: float = 0.0
    tilt_db: float = 0.0


@dataclass(frozen=True, eq=False)
class Said:
    """The words of a clip of T frames.

    sound: (T * 640,). visemes: (T, 9). semitones: (4T,) above the speaker's mean pitch.
    stresses_s, emphases_s: as in ``Spoken``.
    """

    sound: np.ndarray
    visemes: np.ndarray
    semitones: np.ndarray
    stresses_s: np.ndarray
    emphases_s: np.ndarray


@dataclass(frozen=True, eq=False)
class _Read:
    """One phrase. semitones: (n,) at 80 frames a second. times, keys: the mouth's (K,), (K, 9)."""

    sound: np.ndarray
    semitones: np.ndarray
    times: np.ndarray
    keys: np.ndarray
    stresses_s: np.ndarray
    emphases_s: np.ndarray


def read_aloud(
    rng: np.random.Generator,
    reader: TextReader,
    tract: SyntheticVoice,
    style: Style,
    script: Script,
    tone: Tone,
    interjections: list[Interjection],
) -> Said:
    """Read sentences that fill the script's phrases, except those that are laughed, and the
    interjections between them."""
    frames = round(script.seconds * 25)
    sound = np.zeros(frames * 640, np.float32)
    semitones = np.zeros(frames * 4)
    read = []
    texts = [(phrase, phrase.text) for phrase in script.phrases if not phrase.laughed]
    texts += [(one.phrase, one.text) for one in interjections]
    for phrase, text in sorted(texts, key=lambda one: one[0].start_s):
        one = _read_phrase(rng, reader, tract, style, phrase, tone, text)
        read.append(one)
        first = round(phrase.start_s * RATE_HZ)
        sound[first : first + len(one.sound)] = one.sound[: len(sound) - first]
        here = np.arange(*_steps(phrase, len(semitones)))
        places = (here / TRACK_RATE_HZ - phrase.start_s) * FRAME_HZ
        semitones[here] = np.interp(places, np.arange(len(one.semitones)), one.semitones)
    rest = np.zeros((1, VISEMES))
    times = np.concatenate([[-10.0], *[one.times for one in read], [script.seconds + 10.0]])
    keys = np.concatenate([rest, *[one.keys for one in read], rest])
    empty = [np.zeros(0)]
    return Said(
        sound,
        eased_mouth(frames, np.maximum.accumulate(times), keys),
        semitones,
        np.concatenate([one.stresses_s for one in read] or empty),
        np.concatenate([one.emphases_s for one in read] or empty),
    )


def _steps(phrase: Phrase, count: int) -> tuple[int, int]:
    """The steps at 100 Hz within a phrase."""
    first = int(np.ceil(phrase.start_s * TRACK_RATE_HZ - 1e-9))
    return first, min(int(np.ceil(phrase.end_s * TRACK_RATE_HZ - 1e-9)), count)


def _read_phrase(
    rng: np.random.Generator,
    reader: TextReader,
    tract: SyntheticVoice,
    style: Style,
    phrase: Phrase,
    tone: Tone,
    text: str,
) -> _Read:
    """text: empty for a new sentence."""
    length_s = phrase.end_s - phrase.start_s
    count = int(np.ceil(length_s * FRAME_HZ)) + 1
    steps = np.round((phrase.start_s + np.arange(count) / FRAME_HZ) * TRACK_RATE_HZ).astype(int)
    steps = np.minimum(steps, len(tone.tempo) - 1)
    reading = _utterance(
        reader,
        text or _sentence(rng, phrase, tract.syllables_per_s, tone, steps[0]),
        phrase.end_s - phrase.start_s,
    )
    places = np.minimum(
        np.arange(count) / (length_s * FRAME_HZ) * (len(reading.spectra) - 1),
        len(reading.spectra) - 1,
    )
    frames_s = length_s / max(len(reading.spectra) - 1, 1)
    vowels = np.flatnonzero(reading.stressed)
    stresses = phrase.start_s + 0.5 * (reading.starts + reading.ends)[vowels] * frames_s
    emphases = stresses[rng.random(len(stresses)) < _EMPHASIS_SHARE]
    times = phrase.start_s + np.arange(count) / FRAME_HZ
    weight = np.exp(-0.5 * ((times[:, None] - emphases) / 0.09) ** 2).sum(axis=1)
    semitones = _semitones(rng, reading, places, style, phrase) + tone.semitones[steps]
    semitones += rng.uniform(1.5, 4.0) * weight
    gain_db = tone.gain_db[steps] + 3.0 * weight
    change = Change(
        places,
        tract.f0_hz * 2 ** (semitones / 12),
        tract.formant_scale / reader.formant_scale,
        style.breath_db + tone.breath_db[steps],
        style.tilt_db + tone.tilt_db[steps],
        gain_db,
    )
    sound = _levelled(rng, render(rng, reading.spectra, change), tone.gain_db[steps])
    sound = cut(sound, round(phrase.end_s * RATE_HZ) - round(phrase.start_s * RATE_HZ))
    key_times, keys = _mouth(reading, phrase, frames_s, sound)
    return _Read(sound, semitones, key_times, keys, stresses, emphases)


def _sentence(
    rng: np.random.Generator, phrase: Phrase, syllables_per_s: float, tone: Tone, step: int
) -> str:
    """A sentence of the phrase's length at the speaker's tempo, in the tone of a step."""
    syllables = (phrase.end_s - phrase.start_s) * syllables_per_s * tone.tempo[step]
    asks = phrase.rises and rng.random() < _QUESTION_SHARE
    hesitates = bool(rng.random() < max(_HESITATION_SHARE, tone.hesitation[step]))
    return draw_text(rng, max(syllables, 1.0), asks, hesitates)


def _utterance(reader: TextReader, text: str, length_s: float) -> Utterance:
    """The text, about as long as it must be."""
    natural_s = _SECONDS_A_SYLLABLE * count_syllables(text) - _SECONDS_LESS
    return reader.read(text, float(np.clip(max(natural_s, 0.3) / length_s, *_SPEEDS)))


def _semitones(
    rng: np.random.Generator, reading: Utterance, places: np.ndarray, style: Style, phrase: Phrase
) -> np.ndarray:
    """(n,) pitch above the speaker's mean, continuous where there is no voice."""
    f0_hz = reading.spectra.f0_hz
    voiced = np.flatnonzero(f0_hz)
    pitch = np.interp(places, voiced, f0_hz[voiced]) if len(voiced) else np.full(len(places), 1.0)
    mean = reading.f0_hz if len(voiced) else 1.0
    semitones = style.liveliness * 12 * np.log2(pitch / mean)
    left_s = (len(places) - 1 - np.arange(len(places))) / FRAME_HZ
    final = np.clip(1 - left_s / 0.35, 0, 1)
    semitones += final * (rng.uniform(3.0, 6.0) if phrase.rises else rng.uniform(-2.5, -0.5))
    steps = np.arange(len(places)) * TRACK_RATE_HZ // FRAME_HZ
    result: np.ndarray = semitones + flutter(rng, int(steps[-1]) + 1)[steps]
    return result


def _levelled(rng: np.random.Generator, sound: np.ndarray, gain_db: np.ndarray) -> np.ndarray:
    """The sound with an RMS of 0.1 where there is no gain, within 1.5 dB."""
    gain = np.interp(np.arange(len(sound)) / HOP, np.arange(len(gain_db)), 10 ** (gain_db / 20))
    level = np.sqrt(np.mean((sound / gain) ** 2))
    scale = SPEECH_RMS / max(float(level), 1e-9) * 10 ** (rng.uniform(-1.5, 1.5) / 20)
    result: np.ndarray = sound * np.float32(scale)
    return result


def cut(sound: np.ndarray, samples: int) -> np.ndarray:
    """(samples,) with soft edges."""
    piece = np.zeros(samples, np.float32)
    piece[: len(sound)] = sound[:samples]
    edge = min(round(_EDGE_S * RATE_HZ), samples // 2)
    slope = np.linspace(0.0, 1.0, edge, dtype=np.float32)
    piece[:edge] *= slope
    piece[samples - edge :] *= slope[::-1]
    return piece


def _mouth(
    reading: Utterance, phrase: Phrase, frames_s: float, sound: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The mouth's keys: two for each phoneme, rest in pauses, vowels as wide as they are loud."""
    padded = np.pad(sound, (0, -len(sound) % HOP))
    power = (padded.reshape(-1, HOP) ** 2).mean(axis=1)
    loud = np.clip(np.sqrt(power) / (2.0 * np.sqrt(power.mean()) + 1e-9), 0.0, 1.0)
    rest = np.zeros(VISEMES)
    times, keys, ended_s = [phrase.start_s - 0.1], [rest], phrase.start_s
    for symbol, start, end in zip(reading.phonemes, reading.starts, reading.ends, strict=True):
        start_s, end_s = phrase.start_s + start * frames_s, phrase.start_s + end * frames_s
        if start_s - ended_s > _PAUSE_S:
            times += [0.7 * ended_s + 0.3 * start_s, 0.3 * ended_s + 0.7 * start_s]
            keys += [rest, rest]
        path = sounds_of(symbol)
        for place, sound_name in zip((0.3, 0.75), (path[0], path[-1]), strict=True):
            time_s = start_s + place * (end_s - start_s)
            step = min(int((time_s - phrase.start_s) * FRAME_HZ), len(loud) - 1)
            weights = mouth_of(sound_name)
            if is_vowel(symbol):
                weights = weights * mouth_opening(loud[max(0, step - 2) : step + 3].max())
            times.append(time_s)
            keys.append(weights)
        ended_s = end_s
    return np.array([*times, phrase.end_s + 0.12]), np.array([*keys, rest])

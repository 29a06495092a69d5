"""Syllables: from a script to mouth shapes at 25 Hz and parameters of the sound at 100 Hz.

A syllable is a consonant and a vowel, each held for a part of it, with eased transitions, so
that neighbours blend as they do in speech. The mouth and the sound come from the same keys.
"""

from dataclasses import dataclass

import numpy as np

from reactface_node.research.data.motion import ease, frame_times
from reactface_node.research.data.script import FROWN, LAUGH, SMILE, SURPRISE, Phrase, Script

TRACK_RATE_HZ = 100
VISEME_NAMES = (
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthStretch",
    "mouthLowerDown",
    "mouthUpperUp",
    "mouthPress",
    "mouthRollLower",
)
# Formants F1-F3 of vowels: Peterson and Barney 1952 (men). The mouth shapes are ours.
#        F1    F2    F3    jaw  close funn puck stre lowr uppr press roll
_VOWELS = np.array(
    [
        (730, 1090, 2440, 0.55, 0.00, 0.05, 0.0, 0.05, 0.30, 0.18, 0.0, 0.0),  # a
        (660, 1720, 2410, 0.48, 0.00, 0.00, 0.0, 0.22, 0.28, 0.20, 0.0, 0.0),  # ae
        (530, 1840, 2480, 0.36, 0.00, 0.00, 0.0, 0.25, 0.22, 0.16, 0.0, 0.0),  # e
        (270, 2290, 3010, 0.16, 0.00, 0.00, 0.0, 0.40, 0.18, 0.12, 0.0, 0.0),  # i
        (570, 840, 2410, 0.40, 0.00, 0.42, 0.15, 0.0, 0.12, 0.08, 0.0, 0.0),  # o
        (300, 870, 2240, 0.17, 0.00, 0.30, 0.55, 0.0, 0.05, 0.04, 0.0, 0.0),  # u
        (500, 1500, 2500, 0.28, 0.00, 0.02, 0.0, 0.08, 0.18, 0.12, 0.0, 0.0),  # schwa
    ]
)
_VOWEL_SHARES = np.array([0.16, 0.12, 0.16, 0.14, 0.14, 0.08, 0.20])
# Held consonant: formants of its locus, mouth; then (voice, aspiration, frication) held and
# at its release, and the frication's centre.
_CONSONANTS = np.array(
    [
        (250, 900, 2200, 0.13, 0.16, 0, 0.05, 0, 0, 0, 0.40, 0.10, 0.35, 0, 0, 0.4, 0, 0, 900),  # m
        (
            250,
            900,
            2200,
            0.10,
            0.14,
            0,
            0.05,
            0,
            0,
            0,
            0.45,
            0.10,
            0.05,
            0,
            0,
            0,
            0.2,
            0.5,
            900,
        ),  # p, b
        (
            250,
            1700,
            2600,
            0.12,
            0,
            0,
            0,
            0.10,
            0.15,
            0.08,
            0,
            0,
            0.03,
            0,
            0,
            0,
            0.2,
            0.7,
            4500,
        ),  # t, d
        (280, 1600, 2500, 0.14, 0, 0, 0, 0.06, 0.12, 0.06, 0, 0, 0.35, 0, 0, 0.5, 0, 0, 4500),  # n
        (300, 1700, 2600, 0.06, 0, 0, 0, 0.22, 0.20, 0.12, 0, 0, 0, 0, 0.7, 0, 0, 0.5, 5800),  # s
        (
            300,
            1800,
            2500,
            0.10,
            0,
            0.4,
            0.15,
            0,
            0.18,
            0.15,
            0,
            0,
            0,
            0,
            0.7,
            0,
            0,
            0.4,
            3000,
        ),  # sh
        (
            300,
            1100,
            2300,
            0.08,
            0,
            0,
            0,
            0,
            0,
            0.16,
            0,
            0.38,
            0.2,
            0,
            0.25,
            0.3,
            0,
            0.2,
            5500,
        ),  # f, v
        (
            280,
            2000,
            2400,
            0.20,
            0,
            0,
            0,
            0,
            0.12,
            0.08,
            0,
            0,
            0.03,
            0,
            0,
            0,
            0.3,
            0.5,
            2000,
        ),  # k, g
        (
            360,
            1300,
            2300,
            0.20,
            0,
            0.1,
            0.10,
            0,
            0.10,
            0.06,
            0,
            0,
            0.6,
            0,
            0,
            0.7,
            0,
            0,
            3000,
        ),  # l, r
        (
            300,
            750,
            2200,
            0.14,
            0,
            0.25,
            0.45,
            0,
            0.04,
            0.02,
            0,
            0,
            0.55,
            0,
            0,
            0.7,
            0,
            0,
            3000,
        ),  # w
        (500, 1500, 2500, 0.26, 0, 0, 0, 0.05, 0.16, 0.10, 0, 0, 0, 0.5, 0, 0.1, 0.5, 0, 3000),  # h
    ]
)
_CONSONANT_SHARES = np.array([0.10, 0.10, 0.18, 0.14, 0.11, 0.04, 0.07, 0.09, 0.10, 0.05, 0.02])
_H, _LAUGH_VOWELS = 10, (0, 6)
_REST = np.array([500, 1500, 2500, *[0.0] * 9, 0, 0, 0, 3000, 0.0])
# Times, as shares of a syllable, at which the consonant is held and released, and the vowel reached
# and left.
_KEY_PLACES = np.array([0.02, 0.20, 0.42, 0.80])
_AROUSAL_SEMITONES = {SMILE: 1.0, LAUGH: 2.0, FROWN: -2.0, SURPRISE: 3.0}


@dataclass(frozen=True, eq=False)
class Speech:
    """Speech as mouth shapes and sound parameters; N at 100 Hz, T at 25 Hz.

    visemes: (T, 9) mouth weights in the order of VISEME_NAMES.
    formants: (N, 3) Hz; voice, aspiration, frication: (N,) amplitudes 0..1;
    frication_hz: (N,) centre of the friction noise.
    f0_hz: (N,) pitch, continuous within a phrase and 0 between phrases.
    active: (N,) bool, within a phrase. stresses_s, emphases_s: when stressed and emphatic
    syllables reach their vowel.
    """

    visemes: np.ndarray
    formants: np.ndarray
    voice: np.ndarray
    aspiration: np.ndarray
    frication: np.ndarray
    frication_hz: np.ndarray
    f0_hz: np.ndarray
    active: np.ndarray
    stresses_s: np.ndarray
    emphases_s: np.ndarray

    @property
    def speaking(self) -> np.ndarray:
        """(T,) bool at 25 Hz."""
        return self.active[:: TRACK_RATE_HZ // 25].copy()


def articulate(
    rng: np.random.Generator, script: Script, f0_hz: float, syllables_per_s: float
) -> Speech:
    """Syllables for every phrase of the script, with stress, pitch and loudness.

    f0_hz: the voice's mean pitch. syllables_per_s: 4-6.
    """
    frames = round(script.seconds * 25)
    times = np.arange(frames * 4) / TRACK_RATE_HZ
    blocks = [_phrase_keys(rng, phrase, syllables_per_s) for phrase in script.phrases]
    far = script.seconds + 10.0
    key_times = np.concatenate([[-10.0], *[b.times for b in blocks], [far]])
    keys = np.concatenate([_REST[None], *[b.keys for b in blocks], _REST[None]])
    tracks = ease(times, key_times, keys)
    active = np.zeros(len(times), bool)
    for phrase in script.phrases:
        active |= (times >= phrase.start_s) & (times < phrase.end_s)
    semitones = tracks[:, 16] + _arousal(times, script) + _flutter(rng, len(times))
    empty = [np.zeros(0)]
    return Speech(
        visemes=_mouth(frame_times(frames), key_times, keys[:, 3:12]),
        formants=tracks[:, :3],
        voice=tracks[:, 12],
        aspiration=tracks[:, 13],
        frication=tracks[:, 14],
        frication_hz=tracks[:, 15],
        f0_hz=np.where(active, f0_hz * 2 ** (semitones / 12), 0.0),
        active=active,
        stresses_s=np.concatenate([b.stresses_s for b in blocks] or empty),
        emphases_s=np.concatenate([b.emphases_s for b in blocks] or empty),
    )


def _mouth(times: np.ndarray, key_times: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """(T, 9) mouth shapes; lips and jaw are slower than the sound's keys by about a frame."""
    before, at, after = (ease(times + shift, key_times, keys) for shift in (-0.04, 0.0, 0.04))
    result: np.ndarray = 0.25 * before + 0.5 * at + 0.25 * after
    return result


@dataclass(frozen=True, eq=False)
class _Block:
    times: np.ndarray
    keys: np.ndarray
    stresses_s: np.ndarray
    emphases_s: np.ndarray


def _phrase_keys(rng: np.random.Generator, phrase: Phrase, syllables_per_s: float) -> _Block:
    rate = 5.0 if phrase.laughed else syllables_per_s
    count = max(2, round((phrase.end_s - phrase.start_s) * rate))
    lengths = rng.uniform(0.75, 1.25, count)
    lengths[-1] *= 1.0 if phrase.laughed else 1.4  # phrase-final lengthening
    lengths *= (phrase.end_s - phrase.start_s) / lengths.sum()
    onsets = phrase.start_s + np.cumsum(lengths) - lengths
    stressed = rng.random(count) < (0.0 if phrase.laughed else 0.3)
    emphatic = stressed & (rng.random(count) < 0.3)
    loud = np.linspace(1.0, 0.7, count) * rng.uniform(0.6, 0.8, count)
    loud = loud + 0.2 * stressed + 0.15 * emphatic
    keys = _syllable_keys(rng, phrase, loud)
    keys[:, :, 16] = _pitch(rng, phrase, stressed, emphatic)
    times = onsets[:, None] + lengths[:, None] * _KEY_PLACES
    # The mouth opens before the sound and closes after it.
    edges = np.array([phrase.start_s - 0.1]), np.array([phrase.end_s + 0.12])
    first, last = _REST.copy(), _REST.copy()
    first[16], last[16] = keys[0, 0, 16], keys[-1, -1, 16]
    return _Block(
        np.concatenate([edges[0], times.ravel(), edges[1]]),
        np.concatenate([first[None], keys.reshape(-1, 17), last[None]]),
        times[stressed, 2],
        times[emphatic, 2],
    )


def _syllable_keys(rng: np.random.Generator, phrase: Phrase, loud: np.ndarray) -> np.ndarray:
    """(S, 4, 17): held consonant, release, vowel, vowel's end; the mouth opens with loudness."""
    count = len(loud)
    if phrase.laughed:
        consonant, vowel = np.full(count, _H), rng.choice(_LAUGH_VOWELS, count)
    else:
        consonant = rng.choice(len(_CONSONANTS), count, p=_CONSONANT_SHARES)
        vowel = rng.choice(len(_VOWELS), count, p=_VOWEL_SHARES)
    keys = np.zeros((count, 4, 17))
    keys[:, :2, :12] = _CONSONANTS[consonant, None, :12]
    keys[:, 0, 12:15] = _CONSONANTS[consonant, 12:15]
    keys[:, 1, 12:15] = _CONSONANTS[consonant, 15:18]
    keys[:, :, 15] = _CONSONANTS[consonant, None, 18]
    keys[:, 2:, :12] = _VOWELS[vowel, None]
    keys[:, 2:, 3:12] *= (0.45 + 0.65 * loud)[:, None, None]
    keys[:, 2, 12], keys[:, 3, 12] = 1.0, 0.8
    keys[:, 2:, 13] = 0.5 if phrase.laughed else 0.0
    keys[:, :, 12:15] *= loud[:, None, None]
    return keys


def _pitch(
    rng: np.random.Generator, phrase: Phrase, stressed: np.ndarray, emphatic: np.ndarray
) -> np.ndarray:
    """(S, 4) semitones: declination, accents, and a fall or a rise at the end."""
    count = len(stressed)
    if phrase.laughed:
        return (np.linspace(7.0, 2.0, count) + rng.uniform(-1, 1, count))[:, None] * np.ones(4)
    accent = stressed * rng.uniform(1.5, 3.5, count) + emphatic * rng.uniform(1.0, 3.0, count)
    contour = np.linspace(2.0, -2.0, count)[:, None] + accent[:, None] * [0.3, 0.6, 1.0, 0.6]
    contour[-1] += np.array([0.0, 1.5, 3.0, 5.0]) if phrase.rises else np.array([0, -1, -2.5, -4.5])
    result: np.ndarray = contour
    return result


def _arousal(times: np.ndarray, script: Script) -> np.ndarray:
    """(N,) semitones: joy and surprise raise the voice, sadness lowers it."""
    shift = np.zeros(len(times))
    for episode in script.episodes:
        rising = np.clip((times - episode.start_s) / 0.4, 0, 1)
        falling = np.clip((episode.end_s + 0.4 - times) / 0.4, 0, 1)
        shift += _AROUSAL_SEMITONES[episode.kind] * episode.strength * rising * falling
    return shift


def _flutter(rng: np.random.Generator, count: int) -> np.ndarray:
    """(N,) slow variation by a quarter of a semitone, as in every voice."""
    knots = rng.standard_normal(count // 8 + 3)
    return 0.25 * np.interp(np.arange(count) / 8, np.arange(len(knots)), knots)

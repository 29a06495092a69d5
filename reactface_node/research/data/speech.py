"""Sound parameters at 100 Hz and mouth shapes at 25 Hz of what a source-filter voice says.

A syllable is a consonant and a vowel, each held for a part of it, with eased transitions, so
that neighbours blend as they do in speech. The mouth and the sound come from the same keys.
"""

from dataclasses import dataclass

import numpy as np

from reactface_node.research.data.motion import ease, frame_times
from reactface_node.research.data.phonemes import SOUNDS, VISEMES, VOWELS
from reactface_node.research.data.script import Phrase

TRACK_RATE_HZ = 100
SPEECH_RMS = 0.1
"""Of clean words without feeling, for every voice."""
_VOWEL_SHARES = np.array([0.16, 0.12, 0.16, 0.14, 0.14, 0.08, 0.20])
_VOWEL_ROWS = np.array([SOUNDS[name] for name in VOWELS])
# A consonant's (voice, aspiration, frication) while it is held and at its release, the centre of
# its frication in Hz, and its share among consonants. The last is only breathed.
_CONSONANTS = {
    "m": ((0.35, 0.00, 0.00), (0.40, 0.00, 0.00), 900, 0.10),
    "p": ((0.05, 0.00, 0.00), (0.00, 0.20, 0.50), 900, 0.10),
    "t": ((0.03, 0.00, 0.00), (0.00, 0.20, 0.70), 4500, 0.18),
    "n": ((0.35, 0.00, 0.00), (0.50, 0.00, 0.00), 4500, 0.14),
    "s": ((0.00, 0.00, 0.70), (0.00, 0.00, 0.50), 5800, 0.11),
    "sh": ((0.00, 0.00, 0.70), (0.00, 0.00, 0.40), 3000, 0.04),
    "f": ((0.20, 0.00, 0.25), (0.30, 0.00, 0.20), 5500, 0.07),
    "k": ((0.03, 0.00, 0.00), (0.00, 0.30, 0.50), 2000, 0.09),
    "r": ((0.60, 0.00, 0.00), (0.70, 0.00, 0.00), 3000, 0.10),
    "w": ((0.55, 0.00, 0.00), (0.70, 0.00, 0.00), 3000, 0.05),
    "h": ((0.00, 0.50, 0.00), (0.10, 0.50, 0.00), 3000, 0.02),
}
_HELD = np.array([held for held, _, _, _ in _CONSONANTS.values()])
_RELEASED = np.array([released for _, released, _, _ in _CONSONANTS.values()])
_FRICTION_HZ = np.array([hz for _, _, hz, _ in _CONSONANTS.values()])
_CONSONANT_SHARES = np.array([share for *_, share in _CONSONANTS.values()])
_CONSONANT_ROWS = np.array([SOUNDS[name] for name in _CONSONANTS])
# Columns of a key: formants, mouth, amplitudes of voice, aspiration and frication, the frication's
# centre, semitones.
FORMANTS, MOUTH = slice(0, 3), slice(3, 3 + VISEMES)
VOICE, ASPIRATION, FRICTION, FRICTION_HZ, SEMITONES = range(3 + VISEMES, 8 + VISEMES)
COLUMNS = 8 + VISEMES
# Times, as shares of a syllable, at which the consonant is held and released, and the vowel reached
# and left.
_KEY_PLACES = np.array([0.02, 0.20, 0.42, 0.80])


@dataclass(frozen=True, eq=False)
class Speech:
    """What a source-filter voice does; N at 100 Hz, T at 25 Hz.

    visemes: (T, 9) mouth weights in the order of VISEME_NAMES.
    formants: (N, 3) Hz; voice, aspiration, frication: (N,) amplitudes, 1 is a loud vowel's;
    frication_hz: (N,) centre of the friction noise.
    semitones: (N,) above the voice's mean pitch.
    stresses_s, emphases_s: when stressed and emphatic syllables reach their vowel.
    """

    visemes: np.ndarray
    formants: np.ndarray
    voice: np.ndarray
    aspiration: np.ndarray
    frication: np.ndarray
    frication_hz: np.ndarray
    semitones: np.ndarray
    stresses_s: np.ndarray
    emphases_s: np.ndarray


@dataclass(frozen=True, eq=False)
class Block:
    """Keys (K, COLUMNS) at increasing times (K,) in seconds; the first and the last are at rest.

    stresses_s, emphases_s: as in ``Speech``.
    """

    times: np.ndarray
    keys: np.ndarray
    stresses_s: np.ndarray
    emphases_s: np.ndarray


def rest_key(semitones: float = 0.0) -> np.ndarray:
    """(COLUMNS,) a closed mouth and no sound."""
    key = np.zeros(COLUMNS)
    key[: 3 + VISEMES] = SOUNDS["rest"]
    key[FRICTION_HZ], key[SEMITONES] = 3000.0, semitones
    return key


def speech_of(blocks: list[Block], seconds: float) -> Speech:
    """The tracks of blocks that follow each other in time."""
    frames = round(seconds * 25)
    times = np.arange(frames * 4) / TRACK_RATE_HZ
    rest = rest_key()
    key_times = np.concatenate([[-10.0], *[b.times for b in blocks], [seconds + 10.0]])
    # Where two blocks touch, the later one begins when the earlier one has ended.
    key_times = np.maximum.accumulate(key_times)
    keys = np.concatenate([rest[None], *[b.keys for b in blocks], rest[None]])
    tracks = ease(times, key_times, keys)
    empty = [np.zeros(0)]
    return Speech(
        visemes=eased_mouth(frames, key_times, keys[:, MOUTH]),
        formants=tracks[:, FORMANTS],
        voice=tracks[:, VOICE],
        aspiration=tracks[:, ASPIRATION],
        frication=tracks[:, FRICTION],
        frication_hz=tracks[:, FRICTION_HZ],
        semitones=tracks[:, SEMITONES],
        stresses_s=np.concatenate([b.stresses_s for b in blocks] or empty),
        emphases_s=np.concatenate([b.emphases_s for b in blocks] or empty),
    )


def eased_mouth(frames: int, key_times: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """(T, 9) mouth shapes; lips and jaw are slower than the sound's keys by about a frame."""
    times = frame_times(frames)
    before, at, after = (ease(times + shift, key_times, keys) for shift in (-0.04, 0.0, 0.04))
    result: np.ndarray = 0.25 * before + 0.5 * at + 0.25 * after
    return result


def syllables(rng: np.random.Generator, phrase: Phrase, per_s: float) -> Block:
    """Syllables that fill a phrase, with stress, pitch and loudness. per_s: 3-7 a second."""
    count = max(1, round((phrase.end_s - phrase.start_s) * per_s))
    lengths = rng.uniform(0.75, 1.25, count)
    lengths[-1] *= 1.4  # phrase-final lengthening
    lengths *= (phrase.end_s - phrase.start_s) / lengths.sum()
    onsets = phrase.start_s + np.cumsum(lengths) - lengths
    stressed = rng.random(count) < 0.3
    emphatic = stressed & (rng.random(count) < 0.3)
    loud = np.linspace(1.0, 0.7, count) * rng.uniform(0.6, 0.8, count)
    loud = loud + 0.2 * stressed + 0.15 * emphatic
    keys = _syllable_keys(rng, loud)
    keys[:, :, SEMITONES] = _pitch(rng, phrase, stressed, emphatic)
    times = onsets[:, None] + lengths[:, None] * _KEY_PLACES
    # The mouth opens before the sound and closes after it.
    first, last = rest_key(keys[0, 0, SEMITONES]), rest_key(keys[-1, -1, SEMITONES])
    return Block(
        np.concatenate([[phrase.start_s - 0.1], times.ravel(), [phrase.end_s + 0.12]]),
        np.concatenate([first[None], keys.reshape(-1, COLUMNS), last[None]]),
        times[stressed, 2],
        times[emphatic, 2],
    )


def _syllable_keys(rng: np.random.Generator, loud: np.ndarray) -> np.ndarray:
    """(S, 4, COLUMNS): held consonant, release, vowel, vowel's end; the mouth opens with
    loudness."""
    count = len(loud)
    consonant = rng.choice(len(_CONSONANTS), count, p=_CONSONANT_SHARES)
    vowel = rng.choice(len(VOWELS), count, p=_VOWEL_SHARES)
    keys = np.zeros((count, 4, COLUMNS))
    keys[:, :2, : 3 + VISEMES] = _CONSONANT_ROWS[consonant, None]
    keys[:, 0, VOICE:FRICTION_HZ] = _HELD[consonant]
    keys[:, 1, VOICE:FRICTION_HZ] = _RELEASED[consonant]
    keys[:, :, FRICTION_HZ] = _FRICTION_HZ[consonant, None]
    keys[:, 2:, : 3 + VISEMES] = _VOWEL_ROWS[vowel, None]
    keys[:, 2:, MOUTH] *= mouth_opening(loud)[:, None, None]
    keys[:, 2, VOICE], keys[:, 3, VOICE] = 1.0, 0.8
    keys[:, :, VOICE:FRICTION_HZ] *= loud[:, None, None]
    return keys


def mouth_opening(loud: np.ndarray) -> np.ndarray:
    """How far a vowel opens the mouth, of its weights; loud: 0..1."""
    result: np.ndarray = 0.45 + 0.65 * loud
    return result


def _pitch(
    rng: np.random.Generator, phrase: Phrase, stressed: np.ndarray, emphatic: np.ndarray
) -> np.ndarray:
    """(S, 4) semitones: declination, accents, and a fall or a rise at the end."""
    count = len(stressed)
    accent = stressed * rng.uniform(1.5, 3.5, count) + emphatic * rng.uniform(1.0, 3.0, count)
    contour = np.linspace(2.0, -2.0, count)[:, None] + accent[:, None] * [0.3, 0.6, 1.0, 0.6]
    contour[-1] += np.array([0.0, 1.5, 3.0, 5.0]) if phrase.rises else np.array([0, -1, -2.5, -4.5])
    result: np.ndarray = contour
    return result


def flutter(rng: np.random.Generator, count: int) -> np.ndarray:
    """(N,) semitones at 100 Hz: slow variation by a quarter of a semitone, as in every voice."""
    knots = rng.standard_normal(count // 8 + 3)
    return 0.25 * np.interp(np.arange(count) / 8, np.arange(len(knots)), knots)

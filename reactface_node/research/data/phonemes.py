"""Phonemes: what each one does to the mouth, and the sounds of the source-filter voice.

The rows of sounds hold formants F1-F3 in Hz and then the mouth's weights in the order of
VISEME_NAMES. Formants of vowels: Peterson and Barney 1952 (men). The mouth's weights are ours.
"""

import numpy as np

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
VISEMES = len(VISEME_NAMES)
SOUNDS: dict[str, tuple[float, ...]] = {
    #      F1   F2    F3    jaw  close funn puck stre lowr uppr press roll
    "a": (730, 1090, 2440, 0.55, 0.00, 0.05, 0.00, 0.05, 0.30, 0.18, 0.00, 0.00),
    "ae": (660, 1720, 2410, 0.48, 0.00, 0.00, 0.00, 0.22, 0.28, 0.20, 0.00, 0.00),
    "e": (530, 1840, 2480, 0.36, 0.00, 0.00, 0.00, 0.25, 0.22, 0.16, 0.00, 0.00),
    "i": (270, 2290, 3010, 0.16, 0.00, 0.00, 0.00, 0.40, 0.18, 0.12, 0.00, 0.00),
    "o": (570, 840, 2410, 0.40, 0.00, 0.42, 0.15, 0.00, 0.12, 0.08, 0.00, 0.00),
    "u": (300, 870, 2240, 0.17, 0.00, 0.30, 0.55, 0.00, 0.05, 0.04, 0.00, 0.00),
    "schwa": (500, 1500, 2500, 0.28, 0.00, 0.02, 0.00, 0.08, 0.18, 0.12, 0.00, 0.00),
    "m": (250, 900, 2200, 0.13, 0.16, 0.00, 0.05, 0.00, 0.00, 0.00, 0.40, 0.10),
    "p": (250, 900, 2200, 0.10, 0.14, 0.00, 0.05, 0.00, 0.00, 0.00, 0.45, 0.10),
    "t": (250, 1700, 2600, 0.12, 0.00, 0.00, 0.00, 0.10, 0.15, 0.08, 0.00, 0.00),
    "n": (280, 1600, 2500, 0.14, 0.00, 0.00, 0.00, 0.06, 0.12, 0.06, 0.00, 0.00),
    "s": (300, 1700, 2600, 0.06, 0.00, 0.00, 0.00, 0.22, 0.20, 0.12, 0.00, 0.00),
    "sh": (300, 1800, 2500, 0.10, 0.00, 0.40, 0.15, 0.00, 0.18, 0.15, 0.00, 0.00),
    "f": (300, 1100, 2300, 0.08, 0.00, 0.00, 0.00, 0.00, 0.00, 0.16, 0.00, 0.38),
    "k": (280, 2000, 2400, 0.20, 0.00, 0.00, 0.00, 0.00, 0.12, 0.08, 0.00, 0.00),
    "r": (360, 1300, 2300, 0.20, 0.00, 0.10, 0.10, 0.00, 0.10, 0.06, 0.00, 0.00),
    "w": (300, 750, 2200, 0.14, 0.00, 0.25, 0.45, 0.00, 0.04, 0.02, 0.00, 0.00),
    "h": (500, 1500, 2500, 0.26, 0.00, 0.00, 0.00, 0.05, 0.16, 0.10, 0.00, 0.00),
    "rest": (500, 1500, 2500, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00),
}
VOWELS = ("a", "ae", "e", "i", "o", "u", "schwa")
# Symbols of misaki's alphabet (one letter each) and of CMU's, with the sounds that they pass
# through; diphthongs pass through two.
_SOUNDS_OF = {
    "a": "ɑ ʌ ɐ aa ah",  # noqa: RUF001
    "ae": "æ ae",
    "e": "ɛ e eh",
    "i": "i ɪ ᵻ j iy ih y",  # noqa: RUF001
    "o": "ɔ ɒ ao",
    "u": "u ʊ uw uh",
    "schwa": "ə ᵊ ɜ ɚ ax er",
    "m": "m",
    "p": "p b",
    "t": "t d T ɾ θ ð th dh",
    "n": "n l",
    "s": "s z",
    "sh": "ʃ ʒ ʤ ʧ sh zh jh ch",
    "f": "f v",
    "k": "k ɡ ŋ g ng",  # noqa: RUF001
    "r": "ɹ r",
    "w": "w",
    "h": "h hh",
    "e i": "A ey",
    "a i": "I ay",
    "o u": "O ow",
    "schwa u": "Q",
    "a u": "W aw",
    "o i": "Y oy",
}
_PATHS = {
    symbol: tuple(sounds.split())
    for sounds, symbols in _SOUNDS_OF.items()
    for symbol in symbols.split()
}


def sounds_of(phoneme: str) -> tuple[str, ...]:
    """The names of the sounds (keys of SOUNDS) that a phoneme passes through; none for pauses,
    stress marks and punctuation."""
    return _PATHS.get(phoneme, ())


def is_vowel(phoneme: str) -> bool:
    """Whether a phoneme is the middle of a syllable."""
    path = sounds_of(phoneme)
    return bool(path) and path[0] in VOWELS and phoneme not in ("j", "y")


def mouth_of(sound: str) -> np.ndarray:
    """(9,) weights in the order of VISEME_NAMES."""
    return np.array(SOUNDS[sound][3:])

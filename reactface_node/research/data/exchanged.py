"""Finds pairs whose voices belong to each other's faces, and voices that are silent.

A jaw moves with its own voice. So of the four correlations of a voice's loudness with a jaw, those
of each person with itself must be the larger ones. They are small where a face is badly tracked or
nobody talks: only a clear difference counts.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from reactface_node.media.audio import integers_to_float
from reactface_node.research.data.decode import read_audio
from reactface_node.schema import SAMPLES_PER_FRAME

CLEAR, LEAST = 0.6, 0.15
"""How much larger the sum of the two foreign correlations must be than that of the own ones, and
how large each of them: chosen."""
LISTENED_S = 60.0
"""So much of each voice is compared."""
SAME = 0.95
"""Correlation of the samples of two voices that are one recording; two microphones before two
people give less."""
SMOOTH_FRAMES = 5
"""Syllables are shorter, and the sound may be some frames off the pictures."""
SILENT_DB, QUIET = -60.0, 1e-4


def doubts(
    files: Sequence[Path], jaws: Sequence[np.ndarray], people: Sequence[str]
) -> Iterator[str]:
    """Lines on what may be wrong with the sounds and jaws (t,) of two people, at 25 Hz."""
    voices = [read_audio(path, LISTENED_S) for path in files]
    for path, voice in zip(files, voices, strict=True):
        if is_silent(voice):
            yield f"{path} is silent"
    for person, jaw in zip(people, jaws, strict=True):
        if len(jaw) and np.ptp(jaw) == 0:
            yield f"the jaw of {person} never moves"
    if are_same(*voices):
        yield f"{files[0]} and {files[1]} are the same sound: each needs the voice of one person"
    elif are_exchanged(voices, jaws):
        yield (
            f"{files[0]} fits the jaw of {people[1]}, and the other way round: are the two voices "
            "exchanged?"
        )


def loudness(audio: np.ndarray) -> np.ndarray:
    """(t * 640,) int16 -> (t,) dB of full scale of each frame, no less than -60."""
    frames = len(audio) // SAMPLES_PER_FRAME
    heard = integers_to_float(audio[: frames * SAMPLES_PER_FRAME]).reshape(
        frames, SAMPLES_PER_FRAME
    )
    power = (heard.astype(np.float64) ** 2).mean(axis=1)
    found: np.ndarray = np.maximum(10.0 * np.log10(np.maximum(power, 1e-12)), SILENT_DB)
    return found


def are_exchanged(voices: Sequence[np.ndarray], jaws: Sequence[np.ndarray]) -> bool:
    """Whether two voices (t * 640,) int16 follow each other's jaws (t,) clearly better than their
    own."""
    return fit_exchanged(fit_of([loudness(voice) for voice in voices], jaws))


def fit_of(loud: Sequence[np.ndarray], jaws: Sequence[np.ndarray]) -> np.ndarray:
    """(2, 2) correlation of each loudness (t,) in dB with each jaw (t,)."""
    return np.array([[_correlation(one, jaw) for jaw in jaws] for one in loud])


def fit_exchanged(fit: np.ndarray) -> bool:
    """Whether the foreign correlations of ``fit_of`` are clearly larger than the own ones."""
    own, foreign = fit.diagonal(), fit[::-1].diagonal()[::-1]
    return bool((foreign > LEAST).all() and foreign.sum() > own.sum() + CLEAR)


def are_same(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two voices (n,) int16 that are not silent are one recording, whatever its level."""
    count = min(len(first), len(second))
    if not count or is_silent(first[:count]) or is_silent(second[:count]):
        return False
    x, y = (integers_to_float(part[:count]).astype(np.float64) for part in (first, second))
    x, y = x - x.mean(), y - y.mean()
    alike = np.abs(np.dot(x, y)) / max(np.linalg.norm(x) * np.linalg.norm(y), 1e-12)
    return bool(alike > SAME)


def is_silent(audio: np.ndarray) -> bool:
    """Whether (n,) int16 samples hold nothing, or not more than dither."""
    return bool(np.abs(integers_to_float(audio)).max(initial=0.0) <= QUIET)


def _correlation(loud: np.ndarray, jaw: np.ndarray) -> float:
    frames = min(len(loud), len(jaw))
    kernel = np.full(SMOOTH_FRAMES, 1.0 / SMOOTH_FRAMES)
    if frames < 2 * SMOOTH_FRAMES:
        return 0.0
    x, y = (np.convolve(part[:frames], kernel, "valid") for part in (loud, jaw))
    if x.std() == 0.0 or y.std() == 0.0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])

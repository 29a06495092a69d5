"""Movements of a face that mean nothing: squints, brows, lips, mouth open, a tracker's offsets.

They come independently of feelings and of speech, over the whole range of each channel, so that a
model can learn that nothing but a smile means a smile. All numbers are chosen.
"""

from dataclasses import dataclass

import numpy as np

from reactface_node.research.data.motion import envelope, frame_times, neutral, smooth_noise
from reactface_node.schema import ARKIT_NAMES, FRAME_RATE_HZ, indices_of


@dataclass(frozen=True)
class Movement:
    """stems: channels that move together. per_min: of a person of average restlessness. length_s:
    median, least and greatest."""

    stems: tuple[str, ...]
    per_min: float
    length_s: tuple[float, float, float] = (0.8, 0.2, 4.0)


MOVEMENTS = (
    Movement(("eyeSquint",), 4.0),
    Movement(("cheekSquint",), 5.0),
    Movement(("eyeSquint", "cheekSquint"), 1.5),
    Movement(("eyeSquint", "browDown"), 0.7),
    Movement(("browDown",), 1.5),
    Movement(("browInnerUp", "browOuterUp"), 1.0),
    Movement(("browInnerUp",), 0.7),
    Movement(("browOuterUp",), 0.7),
    Movement(("eyeWide",), 0.5),
    Movement(("noseSneer",), 0.7),
    Movement(("cheekPuff",), 0.3),
    Movement(("mouthPress",), 1.0),
    Movement(("mouthRollLower",), 0.6),
    Movement(("mouthRollLower", "mouthRollUpper"), 0.6),
    Movement(("mouthRollUpper",), 0.4),
    Movement(("mouthPucker",), 0.8),
    Movement(("mouthFunnel",), 0.4),
    Movement(("mouthDimple",), 1.8),
    Movement(("mouthStretch",), 1.0),
    Movement(("mouthShrugLower",), 0.7),
    Movement(("mouthShrugLower", "mouthShrugUpper"), 0.4),
    Movement(("mouthFrown",), 0.8),
    Movement(("mouthFrown", "mouthShrugLower"), 0.4),
    Movement(("mouthUpperUp",), 0.5),
    Movement(("mouthLowerDown",), 0.5),
    Movement(("mouthClose",), 0.3),
    Movement(("mouthLeft",), 0.2),
    Movement(("mouthRight",), 0.2),
    Movement(("jawLeft",), 0.15),
    Movement(("jawRight",), 0.15),
    Movement(("jawForward",), 0.2),
    Movement(("jawOpen",), 1.0),
    Movement(("jawOpen", "eyeSquint", "browInnerUp"), 0.1, (3.5, 2.0, 5.0)),  # a yawn
)
_LENGTH_SPREAD, _PERSON_SPREAD = 0.8, 0.7
_ONE_SIDED = 0.15
_OFFSET_CHANCE, _OFFSETS, _LARGEST_OFFSET, _LARGEST_SMILE_OFFSET = 0.3, 3.0, 0.35, 0.06
_MOVED = {stem for movement in MOVEMENTS for stem in movement.stems}
_STEMS = tuple(sorted(_MOVED | {"mouthSmile"}))


def distract(rng: np.random.Generator, frames: int, restlessness: float, person: int) -> np.ndarray:
    """(T, 58) float64 movements of 0.2 to 4 s, from weak to full, and slow offsets.

    restlessness: factor of the movements' rates; at 0 there are no movements and no offsets.
    person: seed of the person's own rates and offsets.
    """
    face = neutral(frames)
    if not restlessness > 0:
        return face
    own = np.random.default_rng([person, len(MOVEMENTS)])
    rates = own.lognormal(-0.5 * _PERSON_SPREAD**2, _PERSON_SPREAD, len(MOVEMENTS))
    minutes = frames / FRAME_RATE_HZ / 60
    for movement, rate in zip(MOVEMENTS, rates, strict=True):
        for _ in range(rng.poisson(restlessness * rate * movement.per_min * minutes)):
            _move(rng, face, movement)
    _add_offsets(rng, own, face)
    return face


def _move(rng: np.random.Generator, face: np.ndarray, movement: Movement) -> None:
    times = frame_times(len(face))
    median, least, most = movement.length_s
    length = float(np.clip(rng.lognormal(np.log(median), _LENGTH_SPREAD), least, most))
    rise, fall = np.minimum(rng.uniform(0.1, 0.5, 2), length / 2)
    start = rng.uniform(-length, times[-1])
    # The envelope falls from its end on: the fall belongs to the length.
    course = envelope(times, start, start + length - fall, rise, fall)
    course *= np.clip(1.0 + 0.08 * smooth_noise(rng, len(times), 1, 0.8)[:, 0], 0.0, None)
    hidden = rng.choice(2) if rng.random() < _ONE_SIDED else None
    for stem in movement.stems:
        peak = rng.uniform(0.05, 1.0)
        for side, index in enumerate(indices_of(stem)):
            if side != hidden or stem in ARKIT_NAMES:
                face[:, index] = np.maximum(face[:, index], np.minimum(peak * course, 1.0))


def _add_offsets(rng: np.random.Generator, own: np.random.Generator, face: np.ndarray) -> None:
    """What a tracker that knows the neutral face badly adds to some people, for minutes: a value
    that drifts slowly."""
    count = own.poisson(_OFFSETS) if own.random() < _OFFSET_CHANCE else 0
    for stem in own.choice(_STEMS, min(count, len(_STEMS)), replace=False):
        largest = _LARGEST_SMILE_OFFSET if stem == "mouthSmile" else _LARGEST_OFFSET
        level = largest * own.random() ** 2
        drift = np.clip(1.0 + 0.4 * smooth_noise(rng, len(face), 1, 8.0)[:, 0], 0.0, 2.0)
        for index in indices_of(str(stem)):
            face[:, index] += level * drift

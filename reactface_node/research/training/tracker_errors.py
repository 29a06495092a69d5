"""What this product's tracker makes of a face, simulated for training.

A model meets in a session what the tracker reads, not what a face does. So a crop goes the same way
as an image: errors of the scale and of the learned neutral face, noise, smoothing, the dead zone
(small values are exactly 0), the first second at rest in which the neutral face is not known,
reliability below 1, and faces that are lost. Constants with ``measured`` beside them are of
the neutral faces in 10 labelled real clips, read by ``perception.person``; the others are chosen.
"""

from dataclasses import dataclass

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.perception.expression import as_known, rest_shares
from reactface_node.perception.fusion import with_supported_squint
from reactface_node.perception.neutral import GROUPS
from reactface_node.perception.person import DEAD_ZONE, FRESH_SHARES, MEASURED, beyond_noise
from reactface_node.research.training.unreliable import drawn_reliability, slow_noise
from reactface_node.schema import (
    ARKIT_NAMES,
    EXPRESSION,
    FRAME_RATE_HZ,
    NUM_COEFFICIENTS,
    NUM_EXPRESSION,
    indices_of,
    stem_of,
)

PLAIN_SHARE = 0.2
"""Crops without this tracker's errors, as evaluation and other trackers give them."""
FEWER_CHANNELS = (0.0, 0.0, 0.25, 0.5)
"""Shares of channels that are missing in a plain crop, equally often."""
LEARNED_SHARE = 0.75
"""Crops with the Face Landmarker's blendshapes; the others have FaceMesh alone."""
GAIN = (0.85, 1.2)
"""Error of the scale, by channel and person."""
NOISE_SCALE = (0.2, 1.0)
"""Noise of a still face in shares of ``person.NOISE``, which is that of a poor camera."""
REST_SCALE = (0.3, 1.5)
"""Errors of the neutral face, by crop, in shares of ``REST``."""
LASTING = 0.8
"""Share of the deviation of these errors that lasts; the rest changes slowly."""
ARRIVES_SHARE = 0.1
"""Crops in which somebody comes into the picture, whose neutral face is not known."""
WRONG_SMILE_SHARE, WRONG_SMILE = 0.15, 0.3
"""Crops in which crying and grimaces are read as smiles now and then, and how strong at most."""
POSE_NOISE = np.array([0.002, 0.002, 0.002, 0.0002, 0.0002, 0.0002])  # rad, m; measured
POSE_REST = np.array([0.03, 0.03, 0.03, 0.006, 0.006, 0.015])  # rad, m; measured

# Deviation of the neutral face's error, with the Face Landmarker and without it: measured, from the
# highest fifth and twentieth of the means of neutral faces.
REST = {
    "browDown": (0.08, 0.06),
    "browInnerUp": (0.1, 0.1),
    "browOuterUp": (0.2, 0.15),
    "cheekSquint": (0.14, 0.14),
    "eyeBlink": (0.05, 0.05),
    "eyeLookDown": (0.09, 0.1),
    "eyeLookIn": (0.08, 0.08),
    "eyeLookOut": (0.06, 0.06),
    "eyeLookUp": (0.07, 0.06),
    "eyeSquint": (0.03, 0.09),
    "eyeWide": (0.15, 0.14),
    "jawOpen": (0.05, 0.09),
    "mouthClose": (0.01, 0.005),
    "mouthFrown": (0.3, 0.3),
    "mouthFunnel": (0.02, 0.02),
    "mouthLowerDown": (0.003, 0.13),
    "mouthPucker": (0.17, 0.18),
    "mouthSmile": (0.015, 0.19),
    "mouthStretch": (0.06, 0.05),
    "mouthUpperUp": (0.01, 0.15),
    "noseSneer": (0.06, 0.06),
}
BELOW = {"mouthFrown": 0.12, "mouthPucker": 0.05, "noseSneer": 0.08, "eyeBlink": 0.08}
"""Errors of the neutral face up to this have no effect: the measure's own threshold."""

_REST = np.array([REST.get(stem_of(name), (0.03, 0.03)) for name in ARKIT_NAMES]).T
_BELOW = np.array([BELOW.get(stem_of(name), 0.0) for name in ARKIT_NAMES])
# Noise before the smoothing, which lowers the deviation of white noise by this factor.
_NOISE = 0.5 * DEAD_ZONE / np.sqrt(FRESH_SHARES / (2.0 - FRESH_SHARES))[EXPRESSION]
_SMILE = indices_of("mouthSmile")
_DISTRESS = np.array([indices_of(s) for s in ("mouthFrown", "mouthStretch", "noseSneer")])
_GIVEN = np.concatenate([MEASURED, np.ones(NUM_COEFFICIENTS - NUM_EXPRESSION, bool)])


@dataclass(frozen=True, eq=False)
class Tracked:
    """What a tracker gives: face (B, T, 58) float32, discounted by its reliability as a session
    does, 0 where ``valid`` (B, T, 58) bool is False."""

    face: np.ndarray
    valid: np.ndarray


def as_tracked(
    rng: np.random.Generator, truth: np.ndarray, dropout: float, begins: bool = False
) -> Tracked:
    """The speaker's true coefficients (B, T, 58) as a session's model gets them.

    dropout: probability that a crop has no face, and that it loses the face for a while. begins:
    nothing was seen before the crop, so no neutral face is known; else it is known, but of people
    who arrive.
    """
    size, frames = truth.shape[:2]
    arrives = rng.random(size) < (ARRIVES_SHARE if dropout else 0.0)
    seen = _seen(rng, frames, dropout, arrives)
    learned = rng.random(size) < LEARNED_SHARE
    reliability, unreliable = drawn_reliability(rng, truth)
    raw = _read(rng, truth + unreliable, learned)
    for index in np.flatnonzero(arrives | begins):
        known = _known(raw[index, :, EXPRESSION], seen[index])
        weights = zip(raw[index, :, EXPRESSION], known, strict=True)
        raw[index, :, EXPRESSION] = [as_known(w, k, bool(learned[index])) for w, k in weights]
    shown = _smoothed(raw, seen)
    shown[..., EXPRESSION] = beyond_noise(shown[..., EXPRESSION])
    shown *= reliability
    valid = np.broadcast_to(_GIVEN, truth.shape) & seen[..., None]
    plain = (rng.random(size) < PLAIN_SHARE)[:, None, None]
    missing = rng.choice(FEWER_CHANNELS, (size, 1, 1)) if dropout else 0.0
    given = rng.random((size, 1, NUM_COEFFICIENTS)) >= missing
    valid = np.where(plain, given & seen[..., None], valid)
    face = np.where(plain, truth, shown)
    return Tracked(np.where(valid, face, 0.0).astype(np.float32), valid)


def _seen(rng: np.random.Generator, frames: int, dropout: float, arrives: np.ndarray) -> np.ndarray:
    """(B, T) bool: whether there is a face. arrives (B,) bool: not from the first frame on."""
    size = len(arrives)
    time = np.arange(frames)
    gone = rng.integers(frames, size=(size, 1))
    back = gone + rng.integers(5, max(frames, 6), (size, 1))
    lost = (time >= gone) & (time < back) & (rng.random((size, 1)) < dropout)
    lost |= rng.random((size, 1)) < dropout
    comes = rng.integers(1 + frames // 2, size=(size, 1))
    return ~(lost | (arrives[:, None] & (time < comes)))


def _read(rng: np.random.Generator, truth: np.ndarray, learned: np.ndarray) -> np.ndarray:
    """The values (B, T, 58) of each image before smoothing. learned (B,) bool: with the Face
    Landmarker."""
    size, frames = truth.shape[:2]
    raw = truth.astype(np.float64)
    gain = rng.uniform(*GAIN, (size, 1, NUM_EXPRESSION))
    rest = _drift(rng, size, frames) * rng.uniform(*REST_SCALE, (size, 1, 1))
    wrong = rest[..., EXPRESSION] * _REST[np.where(learned, 0, 1), None]
    wrong -= wrong.clip(0.0, _BELOW)
    noise = rng.standard_normal(truth.shape) * rng.uniform(*NOISE_SCALE, (size, 1, 1))
    face = raw[..., EXPRESSION] * gain + wrong + noise[..., EXPRESSION] * _NOISE
    face[..., _SMILE] += _wrong_smile(rng, raw)
    face = face.clip(0.0, 1.0)
    raw[..., EXPRESSION] = np.where(learned[:, None, None], with_supported_squint(face), face)
    raw[..., NUM_EXPRESSION:] += rest[..., NUM_EXPRESSION:] * POSE_REST
    raw[..., NUM_EXPRESSION:] += noise[..., NUM_EXPRESSION:] * POSE_NOISE
    return raw


def _drift(rng: np.random.Generator, size: int, frames: int) -> np.ndarray:
    """(B, T, 58) of deviation 1: a lasting part and a slow one."""
    lasting = LASTING * rng.standard_normal((size, 1, NUM_COEFFICIENTS))
    slow = slow_noise(rng, size, frames, NUM_COEFFICIENTS)
    drift: np.ndarray = lasting + (1.0 - LASTING**2) ** 0.5 * slow
    return drift


def _wrong_smile(rng: np.random.Generator, truth: np.ndarray) -> np.ndarray:
    """(B, T, 1): smiles read from crying and grimaces, in a few crops and for a while."""
    size, frames = truth.shape[:2]
    distress = 2.0 * truth[..., _DISTRESS].mean(axis=3).max(axis=2)
    smiles = truth[..., _SMILE].mean(axis=2)
    strength = WRONG_SMILE * (rng.random((size, 1)) < WRONG_SMILE_SHARE) * rng.random((size, 1))
    now_and_then = slow_noise(rng, size, frames, 1)[..., 0].clip(0.0, 1.0)
    found: np.ndarray = strength * now_and_then * (distress.clip(0.0, 1.0) - smiles).clip(0.0)
    return found[..., None]


def _known(weights: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Weights (T, 52) of a person who is new -> how far the neutral face of each of ``GROUPS`` is
    known in each frame, (T, 3)."""
    rested, known = np.zeros(len(GROUPS)), np.zeros((len(weights), len(GROUPS)))
    needed = PerceptionConfig().neutral_s * FRAME_RATE_HZ
    for frame, found in enumerate(weights):
        if rested.min() >= needed:
            known[frame:] = 1.0
            break
        if seen[frame]:
            share = np.minimum(rested / needed, 1.0)
            rested = rested + rest_shares(as_known(found, share, False), None)
        known[frame] = np.minimum(rested / needed, 1.0)
    return known


def _smoothed(raw: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """(B, T, 58) as ``person.Person`` smooths it, anew where a face comes back."""
    shown = raw.copy()
    for frame in range(1, raw.shape[1]):
        followed = FRESH_SHARES * raw[:, frame] + (1.0 - FRESH_SHARES) * shown[:, frame - 1]
        shown[:, frame] = np.where(seen[:, frame - 1, None], followed, raw[:, frame])
    return shown

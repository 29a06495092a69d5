"""A face's emotion: a name of hri_msgs/Expression, valence and arousal.

Prototypes: the action units of the six basic emotions in EMFACS and the FACS Investigator's Guide
(Ekman, Friesen & Hager 2002): happiness 6+12, sadness 1+4+15+17, anger 4+5+7+23/24, surprise
1+2+5+26, fear 1+2+4+5+20+26, disgust 9+10+15+16+17, each translated to the ARKit
shape that is nearest (``facs``). Negative shares separate similar emotions, such as surprise and
fear. The shares were chosen here: the guide gives none.

Valence and arousal of an emotion: Russell & Mehrabian, "Evidence for a three-factor theory of
emotions" (1977), means of the words happy, sad, angry, surprised, fearful and disgusted.
"""

from typing import NamedTuple

import numpy as np

from reactface_node.outputs.face import weights
from reactface_node.schema import NUM_EXPRESSION, indices_of

NEUTRAL = "neutral"
# name -> (shape or stem -> share, valence, arousal); positive shares sum to 1
PROTOTYPES: dict[str, tuple[dict[str, float], float, float]] = {
    "happy": ({"mouthSmile": 0.7, "cheekSquint": 0.3}, 0.81, 0.51),
    "sad": (
        {
            "mouthFrown": 0.4,
            "browInnerUp": 0.3,
            "browDown": 0.15,
            "mouthShrugLower": 0.15,
            "mouthSmile": -0.5,
            "noseSneer": -0.3,
        },
        -0.63,
        -0.27,
    ),
    "angry": (
        {
            "browDown": 0.4,
            "mouthPress": 0.3,
            "eyeSquint": 0.2,
            "eyeWide": 0.1,
            "browInnerUp": -0.5,
            "mouthSmile": -0.5,
        },
        -0.51,
        0.59,
    ),
    "surprised": (
        {
            "browInnerUp": 0.25,
            "browOuterUp": 0.25,
            "eyeWide": 0.25,
            "jawOpen": 0.25,
            "browDown": -0.5,
            "mouthStretch": -0.5,
        },
        0.40,
        0.67,
    ),
    "scared": (
        {
            "mouthStretch": 0.25,
            "browInnerUp": 0.2,
            "eyeWide": 0.2,
            "browDown": 0.15,
            "browOuterUp": 0.1,
            "jawOpen": 0.1,
            "mouthSmile": -0.5,
        },
        -0.64,
        0.60,
    ),
    "disgusted": (
        {
            "noseSneer": 0.4,
            "mouthUpperUp": 0.25,
            "mouthFrown": 0.15,
            "mouthLowerDown": 0.1,
            "mouthShrugLower": 0.1,
            "mouthSmile": -0.3,
        },
        -0.60,
        0.35,
    ),
}
EMOTIONS = tuple(PROTOTYPES)
# A face is neutral if no emotion is stronger than this.
NEUTRAL_EVIDENCE = 0.25


class Expression(NamedTuple):
    """name: a constant of hri_msgs/Expression; valence, arousal in -1..1; confidence in 0..1."""

    name: str
    valence: float
    arousal: float
    confidence: float


def _matrix() -> np.ndarray:
    """(6, 52) shares; the left and the right shape have half of the share each."""
    matrix = np.zeros((len(PROTOTYPES), NUM_EXPRESSION))
    for row, (shares, _, _) in zip(matrix, PROTOTYPES.values(), strict=True):
        for stem, share in shares.items():
            found = indices_of(stem)
            row[found] = share / len(found)
    return matrix


_SHARES = _matrix()
_CIRCUMPLEX = np.array([[valence, arousal] for _, valence, arousal in PROTOTYPES.values()])


def evidence(weight: np.ndarray) -> np.ndarray:
    """(52,) weights -> (6,) in 0..1, the strength of each of ``EMOTIONS``."""
    result: np.ndarray = np.maximum(_SHARES @ weight, 0.0)
    return result


def express(face: np.ndarray) -> Expression:
    """(58,) -> the strongest emotion; valence and arousal are continuous in the face.

    Each emotion's share is its squared evidence among those of all and of the neutral face; valence
    and arousal are means weighted by the shares; those of the neutral face are 0.
    """
    strength = evidence(weights(face)) ** 2
    neutral = NEUTRAL_EVIDENCE**2
    shares = strength / (strength.sum() + neutral)
    valence, arousal = (float(v) for v in shares @ _CIRCUMPLEX)
    best = int(np.argmax(shares))
    if strength[best] <= neutral:
        return Expression(NEUTRAL, valence, arousal, float(1.0 - shares.sum()))
    return Expression(EMOTIONS[best], valence, arousal, float(shares[best]))

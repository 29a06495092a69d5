"""Which of two sources gives each blendshape: measures of landmarks, or learned blendshapes.

The choice was made by eye on real clips, on the images in which the two disagree most. The numbers
are of seven labelled clips, by ``reactface inspect --compare``.
"""

import numpy as np

from reactface_node.schema import ARKIT_NAMES, indices_of, stem_of

LEARNED = {
    "mouthSmile": "over .3 on 8 % of the time of neutral faces, measured on 19 %",
    "jawOpen": "over .3 on 2 % of the time of smiles, measured on 20 %",
    "mouthUpperUp": "up to 0 on a still neutral face, measured up to .35",
    "mouthLowerDown": "up to .01 on a still neutral face, measured up to .45",
    "mouthPucker": "up to .04 on a still neutral face, measured up to .63",
    "browDown": ".53 to .56 in a real frown, measured .11 to .13",
    "browInnerUp": "by eye alone; on a still neutral face up to .13, measured up to .05",
}
"""Blendshapes (without Left and Right) that are taken from the model, and why. The others stay
measured; for those that the model cannot give, ``MEASURED`` says why."""
MEASURED = {
    "mouthFrown": "the model gives 0 even in frowns",
    "eyeBlink": "the model gives .5 for closed eyes, the measures 1",
    "eyeLookDown": "the model takes closed lids for it",
    "cheekSquint": "the model always gives 0",
    "noseSneer": "the model always gives 0",
}
FULL_SMILE = 0.85
"""The model's mouthSmile in broad smiles; it is seldom higher."""
MOST_SMILE = 1.6
"""A smile is at most so many times the measured one: in a yell the model gives .5, measured 0."""
_IS_LEARNED = np.array([stem_of(name) in LEARNED for name in ARKIT_NAMES])
_SMILE, _CHEEK, _SQUINT = (indices_of(stem) for stem in ("mouthSmile", "cheekSquint", "eyeSquint"))


def fused(measured: np.ndarray, learned: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Weights (52,) of both sources -> one (52,) in [0, 1]. given: bool (52,), what is learned.

    A smile needs both sources. eyeSquint is of no use alone: both sources give it for lids that are
    cast down or closed, and for the form of some eyes. It counts as far as the same side smiles or
    lifts the cheek.
    """
    found = np.where(_IS_LEARNED & given, learned, measured)
    smile = np.minimum(learned[_SMILE] / FULL_SMILE, MOST_SMILE * measured[_SMILE])
    found[_SMILE] = np.where(given[_SMILE], smile.clip(0.0, 1.0), found[_SMILE])
    found[_SQUINT] = learned[_SQUINT]
    return with_supported_squint(found)


def with_supported_squint(weights: np.ndarray) -> np.ndarray:
    """Weights (..., 52) with eyeSquint no higher than the smile or the cheek of its side."""
    found = weights.copy()
    support = np.maximum(weights[..., _SMILE], weights[..., _CHEEK])
    found[..., _SQUINT] = np.minimum(weights[..., _SQUINT], support)
    return found

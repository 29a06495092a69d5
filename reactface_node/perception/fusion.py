"""Which of two sources gives each blendshape: measures of landmarks, or learned blendshapes.

The choice was made by eye, on the images of real clips in which the two disagree most.
"""

import numpy as np

from reactface_node.schema import ARKIT_NAMES, indices_of

LEARNED = {
    "mouthSmile": "the measures take a rest that was learned from a smile, and open mouths",
    "jawOpen": "the measures lose it where the chin is hidden or the head is turned",
    "mouthUpperUp": "measured from a lip whose rest differs between people by as much",
    "mouthLowerDown": "as mouthUpperUp",
    "mouthPucker": "the measures give .6 for one neutral face",
    "browDown": "the measures miss real frowns (.1), and give .5 in a clip's first second",
    "browInnerUp": "the measures follow the pitch of the head",
}
"""Blendshapes (without Left and Right) that are taken from the model, and why. The others that are
measured stay measured; for those that matter most the reasons are in ``MEASURED``."""
MEASURED = {
    "mouthFrown": "the model never gives it: its 99th percentile is .05",
    "eyeBlink": "the model gives .5 for closed eyes, the measures 1",
    "eyeLookDown": "the model takes closed lids for it",
    "cheekSquint": "the model gives 0 always",
    "noseSneer": "as cheekSquint",
}
_IS_LEARNED = np.isin(
    [name.removesuffix("Left").removesuffix("Right") for name in ARKIT_NAMES], list(LEARNED)
)
_SMILE, _CHEEK, _SQUINT = (indices_of(stem) for stem in ("mouthSmile", "cheekSquint", "eyeSquint"))


def fused(measured: np.ndarray, learned: np.ndarray) -> np.ndarray:
    """Weights (52,) of both sources -> one (52,) in [0, 1].

    eyeSquint is of no use alone: both sources give it for lids that are cast down or closed, and
    for the form of some eyes. It counts as far as the same side smiles or lifts the cheek.
    """
    found = np.where(_IS_LEARNED, learned, measured)
    found[_SQUINT] = np.minimum(learned[_SQUINT], np.maximum(found[_SMILE], found[_CHEEK]))
    return found

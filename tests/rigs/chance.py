"""The noise that a session draws for what it sees and hears."""

import numpy as np

from reactface_node.engine.chance import model_noise
from reactface_node.schema import SAMPLES_PER_FRAME, Observation
from reactface_node.session.digest import Digest

W = 8


def drawn_noise(seed, samples, width, face, audio):
    """(M, windows, width) for the faces (T, 58) of a found face, and its sound."""
    digest, drawn = Digest(W), []
    heard = audio.astype(np.float32)
    for first in range(0, len(face) - W + 1, W):
        seen = [Observation(one, np.ones(58, bool)) for one in face[first : first + W]]
        part = heard[first * SAMPLES_PER_FRAME : (first + W) * SAMPLES_PER_FRAME]
        before = digest.note(first, seen, part)
        drawn.append(model_noise(seed, samples, width, first // W, before))
    return np.stack(drawn, axis=1)

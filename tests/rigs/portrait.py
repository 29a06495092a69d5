"""Small clips of drawn faces, for the tests of PIRender's tuning."""

import numpy as np

from reactface_node.render.sheet import face, painter
from reactface_node.research.training.portrait.clips import PortraitClip

# Far apart, so that the picture to start from is no good answer.
FACES = (
    {"rotationY": 0.7, "translationX": 0.12, "jawOpen": 0.9},
    {"rotationY": -0.7, "translationX": -0.12, "mouthSmile": 1.0},
    {"rotationZ": 0.5, "translationY": 0.08, "eyeBlink": 1.0},
    {"rotationZ": -0.5, "translationY": -0.08, "browInnerUp": 1.0},
)


def drawn_clip(theme="default", size=64, faces=FACES):
    draw = painter(theme, size)
    return PortraitClip(
        theme,
        np.stack([draw(weights) for weights in faces]),
        np.stack([face(weights) for weights in faces]),
        np.arange(len(faces)),
    )

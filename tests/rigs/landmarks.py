"""Landmarks of drawn faces, as FaceMesh finds them."""

import functools

import numpy as np

from reactface_node.config import PerceptionConfig, RenderConfig
from reactface_node.perception.finders import FaceMeshFinder
from reactface_node.render import make_renderer
from reactface_node.render.sheet import face


@functools.cache
def drawn_landmarks(eyes_shut: float = 0.0, smile: float = 0.0) -> np.ndarray:
    """(478, 3) of the theme ``person``; the weights of both eyeBlink and of both mouthSmile."""
    renderer = make_renderer(RenderConfig(theme="person", width=640, height=480))
    weights = {f"eyeBlink{side}": eyes_shut for side in ("Left", "Right")}
    weights |= {f"mouthSmile{side}": smile for side in ("Left", "Right")}
    picture = renderer.render(face(weights))
    finder = FaceMeshFinder(PerceptionConfig(max_faces=1))
    for frame in range(5):
        (found,) = finder.find(frame / 25, picture)
    finder.close()
    return found.landmarks

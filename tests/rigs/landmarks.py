"""Landmarks of drawn faces, as a landmark model finds them."""

import functools
from importlib.util import find_spec

import numpy as np
import pytest

from reactface_node.config import PerceptionConfig, RenderConfig
from reactface_node.errors import UserError
from reactface_node.perception.finders import choose_finder
from reactface_node.perception.library import has_facemesh
from reactface_node.render import make_renderer
from reactface_node.render.sheet import face

needs_facemesh = pytest.mark.skipif(
    not has_facemesh(), reason="no mediapipe that carries FaceMesh: pip install '.[facemesh]'"
)
needs_litert = pytest.mark.skipif(
    find_spec("ai_edge_litert") is None, reason="the face tracker's ai-edge-litert is not installed"
)


@functools.cache
def drawn_landmarks(eyes_shut: float = 0.0, smile: float = 0.0) -> np.ndarray:
    """(478, 3) of the theme ``person``; the weights of both eyeBlink and of both mouthSmile."""
    renderer = make_renderer(RenderConfig(theme="person", width=640, height=480))
    weights = {f"eyeBlink{side}": eyes_shut for side in ("Left", "Right")}
    weights |= {f"mouthSmile{side}": smile for side in ("Left", "Right")}
    picture = renderer.render(face(weights))
    try:
        finder = choose_finder(PerceptionConfig(max_faces=1))
    except UserError as error:
        pytest.skip(str(error))
    for frame in range(5):
        (found,) = finder.find(frame / 25, picture)
    finder.close()
    return found.landmarks

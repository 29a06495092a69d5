"""Whether a face model is here: FaceMesh's comes with mediapipe, which needs numpy 1."""

from importlib.util import find_spec

import pytest

from reactface_node.config import PerceptionConfig
from reactface_node.files.resources import weights_file

needs_face_model = pytest.mark.skipif(
    find_spec("mediapipe") is None and weights_file(PerceptionConfig().landmarker) is None,
    reason="needs a face model: mediapipe's, or `reactface weights --download face_landmarker`",
)

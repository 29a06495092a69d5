"""The expression classifier's picture of a face, and files that are no classifier."""

import numpy as np
import pytest
from rigs.landmarks import drawn_landmarks, needs_litert

from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.perception.emotions import (
    EMOTIONS,
    LEFT_EYE,
    RIGHT_EYE,
    SIDE_PX,
    EmotionClassifier,
    upright_grey,
)

MODEL = resources.weights_file(PerceptionConfig.expression_classifier)
needs_model = pytest.mark.skipif(
    MODEL is None, reason="no weights/expression_classifier.tflite: reactface weights --download"
)


def marked(landmarks, size=480):
    """A black image (size, size, 3) with white discs at both outer corners of the eyes."""
    image = np.zeros((size, size, 3), np.uint8)
    for index in (LEFT_EYE, RIGHT_EYE):
        across, down = (landmarks[index, :2] * size).astype(int)
        image[max(down - 6, 0) : down + 6, max(across - 6, 0) : across + 6] = 255
    return image


def turned(landmarks, degrees):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([(landmarks[:, :2] - 0.5) @ turn.T + 0.5, landmarks[:, 2]])


@pytest.mark.parametrize("degrees", [0, 20, -35, 90, 180])
def test_the_face_is_cut_upright_and_as_large_as_its_landmarks(degrees):
    landmarks = turned(drawn_landmarks(), degrees)
    grey = upright_grey(marked(landmarks), landmarks)
    assert grey.shape == (SIDE_PX, SIDE_PX) and grey.dtype == np.uint8
    rows, columns = np.nonzero(grey > 100)
    left, right = columns < SIDE_PX / 2, columns > SIDE_PX / 2
    assert abs(rows[left].mean() - rows[right].mean()) < 2 and rows.mean() < SIDE_PX / 2


@pytest.mark.parametrize("shift", [(-0.4, 0.0), (0.4, 0.3), (2.0, 2.0), (-2.0, 0.0)])
def test_a_face_at_the_edge_or_outside_of_the_picture_is_cut_too(shift):
    landmarks = drawn_landmarks() + np.array([*shift, 0.0])
    image = np.full((120, 160, 3), 90, np.uint8)
    assert upright_grey(image, landmarks).shape == (SIDE_PX, SIDE_PX)


@needs_litert
@pytest.mark.parametrize("content", [b"", b"not a model", b"TFL3" * 100])
def test_a_foreign_file_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "mine.tflite"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"mine\.tflite is no expression classifier") as refused:
        EmotionClassifier(path)
    assert "\n" not in str(refused.value)


@needs_model
def test_a_cut_file_is_refused_and_the_whole_one_gives_probabilities(tmp_path):
    path = tmp_path / "cut.tflite"
    path.write_bytes(MODEL.read_bytes()[:50_000])
    with pytest.raises(UserError, match=r"cut\.tflite is no expression classifier"):
        EmotionClassifier(path)
    classifier = EmotionClassifier(MODEL)
    landmarks = drawn_landmarks()
    found = classifier.read(marked(landmarks), landmarks)
    assert found.shape == (len(EMOTIONS),) and found.sum() == pytest.approx(1.0, abs=0.01)

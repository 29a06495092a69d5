"""Which way up the images are, from a detector's scores."""

import numpy as np
import pytest

from reactface_node.perception.face import Face
from reactface_node.perception.finders import turned_back
from reactface_node.perception.geometry import rotation_matrix
from reactface_node.perception.orientation import Orientation, turned

FPS = 25


class Detector:
    """Scores an image, whose first row is 1, by its quarter turns."""

    def __init__(self, scores):
        self.scores, self.calls = scores, 0

    def __call__(self, image):
        self.calls += 1
        edges = [image[0], image[:, 0], image[-1], image[:, -1]]
        score = self.scores[[edge.all() for edge in edges].index(True)]
        return [score] if score else []


MARKED = np.zeros((6, 8, 3), np.uint8)
MARKED[0] = 1


def turns_after(orientation, frames, image=MARKED, start_s=0.0):
    """``turns`` at each of these frames."""
    found = []
    for frame in range(frames):
        orientation.check(start_s + frame / FPS, image)
        found.append(orientation.turns)
    return found


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_faces_are_seen_within_half_a_second(turns):
    scores = [0.7, 0.7, 0.7, 0.7]
    scores[turns] = 0.93
    found = turns_after(Orientation(Detector(scores)), 50)
    assert found == [0] * 8 + [turns] * 42


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_camera_that_is_turned_later_is_seen_within_a_second(turns):
    orientation = Orientation(Detector([0.93, 0.8, 0.6, 0.8]))
    assert turns_after(orientation, 51) == [0] * 51
    image = turned(MARKED, -turns)
    found = turns_after(orientation, 50, image, 51 / FPS)
    assert found[FPS:] == [turns] * FPS
    # And back.
    assert turns_after(orientation, 50, start_s=4.5)[FPS:] == [0] * FPS


@pytest.mark.parametrize(
    "scores", [[0.85, 0.99, 0.99, 0.99], [0.8, 0.89, 0.89, 0.89], [0.0, 0.0, 0.0, 0.0]]
)
def test_sure_or_nearly_as_sure_faces_and_none_are_left_as_they_are(scores):
    assert turns_after(Orientation(Detector(scores)), 100) == [0] * 100


def test_it_takes_three_detections_in_a_row_that_agree():
    detector = Detector([0.5, 0.9, 0.5, 0.5])
    orientation = Orientation(detector)
    for _ in range(5):
        detector.scores = [0.5, 0.9, 0.5, 0.5]
        assert orientation.check(orientation._detected_s + 1.0 if detector.calls else 0.0, MARKED)
        orientation.check(orientation._detected_s + 1.0, MARKED)
        detector.scores = [0.5, 0.5, 0.5, 0.9]
        orientation.check(orientation._detected_s + 1.0, MARKED)
        orientation.check(orientation._detected_s + 1.0, MARKED)
    assert orientation.turns == 0
    orientation.check(orientation._detected_s + 1.0, MARKED)
    assert orientation.turns == 3


def test_the_whole_image_is_searched_twice_a_second_while_all_is_well():
    detector = Detector([0.9, 0.1, 0.1, 0.1])
    counts = [Orientation(detector).check(0.0, MARKED)]
    orientation = Orientation(detector)
    counts = [orientation.check(frame / FPS, MARKED) for frame in range(50)]
    assert [frame for frame, count in enumerate(counts) if count == 1] == [0, 13, 26, 39]
    assert detector.calls == 1 + 4


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_face_found_in_a_turned_image_lies_where_it_is_in_the_camera_s(turns):
    """A marked pixel, and a head that looks up: its axes as the camera sees them."""
    image = np.zeros((30, 50, 3), np.uint8)
    image[7, 41] = 255
    shown = turned(image, turns)
    height, width = shown.shape[:2]
    row, column = np.argwhere(shown[..., 0])[0]
    landmarks = np.array([[(column + 0.5) / width, (row + 0.5) / height, 2.0 / width]])
    up, place = np.array([0.0, 1.0, 0.0]), np.array([0.1, 0.2, -0.6])
    face = turned_back(
        Face(landmarks, {"jawOpen": 0.5}, (np.eye(3), place)), (width, height), turns
    )
    np.testing.assert_allclose(face.landmarks, [[41.5 / 50, 7.5 / 30, 2.0 / 50]])
    assert face.shapes == {"jawOpen": 0.5}
    back = rotation_matrix(np.array([0.0, 0.0, -turns * np.pi / 2]))
    np.testing.assert_allclose(face.pose[0] @ up, back @ up, atol=1e-12)
    np.testing.assert_allclose(face.pose[1], back @ place, atol=1e-12)

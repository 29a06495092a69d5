"""Where a face is in the picture, as ``Observation.place`` tells it."""

import numpy as np
import pytest
from rigs.landmarks import drawn_landmarks

from reactface_node.config import PerceptionConfig
from reactface_node.perception.face import Face
from reactface_node.perception.tracker import LandmarkTracker
from reactface_node.schema import Observation

IMAGE = np.full((480, 640, 3), 128, np.uint8)


class Script:
    """A finder that gives the test's landmarks; None = no face."""

    landmarks = None

    def find(self, stamp_s, image):
        return [] if self.landmarks is None else [Face(self.landmarks)]

    def reset(self):
        pass

    def close(self):
        pass


def seen(landmarks, frames=1):
    script = Script()
    script.landmarks = landmarks
    tracker = LandmarkTracker(PerceptionConfig(), False, script)
    return [tracker.track(frame / 25, IMAGE) for frame in range(frames)][-1]


@pytest.mark.parametrize(
    ("right", "down"), [(0.0, 0.0), (0.2, 0.0), (-0.2, 0.0), (0.0, 0.2), (0.0, -0.2)]
)
def test_a_place_is_where_the_picture_shows_the_eyes(right, down):
    landmarks = 0.5 + (drawn_landmarks() - 0.5) * 0.5  # half as large, so that all stays inside
    landmarks = landmarks + np.array([right, down, 0.0])
    x, y, z = seen(landmarks).place
    # Between the outer corners of the eyes, in image widths from the middle of the image.
    eyes = (landmarks[33] + landmarks[263]) / 2 - 0.5
    assert 0.3 < -z < 3.0
    assert x / -z == pytest.approx(eyes[0], abs=0.02)
    assert y / -z == pytest.approx(-eyes[1] * 480 / 640, abs=0.02)


def test_a_camera_upside_down_has_its_person_on_the_other_side():
    landmarks = 0.5 + (drawn_landmarks() - 0.5) * 0.5 + np.array([0.2, 0.1, 0.0])
    upright = seen(landmarks, 20).place
    over = landmarks * [-1.0, -1.0, 1.0] + [1.0, 1.0, 0.0]
    np.testing.assert_allclose(seen(over, 20).place, upright, atol=0.01)


def test_without_a_face_there_is_no_place():
    assert seen(None).place is None and Observation.missing().place is None

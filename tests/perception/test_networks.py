"""The Face Landmarker's networks: detections, regions, head pose, and files that are none."""

import builtins
import struct

import numpy as np
import pytest
from rigs.landmarks import needs_litert

from reactface_node.errors import UserError
from reactface_node.perception import detection
from reactface_node.perception.detection import Detection, FaceDetector
from reactface_node.perception.face_geometry import NUM_POINTS, VERTICAL_VIEW_DEG, FaceGeometry
from reactface_node.perception.geometry import rotation_matrix
from reactface_node.perception.networks import Network
from reactface_node.perception.region import Region, region_of_detection, region_of_landmarks


def field(number, kind, content):
    """One field of a protocol buffer."""
    key = bytes([number << 3 | kind])
    if kind == 2:
        size, content = len(content), content
        return key + bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + content
    return key + content


RANDOM = np.random.default_rng(0)
FACE_CM = RANDOM.normal(0.0, [5.0, 6.0, 3.0], (NUM_POINTS, 3))
POINTS = (0, 5, 130, 300, 467)
WEIGHTS = (0.5, 0.2, 0.1, 0.7, 0.3)


def geometry_file(face=FACE_CM, points=POINTS):
    vertices = np.concatenate([face, np.zeros((len(face), 2))], axis=1).astype("<f4").tobytes()
    content = field(1, 2, field(1, 0, b"\x00") + field(3, 2, vertices) + field(4, 0, b"\x07"))
    for point, weight in zip(points, WEIGHTS, strict=False):
        number = bytes([point & 127 | 128, point >> 7])
        content += field(2, 2, field(1, 0, number) + field(2, 5, struct.pack("<f", weight)))
    return content + field(3, 0, b"\x02")


@pytest.mark.parametrize("size", [(640, 480), (480, 640)])
def test_the_pose_of_a_face_is_found_from_its_landmarks(size):
    """Far from the camera, where a landmark's depth is that of the network: in image widths."""
    rotation, place = rotation_matrix(np.array([0.2, -0.3, 0.1])), np.array([0.4, -0.2, -30.0])
    seen = FACE_CM @ rotation.T / 100 + place
    high = 2.0 * np.tan(np.radians(VERTICAL_VIEW_DEG / 2))
    wide = high * size[0] / size[1]
    depths = -seen[:, 2]
    across, down = seen[:, 0] / depths / wide + 0.5, 0.5 - seen[:, 1] / depths / high
    landmarks = np.zeros((478, 3))
    landmarks[:NUM_POINTS] = np.stack([across, down, -seen[:, 2] / -place[2] / wide], axis=1)
    found, where = FaceGeometry(geometry_file()).pose(landmarks, size)
    np.testing.assert_allclose(found, rotation, atol=0.01)
    np.testing.assert_allclose(where, place, rtol=0.02, atol=0.02)


def test_landmarks_on_one_point_have_no_pose():
    assert FaceGeometry(geometry_file()).pose(np.full((478, 3), 0.5), (640, 480)) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no geometry",
        geometry_file()[:5000],
        geometry_file(FACE_CM[:400]),
        geometry_file(points=(0, 5, 130, 300, 468)),
        geometry_file(points=POINTS[:2]),
        field(2, 2, field(1, 0, b"\x07")),
        b"\x80" * 12,
    ],
)
def test_a_damaged_or_other_geometry_is_refused(content):
    with pytest.raises(ValueError, match=r"."):
        FaceGeometry(content)


class ScriptedDetector(FaceDetector):
    """A detector whose network gives the test's values."""

    def __init__(self, sure):
        """sure: score and box (middle x, y, width, height) in pixels of the network's input."""
        self._side, self._least = 128, 0.5
        self._anchors = detection._anchors()
        self._network = self
        self._sure = sure

    def run_picture(self, picture, low):
        assert picture.shape == (128, 128, 3) and low == -1.0
        self.picture = picture
        values, logits = np.zeros((1, 896, 16), np.float32), np.full((1, 896, 1), -200.0)
        for index, (score, box) in self._sure.items():
            anchor = 128 * self._anchors[index]
            points = np.array(box[:2]) - anchor + np.array([[-2, -1], [2, -1], *[[0, 0]] * 4])
            values[0, index] = [*(np.array(box[:2]) - anchor), *box[2:], *points.ravel()]
            logits[0, index] = np.log(score / (1 - score))
        return values, logits


def test_boxes_lie_in_the_image_as_it_was_before_it_was_made_square():
    boxes = {3: (0.9, (40.0, 64.0, 20.0, 24.0))}
    detector = ScriptedDetector(boxes)
    (found,) = detector.detect(np.full((480, 640, 3), 200, np.uint8))
    assert found.score == pytest.approx(0.9)
    np.testing.assert_allclose(found.box, [150.0, 180.0, 250.0, 300.0], rtol=1e-5)
    np.testing.assert_allclose(found.points[:2], [[190.0, 235.0], [210.0, 235.0]], rtol=1e-5)
    assert (detector.picture[16:112] == 200).all() and not detector.picture[:16].any()
    (tall,) = ScriptedDetector(boxes).detect(np.zeros((640, 480, 3), np.uint8))
    np.testing.assert_allclose(tall.box, [70.0, 260.0, 170.0, 380.0], rtol=1e-5)


def test_boxes_of_one_face_are_averaged_and_unsure_ones_are_left_out():
    boxes = {
        600: (0.6, (44.0, 64.0, 20.0, 20.0)),
        3: (0.9, (40.0, 64.0, 20.0, 20.0)),
        700: (0.7, (100.0, 64.0, 20.0, 20.0)),
        800: (0.4, (10.0, 10.0, 20.0, 20.0)),
    }
    first, second = ScriptedDetector(boxes).detect(np.zeros((128, 128, 3), np.uint8))
    assert (first.score, second.score) == (pytest.approx(0.9), pytest.approx(0.7))
    middle = (0.9 * 40 + 0.6 * 44) / 1.5
    np.testing.assert_allclose(first.box, [middle - 10, 54.0, middle + 10, 74.0], rtol=1e-5)
    assert ScriptedDetector({}).detect(np.zeros((1, 4000, 3), np.uint8)) == []


def test_the_anchors_lie_in_the_middles_of_their_cells():
    anchors = detection._anchors()
    assert anchors.shape == (896, 2)
    np.testing.assert_allclose(anchors[[0, 1, 2]], np.array([[1, 1], [1, 1], [3, 1]]) / 32)
    np.testing.assert_allclose(anchors[[512, 518, 895]], np.array([[1, 1], [3, 1], [15, 15]]) / 16)


@pytest.mark.parametrize("angle", [0.0, 0.5, -2.0])
def test_a_point_in_the_region_lies_where_it_was_in_the_image(angle):
    image = np.zeros((480, 640, 3), np.uint8)
    image[200:206, 300:306] = 255
    region = Region(np.array([310.0, 220.0]), 128.0, angle)
    cut = region.cut(image, 256)
    rows, columns = np.nonzero(cut[..., 0] > 127)
    point = np.array([[columns.mean(), rows.mean(), 64.0]])
    (placed,) = region.placed(point, 256, (640, 480))
    np.testing.assert_allclose(placed * [640, 480, 640], [302.5, 202.5, 32.0], atol=0.3)


def test_outside_the_image_its_edge_goes_on():
    image = np.full((100, 100, 3), 7, np.uint8)
    image[:, :2] = 90
    cut = Region(np.array([0.0, 50.0]), 64.0, 0.0).cut(image, 64)
    assert (cut[:, :30] == 90).all() and (cut[:, 40:] == 7).all()


def test_the_region_is_half_as_large_again_as_the_face_and_turned_with_its_eyes():
    points = np.zeros((6, 2))
    points[:2] = [[10.0, 10.0], [20.0, 20.0]]
    found = region_of_detection(Detection(0.9, np.array([0.0, 0.0, 40.0, 20.0]), points))
    assert (found.side, found.angle) == (60.0, pytest.approx(np.pi / 4))
    np.testing.assert_allclose(found.middle, [20.0, 10.0])
    landmarks = np.full((478, 3), 0.5)
    landmarks[33, :2], landmarks[263, :2] = (0.6, 0.5), (0.4, 0.5)
    turned = region_of_landmarks(landmarks, (200, 100))
    assert (turned.side, abs(turned.angle)) == (pytest.approx(60.0), pytest.approx(np.pi))
    near = Region(np.array([35.0, 10.0]), 50.0, 0.0)
    far = Region(np.array([41.0, 10.0]), 50.0, 0.0)
    assert found.is_of_same_face(near) and not found.is_of_same_face(far)


@needs_litert
@pytest.mark.parametrize("content", [b"", b"not a network", b"\0\0\0\0TFL3" * 50])
def test_a_file_that_is_no_network_is_refused(content):
    with pytest.raises((ValueError, RuntimeError)):
        Network(content)


def test_without_litert_it_is_one_line(monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest):
        if name.startswith("ai_edge_litert"):
            raise ImportError("No module named 'ai_edge_litert'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UserError, match=r"pip install ai-edge-litert$") as caught:
        Network(b"")
    assert "\n" not in str(caught.value)

"""The Face Landmarker's networks as a finder: who is followed from image to image, and the genuine
model beside MediaPipe's own graph of it."""

import numpy as np
import pytest
from rigs.clips import frames_of, needs_clips
from rigs.landmarks import needs_facemesh

from reactface_node.config import PerceptionConfig
from reactface_node.files import resources
from reactface_node.perception.detection import Detection
from reactface_node.perception.finders import FaceMeshFinder
from reactface_node.perception.landmarker import LandmarkerFinder
from reactface_node.schema import ARKIT_NAMES

MODEL = resources.weights_file(PerceptionConfig.landmarker)
needs_model = pytest.mark.skipif(
    MODEL is None, reason="no weights/face_landmarker.task: reactface weights --download it"
)
IMAGE = np.zeros((480, 640, 3), np.uint8)
FACE_PX = 60.0


class Networks:
    """Stands in for the networks: faces are where the test puts their middles."""

    def __init__(self, *middles):
        self.middles = [np.array(middle, float) for middle in middles]
        self.searches = 0
        self.score = 0.9

    def detect(self, image):
        self.searches += 1
        found = []
        for middle in self.middles:
            box = np.concatenate([middle - FACE_PX / 2, middle + FACE_PX / 2])
            points = middle + np.array([[-10, 0], [10, 0], *[[0, 0]] * 4])
            found.append(Detection(self.score, box, points))
        return found

    def find(self, image, region):
        near = [m for m in self.middles if np.hypot(*(m - region.middle)) < region.side / 2]
        if not near:
            return np.full((478, 3), np.nan), 0.1
        middle = min(near, key=lambda m: np.hypot(*(m - region.middle)))
        landmarks = np.tile([*middle, 0.0], (478, 1))
        landmarks[0, :2], landmarks[1, :2] = middle - FACE_PX / 2, middle + FACE_PX / 2
        landmarks[33, 0], landmarks[263, 0] = middle[0] - 10, middle[0] + 10
        return landmarks / [image.shape[1], image.shape[0], 1.0], 0.95

    def read(self, landmarks, size):
        return {}, (np.eye(3), np.array([0.0, 0.0, -0.6]))


def finder_of(networks, **settings):
    finder = LandmarkerFinder.__new__(LandmarkerFinder)
    config = PerceptionConfig(**settings)
    finder._most, finder._confidence = config.max_faces, config.min_confidence
    finder._detector = finder._network = finder._shapes = networks
    finder._emotions = None
    finder.reset()
    return finder


def middles(faces):
    return [tuple(np.round(face.landmarks[2, :2] * [640, 480])) for face in faces]


def test_a_face_is_followed_around_its_last_place_without_a_search():
    networks = Networks((300, 200))
    finder = finder_of(networks)
    for frame in range(12):
        networks.middles[0][0] += 10
        (found,) = middles(finder.find(frame / 25, IMAGE))
        assert found == (310 + 10 * frame, 200)
    # The search for the orientation, and that for the first face.
    assert networks.searches == 2


def test_a_face_that_jumps_or_leaves_is_searched_for():
    networks = Networks((100, 100))
    finder = finder_of(networks)
    assert middles(finder.find(0.0, IMAGE)) == [(100, 100)]
    networks.middles[0][:] = 500, 400
    assert finder.find(0.04, IMAGE) == []
    assert middles(finder.find(0.08, IMAGE)) == [(500, 400)]
    networks.middles.clear()
    assert finder.find(0.12, IMAGE) == finder.find(0.16, IMAGE) == []


def test_others_are_noticed_within_half_a_second_and_no_more_than_asked_for():
    networks = Networks((100, 100))
    finder = finder_of(networks, max_faces=2)
    networks.middles += [np.array([300.0, 100.0]), np.array([500.0, 100.0])]
    networks.middles, others = networks.middles[:1], networks.middles[1:]
    assert len(finder.find(0.0, IMAGE)) == 1
    networks.middles += others
    found = [len(finder.find(0.04 * frame, IMAGE)) for frame in range(1, 14)]
    assert found[0] == 1 and found[-1] == 2
    networks.middles.pop(0)
    assert middles(finder.find(0.6, IMAGE)) == [(300, 100)]


def test_two_faces_that_meet_are_one():
    networks = Networks((100, 100), (300, 100))
    finder = finder_of(networks)
    assert len(finder.find(0.0, IMAGE)) == 2
    for frame in range(1, 8):
        networks.middles[0][0] += 25
        faces = finder.find(0.04 * frame, IMAGE)
    assert middles(faces) == [(275, 100)]


def test_after_a_reset_nobody_is_followed_and_stamps_may_start_anew():
    networks = Networks((100, 100))
    finder = finder_of(networks)
    finder.find(100.0, IMAGE)
    networks.middles[0][:] = 500, 400
    finder.reset()
    assert middles(finder.find(0.0, IMAGE)) == [(500, 400)]
    finder.close()


@needs_model
def test_images_without_a_face_and_of_odd_sizes():
    finder = LandmarkerFinder(PerceptionConfig(), MODEL)
    random = np.random.default_rng(0)
    for index, shape in enumerate([(1, 1), (1, 640), (640, 1), (90, 70)]):
        assert finder.find(float(index), random.integers(0, 255, (*shape, 3), np.uint8)) == []


@needs_model
@needs_clips
def test_a_replay_gives_the_same_numbers():
    finder = LandmarkerFinder(PerceptionConfig(), MODEL)
    images = list(frames_of("d3", 0.3))

    def read():
        finder.reset()
        return np.stack([finder.find(s, image)[0].landmarks for s, image in images])

    np.testing.assert_array_equal(read(), read())


@pytest.mark.slow
@needs_model
@needs_clips
@needs_facemesh
@pytest.mark.parametrize("clip", ["d3", "d19"])
def test_the_numbers_are_those_of_mediapipes_own_graph(clip):
    """Of each image alone, where MediaPipe smooths nothing."""
    import mediapipe

    vision = mediapipe.tasks.vision
    options = vision.FaceLandmarkerOptions(
        base_options=mediapipe.tasks.BaseOptions(model_asset_path=str(MODEL)),
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    finder = LandmarkerFinder(PerceptionConfig(), MODEL)
    away, shapes, turns = [], [], []
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        for stamp_s, image in list(frames_of(clip, 3.0))[::5]:
            wrapped = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
            theirs = landmarker.detect(wrapped)
            finder.reset()
            (face,) = finder.find(stamp_s, image)
            points = np.array([(p.x, p.y) for p in theirs.face_landmarks[0]])
            width = np.ptp(points[:, 0])
            away.append(np.abs(face.landmarks[:, :2] - points).mean() / width)
            scores = {c.category_name: c.score for c in theirs.face_blendshapes[0]}
            shapes.append([face.shapes[name] - scores[name] for name in ARKIT_NAMES[:51]])
            matrix = theirs.facial_transformation_matrixes[0][:3, :3]
            across = face.pose[0].T @ matrix / np.cbrt(np.linalg.det(matrix))
            turns.append(np.degrees(np.arccos(np.clip((np.trace(across) - 1) / 2, -1, 1))))
    assert np.mean(away) < 0.004 and np.abs(shapes).mean() < 0.02 and np.mean(turns) < 1.0


@pytest.mark.slow
@needs_model
@needs_clips
@needs_facemesh
def test_it_finds_a_face_in_each_image_and_shakes_less_than_facemesh():
    finders = [kind(PerceptionConfig(), MODEL) for kind in (LandmarkerFinder, FaceMeshFinder)]
    tracks = [[], []]
    for stamp_s, image in frames_of("d18", 3.0):
        for track, finder in zip(tracks, finders, strict=True):
            (face,) = finder.find(stamp_s, image)
            track.append(face.landmarks[:, :2])
    finders[1].close()
    ours, theirs = np.array(tracks)
    width = np.ptp(theirs[..., 0], axis=1).mean()
    assert np.abs(ours - theirs).mean() < 0.01 * width
    shaking = [np.median(np.abs(np.diff(track, 2, axis=0))) for track in (ours, theirs)]
    assert shaking[0] < shaking[1]

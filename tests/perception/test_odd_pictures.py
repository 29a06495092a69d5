"""Pictures that a camera should not give: none for long, too many faces, posters, frozen ones."""

import logging

import cv2
import numpy as np
import pytest
from rigs.landmarks import drawn_landmarks, needs_facemesh
from rigs.session import make_session, picture, run

from reactface_node.config import PerceptionConfig, RenderConfig
from reactface_node.perception import make_tracker
from reactface_node.perception.face import Face
from reactface_node.perception.geometry import rotation_matrix
from reactface_node.perception.repeated_images import FROZEN_S, RepeatedImages
from reactface_node.perception.stillness import STILL_S
from reactface_node.perception.tracker import LandmarkTracker
from reactface_node.render import make_renderer
from reactface_node.render.sheet import face
from reactface_node.schema import CROP_PX

FPS = 25
IMAGE = np.zeros((48, 64, 3), np.uint8)


class Wall:
    """A finder that sees a poster and perhaps a living person before it."""

    def __init__(self):
        self.faces = []

    def find(self, stamp_s, image):
        return self.faces

    def reset(self):
        pass

    def close(self):
        pass


def at(x, near_m, turned_deg=0.0):
    pose = rotation_matrix(np.radians([0.0, turned_deg, 0.0])), np.array([x, 0.0, -near_m])
    return Face(drawn_landmarks(), {"jawOpen": 0.0}, pose)


def watched(tracker, wall, seconds, start_s, living_m, poster_m):
    """The followed person in each image."""
    numbers = []
    for frame in range(round(seconds * FPS)):
        stamp_s = start_s + frame / FPS
        sway = 4.0 * np.sin(stamp_s)
        noise = 0.3 * np.sin(97.0 * stamp_s)
        wall.faces = [at(0.4, poster_m, noise)]
        if living_m is not None:
            wall.faces.append(at(-0.4, living_m, sway))
        numbers.append(tracker.track(stamp_s, IMAGE).person)
    return numbers


@pytest.mark.parametrize("follow", ["speaking", "nearest"])
def test_a_poster_is_not_followed_before_a_living_person(follow):
    """Even where it is larger, and where the person is silent."""
    wall = Wall()
    tracker = LandmarkTracker(PerceptionConfig(follow=follow), False, wall)
    numbers = watched(tracker, wall, 20.0, 0.0, living_m=1.0, poster_m=0.6)
    known = round((STILL_S + 0.5) * FPS)
    assert numbers[0] == 1 and set(numbers[known:]) == {2}
    assert set(watched(tracker, wall, 5.0, 20.0, living_m=1.5, poster_m=0.6)) == {2}


def test_one_who_sits_still_alone_is_still_seen():
    wall = Wall()
    tracker = LandmarkTracker(PerceptionConfig(), False, wall)
    assert set(watched(tracker, wall, 20.0, 0.0, living_m=None, poster_m=0.8)) == {1}


def noisy(seed, levels):
    """An image with noise of some levels of 255."""
    base = np.random.default_rng(0).integers(50, 200, (120, 160, 3))
    return (base + np.random.default_rng(seed).integers(-levels, levels + 1, base.shape)).astype(
        np.uint8
    )


@pytest.mark.parametrize("levels", [0, 1])
def test_a_frozen_camera_is_noticed_and_said_once(caplog, levels):
    images = RepeatedImages()
    with caplog.at_level(logging.WARNING):
        frozen = [images.frozen(frame / FPS, noisy(frame, levels)) for frame in range(60 * FPS)]
    assert frozen.index(True) == round(FROZEN_S * FPS) and all(frozen[frozen.index(True) :])
    assert [record.message for record in caplog.records] == [
        "the camera has delivered the same image for 10 s: is it frozen? Until a new one comes, "
        "nobody counts as seen"
    ]
    assert not images.frozen(61.0, noisy(7, 20))
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert images.frozen(75.0, noisy(7, 20)) and caplog.records


def test_a_living_image_is_never_frozen_and_an_array_may_be_used_again():
    images, array = RepeatedImages(), np.empty((120, 160, 3), np.uint8)
    for frame in range(20 * FPS):
        array[:] = noisy(frame, 4)
        assert not images.frozen(frame / FPS, array)
    for shape in ((60, 80, 3), (0, 80, 3), (60, 80), (60, 80, 4)):
        assert not images.frozen(30.0, np.zeros(shape, np.uint8))
        assert not images.frozen(10.0, np.zeros(shape, np.uint8))


def test_a_session_with_a_frozen_camera_sees_nobody_until_a_new_image():
    session = make_session()
    seen = run(session, seconds=13.0, image=lambda index: picture(min(index, 25)))
    shown = [reaction.face_seen for reaction in seen]
    frozen_from = round((1.0 + FROZEN_S) * FPS) // 8 + 1
    assert set(shown[: frozen_from - 1]) == {1.0} and set(shown[frozen_from:]) == {0.0}
    assert session._tracker._tracker.tracked == 25 + FROZEN_S * FPS
    again = run(session, seconds=1.0, start_s=113.0, image=lambda index: picture(100 + index))
    assert again[-1].face_seen == 1.0


@pytest.fixture(scope="module")
def drawn():
    renderer = make_renderer(RenderConfig(theme="person", width=640, height=480))
    return renderer.render(face({}))


@needs_facemesh
@pytest.mark.slow
def test_minutes_without_a_face_leave_nothing_and_the_next_face_is_found(drawn):
    tracker = make_tracker(PerceptionConfig(landmarker=""), want_crop=False)
    empty = np.full((240, 320, 3), 90, np.uint8)
    try:
        first = [tracker.track(frame / 5, drawn) for frame in range(10)][-1]
        for frame in range(180):
            assert not tracker.track(2.0 + frame, empty).face_found
        assert not tracker._people.near and not tracker._people.absent
        again = [tracker.track(200.0 + frame / 5, drawn) for frame in range(10)][-1]
    finally:
        tracker.close()
    assert (first.person, again.person) == (1, 2)


@needs_facemesh
@pytest.mark.slow
@pytest.mark.parametrize("most", [1, 3])
def test_of_nine_faces_no_more_are_tracked_than_may_be(drawn, most):
    small = cv2.resize(drawn[:, 80:560], (210, 210), interpolation=cv2.INTER_AREA)
    crowd = np.ascontiguousarray(np.tile(small, (3, 3, 1)))
    tracker = make_tracker(PerceptionConfig(landmarker="", max_faces=most), want_crop=False)
    try:
        seen = [tracker.track(frame / FPS, crowd) for frame in range(50)]
    finally:
        tracker.close()
    assert {o.people for o in seen[30:]} == {most} and len({o.person for o in seen}) == 1


@needs_facemesh
@pytest.mark.slow
@pytest.mark.parametrize("zoom", [1.0, 1.6, 3.0])
def test_a_face_that_fills_the_picture_has_finite_numbers_and_a_crop(drawn, zoom):
    shift = np.array([[zoom, 0, 320 - zoom * 320], [0, zoom, 240 - zoom * 240]])
    large = cv2.warpAffine(drawn, shift, (640, 480), borderMode=cv2.BORDER_REPLICATE)
    tracker = make_tracker(PerceptionConfig(landmarker=""), want_crop=True)
    try:
        seen = [tracker.track(frame / FPS, large) for frame in range(30)]
    finally:
        tracker.close()
    assert all(np.isfinite(o.coefficients).all() for o in seen)
    assert all(o.crop.shape == (CROP_PX, CROP_PX, 3) for o in seen if o.face_found)
    assert seen[-1].face_found == (zoom < 2.0)

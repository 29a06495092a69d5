"""The tracker on drawn faces: neutral face, gaps, other people, model outputs, errors."""

import builtins
import sys
from pathlib import Path

import numpy as np
import pytest
from rigs.face_model import needs_face_model
from rigs.landmarks import drawn_landmarks, needs_facemesh

from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.perception import make_tracker
from reactface_node.perception.crop import FaceCrop
from reactface_node.perception.face import Face
from reactface_node.perception.geometry import rotation_matrix
from reactface_node.perception.tracker import LandmarkTracker
from reactface_node.schema import ARKIT_NAMES, CROP_PX, ROTATION, TRANSLATION, index_of

IMAGE = np.zeros((48, 64, 3), np.uint8)
SMILE, JAW, BROW = (index_of(name) for name in ("mouthSmileLeft", "jawOpen", "browDownLeft"))


class Script:
    """A finder that gives the test's faces instead of looking at the image."""

    face: Face | None = None
    resets = 0

    def find(self, stamp_s, image):
        self.image = image
        return [self.face] if self.face else []

    def reset(self):
        self.resets += 1

    def close(self):
        pass


def tracker_of(script, **settings):
    return LandmarkTracker(PerceptionConfig(**settings), False, script)


def named_face(x=0.0, angles=(0, 0, 0), **shapes):
    pose = rotation_matrix(np.array(angles)), np.array([x, 0.0, -0.6])
    landmarks = drawn_landmarks(smile=1.0 if "mouthSmileLeft" in shapes else 0.0)
    return Face(landmarks, dict.fromkeys(ARKIT_NAMES, 0.0) | shapes, pose)


@needs_facemesh
def test_the_head_is_relative_to_the_persons_pose_and_blendshapes_to_their_rest():
    script = Script()
    tracker = tracker_of(script)
    script.face = named_face(x=0.05, angles=(0.2, 0, 0), browDownLeft=0.2)
    for frame in range(125):
        rest = tracker.track(frame / 25, IMAGE)
    assert np.abs(rest.coefficients).max() < 1e-6
    script.face = named_face(x=0.15, angles=(0.2, 0, 0.3), browDownLeft=1.0)
    for frame in range(125, 135):
        seen = tracker.track(frame / 25, IMAGE).coefficients
    assert seen[BROW] == pytest.approx(1.0, abs=1e-3)
    np.testing.assert_allclose(seen[TRANSLATION], [0.1, 0, 0], atol=1e-3)
    assert np.linalg.norm(seen[ROTATION]) == pytest.approx(0.3, abs=0.01)


def test_another_person_gets_a_neutral_of_their_own():
    def after(away_s, x, wider=1.0):
        """The brow of somebody who rests at 0.3, seen after one who lowers it to 0.3."""
        script = Script()
        tracker = tracker_of(script, person_change_s=2.0)
        script.face = named_face()
        for frame in range(125):
            tracker.track(frame / 25, IMAGE)
        if away_s:
            script.face = None
            assert not tracker.track(5.0, IMAGE).face_found
        rest = named_face(x=x, browDownLeft=0.3)
        script.face = Face(rest.landmarks * [wider, 1.0, 1.0], rest.shapes, rest.pose)
        for frame in range(5):
            seen = tracker.track(5.0 + away_s + frame / 25, IMAGE)
        return seen.coefficients[BROW]

    assert after(away_s=0.0, x=0.02) > 0.15
    assert after(away_s=1.0, x=0.3) > 0.15  # One may lean aside unseen ...
    assert after(away_s=3.0, x=0.5) > 0.15  # ... come back elsewhere ...
    assert after(away_s=3.0, x=0.0, wider=1.2) == 0.0  # ... but another face is another person,
    assert after(away_s=61.0, x=0.0) == 0.0  # who is gone for long is forgotten,
    assert after(away_s=0.0, x=0.6) == 0.0  # and nobody jumps aside in a frame.


def test_a_gap_and_a_reset_leave_nothing_behind():
    script = Script()
    tracker = tracker_of(script)
    script.face = named_face(jawOpen=1.0)
    assert tracker.track(0.0, IMAGE).coefficients[JAW] > 0.9
    script.face = None
    tracker.track(0.04, IMAGE)
    script.face = named_face()
    assert tracker.track(0.08, IMAGE).coefficients[JAW] == 0
    tracker.reset()
    assert script.resets == 1
    script.face = named_face(x=0.2, angles=(0, 0.4, 0))
    again = tracker.track(0.0, IMAGE).coefficients
    assert max(again[JAW], np.abs(again[ROTATION]).max(), np.abs(again[TRANSLATION]).max()) < 1e-6


def test_wide_images_are_shrunk_and_broken_landmarks_are_no_face():
    script = Script()
    tracker = tracker_of(script, max_width_px=96)
    script.face = Face(np.full((478, 3), np.nan))
    assert not tracker.track(0.0, np.zeros((480, 640, 3), np.uint8)[::2]).face_found
    assert script.image.shape == (36, 96, 3) and script.image.flags.c_contiguous


def test_the_crop_keeps_the_face_in_the_middle_and_moves_smoothly():
    def disc(across):
        image = np.zeros((400, 600, 3), np.uint8)
        image[150:250, across - 50 : across + 50] = 255
        return image, np.array([[across - 50, 150], [across + 50, 250]], float)

    crop = FaceCrop()
    first = crop.cut(*disc(300))
    rows, columns = np.nonzero(first[..., 0] > 127)
    assert first.shape == (CROP_PX, CROP_PX, 3)
    assert abs(rows.mean() - 112) < 2 and abs(columns.mean() - 112) < 2
    assert np.ptp(columns) == pytest.approx(CROP_PX / 1.4, abs=3)
    moved = np.nonzero(crop.cut(*disc(310))[..., 0] > 127)[1].mean() - columns.mean()
    assert moved == pytest.approx(10 * 0.8 * CROP_PX / 140, abs=2)


@pytest.mark.parametrize(("frames", "lag"), [(1.0, 0.8), (2.0, 0.64), (3.0, 0.512)])
def test_the_crop_follows_as_fast_whatever_the_images_rate_and_size(frames, lag):
    def disc(across, scale):
        image = np.zeros((400 * scale, 600 * scale, 3), np.uint8)
        image[150 * scale : 250 * scale, (across - 50) * scale : (across + 50) * scale] = 255
        return image, np.array([[across - 50, 150], [across + 50, 250]], float) * scale

    crop = FaceCrop()
    columns = np.nonzero(crop.cut(*disc(300, 2))[..., 0] > 127)[1]
    moved = np.nonzero(crop.cut(*disc(310, 1), frames)[..., 0] > 127)[1]
    assert moved.mean() - columns.mean() == pytest.approx(10 * lag * CROP_PX / 140, abs=2)
    assert np.ptp(moved) == pytest.approx(np.ptp(columns), abs=3)


@needs_face_model
def test_images_without_a_face_and_wrong_arrays():
    tracker = make_tracker(PerceptionConfig(), want_crop=True)
    try:
        assert not tracker.track(0.0, np.zeros((240, 320, 3), np.uint8)).face_found
        noise = np.random.default_rng(0).integers(0, 255, (90, 70, 3), np.uint8)
        assert not tracker.track(0.1, noise[::2, ::-1]).face_found
        wrong = [(0, 5, 3), (5, 5), (5, 5, 4), (5, 5, 1)]
        for image in [*(np.zeros(shape, np.uint8) for shape in wrong), np.zeros((5, 5, 3))]:
            with pytest.raises(ValueError, match="an image is"):
                tracker.track(0.2, image)
    finally:
        tracker.close()


def test_a_file_that_is_no_model(tmp_path):
    model = tmp_path / "face_landmarker.task"
    model.write_bytes(b"not a model")
    with pytest.raises(UserError, match="no face landmarker model") as caught:
        make_tracker(PerceptionConfig(landmarker=str(model)), want_crop=False)
    assert "\n" not in str(caught.value)


@needs_facemesh
def test_a_missing_library_is_one_clear_line(monkeypatch):
    real = builtins.__import__
    failure = "libGL.so.1: cannot open shared object file"

    def refuse(name, *rest):
        if name == "mediapipe":
            raise ImportError(failure)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(UserError, match="apt install") as caught:
        make_tracker(PerceptionConfig(), want_crop=False)
    assert failure in str(caught.value) and "\n" not in str(caught.value)


def test_without_any_face_model_it_is_said_what_to_download(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(UserError, match="weights --download face_landmarker") as caught:
        make_tracker(PerceptionConfig(landmarker=""), want_crop=False)
    assert str(Path("weights")) in str(caught.value) and "\n" not in str(caught.value)

"""Learned blendshapes: what is made of them, and the genuine model on real clips."""

from zipfile import ZipFile

import numpy as np
import pytest
from rigs.clips import frames_of, needs_clips
from rigs.landmarks import drawn_landmarks, needs_facemesh

from reactface_node.config import PerceptionConfig
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.perception import finders, make_tracker, portrait_face
from reactface_node.perception.face import Face
from reactface_node.perception.finders import FaceMeshFinder, NoFinder
from reactface_node.perception.geometry import RIGID, RIGID_M, euler_angles
from reactface_node.perception.landmarker import LandmarkerFinder
from reactface_node.perception.measures import LOWER_LIP, UPPER_LIP
from reactface_node.perception.portrait_face import crop_portrait
from reactface_node.perception.shapes import BLENDSHAPES
from reactface_node.perception.tracker import LandmarkTracker
from reactface_node.schema import index_of

MODEL = resources.weights_file(PerceptionConfig.landmarker)
needs_model = pytest.mark.skipif(
    MODEL is None, reason="no weights/face_landmarker.task: reactface weights --download it"
)
KINDS = [pytest.param(FaceMeshFinder, marks=needs_facemesh), LandmarkerFinder]
IMAGE = np.zeros((48, 64, 3), np.uint8)


class Script:
    """A finder that gives the test's face."""

    def find(self, stamp_s, image):
        return [self.face]

    def reset(self):
        pass

    def close(self):
        pass


def landmarks(gap_mm):
    """An upright face as a camera far away sees it, whose lips are so far apart."""
    millimetres = np.zeros((478, 3))
    millimetres[RIGID] = 1000.0 * RIGID_M
    millimetres[[UPPER_LIP, LOWER_LIP], 1] = -60.0, -60.0 - gap_mm
    return np.array([0.5, 0.5, 0.0]) + millimetres * [0.0001, -0.0001 * 64 / 48, -0.0001]


@pytest.mark.parametrize("shapes", [None, {"jawOpen": 0.1}])
def test_the_mouths_speed_is_that_of_the_lips(shapes):
    script = Script()
    tracker = LandmarkTracker(PerceptionConfig(), False, script)
    pose = np.eye(3), np.array([0.0, 0.0, -0.6])
    gaps_mm = []
    for frame, gap_mm in enumerate([0.0, 4.0, 4.0, 10.0, 2.0]):
        script.face = Face(landmarks(gap_mm), shapes, pose)
        tracker.track(frame / 25, IMAGE)
        gaps_mm.append(tracker._selector.followed.mouth_mm)
    speeds = 25 * np.abs(np.diff(gaps_mm, prepend=gaps_mm[0]))
    np.testing.assert_allclose(speeds, [0.0, 100.0, 0.0, 150.0, 200.0], rtol=0.02, atol=1e-6)


def test_above_a_high_rest_noise_is_not_scaled_up():
    script = Script()
    tracker = LandmarkTracker(PerceptionConfig(), False, script)

    def seen(weight, frames, start):
        for frame in range(start, start + frames):
            pose = np.eye(3), np.array([0.0, 0.0, -0.6])
            script.face = Face(drawn_landmarks(), {"browInnerUp": weight}, pose)
            found = tracker.track(frame / 25, IMAGE).coefficients[index_of("browInnerUp")]
        return found

    assert seen(0.8, 125, 0) == pytest.approx(0.0, abs=0.01)
    assert seen(0.84, 20, 125) == pytest.approx(0.06, abs=0.01)
    assert seen(1.0, 20, 145) == pytest.approx(0.38, abs=0.02)


def test_with_no_faces_asked_for_nothing_is_looked_for(monkeypatch):
    monkeypatch.setattr(finders, "has_facemesh", lambda: pytest.fail("mediapipe is looked for"))
    finder = finders.choose_finder(PerceptionConfig(max_faces=0))
    assert isinstance(finder, NoFinder) and finder.find(0.0, IMAGE) == []
    tracker = make_tracker(PerceptionConfig(max_faces=0), want_crop=True)
    assert not tracker.track(0.0, IMAGE).face_found
    tracker.reset()
    tracker.close()


def test_a_portrait_is_found_with_the_model_file_that_is_set(tmp_path, monkeypatch):
    """Where no FaceMesh is installed."""
    monkeypatch.setattr(portrait_face, "has_facemesh", lambda: False)
    with pytest.raises(UserError, match="no face model: run `reactface weights --download"):
        crop_portrait(IMAGE, str(tmp_path / "none.task"))
    foreign = tmp_path / "mine.task"
    foreign.write_bytes(b"not a model")
    with pytest.raises(UserError, match=r"mine\.task is no face landmarker model"):
        crop_portrait(IMAGE, str(foreign))


@needs_model
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "damage", ["cut", "empty", "no blendshapes", "foreign part", "half a part"]
)
def test_a_damaged_model_is_refused_in_one_line(tmp_path, kind, damage):
    path = tmp_path / "face_landmarker.task"
    whole = MODEL.read_bytes()
    if damage in ("cut", "empty"):
        path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"")
    else:
        with ZipFile(MODEL) as parts, ZipFile(path, "w") as made:
            for name in parts.namelist():
                content = parts.read(name)
                if name == BLENDSHAPES and damage == "no blendshapes":
                    continue
                if name == BLENDSHAPES and damage == "foreign part":
                    content = parts.read("face_detector.tflite")
                if name == BLENDSHAPES and damage == "half a part":
                    content = content[: len(content) // 2]
                made.writestr(name, content)
    with pytest.raises(UserError, match=r"face_landmarker\.task is no face landmarker") as refused:
        kind(PerceptionConfig(), path)
    assert "\n" not in str(refused.value)


def turned_clip(name, until_s, turns_at):
    """A clip whose images are rotated clockwise by ``turns_at(stamp_s)`` quarter turns."""
    for stamp_s, image in frames_of(name, until_s):
        yield stamp_s, np.ascontiguousarray(np.rot90(image, -turns_at(stamp_s)))


@pytest.mark.slow
@needs_model
@needs_clips
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_real_face_upside_down_or_on_its_side_is_read_within_a_second(kind, turns):
    """From the start, and after a second upright; every frame after it is read upright too."""

    def turns_found(turns_at):
        tracker = LandmarkTracker(PerceptionConfig(), False, kind(PerceptionConfig(), MODEL))
        for stamp_s, image in turned_clip("d18", 2.4, turns_at):
            found = tracker.track(stamp_s, image).face_found
            yield stamp_s, tracker._selector.followed.quarter_turns if found else None
        tracker.close()

    assert {found for stamp_s, found in turns_found(lambda _: turns) if stamp_s > 1.0} == {turns}
    later = list(turns_found(lambda stamp_s: turns if stamp_s > 1.0 else 0))
    assert {found for stamp_s, found in later if stamp_s <= 1.0} == {0}
    assert {found for stamp_s, found in later if stamp_s > 2.0} == {turns}


@pytest.mark.slow
@needs_model
@needs_clips
@needs_facemesh
def test_both_finders_give_the_same_shapes_and_pitch():
    """On FaceMesh's landmarks the learned model says what it says on its own."""
    finders = [kind(PerceptionConfig(), MODEL) for kind in (FaceMeshFinder, LandmarkerFinder)]
    rows = []
    for stamp_s, image in frames_of("d12"):
        row = []
        for finder in finders:
            (face,) = finder.find(stamp_s, image)
            names = ("mouthSmileLeft", "mouthSmileRight", "jawOpen", "mouthPucker")
            row.append([*(face.shapes[name] for name in names), *euler_angles(face.pose[0])])
        rows.append(row)
    for finder in finders:
        finder.close()
    ours, theirs = np.moveaxis(np.array(rows), 1, 0)
    for column in range(ours.shape[1]):
        assert np.corrcoef(ours[:, column], theirs[:, column])[0, 1] > 0.85
    pitch_slope = np.polyfit(theirs[:, 4], ours[:, 4], 1)[0]
    assert 0.85 < pitch_slope < 1.15

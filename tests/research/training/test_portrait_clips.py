"""The training data of PIRender: sources of clips, and pairs of frames."""

import cv2
import numpy as np
import pytest
from rigs.data_sets import faceverse, write_coefficients, write_video
from rigs.store import clip as stored_clip
from rigs.store import own, plan, write_all

from reactface_node.errors import UserError
from reactface_node.faceverse import MEAN_POSE, Space
from reactface_node.render.portrait.generator import frames_around
from reactface_node.research.data.store import ClipWriter
from reactface_node.research.training.portrait.batches import digest_of, draw
from reactface_node.research.training.portrait.clips import PortraitClip, read_clips
from reactface_node.schema import NUM_COEFFICIENTS, Observation

LEVELS = range(60, 160, 10)


class FakeTracker:
    """Sees a face in every frame but the third; coefficients count frames."""

    def __init__(self):
        self.frames, self.closed = 0, False

    def track(self, stamp_s, rgb):
        del stamp_s
        self.frames += 1
        if self.frames == 3:
            return Observation.missing()
        values = np.full(NUM_COEFFICIENTS, self.frames / 100, np.float32)
        crop = np.full((224, 224, 3), rgb[0, 0, 0], np.uint8)
        return Observation(values, np.ones(NUM_COEFFICIENTS, bool), crop)

    def reset(self):
        self.frames = 0

    def close(self):
        self.closed = True


def no_tracker():
    raise AssertionError("nothing is to be tracked")


@pytest.fixture
def described(tmp_path):
    """A video with FaceVerse coefficients beside it."""
    write_video(tmp_path / "me.mp4", LEVELS)
    values = faceverse(1, len(LEVELS))
    write_coefficients(tmp_path / "me.npy", values)
    return tmp_path / "me.mp4", values


def test_a_video_with_coefficients_beside_it(described):
    path, values = described
    (clip,) = read_clips([path], "faceverse", "faceverse", no_tracker)
    assert clip.pictures.shape == (len(LEVELS), 224, 224, 3)
    brightness = clip.pictures.mean(axis=(1, 2, 3))
    assert np.all(np.diff(brightness) > 3)
    np.testing.assert_array_equal(clip.coefficients, values)
    np.testing.assert_array_equal(clip.shown, np.arange(len(LEVELS)))


def test_coefficients_are_brought_into_the_space_of_the_net(described):
    path, values = described
    (ours,) = read_clips([path], "faceverse", "ours", no_tracker)
    np.testing.assert_allclose(ours.coefficients, Space.of().to_ours(values), atol=1e-6)
    (theirs,) = read_clips([path], "ours", "faceverse", no_tracker)
    np.testing.assert_allclose(theirs.coefficients, Space.of().to_faceverse(values), atol=1e-5)


def test_a_video_alone_is_tracked_and_frames_without_a_face_are_not_drawn(tmp_path, capsys):
    write_video(tmp_path / "me.mp4", LEVELS)
    tracker = FakeTracker()
    (clip,) = read_clips([tmp_path / "me.mp4"], "ours", "ours", lambda: tracker)
    assert "no me.npy beside it, so its face is tracked" in capsys.readouterr().err
    assert tracker.closed
    np.testing.assert_allclose(clip.coefficients[:, 0], np.arange(1, 11) / 100, atol=1e-6)
    assert clip.shown.tolist() == [0, 1, 3, 4, 5, 6, 7, 8, 9]
    (theirs,) = read_clips([tmp_path / "me.mp4"], "ours", "faceverse", FakeTracker)
    assert theirs.coefficients[0, 52] == pytest.approx(MEAN_POSE[0] + 0.01, abs=1e-5)


def test_a_folder_of_pictures(tmp_path):
    folder = tmp_path / "me"
    folder.mkdir()
    for index in range(1, 12):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((256, 256, 3), 9 * index, np.uint8))
    write_coefficients(tmp_path / "me.npy", faceverse(2, 11))
    (clip,) = read_clips([folder], "faceverse", "faceverse", no_tracker)
    assert clip.pictures[:, 0, 0, 0].tolist() == [9 * index for index in range(1, 12)]


def converted(folder, faces):
    with ClipWriter(folder, plan(("a", "b"), faces=faces)) as writer:
        write_all(writer, [stored_clip(0, 4, faces=faces), stored_clip(1, 3, faces=faces)])
        writer.finish(own(2))
    return folder / "train"


def test_a_converted_data_set_gives_a_clip_for_each_of_its_own(tmp_path):
    first, second = read_clips([converted(tmp_path, True)], "ours", "ours", no_tracker)
    expected = stored_clip(1, 3, faces=True)
    assert len(first.pictures) == 4 and second.name.endswith("train: b")
    np.testing.assert_array_equal(second.pictures, expected.faces)
    np.testing.assert_array_equal(second.coefficients, expected.speaker)


def test_a_data_set_without_faces_is_refused(tmp_path):
    with pytest.raises(UserError, match="has no pictures; convert it again with --faces"):
        read_clips([converted(tmp_path, False)], "ours", "ours", no_tracker)


def nan(values):
    values[4, 7] = np.nan
    return values


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (nan, "NaN, infinite or huge values, the first in frame 4"),
        (lambda values: values[:, :50], r"has shape \(10, 50\)"),
        (lambda values: np.repeat(values, 3, axis=0), "me.npy is 1.20 s .* they belong together"),
        (lambda values: values[:1].repeat(1, axis=0), "me.npy is 0.04 s .* they belong together"),
    ],
)
def test_coefficients_that_do_not_fit_are_refused(described, change, says):
    path, values = described
    np.save(path.with_suffix(".npy"), change(values))
    with pytest.raises(UserError, match=says):
        read_clips([path], "faceverse", "ours", no_tracker)


def test_a_clip_of_one_frame_is_refused(tmp_path):
    write_video(tmp_path / "me.mp4", [60])
    write_coefficients(tmp_path / "me.npy", faceverse(1, 1))
    with pytest.raises(UserError, match="shows a face in 1 frames; at least 2"):
        read_clips([tmp_path / "me.mp4"], "ours", "ours", no_tracker)


def test_a_missing_clip_is_told_of_before_any_other_is_read(tmp_path):
    write_video(tmp_path / "me.mp4", LEVELS)
    with pytest.raises(UserError, match=r"you.mp4 does not exist"):
        read_clips([tmp_path / "me.mp4", tmp_path / "you.mp4"], "ours", "ours", no_tracker)


def numbered(name, frames, shown=None):
    """A clip whose frame t is of grey level t and has t in all coefficients."""
    steps = np.arange(frames)
    pictures = np.broadcast_to(steps[:, None, None, None], (frames, 64, 64, 3)).astype(np.uint8)
    values = np.repeat(steps[:, None].astype(np.float32), NUM_COEFFICIENTS, axis=1)
    return PortraitClip(name, pictures, values, steps if shown is None else np.array(shown))


def test_a_window_repeats_the_ends_of_its_clip():
    values = numbered("a", 40).coefficients
    assert frames_around(values, np.array([20]))[0, 5].tolist() == list(range(7, 34))
    assert frames_around(values, np.array([2]))[0, 5].tolist() == [0] * 11 + list(range(16))
    assert frames_around(values, np.array([39]))[0, 5].tolist() == list(range(26, 40)) + [39] * 13
    assert frames_around(values[:1], np.array([0])).shape == (1, 58, 27)


def test_pairs_are_two_shown_frames_of_one_clip():
    clips = [numbered("a", 30, shown=[3, 8, 9]), numbered("b", 60, shown=[40, 50, 59])]
    pairs = draw(clips, np.random.default_rng(0), 200)
    source, target = (
        ((x[:, 0, 0, 0] + 1) * 127.5).round().int().numpy() for x in (pairs.source, pairs.target)
    )
    assert set(source) == set(target) == {3, 8, 9, 40, 50, 59}
    assert np.all(source != target)
    np.testing.assert_array_equal(source < 30, target < 30)
    np.testing.assert_array_equal(pairs.coefficients[:, 0, 13].numpy(), target)
    # A long clip is no likelier than a short one.
    assert 70 < np.sum(source < 30) < 130


def test_other_clips_have_another_digest():
    one, two = numbered("a", 30), numbered("a", 30)
    assert digest_of([one]) == digest_of([two])
    two.coefficients[3, 4] += 1
    assert digest_of([one]) != digest_of([two])
    assert digest_of([one]) != digest_of([one, one])

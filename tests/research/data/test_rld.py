"""RLD / ViCo: rows of a csv, given or tracked coefficients, no labels."""

import numpy as np
import pytest
from rigs.data_sets import (
    FRAMES,
    RLD_HEADER,
    GreyTracker,
    faceverse,
    write_coefficients,
    write_csv,
    write_rld,
    write_video,
)

from reactface_node.errors import UserError
from reactface_node.faceverse import Space
from reactface_node.research.data.check import check
from reactface_node.research.data.origin import origin_of
from reactface_node.research.data.rld import Rld

JAW = 24


def test_faces_are_tracked_where_no_coefficients_are_given(tmp_path):
    source = Rld(write_rld(tmp_path), "train", faces=True, tracker=GreyTracker)
    assert source.names == ("s0+l0", "s1+l1")
    assert list(source.problems()) == []
    first, second = (next(iter(source.read(job))) for job in source.jobs())
    expected = np.arange(60, 60 + FRAMES) / 255
    np.testing.assert_allclose(first.speaker[:, JAW], expected, atol=0.03)
    np.testing.assert_allclose(second.reactions[0, :, JAW], 140 / 255, atol=0.03)
    assert first.faces.shape == (FRAMES, 224, 224, 3)
    assert first.audio.shape == (FRAMES * 640,) and np.abs(first.audio).max() > 3000
    assert source.max_frames() >= FRAMES
    assert [rows.tolist() for rows in source.appropriate()] == [[0], [1]]


def test_given_coefficients_are_read_as_react_s(tmp_path):
    write_rld(tmp_path)
    for seed, name in enumerate(["s0", "s1", "l0", "l1"]):
        write_coefficients(tmp_path / "3D_FV_files" / f"{name}.npy", faceverse(seed))
    source = Rld(tmp_path, "ood")
    assert list(source.problems()) == []
    [clip] = source.read(range(0, 1))
    np.testing.assert_array_equal(clip.speaker, Space.of().to_ours(faceverse(0)))
    np.testing.assert_array_equal(clip.reactions[0], Space.of().to_ours(faceverse(3)))
    assert source.facts["tracked"] is False


def test_frames_of_zeros_are_interpolated_or_refused(tmp_path):
    write_rld(tmp_path)
    values = faceverse(0)
    values[8:16] = 0.0
    for name in ("s0", "l1"):
        write_coefficients(tmp_path / "3D_FV_files" / f"{name}.npy", values)
    source = Rld(tmp_path, "ood")
    assert list(source.problems()) == []
    [clip] = source.read(range(0, 1))
    expected = np.linspace(values[7, JAW], values[16, JAW], 10)
    np.testing.assert_allclose(clip.speaker[7:17, JAW], expected, atol=1e-5)
    write_coefficients(tmp_path / "3D_FV_files" / "s0.npy", np.zeros((FRAMES, 58)))
    [line] = source.problems()
    assert line.endswith("s0.npy: only 0% of the frames hold a face, not zeros")


def test_a_face_that_is_gone_is_interpolated_or_refused(tmp_path):
    gap = [100.0 if n < 8 or n >= 16 else 0.0 for n in range(FRAMES)]
    source = Rld(write_rld(tmp_path, gap), "train", tracker=GreyTracker)
    [clip] = source.read(range(0, 1))
    np.testing.assert_allclose(clip.speaker[:, JAW], 100 / 255, atol=0.03)
    write_rld(tmp_path, [100.0] * 6 + [0.0] * (FRAMES - 6))
    with pytest.raises(UserError, match=r"videos/s0.mp4: a face is seen in only 20%"):
        list(source.read(range(0, 1)))


def test_a_camera_of_another_rate_is_laid_on_25_hz(tmp_path):
    write_rld(tmp_path)
    write_video(tmp_path / "videos" / "s0.mp4", np.linspace(60, 180, 2 * FRAMES), rate_hz=50)
    source = Rld(tmp_path, "train", tracker=GreyTracker)
    [clip] = source.read(range(0, 1))
    assert len(clip.speaker) == FRAMES
    assert clip.speaker[:, JAW] == pytest.approx(
        np.linspace(60, 180, 2 * FRAMES)[::2] / 255, abs=0.03
    )


def test_what_is_missing_or_odd_is_named(tmp_path):
    write_rld(tmp_path)
    (tmp_path / "videos" / "l0.mp4").unlink()
    (tmp_path / "audios" / "talk1.wav").unlink()
    write_video(tmp_path / "videos" / "s0.mp4", [99] * (FRAMES - 9))
    found = check([lambda: Rld(tmp_path, "train")])
    assert len(found) == 3
    assert any(line.endswith("videos/l0.mp4 is missing") for line in found)
    assert any(line.endswith("audios/talk1.wav is missing") for line in found)
    assert any("videos/s0.mp4 is 0.84 s (21 frames) long" in line for line in found)


@pytest.mark.parametrize("name", ["videos/l0.mp4", "audios/talk1.wav", "3D_FV_files/s1.npy"])
def test_another_file_is_another_origin(tmp_path, name):
    write_rld(tmp_path)
    for seed, person in enumerate(["s0", "s1", "l0", "l1"]):
        write_coefficients(tmp_path / "3D_FV_files" / f"{person}.npy", faceverse(seed))
    before = origin_of(Rld(tmp_path, "train"))
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + b"more")
    assert origin_of(Rld(tmp_path, "train")) != before


def test_a_mean_face_that_cannot_be_used_is_named(tmp_path):
    [problem] = check([lambda: Rld(write_rld(tmp_path), "train", mean_face=tmp_path / "no.npy")])
    assert problem == f"{tmp_path / 'no.npy'} is missing"


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (RLD_HEADER[:3], ["p", "a", "l"], "RLD_data.csv has no column speaker"),
        (RLD_HEADER, ["p", "a", "l", "", 1, "train"], "line 2 leaves a column empty"),
        (RLD_HEADER, ["p", "../a", "l", "s", 1, "train"], "line 2: audio leaves the data set's"),
        (RLD_HEADER, ["p", "a", "/l", "s", 1, "train"], "line 2: listener leaves the data set's"),
        (RLD_HEADER, ["p", "a", "l.mp4", "l", 1, "train"], "line 2 names l twice"),
        (RLD_HEADER, ["p", "a", "l", "s", 1, "test"], "has no rows of the train split"),
    ],
)
def test_a_csv_that_cannot_be_used(tmp_path, header, row, message):
    write_csv(tmp_path / "RLD_data.csv", header, [row])
    [problem] = check([lambda: Rld(tmp_path, "train")])
    assert message in problem

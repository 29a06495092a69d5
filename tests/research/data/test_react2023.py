"""REACT 2023's layout: both roles, the matrix, the coefficient space, and damaged data."""

import re

import cv2
import numpy as np
import pytest
from rigs.data_sets import FRAMES, faceverse, write_react, write_video, write_wav
from rigs.pair_sets import turns, voice, write_voice

from reactface_node.errors import UserError
from reactface_node.faceverse import Space
from reactface_node.files.arrays import space_of
from reactface_node.research.data.check import check
from reactface_node.research.data.react2023 import React2023

EXPERT, NOVICE = "NoXI/{:03d}/Expert_video/1", "NoXI/{:03d}/Novice_video/1"


def coefficient_file(root, person):
    return root / "train" / "3D_FV_files" / f"{person}.npy"


def test_both_roles_in_the_order_of_the_matrix(tmp_path):
    source = React2023(write_react(tmp_path), "train")
    assert source.names[:3] == tuple(EXPERT.format(k) for k in range(3))
    assert source.names[3:] == tuple(NOVICE.format(k) for k in range(3))
    assert source.max_frames() == FRAMES
    assert list(source.problems()) == []
    space = Space.of()
    # Clip 4 is session 1 with the roles swapped: the novice (seed 11) speaks to the expert (10).
    [clip] = source.read(source.jobs()[4])
    np.testing.assert_array_equal(clip.speaker, space.to_ours(faceverse(11)))
    np.testing.assert_array_equal(clip.reactions[0], space.to_ours(faceverse(10)))
    assert clip.reactions.shape == (1, FRAMES, 58) and clip.audio.shape == (FRAMES * 640,)
    wav = write_wav(tmp_path / "again.wav", 11)
    np.testing.assert_array_equal(clip.audio, wav)  # 16 kHz int16 comes through unchanged


def test_neighbours_own_listener_first_and_new_preferred(tmp_path):
    matrix = np.eye(6)
    matrix[4, [0, 2, 5]] = 1
    np.save(write_react(tmp_path) / "neighbour_emotion_new_train.npy", matrix)
    found = React2023(tmp_path, "train").appropriate()
    assert [rows.tolist() for rows in found] == [[0], [1], [2], [3], [4, 0, 2, 5], [5]]
    alone = React2023(tmp_path, "train", labels=False).appropriate()
    assert [rows.tolist() for rows in alone] == [[k] for k in range(6)]


def test_the_released_codes_layout_is_found_too(tmp_path):
    write_react(tmp_path)
    for modality in ("3D_FV_files", "Audio_files"):
        (tmp_path / "train" / modality).rename(tmp_path / modality)
    (tmp_path / "paper-list").mkdir()
    (tmp_path / "train.csv").rename(tmp_path / "paper-list" / "train.csv")
    source = React2023(tmp_path, "train")
    assert list(source.problems()) == []
    assert len(list(source.read(range(0, 1)))) == 1


def test_the_space_is_centred_and_goes_back():
    theirs = np.zeros(58, np.float32)
    theirs[24] = 0.7
    theirs[52:] = [3.191 + 0.2, 0.045 - 0.3, 0.002, -0.006, -0.018 + 1.0, 1.838 - 0.5]
    ours = Space.of().to_ours(theirs)
    assert ours[24] == pytest.approx(0.7)
    np.testing.assert_allclose(ours[52:], [0.2, -0.3, 0, 0, 0.16, -0.08], atol=1e-6)
    np.testing.assert_allclose(Space.of().to_faceverse(ours), theirs, atol=1e-6)
    again = Space.from_facts(Space.of().facts())
    np.testing.assert_array_equal(again.to_ours(theirs), ours)


def test_a_mean_face_of_the_users(tmp_path):
    mean = np.full(58, 0.5, np.float32)
    np.save(tmp_path / "mean_face.npy", mean.reshape(1, 1, 58))
    ours = space_of(tmp_path / "mean_face.npy").to_ours(np.full(58, 0.5))
    np.testing.assert_allclose(ours, [0.5] * 52 + [0] * 6)  # the expression is 0 at neutral
    np.save(tmp_path / "mean_face.npy", mean[:50])
    with pytest.raises(UserError, match=r"mean_face\.npy does not hold 58"):
        space_of(tmp_path / "mean_face.npy")
    source = React2023(write_react(tmp_path), "train", mean_face=tmp_path / "mean_face.npy")
    [problem] = source.problems()
    assert "mean_face.npy does not hold 58" in problem


def test_face_crops_of_a_video_and_of_a_folder_of_pictures(tmp_path):
    write_react(tmp_path, sessions=1)
    videos = tmp_path / "train" / "Video_files"
    write_video(videos / f"{EXPERT.format(0)}.mp4", [100] * (FRAMES - 2))
    pictures = videos / NOVICE.format(0)
    pictures.mkdir(parents=True)
    for number in range(1, FRAMES + 1):
        picture = np.full((256, 256, 3), 5 * number, np.uint8)
        cv2.imwrite(str(pictures / f"{number}.png"), picture)
    source = React2023(tmp_path, "train", faces=True)
    assert list(source.problems()) == []
    first, second = (next(iter(source.read(job))) for job in source.jobs())
    assert first.faces.shape == second.faces.shape == (FRAMES, 224, 224, 3)
    assert abs(int(first.faces[-1].mean()) - 100) < 6
    assert [int(face[0, 0, 0]) for face in second.faces] == [5 * n for n in range(1, FRAMES + 1)]


def test_everything_wrong_is_in_one_list(tmp_path):
    root = write_react(tmp_path)
    coefficient_file(root, EXPERT.format(0)).unlink()
    spoiled = faceverse(1)
    spoiled[7, 3] = np.nan
    np.save(coefficient_file(root, NOVICE.format(0)), spoiled)
    np.save(coefficient_file(root, EXPERT.format(1)), np.zeros((FRAMES, 64)))
    write_wav(root / "train" / "Audio_files" / f"{NOVICE.format(1)}.wav", 0, FRAMES + 9)
    (root / "train" / "Audio_files" / f"{EXPERT.format(2)}.wav").write_bytes(b"no sound")
    np.save(coefficient_file(root, NOVICE.format(2)), faceverse(2, FRAMES - 8))
    matrix = np.eye(6)
    matrix[5] = 0
    np.save(root / "neighbour_emotion_train.npy", matrix)
    found = check([lambda: React2023(root, "train")])
    expected = [
        "000/Expert_video/1.npy is missing",
        "000/Novice_video/1.npy holds NaN, infinite or huge values, the first in frame 7",
        r"001/Expert_video/1.npy has shape \(30, 64\) of float64",
        "001/Novice_video/1.wav is 1.56 s",
        "002/Expert_video/1.wav is no video or sound that can be read",
        "002/Novice_video/1.wav is 1.20 s",
        "002/Novice_video/1.npy is 0.88 s",
        r"neighbour_emotion_train.npy: row 5 \(NoXI/002/Novice_video/1\) has no neighbour",
    ]
    for pattern in expected:
        assert [line for line in found if re.search(pattern, line)], pattern
    assert len(found) == len(expected)
    assert all("\n" not in line for line in found)


@pytest.mark.parametrize("value", [1e300, np.inf, np.nan])
def test_a_value_that_no_file_can_mean_is_named_before_it_is_converted(tmp_path, value):
    path = coefficient_file(write_react(tmp_path), EXPERT.format(1))
    np.save(path, np.where(np.arange(FRAMES)[:, None] == 9, value, faceverse(1).astype(float)))
    [problem] = React2023(tmp_path, "train").problems()
    assert problem == f"{path} holds NaN, infinite or huge values, the first in frame 9"


def archive(path):
    with open(path, "wb") as file:
        np.savez(file, np.zeros((FRAMES, 58)))


def cut_archive(path):
    archive(path)
    path.write_bytes(path.read_bytes()[:200])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (archive, "is no .npy array that can be read"),
        (cut_archive, "is no .npy array that can be read"),
        (lambda path: np.save(path, np.array(["a"] * 58)), "holds <U1, not numbers"),
    ],
)
def test_another_kind_of_file_under_the_name_of_an_array(tmp_path, spoil, message):
    root = write_react(tmp_path)
    spoiled = [
        coefficient_file(root, EXPERT.format(1)),
        root / "neighbour_emotion_train.npy",
        root / "mean_face.npy",
    ]
    for path in spoiled:
        spoil(path)
    found = check([lambda: React2023(root, "train", mean_face=spoiled[2])])
    assert len(found) == 3
    for path in spoiled:
        assert [line for line in found if line.startswith(f"{path} {message}")]


def test_a_matrix_of_another_size_or_missing(tmp_path):
    np.save(write_react(tmp_path) / "neighbour_emotion_train.npy", np.eye(3))
    source = React2023(tmp_path, "train")
    assert "neighbour_emotion_train.npy is 3 x 3" in next(source.problems())
    with pytest.raises(UserError, match="makes 6 x 6"):
        source.appropriate()
    np.save(tmp_path / "neighbour_emotion_train.npy", np.ones(()))
    assert "neighbour_emotion_train.npy is a single number, but" in next(source.problems())
    (tmp_path / "neighbour_emotion_train.npy").unlink()
    assert "neighbour_emotion_train.npy is missing" in next(source.problems())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no columns speaker_path and listener_path"),
        (",speaker_path,listener_path\n", "lists no clips"),
        (",speaker_path,listener_path\n0,a\n", "line 2 does not name"),
        (",speaker_path,listener_path\n0,a,../b\n", "line 2 leaves the data set's folder"),
        (",speaker_path,listener_path\n0,a,/b\n", "line 2 leaves the data set's folder"),
        (",speaker_path,listener_path\n0,a,a\n", "line 2 names a twice"),
        (f",speaker_path,listener_path\n0,a,{'b' * 300}\n", "line 2: no file can be called 'bb"),
    ],
)
def test_a_list_that_cannot_be_used(tmp_path, text, message):
    (tmp_path / "train.csv").write_text(text)
    [problem] = check([lambda: React2023(tmp_path, "train")])
    assert "train.csv" in problem and message in problem


def test_a_missing_list_is_a_problem_of_its_own(tmp_path):
    [problem] = check([lambda: React2023(tmp_path, "val")])
    assert problem.endswith("val.csv is missing")


def test_voices_that_are_exchanged_are_warned_of(tmp_path):
    root = write_react(tmp_path, 2, frames=300)
    people = [f"NoXI/000/{role}_video/1" for role in ("Expert", "Novice")]
    for index, person in enumerate(people):
        loud = turns(300, index == 0)
        values = faceverse(index, 300)
        values[:, 24] = 0.6 * loud
        np.save(root / "train" / "3D_FV_files" / f"{person}.npy", values)
        other = root / "train" / "Audio_files" / f"{people[1 - index]}.wav"
        write_voice(other, voice(loud, index))
    source = React2023(root, "train")
    assert not list(source.problems())
    [line] = source.warnings()
    assert line.endswith("are the two voices exchanged?") and people[0] in line

"""The stored form of a split: written atomically; finished clips are kept."""

import json
import stat

import numpy as np
import pytest
from rigs.store import clip, own, plan, write_all

from reactface_node.errors import UserError
from reactface_node.research.data.store import ClipWriter, check_space, load_clips, write_clip


@pytest.mark.parametrize("faces", [False, True])
def test_what_is_written_is_what_is_loaded(tmp_path, faces):
    clips = [clip(0, 4, faces=faces), clip(1, 2, faces=faces), clip(2, 3, faces=faces)]
    labels = (np.array([1, 4]), np.array([2]), np.array([5, 0, 3]))
    with ClipWriter(tmp_path, plan(faces=faces)) as writer:
        write_all(writer, clips)
        writer.finish(labels)
    found = load_clips(tmp_path, "train")
    assert found.names == ("a", "b", "c") and len(found) == 3
    assert found.frames.tolist() == [4, 2, 3]
    assert found.speaker.shape == (3, 4, 58) and found.audio.shape == (3, 4 * 640)
    assert found.reactions.shape == (6, 4, 58)
    for index, one in enumerate(clips):
        frames = len(one.speaker)
        np.testing.assert_array_equal(found.speaker[index, :frames], one.speaker)
        np.testing.assert_array_equal(found.audio[index, : frames * 640], one.audio)
        np.testing.assert_array_equal(
            found.reactions[2 * index : 2 * index + 2, :frames], one.reactions
        )
        assert not found.speaker[index, frames:].any()
        assert not found.audio[index, frames * 640 :].any()
        if faces:
            np.testing.assert_array_equal(found.faces[index, :frames], one.faces)
    assert faces or found.faces is None
    assert [rows.tolist() for rows in found.appropriate] == [[1, 4], [2], [5, 0, 3]]
    assert found.reaction_frames.tolist() == [4, 4, 2, 2, 3, 3]
    assert [rows.tolist() for rows in found.lasting(3)] == [[1, 4], [], [5, 0]]
    row = found.speaker[0]
    assert isinstance(row, np.memmap) and not row.flags.writeable
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


def test_an_unfinished_split_is_not_loaded_and_goes_on(tmp_path):
    clips = [clip(seed) for seed in range(3)]
    with pytest.raises(KeyboardInterrupt), ClipWriter(tmp_path, plan()) as writer:
        write_clip(writer.unfinished, writer.plan, 1, clips[1])
        raise KeyboardInterrupt
    assert stat.S_IMODE(writer.unfinished.parent.stat().st_mode) == 0o700
    with pytest.raises(UserError, match="not finished; run the same conversion again"):
        load_clips(tmp_path, "train")
    with ClipWriter(tmp_path, plan()) as writer:
        assert writer.done.tolist() == [False, True, False]
        with pytest.raises(ValueError, match="2 clips are not written"):
            writer.finish(own(3))
        write_clip(writer.unfinished, writer.plan, 0, clips[0])
        write_clip(writer.unfinished, writer.plan, 2, clips[2])
        writer.finish(own(3))
    (tmp_path / "usual").mkdir()
    assert writer.path.stat().st_mode == (tmp_path / "usual").stat().st_mode
    np.testing.assert_array_equal(load_clips(tmp_path, "train").speaker[1], clips[1].speaker)


def test_other_data_do_not_go_on_where_some_ended(tmp_path):
    with ClipWriter(tmp_path, plan()):
        pass
    with (
        pytest.raises(
            UserError, match="unfinished was begun from other files or with other settings"
        ),
        ClipWriter(tmp_path, plan(names=("a", "b", "d"))),
    ):
        pass


def test_two_writers_do_not_meet(tmp_path):
    with ClipWriter(tmp_path, plan()), pytest.raises(UserError, match="another process"):
        ClipWriter(tmp_path, plan()).__enter__()


def test_what_exists_is_left_alone(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(UserError, match="exists already"):
        ClipWriter(tmp_path, plan()).__enter__()


def test_a_clip_of_another_shape_is_refused_and_not_marked(tmp_path):
    with ClipWriter(tmp_path, plan()) as writer:
        with pytest.raises(ValueError, match="clip 0: reactions"):
            write_clip(writer.unfinished, writer.plan, 0, clip(0, listeners=3))
        assert not writer.done.any()


def finished(folder):
    with ClipWriter(folder, plan()) as writer:
        write_all(writer, [clip(seed) for seed in range(3)])
        writer.finish(own(3))
    return folder / "train"


def cut(path):
    path.write_bytes(path.read_bytes()[:-1000])


def newer(path):
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 3}))


def of_a_map(path):
    path.write_text("[]")


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("00000/speaker.npy", cut, "speaker.npy is missing or damaged"),
        ("00000/audio.npy", lambda path: path.unlink(), "audio.npy is missing or damaged"),
        ("00000/speaker.npy", lambda path: np.save(path, np.zeros((3, 5, 58), np.float32)), "says"),
        ("manifest.json", newer, "manifest.json is of version 3"),
        ("manifest.json", of_a_map, "manifest.json is damaged"),
        ("frames.npy", lambda path: np.save(path, np.array([3, 9**9, 3])), "does not fit"),
        ("frames.npy", lambda path: np.save(path, np.array([3, -1, 3])), "does not fit"),
        ("frames.npy", lambda path: np.save(path, np.full(3, 2.5)), "it holds float64"),
        ("appropriate.npy", lambda path: np.save(path, np.full(6, "a")), "it holds <U1"),
        ("appropriate.npy", lambda path: np.save(path, np.full(6, 99)), "not there"),
        ("appropriate_ends.npy", lambda path: np.save(path, np.array([2, 4])), "does not fit"),
        (
            "00000/reactions.npy",
            lambda path: np.save(path, np.array([None] * 999)),
            "missing or damaged",
        ),
    ],
)
def test_damage_is_named(tmp_path, name, spoil, message):
    spoil(finished(tmp_path) / name)
    with pytest.raises(UserError, match=message):
        np.asarray(load_clips(tmp_path, "train").speaker)


def test_a_folder_without_the_split(tmp_path):
    with pytest.raises(UserError, match=r"val/manifest\.json is missing"):
        load_clips(tmp_path, "val")


def test_too_little_space_is_said_first(tmp_path):
    check_space(tmp_path / "not" / "yet", 1)
    with pytest.raises(UserError, match=r"GB free, the converted data need 1000000\.0 GB"):
        check_space(tmp_path / "not" / "yet", 10**15)

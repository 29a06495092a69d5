"""Pairs of videos as a data set: finding them, cutting them, and what is wrong with them."""

import shutil
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from rigs.data_sets import GreyTracker, write_csv
from rigs.paths import ROOT
from rigs.talks import SECONDS, TURNS, no_speech_model, voice, write_side, write_sound

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.research.data.check import check
from reactface_node.research.data.conversations import kept_of
from reactface_node.research.data.convert import convert
from reactface_node.research.data.kind import DatasetChoice
from reactface_node.research.data.store import load_clips
from reactface_node.research.data.talks import ONE_SOUND
from reactface_node.research.data.tracks import prepare
from reactface_node.research.data.videos import open_splits
from reactface_node.schema import index_of

pytestmark = pytest.mark.slow
ROS = RosConfig()
JAW = index_of("jawOpen")


def source_of(root, split="train", **choice):
    found = open_splits(root, DatasetChoice(**choice), ROS).open(split)
    return replace(found, tracker=GreyTracker, speech=no_speech_model)


def problems(root):
    splits = open_splits(root, DatasetChoice(), ROS)
    return check([lambda: splits.open("train")])


def write_pair(root, name="talk", **changes):
    for index, ending in enumerate("ab"):
        mine = {key: value[index] for key, value in changes.items()}
        write_side(root / "train" / f"{name}_{ending}.mp4", TURNS[index], seed=index, **mine)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("videos")
    write_pair(root)
    return root


@pytest.fixture(scope="module")
def converted(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    source = prepare(source_of(folder), out, 1)
    convert(source, out, 1)
    return source, load_clips(out, "train")


def test_each_speaks_in_turn_while_the_other_listens(converted):
    source, clips = converted
    starts = [(one.piece.start / 25, one.piece.end / 25) for one in source.kept]
    expected = [(0.5, 8), (15, 22), (8, 15), (22, 30)]
    assert [one.speaker for one in source.kept] == [0, 0, 1, 1]
    np.testing.assert_allclose(starts, expected, atol=0.3)
    for index, one in enumerate(source.kept):
        frames = clips.frames[index]
        middle = slice(25, frames - 50)
        moves = [np.ptp(part[index, middle, JAW]) for part in (clips.speaker, clips.reactions)]
        assert moves[0] > 0.3 and moves[1] < 0.1
        own = np.abs(clips.audio[index, : frames * 640].astype(float)).reshape(frames, 640).mean(1)
        assert own[middle].mean() > 1000
        assert frames == one.piece.end - one.piece.start


def test_every_face_is_tracked_once_and_a_second_run_reads_it(folder, converted, tmp_path):
    source, _ = converted
    prepared = prepare(source_of(folder), tmp_path, 1)
    files = sorted((tmp_path / "tracks").iterdir())
    assert len(files) == 2 and prepared.names == source.names
    before = [path.stat().st_mtime_ns for path in files]
    assert prepare(source_of(folder), tmp_path, 1).names == source.names
    assert [path.stat().st_mtime_ns for path in files] == before


def test_workers_give_the_same_tracks(folder, converted, tmp_path):
    source, _ = converted
    assert prepare(source_of(folder), tmp_path, 2).names == source.names


def test_who_leaves_the_picture_is_cut_out_and_reported(tmp_path):
    write_pair(tmp_path, away=((), ((2.0, 3.0), (17.0, 17.2))))
    source = prepare(source_of(tmp_path), tmp_path / "out", 1)
    lost = [one for one in source.stretches if one.piece.reason == "train/talk_b: no face"]
    assert len(lost) == 1
    assert (lost[0].piece.start, lost[0].piece.end) == (50, 75)
    assert next(one.piece.start for one in source.kept if one.speaker == 0) == 75
    rows = [part for part in kept_of(source).parts if not part.name]
    assert {part.reason for part in rows} == {"train/talk_b: no face", "shorter than 4 s"}
    # The short gap is interpolated.
    convert(source, tmp_path / "out", 1)
    clips = load_clips(tmp_path / "out", "train")
    second = [one.piece.start for one in source.kept].index(
        next(one.piece.start for one in source.kept if one.piece.start > 200)
    )
    assert (clips.reactions[second, :100, JAW] > 0.1).all()


def test_a_side_without_sound_only_listens(tmp_path):
    write_pair(tmp_path, sound=(True, False))
    assert problems(tmp_path) == []
    source = source_of(tmp_path)
    [line] = source.warnings()
    assert "talk_b.mp4 has no sound: the person is only a listener" in line
    source = prepare(source, tmp_path / "out", 1)
    assert {one.speaker for one in source.kept} == {0}
    assert any("train/talk_b has no sound" in note for note in kept_of(source).notes)


def test_exchanged_sounds_are_noticed(tmp_path):
    write_pair(tmp_path, sound=(False, False))
    for index, ending in enumerate("ab"):
        write_sound(tmp_path / "train" / f"talk_{ending}.wav", voice(TURNS[1 - index]))
    source = prepare(source_of(tmp_path), tmp_path / "out", 1)
    assert not source.kept
    assert all("the sides' sounds are exchanged" in one.piece.reason for one in source.stretches)


def test_one_sound_for_both_is_noticed(tmp_path):
    write_pair(tmp_path, sound=(False, False))
    for ending, loudness in (("a", 1.0), ("b", 0.5)):
        both = loudness * (voice(TURNS[0]).astype(float) + voice(TURNS[1], seed=1))
        write_sound(tmp_path / "train" / f"talk_{ending}.wav", both)
    source = prepare(source_of(tmp_path), tmp_path / "out", 1)
    assert not source.kept
    [part] = kept_of(source).parts
    assert (part.seconds, part.why) == (30.0, ONE_SOUND)


def test_rates_are_mixed(folder, converted, tmp_path):
    write_pair(tmp_path, rate_hz=(60, Fraction(30000, 1001)))
    source = prepare(source_of(tmp_path), tmp_path / "out", 1)
    expected, _ = converted
    times = [[(one.piece.start, one.piece.end) for one in s.kept] for s in (source, expected)]
    np.testing.assert_allclose(times[0], times[1], atol=2)


def test_an_offset_lays_the_two_on_one_clock(tmp_path, converted):
    """The second video begins 5 s later on the first one's clock."""
    late = tuple((start - 5, end - 5) for start, end in TURNS[1])
    write_side(tmp_path / "x.mp4", TURNS[0])
    write_side(tmp_path / "y.mp4", late, SECONDS - 5, seed=1)
    write_csv(tmp_path / "pairs.csv", ["speaker", "listener", "offset"], [["x.mp4", "y.mp4", 5]])
    source = prepare(source_of(tmp_path), tmp_path / "out", 1)
    expected = [(8, 15), (15, 22), (22, 30)]
    found = sorted((one.piece.start / 25 + 5, one.piece.end / 25 + 5) for one in source.kept)
    np.testing.assert_allclose(found, expected, atol=0.3)
    convert(source, tmp_path / "out", 1)
    clips = load_clips(tmp_path / "out", "train")
    index = next(k for k, one in enumerate(source.kept) if one.speaker == 1)
    assert np.ptp(clips.speaker[index, 20:120, JAW]) > 0.3
    assert np.ptp(clips.reactions[index, 20:120, JAW]) < 0.1


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (["speaker"], ["a.mp4"], "has no column listener"),
        (["speaker", "listener"], ["a.mp4", ""], "line 2 does not name"),
        (["speaker", "listener"], ["a.mp4", "a.mp4"], "line 2 names a.mp4 twice"),
        (["speaker", "listener", "offset"], ["a.mp4", "b.mp4", "late"], "offset is 'late'"),
        (["speaker", "listener", "offset"], ["a.mp4", "b.mp4", "nan"], "offset is 'nan'"),
        (["speaker", "listener", "offset"], ["a.mp4", "b.mp4", "1e308"], "offset is '1e308'"),
        (["speaker", "listener"], ["a.mp4", "../b.mp4"], "line 2: listener leaves the data set's"),
        (["speaker", "listener"], ["/a.mp4", "b.mp4"], "line 2: speaker leaves the data set's"),
        (["speaker", "listener", "split"], ["a.mp4", "b.mp4", "dev"], "'dev' is no split"),
    ],
)
def test_a_wrong_list_is_one_line(tmp_path, header, row, message):
    write_csv(tmp_path / "pairs.csv", header, [row])
    with pytest.raises(UserError, match=message):
        open_splits(tmp_path, DatasetChoice(), ROS)


def test_what_is_wrong_with_pairs(tmp_path):
    root = tmp_path
    for name, seconds in (("long", 9.0), ("short", 5.0)):
        write_side(root / f"{name}.mp4", TURNS[0], seconds)
        for copy in range(3):
            shutil.copy(root / f"{name}.mp4", root / f"{name}{copy}.mp4")
    (root / "broken.mp4").write_bytes(b"no video")
    write_sound(root / "sound.wav", voice(TURNS[0], 2.0))
    rows = [
        ["long.mp4", "short.mp4", "", ""],
        ["long0.mp4", "short0.mp4", "-20", ""],
        ["long1.mp4", "short1.mp4", "2", "sound.wav"],
        ["long.mp4", "gone.mp4", "0", ""],
        ["long.mp4", "broken.mp4", "0", ""],
        ["long2.mp4", "short2.mp4", "2", ""],
    ]
    write_csv(root / "pairs.csv", ["speaker", "listener", "offset", "speaker_sound"], rows)
    found = problems(root)
    for line, words in zip(
        found,
        (
            "last 9.0 s and 5.0 s, and nothing says how they belong together",
            "have 0.0 s in common with an offset of -20 s",
            "sound.wav lasts 2.0 s, but",
            "gone.mp4 is missing",
            "broken.mp4 is no video that can be read",
        ),
        strict=True,
    ):
        assert words in line
    with pytest.raises(UserError, match="and 4 more"):
        prepare(source_of(root), root / "out", 1)
    assert not (root / "out").exists()


def test_broken_pairs_are_skipped_on_request(folder, converted, tmp_path):
    shutil.copytree(folder / "train", tmp_path / "train")
    (tmp_path / "train" / "other_a.mp4").write_bytes(b"no video")
    write_side(tmp_path / "train" / "other_b.mp4", TURNS[1], 5.0)
    write_side(tmp_path / "train" / "alone_b.mp4", TURNS[1], 5.0)
    with pytest.raises(UserError, match="and 1 more"):
        prepare(source_of(tmp_path), tmp_path / "out", 1)
    source = prepare(source_of(tmp_path, skip_broken=True), tmp_path / "out", 1)
    assert source.names == converted[0].names
    said = [reason for _, reason in kept_of(source).left_out]
    assert len(said) == 2 and any("other_a.mp4 is no video" in reason for reason in said)


def test_a_worker_needs_no_torch():
    program = (
        "import sys; import reactface_node.research.data.tracking; "
        "assert not {'torch', 'scipy.signal', 'mediapipe'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_a_pair_is_listed_once(tmp_path):
    write_csv(tmp_path / "pairs.csv", ["speaker", "listener"], [["a.mp4", "b.mp4"]] * 2)
    with pytest.raises(UserError, match="line 3 lists a pair that was listed before"):
        open_splits(tmp_path, DatasetChoice(), ROS)


class Interrupted(Exception):
    pass


def test_an_interrupted_run_goes_on_with_the_same_clips(folder, converted, tmp_path):
    """The second side ends the first run; the first one is not read again."""
    seen = []

    def tracker(want_crop):
        seen.append(want_crop)
        if len(seen) == 2:
            raise Interrupted
        return GreyTracker(want_crop)

    with pytest.raises(Interrupted):
        prepare(replace(source_of(folder), tracker=tracker), tmp_path, 1)
    [first] = (tmp_path / "tracks").iterdir()
    before = first.stat().st_mtime_ns
    source = prepare(source_of(folder), tmp_path, 1)
    assert first.stat().st_mtime_ns == before
    convert(source, tmp_path, 1)
    whole, clips = converted[1], load_clips(tmp_path, "train")
    assert clips.names == whole.names
    for name in ("frames", "speaker", "audio", "reactions"):
        for mine, theirs in zip(getattr(clips, name), getattr(whole, name), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_a_video_without_a_partner_is_named(folder, tmp_path):
    write_side(tmp_path / "train" / "alone_a.mp4", TURNS[0], 5.0)
    write_side(tmp_path / "train" / "a" / "two.mp4", TURNS[0], 5.0)
    write_side(tmp_path / "train" / "b" / "two.mp4", TURNS[0], 5.0)
    (tmp_path / "train" / "._alone_b.mp4").write_bytes(b"resource fork")
    [line] = problems(tmp_path)
    assert line.startswith(str(tmp_path / "train" / "alone_a.mp4")) and "no second video" in line


def test_absolute_paths_of_a_list_may_lie_in_its_folder(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path / "talks")
    videos = [str(tmp_path / "talks" / "train" / f"talk_{one}.mp4") for one in "ab"]
    write_csv(tmp_path / "talks" / "pairs.csv", ["speaker", "listener"], [videos])
    monkeypatch.chdir(tmp_path)
    [talk] = source_of(Path("talks")).talks
    assert talk.name == "train/talk_a+train/talk_b"


def test_two_videos_of_one_name_are_told(tmp_path):
    write_pair(tmp_path, seconds=(5.0, 5.0))
    shutil.copy(tmp_path / "train" / "talk_a.mp4", tmp_path / "train" / "talk_a.mov")
    [line] = problems(tmp_path)
    assert line == f"{tmp_path / 'train' / 'talk_a.mp4'}: talk_a.mov has the same name"
    source = source_of(tmp_path, skip_broken=True)
    assert [talk.sides[0].video.name for talk in source.talks] == ["talk_a.mov"]


def test_face_crops_are_those_of_the_clips_frames(folder, tmp_path):
    source = prepare(source_of(folder, faces=True), tmp_path, 1)
    convert(source, tmp_path, 1)
    clips = load_clips(tmp_path, "train")
    for index in range(len(clips)):
        frames = clips.frames[index]
        seen = clips.faces[index, :frames, 0, 0, 0] / 255
        np.testing.assert_allclose(seen, clips.speaker[index, :frames, JAW], atol=0.005)

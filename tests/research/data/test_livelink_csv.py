"""Recordings of Live Link Face as a data set."""

import os
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from rigs.data_sets import GreyTracker
from rigs.talks import TURNS, no_speech_model, timecode, voice, write_side, write_sound, write_take

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.outputs.face import rotation, yaw_pitch_roll
from reactface_node.outputs.livelink import _values
from reactface_node.research.data.check import check
from reactface_node.research.data.conversations import kept_of
from reactface_node.research.data.convert import convert
from reactface_node.research.data.kept_report import write_report
from reactface_node.research.data.kind import DatasetChoice
from reactface_node.research.data.livelink_csv import (
    PhoneSide,
    head_angles,
    open_splits,
    read_table,
    resampled,
)
from reactface_node.research.data.store import load_clips
from reactface_node.research.data.tracks import prepare
from reactface_node.schema import index_of

JAW, NOD = index_of("jawOpen"), 52


def source_of(root):
    found = open_splits(root, DatasetChoice(), RosConfig()).open("train")
    return replace(found, speech=no_speech_model)


def problems(root):
    splits = open_splits(root, DatasetChoice(), RosConfig())
    return check([lambda: splits.open("train")])


def test_head_angles_are_the_inverse_of_what_the_output_sends():
    random = np.random.default_rng(0)
    for angles in random.uniform(-0.8, 0.8, (20, 3)):
        face = np.zeros(58)
        face[52:55] = angles
        yaw, pitch, roll = _values(face)[52:55]
        assert (yaw, -pitch, -roll) == pytest.approx(yaw_pitch_roll(rotation(face)))
        found = head_angles(*(np.array([one]) for one in (yaw, pitch, roll)))
        np.testing.assert_allclose(found[0], angles, atol=1e-9)


def test_a_table_gives_times_and_coefficients_by_name(tmp_path):
    count = 120
    smile = np.linspace(0, 1, count)
    path = write_take(
        tmp_path / "x.csv", (), 36000.5, 2.0, 60, MouthSmileRight=smile, HeadPitch=smile
    )
    times_s, values = read_table(path)
    np.testing.assert_allclose(times_s, 36000.5 + np.arange(count) / 60, atol=1e-4)
    np.testing.assert_allclose(values[:, index_of("mouthSmileRight")], smile, atol=1e-5)
    np.testing.assert_allclose(values[:, NOD], -smile, atol=1e-5)


def test_angles_in_degrees_are_told_by_their_size(tmp_path):
    degrees = np.linspace(-20, 20, 120)
    path = write_take(tmp_path / "x.csv", (), 36000.0, 2.0, 60, HeadPitch=degrees)
    _, values = read_table(path)
    np.testing.assert_allclose(values[:, NOD], -np.radians(degrees), atol=1e-6)


@pytest.mark.parametrize("rate_hz", [24, 30, 60])
def test_the_rate_of_the_timecodes_is_found_and_midnight_passes(tmp_path, rate_hz):
    path = write_take(tmp_path / "x.csv", (), 86398.0, 4.0, rate_hz)
    times_s, _ = read_table(path)
    np.testing.assert_allclose(times_s, 86398 + np.arange(4 * rate_hz) / rate_hz, atol=1e-3)


def test_rows_between_frames_and_gaps():
    times_s = np.concatenate([np.arange(0, 2, 1 / 60), np.arange(3, 5, 1 / 60)])
    values = np.zeros((len(times_s), 58))
    values[:, 3] = 0.1 + times_s / 10
    values[(times_s > 4.2) & (times_s < 4.9)] = 0  # the face is lost
    at_s = np.arange(125) / 25
    face, seen = resampled(times_s, values, at_s)
    lost = ((at_s >= 2.04) & (at_s <= 2.96)) | ((at_s >= 4.24) & (at_s <= 4.86))
    np.testing.assert_array_equal(seen, ~lost)
    assert not face[lost].any()
    np.testing.assert_allclose(face[seen, 3], 0.1 + at_s[seen] / 10, atol=1e-5)


@pytest.mark.slow
def test_timecodes_lay_two_phones_on_one_clock(tmp_path):
    """The second phone started 3.013 s later, and has 30 rows a second."""
    folder = tmp_path / "train" / "talk"
    write_take(folder / "a" / "x.csv", TURNS[0])
    late = tuple((start - 3.013, end - 3.013) for start, end in TURNS[1])
    write_take(folder / "b" / "y.csv", late, 36003.013, 27.0, 30, seed=1)
    source = prepare(source_of(tmp_path), tmp_path / "out", 1)
    times = sorted((one.piece.start / 25 + 3.04, one.piece.end / 25 + 3.04) for one in source.kept)
    np.testing.assert_allclose(times, [(3.04, 8), (8, 15), (15, 22), (22, 30)], atol=0.3)
    convert(source, tmp_path / "out", 1)
    clips = load_clips(tmp_path / "out", "train")
    for index in range(len(clips)):
        inner = slice(20, clips.frames[index] - 45)
        assert np.ptp(clips.speaker[index, inner, JAW]) > 0.3
        assert np.ptp(clips.reactions[index, inner, JAW]) < 0.1
        assert np.abs(clips.audio[index, 16000:48000].astype(int)).mean() > 1000
        assert abs(clips.speaker[index, : clips.frames[index], NOD]).max() < 0.15


def spoiled(change):
    def spoil(path):
        lines = path.read_text().splitlines()
        path.write_text("\n".join(change(lines)) + "\n")

    return spoil


def cell(line, column, text):
    def change(lines):
        cells = lines[line - 1].split(",")
        cells[column] = text
        return [*lines[: line - 1], ",".join(cells), *lines[line:]]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [lines[0].replace("JawOpen", "JawAjar"), *lines[1:]], "no column JawOpen"),
        (lambda lines: lines[:1], "fewer than two rows"),
        (lambda lines: [*lines[:5], lines[5] + ",7", *lines[6:]], "line 6 has 64 cells"),
        (cell(4, 10, "nan"), "line 4 holds NaN"),
        (cell(4, 10, "wide"), "line 4 holds text"),
        (cell(4, 0, "10 o'clock"), "line 4: '10 o'clock' is no timecode"),
        (cell(4, 0, timecode(35990.0, 60)), "line 4: its timecode is not after"),
        (cell(4, 0, "24:00:00:03.0"), "line 4: '24:00:00:03.0' is no time of a day"),
        (cell(4, 0, "10:00:00:300.0"), "has frame 300"),
    ],
)
def test_a_wrong_table_is_one_line(tmp_path, change, message):
    path = write_take(tmp_path / "x.csv", (), seconds=1.0)
    spoiled(change)(path)
    with pytest.raises(UserError, match=message):
        read_table(path)
    assert len(list(PhoneSide("x", path).problems())) == 1


def test_what_is_wrong_with_a_folder(tmp_path):
    train = tmp_path / "train"
    write_take(train / "alone" / "x.csv", (), seconds=5.0)
    for name, begins_s in (("x", 36000.0), ("y", 36004.0)):
        write_take(train / "apart" / f"{name}.csv", (), begins_s, 5.0, 30)
    for name in "xy":
        write_take(train / "zeros" / f"{name}.csv", (), seconds=5.0, rate_hz=30)
    path = train / "zeros" / "x.csv"
    rows = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("\n".join(",".join([*r[:2], *(["0"] * (len(r) - 2))]) for r in rows[1:]))
    text = path.read_text()
    path.write_text(",".join(rows[0]) + "\n" + text)
    found = problems(tmp_path)
    assert "alone: it holds the tables of 1 phones, not of two" in found[0]
    assert "have 1.0 s in common" in found[1] and "holds nothing but zeros" in found[2]
    assert len(found) == 3


def test_the_apps_other_tables_are_not_read(tmp_path):
    folder = tmp_path / "train" / "talk"
    for name in ("x", "x_cal", "x_raw", "y", "frame_log"):
        write_take(folder / f"{name}.csv", (), seconds=5.0, rate_hz=30)
    (folder / "._x.csv").write_bytes(b"resource fork")
    (folder / "x.wav").rename(folder / "x.WAV")
    source = source_of(tmp_path)
    assert [side.media.name for side in source.talks[0].sides] == ["x.WAV", "y.wav"]
    assert [side.name for side in source.talks[0].sides] == ["train/talk/x", "train/talk/y"]


def test_midnight_may_be_between_the_beginnings_of_two_phones(tmp_path):
    for name, begins_s in (("x", 86399.0), ("y", 1.0)):
        write_take(tmp_path / "train" / "talk" / f"{name}.csv", (), begins_s, 8.0, 30)
    [talk] = source_of(tmp_path).talks
    assert problems(tmp_path) == []
    assert talk.shift() == 50


@pytest.mark.parametrize(
    ("seconds", "message"), [(0.0, "x.wav is empty"), (2.0, "x.wav lasts 2.0 s, but")]
)
def test_a_sound_of_another_length_is_named(tmp_path, seconds, message):
    path = write_take(tmp_path / "x.csv", (), seconds=5.0, rate_hz=30)
    write_sound(path.with_suffix(".wav"), voice((), seconds))
    [line] = PhoneSide("x", path, path.with_suffix(".wav")).problems()
    assert message in line


def test_face_crops_need_a_video_and_the_check_says_so(tmp_path):
    for name in "xy":
        write_take(tmp_path / "train" / "talk" / f"{name}.csv", (), seconds=5.0, rate_hz=30)
    source = replace(source_of(tmp_path), faces=True)
    found = list(source.problems())
    assert len(found) == 2 and "x.csv has no video beside it" in found[0]
    with pytest.raises(UserError, match="no video beside it"):
        prepare(source, tmp_path / "out", 1)
    assert not (tmp_path / "out").exists()


def test_names_that_are_no_text(tmp_path):
    folder = tmp_path / "train" / os.fsdecode(b"talk\xff\x01")
    for index, name in enumerate("xy"):
        write_take(folder / f"{name}.csv", TURNS[index], seconds=9.0, rate_hz=30, seed=index)
    source = prepare(source_of(tmp_path), tmp_path / "out", 1)
    page = write_report(kept_of(source), tmp_path / "out", "train")
    assert "talk\\udcff\\x01" in page.read_text("utf-8")
    ElementTree.parse(page.with_suffix(".svg"))
    convert(source, tmp_path / "out", 1)
    assert load_clips(tmp_path / "out", "train").names == source.names


@pytest.mark.slow
def test_a_video_that_ends_before_its_table_or_shows_no_face(tmp_path):
    for index, name in enumerate("xy"):
        spans = ((0, 9),) * (index == 0)
        path = write_take(
            tmp_path / "train" / "talk" / f"{name}.csv", spans, seconds=9.0, rate_hz=30
        )
        path.with_suffix(".wav").unlink()
        write_side(path.with_suffix(".mov"), spans, 8.6)
    source = replace(source_of(tmp_path), faces=True, tracker=GreyTracker)
    convert(prepare(source, tmp_path / "out", 1), tmp_path / "out", 1)
    faces = load_clips(tmp_path / "out", "train").faces[0]
    assert len(faces) == 225 and (faces[215:] == faces[214]).all() and faces[224].any()
    write_side(tmp_path / "train" / "talk" / "x.mov", ((0, 9),), 9.0, away=((0, 9),))
    source = prepare(source, tmp_path / "other", 1)
    with pytest.raises(UserError, match="talk/x: no face is found in its video from 0 s"):
        convert(source, tmp_path / "other", 1)

"""Seamless Interaction, by its videos and by its own features."""

import json
from dataclasses import replace

import av
import numpy as np
import pytest
from rigs.data_sets import GreyTracker
from rigs.talks import SECONDS, TURNS, jaw, no_speech_model, write_person, write_sound

from reactface_node.cli.main import main
from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.research.data.check import check
from reactface_node.research.data.conversations import kept_of
from reactface_node.research.data.convert import convert
from reactface_node.research.data.kind import DatasetChoice
from reactface_node.research.data.seamless import drawn, open_splits
from reactface_node.research.data.seamless_features import (
    ASSUMED,
    given_channels,
    looks_of,
    read_features,
)
from reactface_node.research.data.store import load_clips
from reactface_node.research.data.tracks import prepare
from reactface_node.research.data.videos import read_vad
from reactface_node.schema import COEFFICIENT_NAMES, GAZE_RAD, index_of

JAW = index_of("jawOpen")


def stem_of(root, interaction, person, place="improvised/train/0000/0005"):
    return root / place / f"V00_S0809_I{interaction:08d}_{person}"


def write_talk(root, interaction=1, people=("P0947", "P0948A"), seconds=SECONDS, **change):
    for index, person in enumerate(people):
        place = f"improvised/train/0000/000{index}"
        stem = stem_of(root, interaction, person, place)
        write_person(stem, TURNS[index % 2], seconds, seed=index, **change)


def source_of(root, split="train", **choice):
    found = open_splits(root, DatasetChoice(**choice), RosConfig()).open(split)
    return replace(found, tracker=GreyTracker, speech=no_speech_model)


def test_two_people_in_two_archives_are_one_conversation(tmp_path):
    write_talk(tmp_path, video=False, seconds=5.0)
    [talk] = source_of(tmp_path).talks
    assert talk.name == "V00_S0809_I00000001"
    assert [side.name[-5:] for side in talk.sides] == ["P0947", "0948A"]


@pytest.mark.slow
@pytest.mark.parametrize("own_features", [False, True])
def test_turns_are_those_of_the_json(tmp_path, own_features):
    write_talk(tmp_path)
    source = source_of(tmp_path, own_features=own_features)
    source = prepare(source, tmp_path / "out", 1)
    times = [(one.piece.start / 25, one.piece.end / 25) for one in source.kept]
    np.testing.assert_allclose(times, [(0.52, 8), (15, 22), (8, 15), (22, 30)], atol=0.05)
    convert(source, tmp_path / "out", 1)
    clips = load_clips(tmp_path / "out", "train")
    at_s = (np.arange(clips.frames[1]) + 0.5) / 25 + 15
    expected = jaw(at_s, TURNS[0])
    found = clips.speaker[1, : clips.frames[1], JAW]
    assert np.corrcoef(found, expected)[0, 1] > 0.94
    np.testing.assert_allclose(found, expected, atol=0.2)
    assert np.ptp(clips.reactions[1, : clips.frames[1] - 5, JAW]) < 0.1


def test_features_are_mapped_and_invalid_frames_are_zero(tmp_path):
    units = np.full((300, 24), 0.4, np.float32)
    units[:, 8], units[:, 20] = 3.0, 1.0
    head, gaze = np.full((300, 3), 0.5, np.float32), np.full((300, 2), 0.2, np.float32)
    head[0] += [0.1, 0.2, 0.3]
    gaze[0] += [0.122, -0.061]
    valid = np.ones((300, 1), np.float32)
    valid[60:120] = 0
    head[200, 1] = np.nan
    change = {"FAUValue": units, "alignment_head_rotation": head, "gaze_encodings": gaze}
    stem = write_person(tmp_path / "V0_S0_I0_P0", (), 10.0, video=False, **change, is_valid=valid)
    times_s, values = read_features(stem.with_suffix(".npz"))
    assert times_s[0] == pytest.approx(1 / 60) and len(times_s) == 300
    named = dict(zip(COEFFICIENT_NAMES, values[0], strict=True))
    assert named["mouthSmileLeft"] == named["mouthSmileRight"] == 1.0
    assert named["jawOpen"] == pytest.approx(0.5) and named["browInnerUp"] == pytest.approx(0.2)
    # The usual direction is zero, and signs are those of a camera's axes.
    assert [named[f"rotation{axis}"] for axis in "XYZ"] == pytest.approx([0.1, -0.2, -0.3])
    assert not values[1, 52:].any()
    assert named["eyeLookDownLeft"] == pytest.approx(0.122 / GAZE_RAD, abs=1e-6)
    looks = [named[name] for name in ("eyeLookUpLeft", "eyeLookOutLeft", "eyeLookInRight")]
    assert looks == pytest.approx([0.0, 0.1, 0.1], abs=1e-6)
    np.testing.assert_allclose(looks_of(values[:1]), [[-0.2, 0.1]], atol=1e-6)
    assert not values[60:120].any() and not values[200].any() and values[59].any()
    moved = {COEFFICIENT_NAMES[k] for k in np.flatnonzero(values.any(axis=0))}
    assert moved <= given_channels(ASSUMED)
    assert given_channels(ASSUMED) - given_channels((1, 0, -1, 0, 1)) == {
        "rotationY",
        *(f"eyeLook{way}{side}" for way in ("Up", "Down") for side in ("Left", "Right")),
    }


class PoseTracker(GreyTracker):
    """Reads directions from the grey level too."""

    def track(self, stamp_s, rgb):
        seen = super().track(stamp_s, rgb)
        values = seen.coefficients
        level = values[JAW]
        values[52:55] = [level, -level, level]
        values[[index_of("eyeLookUpLeft"), index_of("eyeLookOutLeft")]] = level
        return seen


@pytest.mark.slow
def test_signs_are_measured_on_people_with_videos(tmp_path):
    times_s = (np.arange(300) + 0.5) / 30
    signal = jaw(times_s, TURNS[0])[:, None].astype(np.float32)
    noise = np.random.default_rng(0).normal(size=(300, 1)).astype(np.float32)
    head = np.concatenate([signal, signal, noise], axis=1)
    gaze = np.concatenate([-signal, signal], axis=1)
    change = {"alignment_head_rotation": head, "gaze_encodings": gaze}
    stem = stem_of(tmp_path, 1, "P1")
    write_person(stem, TURNS[0], 10.0, **change)
    write_person(stem_of(tmp_path, 1, "P2"), TURNS[0], 10.0, video=False, **change)
    # This one's features cannot be read, so it does not count.
    write_person(stem_of(tmp_path, 2, "P3"), TURNS[0], 5.0, FAUValue=np.zeros((4, 2)))
    source = replace(source_of(tmp_path, own_features=True), tracker=PoseTracker)
    prepared = prepare(source, tmp_path / "out", 1)
    assert prepared.facts["signs"] == [1, -1, 0, -1, 1]
    assert "rotationZ" in prepared.facts["missing"]
    assert "measured on 1 videos" in prepared.notes[0]
    assert {side.signs for talk in prepared.talks for side in talk.sides} == {(1, -1, 0, -1, 1)}


def test_hours_are_drawn_alike_wherever_they_lie(tmp_path):
    for interaction in range(1, 9):
        write_talk(tmp_path / "a", interaction, seconds=5.0, video=False, features=False)
        write_talk(tmp_path / "b" / "c", interaction, seconds=5.0, video=False, features=False)
    for root in ("a", "b"):
        for path in (tmp_path / root).rglob("*.wav"):
            path.with_suffix(".npz").write_bytes(b"")
    chosen = {}
    for hours in (12 / 3600, 18 / 3600):
        found = [source_of(tmp_path / root, hours=hours) for root in ("a", "b")]
        names = [tuple(talk.name for talk in one.talks) for one in found]
        assert names[0] == names[1]
        chosen[hours] = set(names[0])
        assert found[0].facts["drawn"] == [len(names[0]), 8]
    assert [len(names) for names in chosen.values()] == [3, 4]
    assert chosen[12 / 3600] < chosen[18 / 3600]
    assert len(drawn(source_of(tmp_path / "a").talks, 100.0)) == 8


def write_broken(root):
    write_talk(root, 1, video=False, seconds=16.0)
    write_talk(root, 2, ("P1",), video=False, seconds=5.0)
    write_talk(root, 3, video=False, seconds=5.0)
    next(root.rglob("*I00000003_P0947.wav")).unlink()
    write_talk(root, 4, video=False, seconds=5.0)
    next(root.rglob("*I00000004_P0947.json")).write_text(json.dumps({"id": "x"}))
    write_talk(root, 5, video=False, seconds=5.0, is_valid=np.zeros((150, 1), np.float32))
    write_talk(root, 6, video=False, seconds=5.0, FAUValue=np.zeros((150, 3), np.float32))
    write_talk(root, 7, ("P1", "P2", "P3"), video=False, seconds=5.0)
    return root


REASONS = (
    "there are files of 1 person, not of two",
    "P0947.wav is missing",
    "P0947.json holds no metadata:vad",
    "P0947.npz has no valid frame",
    "movement:FAUValue is (150, 3), not (150, 24)",
    "there are files of 3 people, not of two",
)


@pytest.mark.slow
def test_what_cannot_be_used_is_left_out_and_reported(tmp_path):
    root = write_broken(tmp_path / "data")
    assert check([lambda: source_of(root)]) == []
    warnings = list(source_of(root).warnings())
    for words in REASONS:
        assert any(words in line for line in warnings), (words, warnings)
    prepared = prepare(source_of(root), tmp_path / "out", 1)
    assert [talk.name[-1] for talk in prepared.talks] == ["1"]
    said = [reason for _, reason in kept_of(prepared).left_out]
    assert len(said) == len(REASONS)
    for words in REASONS:
        assert any(words in reason for reason in said), (words, said)


@pytest.mark.slow
def test_files_without_content_leave_their_interaction_out(tmp_path):
    """Some archives hold videos without streams and sounds without samples."""
    write_talk(tmp_path, 1, seconds=16.0, features=False)
    write_talk(tmp_path, 2, seconds=5.0, features=False)
    write_talk(tmp_path, 3, seconds=5.0, features=False)
    next(tmp_path.rglob("*I00000002_P0947.mp4")).write_bytes(bytes(261))
    write_sound(next(tmp_path.rglob("*I00000003_P0947.wav")), np.zeros(0), 48000)
    prepared = prepare(source_of(tmp_path), tmp_path / "out", 1)
    assert [talk.name[-1] for talk in prepared.talks] == ["1"]
    said = {one.talk[-1]: one.reason for one in prepared.left_out}
    assert "P0947.mp4 is no video that can be read" in said["2"]
    assert "P0947.wav is empty" in said["3"]


def test_nothing_usable_is_one_line(tmp_path):
    write_talk(tmp_path, 2, ("P1",), video=False, seconds=5.0)
    with pytest.raises(
        UserError, match="no conversation of the train split can be used; V00_S0809"
    ):
        prepare(source_of(tmp_path), tmp_path / "out", 1)
    assert len(check([lambda: source_of(tmp_path)])) == 1


def test_dev_is_val(tmp_path):
    write_person(stem_of(tmp_path, 1, "P1", "naturalistic/dev/0000/0001"), (), 5.0, video=False)
    assert open_splits(tmp_path, DatasetChoice(), RosConfig()).present == ["val"]


@pytest.mark.parametrize("hours", ["-1", "nan", "inf"])
def test_a_wrong_number_of_hours_is_one_line(tmp_path, hours, capsys):
    assert main(["data", "check", "seamless", str(tmp_path), "--hours", hours]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "--hours must be a number of at least 0" in line


def test_hours_count_sounds_of_real_numbers_too(tmp_path):
    for interaction in range(1, 5):
        write_talk(tmp_path, interaction, seconds=5.0, video=False, features=False)
    for path in tmp_path.rglob("*.wav"):
        write_real_sound(path, np.zeros(5 * 48000, "<f4"), 48000)
        path.with_suffix(".npz").write_bytes(b"")
    assert len(drawn(source_of(tmp_path).talks, 9 / 3600)) == 2


def write_real_sound(path, samples, rate_hz):
    with av.open(str(path), "w", format="wav") as out:
        stream = out.add_stream("pcm_f32le", rate=rate_hz, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None], "flt", "mono")
        frame.sample_rate = rate_hz
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


@pytest.mark.parametrize("times", [[0, 10**400], [0, 1e308], [-1, 2], [3, 2], [0, float("nan")]])
def test_times_of_speech_that_cannot_be(tmp_path, times):
    path = tmp_path / "x.json"
    start, end = times
    path.write_text(json.dumps({"metadata:vad": [{"start": start, "end": end}]}))
    with pytest.raises(UserError, match=r"x\.json"):
        read_vad(path)


def test_features_of_other_kinds(tmp_path):
    stem = tmp_path / "V0_S0_I0_P0"
    path = stem.with_suffix(".npz")
    for units in (np.float32(1), np.ones((60, 24), complex), np.full((60, 24), "1")):
        write_person(stem, (), 2.0, video=False, FAUValue=units)
        with pytest.raises(UserError, match="movement:"):
            read_features(path)
    head = np.full((60, 3), 0.1)
    head[7] = 1e30
    write_person(stem, (), 2.0, video=False, alignment_head_rotation=head)
    _, values = read_features(path)
    assert not values[7].any() and values[8].any() and np.abs(values).max() <= 1.0


def test_a_sound_of_another_length_leaves_its_interaction_out(tmp_path):
    write_talk(tmp_path, video=False, seconds=5.0)
    write_sound(next(tmp_path.rglob("*P0947.wav")), np.ones(2 * 48000), 48000)
    [line] = source_of(tmp_path).warnings()
    assert "P0947.wav lasts 2.0 s, but" in line and "P0947.npz 5.0 s" in line


def test_face_crops_of_own_features_need_a_video(tmp_path):
    write_talk(tmp_path, video=False, seconds=5.0)
    first, _ = source_of(tmp_path, faces=True).warnings()
    assert "P0947.mp4 is no video that can be read" in first

"""What is read of one side: its voice, its loudness, and the file in which this is kept."""

import numpy as np
import pytest
from rigs.talks import frames, no_speech_model, talking, voice, write_side

from reactface_node.errors import UserError
from reactface_node.research.data.exchanged import SILENT_DB
from reactface_node.research.data.sides import (
    SideTrack,
    given_track,
    load_track,
    save_track,
    track_key,
    voice_of,
)
from reactface_node.research.data.videos import VideoSide

SPANS = ((2.0, 5.0),)


def test_the_voice_is_where_the_sound_is_loud():
    found, level, heard = voice_of(voice(SPANS, 8.0), frames(8), no_speech_model)
    expected = talking((np.arange(frames(8)) + 0.5) / 25, SPANS)
    assert bool(heard) and (found != expected).mean() < 0.05
    assert level[expected].min() > level[~expected].max() >= SILENT_DB


@pytest.mark.parametrize("sound", [None, np.zeros(1000, np.int16)])
def test_no_sound_and_zeros_are_the_same(sound):
    found, level, heard = voice_of(sound, 10, no_speech_model, np.ones(10, bool))
    assert not heard and not found.any() and (level == SILENT_DB).all()


def test_a_known_voice_is_taken_and_a_short_sound_is_filled():
    known = np.arange(10) % 2 == 0
    found, level, heard = voice_of(np.full(640, 1000, np.int16), 10, no_speech_model, known)
    assert heard and found.tolist() == known.tolist()
    assert level[0] > -40 and (level[1:] == SILENT_DB).all()


def test_a_track_is_read_as_it_was_written_and_a_damaged_one_is_named(tmp_path):
    seen = np.array([True, False, True])
    face = np.arange(3 * 58).reshape(3, 58) / 100
    track = given_track(face, seen, None, no_speech_model)
    path = tmp_path / "x.npz"
    save_track(path, track)
    for name, value in vars(load_track(path)).items():
        np.testing.assert_array_equal(value, vars(track)[name], err_msg=name)
    whole = path.read_bytes()
    np.savez(path, **{**vars(track), "voice": track.voice[:2]})
    with pytest.raises(UserError, match=r"x\.npz is missing or damaged"):
        load_track(path)
    path.write_bytes(whole[:200])
    with pytest.raises(UserError, match=r"x\.npz is missing or damaged .*; remove it"):
        load_track(path)


def test_the_file_of_a_track_depends_on_the_recording(tmp_path):
    video = tmp_path / "x.mp4"
    video.write_bytes(b"1")
    side = VideoSide("x", video, video)
    first = track_key(side, tmp_path, {})
    assert track_key(VideoSide("x", video, video), tmp_path, {}) == first
    assert track_key(VideoSide("y", video, video), tmp_path, {}) != first
    assert track_key(VideoSide("x", video, video, settings="other"), tmp_path, {}) != first
    video.write_bytes(b"12")
    assert track_key(side, tmp_path, {}) != first
    video.unlink()
    with pytest.raises(UserError, match=r"x\.mp4 cannot be read"):
        track_key(side, tmp_path, {})


def test_a_part_of_a_track(tmp_path):
    track = given_track(np.zeros((5, 58)), np.ones(5, bool), None, no_speech_model)
    part = track.part(1, 3)
    assert isinstance(part, SideTrack) and len(part) == 2 and not part.heard


@pytest.mark.slow
def test_a_sound_that_begins_late_stays_in_step_with_the_pictures(tmp_path):
    path = write_side(tmp_path / "x.mp4", ((1.0, 2.0),), 4.0, late=8000)
    sound = np.abs(VideoSide("x", path, path).sound()[:64000].astype(int))
    loud = np.flatnonzero(sound.reshape(-1, 160).mean(axis=1) > 200) / 100
    assert loud[[0, -1]].tolist() == pytest.approx([1.5, 2.5], abs=0.03)

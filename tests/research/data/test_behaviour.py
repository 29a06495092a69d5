"""Smiles, laughs, tilts, gaze and blinks of known time and length."""

import numpy as np
import pytest
from rigs.tracks import blink, face_of, look_left, show, turn

from reactface_node.research.data import behaviour as seen


def test_runs_and_intervals():
    flags = np.array([1, 1, 0, 1, 0, 0, 0, 1], bool)
    assert seen.runs(flags) == [(0, 2), (3, 4), (7, 8)]
    assert seen.intervals(flags) == [(0.0, 0.08), (0.12, 0.16), (0.28, 0.32)]
    assert seen.intervals(flags, gap_s=0.08) == [(0.0, 0.16), (0.28, 0.32)]
    assert seen.intervals(flags, shortest_s=0.08) == [(0.0, 0.08)]
    assert seen.intervals(np.zeros(3, bool)) == []


def test_a_smile_begins_above_one_level_and_ends_below_a_lower_one():
    face = show(face_of(10), "mouthSmile", 2, 4, 0.25)
    show(face, "mouthSmile", 4, 5, 0.17)
    show(face, "mouthSmile", 7, 9, 0.19)
    assert seen.smiles(face) == [(2.0, 5.0)]
    assert seen.smiles(show(face_of(10), "mouthSmile", 2, 2.2)) == []


def test_a_laugh_is_a_broad_smile_with_an_open_mouth():
    face = show(show(face_of(10), "mouthSmile", 2, 6, 0.5), "jawOpen", 3, 4, 0.2)
    assert seen.laughs(face) == [(3.0, 4.0)]
    assert seen.laughs(show(face, "mouthSmile", 0, 10, 0.3)) == []


def test_a_tilt_is_away_from_the_posture():
    face = face_of(10)
    face[:, 54] = 0.1
    assert seen.tilts(face) == []
    assert seen.tilts(turn(face, "rotationZ", 2, 3, 0.2)) == [(2.0, 3.0)]


def test_gaze_is_an_angle_of_eyes_and_head():
    face = turn(look_left(face_of(2), 0, 2, 0.2), "rotationY", 0, 2, np.radians(5))
    turn(face, "rotationX", 0, 2, np.radians(3))
    assert seen.eyes_deg(face)[0] == pytest.approx([7.0, 0.0])
    assert seen.gaze_deg(face)[0] == pytest.approx([12.0, -3.0])


def test_looks_away_are_off_where_the_speaker_is():
    face = look_left(face_of(20), 0, 20, 0.3)
    assert not seen.looks_away(face).any()
    look_left(face, 5, 6, 0.0)
    look_left(face, 8, 9, 0.4)  # 3.5 degrees: a saccade in the face
    look_left(face, 12, 12.08, 0.0)  # too short
    assert seen.intervals(seen.looks_away(face)) == [(5.0, 6.0)]


def test_closed_lids_are_no_glance():
    face = blink(show(face_of(10), "eyeLookDown", 4, 4.4, 0.5), 4, 0.4)
    assert not seen.looks_away(face).any()


def test_a_blink_does_not_end_a_glance():
    face = blink(look_left(face_of(20), 5, 7), 6, 0.2)
    show(face, "eyeLookDown", 6, 6.2, 0.5)
    assert seen.intervals(seen.looks_away(face)) == [(5.0, 7.0)]


def test_thinking_is_gaze_away_with_a_pressed_mouth():
    face = show(look_left(face_of(20), 5, 7), "mouthPress", 5, 7, 0.2)
    look_left(face, 10, 12)
    show(face, "mouthPress", 14, 16, 0.2)
    assert seen.thinking(face) == [(5.0, 7.0)]


@pytest.mark.parametrize("seconds", [0.08, 0.12, 0.6])
def test_blinks_have_their_length_at_half_height(seconds):
    (found,) = seen.blinks(blink(face_of(10), 3, seconds))
    assert found[1] - found[0] == pytest.approx(seconds, abs=1e-6)
    assert seen.blinks(face_of(10)) == []


def test_parts_of_ten_seconds():
    assert seen.in_tens([(9.5, 10.5)], 35.0) == (2, 3)
    assert seen.in_tens([(31.0, 32.0)], 35.0) == (0, 3)
    assert seen.in_tens([], 9.0) == (0, 0)


def test_quantiles_of_lengths_that_are_partly_only_known_to_be_longer():
    assert seen.censored_quantiles([1, 2, 3, 4], [], [0.25, 0.5, 1.0]) == [1, 2, 4]
    # Two of four are at least 5: half of all are longer than 2.
    assert seen.censored_quantiles([1, 2], [5, 5], [0.25, 0.5, 0.9]) == [1, 2, 5]
    # One that was seen for 1.5 only: of the three others a third is 2, so 1/4 + 3/4 * 1/2 at 2.
    assert seen.censored_quantiles([1, 2, 3], [1.5], [0.25, 0.6, 0.7]) == [1, 2, 3]
    assert np.isnan(seen.censored_quantiles([], [3], [0.5])).all()

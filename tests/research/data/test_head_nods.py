"""Nods of known number, length, rhythm and size."""

import numpy as np
import pytest
from rigs.tracks import face_of, nod

from reactface_node.research.data.head_nods import head_nods, turning_points, without_nods
from reactface_node.research.data.motion import frame_times


def pitch_of(*nods, seconds=20.0):
    face = face_of(seconds)
    for one in nods:
        nod(face, *one)
    return face[:, 52]


def test_turning_points_are_those_of_large_movements():
    values = np.array([0.0, 1, 2, 1.8, 3, 2.9, 1, 0, 0.1, 4, 4])
    assert turning_points(values, 0.5) == [0, 4, 7, 10]
    assert turning_points(np.zeros(9), 0.5) == []
    assert turning_points(np.array([0.0, 0.3, 0.1, 0.4]), 0.5) == []


@pytest.mark.parametrize("hz", [0.9, 1.5, 2.0, 3.0])
@pytest.mark.parametrize("cycles", [1, 2, 4])
def test_a_nod_is_found_with_its_length_rhythm_and_half_cycles(cycles, hz):
    (found,) = head_nods(pitch_of((3.0, cycles, 0.15, hz)))
    assert found.half_cycles == 2 * cycles
    assert found.start_s == pytest.approx(3.0, abs=0.06)
    assert found.length_s == pytest.approx(cycles / hz, abs=0.08)
    assert found.hz == pytest.approx(hz, rel=0.15)


def test_depth_is_that_of_the_largest_half_cycle():
    (found,) = head_nods(pitch_of((3.0, 2, 0.1, 1.0)))
    assert found.depth_rad == pytest.approx(0.1, rel=0.03)


def test_nods_with_a_rest_between_them_are_two():
    assert len(head_nods(pitch_of((3.0, 1, 0.1, 2.0), (4.5, 1, 0.1, 2.0)))) == 2
    assert len(head_nods(pitch_of((3.0, 1, 0.1, 2.0), (3.6, 1, 0.1, 2.0)))) == 1


def test_sway_noise_and_posture_are_no_nods():
    times = frame_times(1500)
    assert head_nods(0.05 * np.sin(2 * np.pi * 0.3 * times)) == ()
    assert head_nods(0.003 * np.random.default_rng(0).standard_normal(1500)) == ()
    slow = np.interp(times, [10, 12], [0, 0.15])
    assert head_nods(slow) == ()
    assert head_nods(np.zeros(1)) == ()


def test_a_single_quick_movement_down_is_a_nod_and_one_up_is_none():
    times = frame_times(500)
    down = 0.06 * np.interp(times, [5.0, 5.3], [0, 1])
    (found,) = head_nods(down)
    assert found.half_cycles == 1
    assert head_nods(-down) == ()


def test_nods_on_top_of_sway_are_found():
    pitch = pitch_of(*((3.0 * k + 1, 2, 0.1, 2.0) for k in range(19)), seconds=60.0)
    pitch += 0.03 * np.sin(2 * np.pi * 0.1 * frame_times(1500))
    starts = [one.start_s for one in head_nods(pitch)]
    assert np.allclose(starts, 3.0 * np.arange(19) + 1, atol=0.1)


def test_nods_are_taken_out_and_the_rest_of_the_motion_stays():
    times = frame_times(500)
    sway = 0.05 * np.sin(2 * np.pi * 0.05 * times)
    pitch = sway + pitch_of((3.0, 2, 0.1, 1.5), (12.0, 1, 0.06, 2.0))
    rest = without_nods(pitch, head_nods(pitch))
    assert np.abs(rest - sway).max() < 0.02
    assert (without_nods(sway, ()) == sway).all()

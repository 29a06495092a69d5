"""Nods in hand-made tracks of head pitch, and motion that is no nod."""

import numpy as np
import pytest

from reactface_node.session.nod_detector import SMALLEST_RAD, NodDetector

START_S = 1_700_000_000.0
TIMES_S = np.arange(10 * 25) / 25


def events_of(pitch, first=0):
    """(seconds at which it is told, event) of a track shown from START_S on."""
    detector = NodDetector()
    return [
        (frame / 25, event)
        for frame, value in enumerate(pitch)
        for event in detector.step(first + frame, START_S + frame / 25, float(value))
    ]


def nod(hz, cycles, depth_rad, start_s=2.0, decline=1.0):
    """Raised cosines; decline: ratio of the depths of successive cycles."""
    cycle = (TIMES_S - start_s) * hz
    inside = (cycle >= 0) & (cycle < cycles)
    height = depth_rad * decline ** np.floor(cycle.clip(0, None))
    return np.where(inside, 0.5 * height * (1.0 - np.cos(2 * np.pi * cycle)), 0.0)


def eased(start_s, seconds, size_rad):
    share = ((TIMES_S - start_s) / seconds).clip(0.0, 1.0)
    return size_rad * share**2 * (3.0 - 2.0 * share)


def sway(size_rad=0.004):
    """Breath."""
    return size_rad * np.sin(2 * np.pi * 0.25 * TIMES_S)


NODS = [
    (2.0, 2, 0.1),
    (2.0, 1, 0.05),
    (1.0, 3, 0.03),
    (0.85, 2, 0.2),
    (1.47, 4, 0.06),
    (4.0, 3, 0.04),
    (6.0, 4, 0.03),
    (3.0, 8, 0.1),
]


@pytest.mark.parametrize(("hz", "cycles", "depth_rad"), NODS)
def test_a_known_nod_is_one_start_and_one_end(hz, cycles, depth_rad):
    (told_s, start), (_, end) = events_of(nod(hz, cycles, depth_rad))
    assert (start.who, start.kind, start.phase) == ("listener", "nod", "start")
    assert (start.cycles, start.depth_rad, start.rate_hz, start.duration_s) == (0, 0.0, 0.0, 0.0)
    assert start.stamp_s - START_S == pytest.approx(2.0, abs=0.03)
    # Two thirds of the first cycle, and a frame.
    assert told_s <= 2.0 + 0.67 / hz + 0.04
    assert (end.kind, end.phase, end.cycles) == ("nod", "end", cycles)
    assert end.depth_rad == pytest.approx(depth_rad, rel=0.02)
    assert end.rate_hz == pytest.approx(hz, rel=0.02)
    assert end.duration_s == pytest.approx(cycles / hz, abs=0.03)
    assert end.stamp_s - START_S == pytest.approx(2.0 + cycles / hz, abs=0.03)


def test_two_cycles_of_a_tenth_of_a_radian_at_two_hertz_are_known_early():
    (told_s, start), (_, end) = events_of(nod(2.0, 2, 0.1))
    assert told_s == pytest.approx(2.36) and start.probability == 1.0
    assert (end.cycles, round(end.depth_rad, 3), round(end.rate_hz, 2)) == (2, 0.1, 2.0)


def test_a_declining_nod_on_sway_and_noise_is_one_nod():
    noise = np.random.default_rng(0).normal(0.0, 0.0008, len(TIMES_S))
    _, (_, end) = events_of(nod(2.0, 3, 0.1, decline=0.67) + sway(0.01) + noise)
    assert end.cycles == 3 and end.rate_hz == pytest.approx(2.0, rel=0.05)
    assert end.depth_rad == pytest.approx(0.1, rel=0.1)


def test_two_nods_with_a_rest_between_are_two():
    found = events_of(nod(2.0, 2, 0.1) + nod(1.5, 1, 0.04, start_s=6.0))
    ends = [event for _, event in found if event.phase == "end"]
    assert [event.cycles for event in ends] == [2, 1] and len(found) == 4


def test_the_probability_grows_with_the_depth():
    least = events_of(nod(1.47, 2, 1.01 * SMALLEST_RAD))[0][1]
    clear = events_of(nod(1.47, 2, 2.0 * SMALLEST_RAD))[0][1]
    assert least.probability == pytest.approx(0.5, abs=0.02)
    assert clear.probability == pytest.approx(1.0, abs=0.02)
    assert events_of(nod(1.47, 2, 0.9 * SMALLEST_RAD)) == []


@pytest.mark.parametrize("seconds", [0.1, 0.2, 0.4, 0.8, 1.5, 3.0])
@pytest.mark.parametrize("size_rad", [0.12, -0.12])
def test_a_posture_shift_is_no_nod(seconds, size_rad):
    away = eased(1.0, seconds, size_rad)
    assert events_of(away + sway()) == []
    assert events_of(away - eased(6.0, seconds, size_rad) + sway()) == []


def test_drift_breath_and_noise_are_no_nods():
    noise = np.random.default_rng(0).normal(0.0, 0.002, len(TIMES_S))
    for track in (0.05 * TIMES_S, -0.05 * TIMES_S, 0.15 * np.sin(0.6 * TIMES_S), sway(0.01)):
        assert events_of(track) == []
        assert events_of(track + 0.5 * noise) == []
    assert events_of(noise) == []


def test_a_single_frame_that_jumps_is_no_nod():
    assert events_of(np.where(TIMES_S == 3.0, 0.2, 0.0)) == []


def test_events_depend_on_the_past_alone():
    track = nod(2.0, 3, 0.1) + sway()
    whole = events_of(track)
    for frames in range(40, 110, 7):
        begun = [(told_s, event) for told_s, event in whole if told_s < frames / 25]
        assert events_of(track[:frames]) == begun


def test_a_nod_ends_at_a_gap():
    """Frames that were never shown begin another signal, wherever the numbers go on."""
    track = nod(2.0, 3, 0.1)
    detector, found = NodDetector(), []
    for frame in [*range(70), *range(170, 220)]:
        value = float(track[frame]) if frame < 70 else 0.0
        found += detector.step(frame, START_S + frame / 25, value)
    assert [event.phase for event in found] == ["start", "end"]
    assert found[1].cycles == 1 and found[1].stamp_s - START_S < 70 / 25

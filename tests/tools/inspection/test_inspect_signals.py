"""The measurements of inspect, on synthetic data with known results."""

import warnings

import numpy as np
import pytest

from reactface_node.schema import ROTATION, indices_of
from reactface_node.tools.inspection.face import blinks, examine_face, longest_without, openness
from reactface_node.tools.inspection.hearing import Hearing, levels_db
from reactface_node.tools.inspection.record import ImageLog, StreamLog
from reactface_node.tools.inspection.signals import (
    examine_pace,
    examine_stamps,
    mean_level_db,
    noise_floor_db,
    still_jitter,
    voice_activity,
)

RATE_HZ = 16000


def even(count, rate_hz=25.0, start_s=1000.0):
    return start_s + np.arange(count) / rate_hz


def test_stamps_of_a_good_stream():
    stamps = even(100)
    found = examine_stamps(stamps, stamps + 0.03, 0 * stamps)
    problems = (found.unstamped, found.zero, found.unmoved, found.duplicates, found.backwards)
    assert problems == (0, 0, 0, 0, 0)
    assert found.offset_s == found.offset_changes == 0
    assert found.jitter_ms == pytest.approx(0.0, abs=1e-6)
    assert found.delay_p50_ms == pytest.approx(30.0) and found.delay_p99_ms == pytest.approx(30.0)


def test_stamps_with_every_fault():
    arrivals = even(20)
    stamps = arrivals - 0.01
    stamps[1] = np.nan
    stamps[2] = 0.0
    stamps[3] += 3600.0
    offsets = np.where(np.arange(20) == 3, np.nan, 0.0)
    stamps[6] = stamps[5]
    stamps[10], stamps[11] = stamps[11], stamps[10]
    found = examine_stamps(stamps, arrivals, offsets)
    assert (found.unstamped, found.zero, found.unmoved) == (1, 1, 1)
    assert found.duplicates == 1
    assert found.backwards == 2  # after the one of an hour later, and the two that changed places


def test_a_video_file_has_no_recorder_and_may_begin_at_zero():
    stamps = even(50, start_s=0.0)
    found = examine_stamps(stamps, np.full(50, np.nan), np.zeros(50))
    assert (found.zero, found.unmoved, found.delay_p50_ms) == (0, 0, None)


def test_an_offset_is_taken_off_before_the_delay_is_told():
    stamps = even(100)
    offsets = np.where(np.arange(100) < 60, 3.0, 1.5)
    found = examine_stamps(stamps, stamps + offsets + 0.02, offsets)
    assert found.offset_s == 3.0 and found.offset_changes == 1
    assert found.delay_p50_ms == pytest.approx(20.0) and found.delay_p99_ms == pytest.approx(20.0)


def test_jitter_of_intervals():
    stamps = even(101)
    stamps[1::2] += 0.005
    assert examine_stamps(stamps, stamps, 0 * stamps).jitter_ms == pytest.approx(5.0, abs=1e-6)
    rng = np.random.default_rng(0)
    stamps = even(4000) + 0.004 * rng.standard_normal(4000)
    # The interval's deviation is sqrt(2) times the stamp's; p95 of a normal's size is 1.96.
    expected = 1000 * 0.004 * np.sqrt(2) * 1.96
    assert examine_stamps(stamps, stamps, 0 * stamps).jitter_ms == pytest.approx(expected, rel=0.05)


def test_missing_images_are_no_jitter():
    stamps = np.delete(even(200), [20, 50, 51, 90, 91, 92, *range(100, 180, 4)])
    assert examine_stamps(stamps, stamps, 0 * stamps).jitter_ms == pytest.approx(0.0, abs=1e-6)


def test_sound_is_due_after_its_length_and_received_after_its_end():
    lengths = np.tile([0.02, 0.04], 50)
    stamps = 5.0 + np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    found = examine_stamps(stamps, stamps + lengths + 0.007, 0 * stamps, lengths)
    assert found.jitter_ms == pytest.approx(0.0, abs=1e-6)
    assert found.delay_p50_ms == pytest.approx(7.0)


def test_pace_finds_the_gap():
    times = np.delete(even(100, 20.0, 0.0), slice(40, 50))
    pace = examine_pace(times)
    assert pace.rate_hz == pytest.approx(20.0)
    assert pace.longest_s == pytest.approx(0.55) and pace.longest_at_s == pytest.approx(1.95)
    assert pace.gaps == 1
    assert examine_pace(np.array([1.0])).rate_hz is None


def test_levels_in_dbfs():
    time = np.arange(RATE_HZ) / RATE_HZ
    sine = np.sin(2 * np.pi * 400 * time)

    def frames(signal):
        return signal.reshape(-1, 160)

    np.testing.assert_allclose(levels_db(frames(sine)), -3.01, atol=0.01)
    np.testing.assert_allclose(levels_db(frames(0.1 * sine + 0.5)), -23.01, atol=0.01)
    np.testing.assert_array_equal(levels_db(frames(np.full(RATE_HZ, 0.5))), -100.0)
    assert mean_level_db(np.array([-20.0, -20.0])) == pytest.approx(-20.0)
    assert mean_level_db(np.zeros(0)) is None


@pytest.mark.parametrize("kind", [np.int16, np.float32, np.uint8])
def test_hearing_counts_clipping_and_zeros(kind):
    signal = np.zeros(16000)
    signal[:1600] = np.where(np.arange(1600) % 2, 1.0, -1.0)
    scale, centre = {np.int16: (32767, 0), np.float32: (1.0, 0), np.uint8: (127, 128)}[kind]
    hearing = Hearing(0.08)
    for start in range(0, 16000, 640):
        piece = (signal[start : start + 640] * scale + centre).astype(kind)
        hearing.push(start / RATE_HZ, np.stack([piece, piece], axis=1), RATE_HZ)
    assert hearing.samples == 32000
    assert hearing.clipped == 3200
    assert hearing.zeros == 32000 - 3200


def test_hearing_places_sound_and_leaves_gaps_out():
    hearing = Hearing(0.08)
    tone = 0.5 * np.sin(2 * np.pi * 500 * np.arange(RATE_HZ) / RATE_HZ)
    for start_s in (0.0, 3.0):
        for part in range(25):
            piece = tone[640 * part : 640 * (part + 1)].astype(np.float32)
            hearing.push(start_s + part / 25, piece, RATE_HZ)
    frames, levels = hearing.levels()
    assert hearing.stats.audio_gaps == 1
    assert len(frames) == pytest.approx(200, abs=4)
    assert not ((frames > 102) & (frames < 298)).any()
    assert np.median(levels) == pytest.approx(-9.03, abs=0.1)
    with pytest.raises(ValueError, match="rate of 1 Hz"):
        hearing.push(5.0, tone, 1)


def test_voice_is_what_stands_out_of_the_floor_for_long_enough():
    levels = np.full(1000, -60.0)
    levels[100:300] = -30.0
    levels[180:195] = -60.0  # a break of 150 ms is filled
    levels[600:605] = -10.0  # a click is dropped
    voiced = voice_activity(np.arange(1000), levels)
    np.testing.assert_array_equal(np.flatnonzero(voiced), np.arange(100, 300))
    assert noise_floor_db(levels) == -60.0


@pytest.mark.parametrize("level", [-100.0, -40.0])
def test_silence_and_even_noise_have_no_voice(level):
    levels = level + np.random.default_rng(0).standard_normal(1000)
    assert not voice_activity(np.arange(1000), levels).any()
    assert not voice_activity(np.zeros(0, int), np.zeros(0)).any()


def test_trembling_is_measured_where_it_is_still():
    rng = np.random.default_rng(0)
    time = np.arange(2000) / 25
    moving = np.where((time > 10) & (time < 60), 15 * np.sin(2 * np.pi * 1.5 * time), 0.0)
    track = (3.0 + moving + 0.2 * rng.standard_normal(2000))[:, None]
    assert still_jitter(track, np.ones(2000, bool)) == pytest.approx(0.2, rel=0.1)
    assert still_jitter(np.full((50, 2), 0.4), np.ones(50, bool)) == 0.0
    assert still_jitter(np.zeros((50, 2)), np.ones(50, bool)) == 0.0
    assert still_jitter(track[:5], np.ones(5, bool)) is None
    assert still_jitter(track, np.arange(2000) % 5 > 0) is None  # never 11 on end


def test_blinks_are_short():
    lids = np.zeros(250)
    lids[50:54], lids[100:104], lids[150:200] = 0.9, 0.45, 1.0
    lids[240:] = 1.0
    np.testing.assert_allclose(blinks(np.arange(250) / 25, lids), [2.0])


def test_longest_time_without_a_face():
    times = np.arange(100) / 25
    found = np.ones(100, bool)
    assert longest_without(times, found, 4.0) == 0.0
    found[50:60] = False
    assert longest_without(times, found, 4.0) == pytest.approx(11 / 25)
    found[80:] = False
    assert longest_without(times, found, 4.0) == pytest.approx(4.0 - 79 / 25)
    assert longest_without(times, np.zeros(100, bool), 4.0) == pytest.approx(4.0)


def image_log(coefficients, found):
    times = np.arange(len(found)) / 25
    size = np.where(found, 200.0, np.nan)
    stream = StreamLog(times, times, 0 * times, times)
    return ImageLog(
        stream,
        {},
        times,
        coefficients,
        np.ones(58, bool),
        found,
        size,
        size / 2,
        np.full(len(found), 120.0),
        1,
        1,
        {"dark": 45, "blurred": 9},
    )


def test_the_face_report():
    coefficients = np.zeros((500, 58), np.float32)
    found = np.ones(500, bool)
    found[100:150] = False
    coefficients[:, ROTATION] = np.radians([5.0, -20.0, 0.0])
    coefficients[200:300, indices_of("jawOpen")] = 0.6
    coefficients[400:403, indices_of("eyeBlink")] = 1.0
    coefficients[~found] = 0.0
    face = examine_face(image_log(coefficients, found), 20.0)
    assert face.found == pytest.approx(0.9)
    assert face.longest_without_s == pytest.approx(51 / 25)
    assert (face.px, face.tracked_px, face.brightness) == (200.0, 100.0, 120.0)
    assert face.doubts == {"blurred": pytest.approx(0.02), "dark": pytest.approx(0.1)}
    assert face.pitch_deg == pytest.approx((5.0, 5.0)) and face.yaw_deg[0] == pytest.approx(-20.0)
    assert face.blinks == 1 and face.blinks_per_min == pytest.approx(60 / 18)
    assert face.mouth_open == pytest.approx(100 / 450)
    assert face.head_jitter_deg == pytest.approx(0.0, abs=1e-4)


def test_no_face_at_all_is_no_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        face = examine_face(image_log(np.zeros((50, 58)), np.zeros(50, bool)), 2.0)
    assert (face.found, face.blinks, face.px, face.pitch_deg, face.mouth_open) == (
        0.0,
        0,
        None,
        None,
        None,
    )


def test_openness_is_the_jaw_and_the_parted_lips():
    face = np.zeros((1, 58))
    face[0, indices_of("jawOpen")] = 0.5
    face[0, indices_of("mouthUpperUp")] = 0.4
    assert openness(face)[0] == pytest.approx(0.5 + 0.2)

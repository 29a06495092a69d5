"""The sample clock, the resampling and the conversion to mono."""

import numpy as np
import pytest

from reactface_node.media.audio import (
    AudioStats,
    AudioTrack,
    float_to_int16,
    integers_to_float,
    to_mono,
)

RATES = (8000, 16000, 44100, 48000)


def heard(chunks, gap_s=0.08, seconds=2.0):
    """Push (time_s, mono, rate_hz) chunks; the grid's first ``seconds``, mask and statistics."""
    stats = AudioStats()
    track = AudioTrack(gap_s, stats)
    for time_s, mono, rate_hz in chunks:
        track.push(time_s, np.asarray(mono, np.float32), rate_hz)
    track.flush()
    audio, mask = track.take(0, round(seconds * 16000))
    return audio, mask, stats


def split(signal, rate_hz, chunk, start_s=0.0):
    return [
        (start_s + i / rate_hz, signal[i : i + chunk], rate_hz)
        for i in range(0, len(signal), chunk)
    ]


def sine(rate_hz, frequency_hz=440.0, seconds=2.0):
    return 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate_hz)) / rate_hz)


@pytest.mark.parametrize("rate_hz", RATES)
def test_sine_keeps_amplitude_frequency_and_phase(rate_hz):
    audio, mask, _ = heard(split(sine(rate_hz), rate_hz, rate_hz // 100))
    assert mask.all()
    inside = slice(1600, -1600)
    np.testing.assert_allclose(audio[inside], sine(16000)[inside], atol=2e-3)


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("click_s", [0.5, 1.2345])
def test_click_lands_where_its_stamp_says(rate_hz, click_s):
    signal = np.zeros(2 * rate_hz)
    signal[round(click_s * rate_hz)] = 0.9
    audio, _, _ = heard(split(signal, rate_hz, 480))
    assert abs(np.argmax(np.abs(audio)) / 16000 - click_s) < 0.2e-3


@pytest.mark.parametrize("rate_hz", RATES)
def test_chunk_size_changes_nothing(rate_hz):
    signal = np.random.default_rng(0).uniform(-0.5, 0.5, rate_hz)
    reference, _, _ = heard(split(signal, rate_hz, rate_hz))
    for chunk in (97, 480, 4096):
        np.testing.assert_array_equal(heard(split(signal, rate_hz, chunk))[0], reference)


def test_what_16_khz_cannot_hold_does_not_alias():
    audio, _, _ = heard(split(sine(48000, 11000.0), 48000, 480))
    assert np.abs(audio[1600:-1600]).max() < 1e-4


def test_low_latency_at_usual_rates():
    for rate_hz in (44100, 48000):
        track = AudioTrack(0.08, AudioStats())
        for time_s, mono, _ in split(sine(rate_hz), rate_hz, rate_hz // 100):
            track.push(time_s, mono.astype(np.float32), rate_hz)
        assert 2.0 - track.reached / 16000 < 0.025


def test_jittering_stamps_do_not_move_samples():
    jitter = np.random.default_rng(1).uniform(-0.03, 0.03, 200)
    jitter[0] = 0.0
    chunks = split(sine(16000), 16000, 160)
    moved = [(t + j, x, r) for (t, x, r), j in zip(chunks, jitter, strict=True)]
    audio, mask, stats = heard(moved)
    np.testing.assert_array_equal(audio, sine(16000).astype(np.float32))
    assert mask.all()
    assert stats.audio_gaps == stats.audio_overlaps == stats.reanchors == 0


def test_gap_is_silent_masked_and_counted():
    chunks = [c for c in split(sine(48000), 48000, 480) if not 0.495 < c[0] < 0.695]
    audio, mask, stats = heard(chunks)
    assert not mask[8000:11200].any()
    assert not audio[8000:11200].any()
    assert mask[:8000].all()
    assert mask[11200:].all()
    np.testing.assert_allclose(audio[12000:31000], sine(16000)[12000:31000], atol=2e-3)
    assert (stats.audio_gaps, stats.audio_overlaps, stats.reanchors) == (1, 0, 0)


def test_overlap_is_trimmed_and_counted():
    signal = sine(16000)
    audio, mask, stats = heard([(0.0, signal[:16000], 16000), (0.75, signal[12000:], 16000)])
    np.testing.assert_array_equal(audio, signal.astype(np.float32))
    assert mask.all()
    assert (stats.audio_overlaps, stats.overlapping_samples) == (1, 4000)


@pytest.mark.parametrize("chunk", [160, 3200])
def test_duplicates_are_heard_once(chunk):
    chunks = split(sine(16000), 16000, chunk)
    twice = [*chunks[:5], chunks[4], chunks[3], *chunks[5:]]
    audio, mask, stats = heard(twice)
    np.testing.assert_array_equal(audio, sine(16000).astype(np.float32))
    assert mask.all()
    assert stats.audio_duplicates == 2
    assert stats.audio_gaps == stats.audio_overlaps == 0


def test_digital_silence_under_a_coarse_clock_is_no_duplicate():
    chunks = [(i // 2 * 0.02, np.zeros(160), 16000) for i in range(200)]
    _, mask, stats = heard(chunks)
    assert mask.all()
    assert stats.audio_duplicates == 0


@pytest.mark.parametrize("true_rate_hz", [16003, 15997, 16100, 15900])
def test_drift_stays_within_the_gap_and_is_no_gap(true_rate_hz):
    gap_s, track_stats = 0.02, AudioStats()
    track = AudioTrack(gap_s, track_stats)
    for i in range(0, 60 * true_rate_hz, 1600):
        track.push(i / true_rate_hz, np.full(1600, 0.1, np.float32), 16000)
        assert abs(track.clock_s - (i + 1600) / true_rate_hz) <= gap_s + 1e-3
    drift_s = 60 * abs(true_rate_hz / 16000 - 1)
    assert track_stats.reanchors == pytest.approx(
        drift_s / gap_s, abs=max(1, 0.25 * drift_s / gap_s)
    )
    assert track_stats.audio_gaps == track_stats.audio_overlaps == 0


def test_small_chunks_under_drift_are_anchored_back_onto_their_stamps():
    stats = AudioStats()
    track = AudioTrack(0.08, stats)
    strays = []
    for i in range(0, 40 * 16100, 160):
        track.push(i / 16100, np.full(160, 0.1, np.float32), 16000)
        strays.append(track.clock_s - (i + 160) / 16100)
    assert max(strays) < 0.082
    assert stats.reanchors == 3
    assert stats.overlapping_samples == pytest.approx(3 * 0.08 * 16000, rel=0.03)


def test_change_of_rate_continues_in_time():
    first, second = sine(48000)[:48000], sine(44100)[44100:]
    audio, mask, stats = heard(split(first, 48000, 480) + split(second, 44100, 441, 1.0))
    assert np.count_nonzero(~mask) <= 1
    good = np.r_[1600:15900, 16100:30400]
    np.testing.assert_allclose(audio[good], sine(16000)[good], atol=2e-3)
    assert stats.audio_gaps == stats.audio_overlaps == stats.reanchors == 0


@pytest.mark.parametrize(
    ("dtype", "scale", "centre"),
    [
        ("int8", 128, 0),
        ("int16", 2**15, 0),
        ("int32", 2**31, 0),
        ("uint8", 128, 128),
        (">i2", 2**15, 0),
        ("float32", 1, 0),
        ("float64", 1, 0),
    ],
)
def test_sample_formats_are_scaled_to_one(dtype, scale, centre):
    wanted = np.array([-1.0, -0.5, 0.0, 0.25, 0.5])
    mono = to_mono((wanted * scale + centre).astype(dtype), AudioStats())
    assert mono.dtype == np.float32
    np.testing.assert_allclose(mono, wanted, atol=1e-6)


def test_stereo_is_averaged_and_the_input_is_left_alone():
    stereo = np.array([[1000, 3000], [-32768, 32767]], np.int16)
    before = stereo.copy()
    np.testing.assert_allclose(to_mono(stereo, AudioStats()), [2000 / 32768, -0.5 / 32768])
    np.testing.assert_array_equal(stereo, before)
    mono = np.zeros(4, np.float32)
    assert not np.shares_memory(to_mono(mono, AudioStats()), mono)


def test_nan_and_clipped_samples_are_counted():
    stats = AudioStats()
    mono = to_mono(np.array([np.nan, np.inf, -np.inf, 1.5, -7.0, 1.0, 1e300]), stats)
    np.testing.assert_array_equal(mono, [0, 0, 0, 1, -1, 1, 1])
    assert (stats.nonfinite_samples, stats.clipped_samples) == (3, 3)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((2, 2, 2), np.float32),
        np.float32(1),
        np.zeros((3, 0), np.int16),
        np.zeros(4, np.int64),
        np.zeros(4, bool),
        np.zeros(4, complex),
        np.array(["a"]),
    ],
)
def test_other_shapes_and_dtypes_are_refused(samples):
    with pytest.raises(ValueError, match="audio must"):
        to_mono(samples, AudioStats())


def test_every_int16_comes_back_and_what_is_louder_is_clipped():
    every = np.arange(-(2**15), 2**15).astype(np.int16)
    samples = integers_to_float(every)
    assert samples.dtype == np.float32 and samples[[0, -1]].tolist() == [-1.0, 32767 / 32768]
    np.testing.assert_array_equal(float_to_int16(samples), every)
    found = float_to_int16(np.array([-1.5, -1.0, 0.6 / 32768, 1.0, 1.5]))
    assert found.tolist() == [-32768, -32768, 1, 32767, 32767] and found.dtype == np.int16
    with pytest.raises(ValueError, match="not uint16"):
        integers_to_float(np.zeros(3, np.uint16))

"""rPCC and windowed time-lagged cross-correlation against values worked out by hand."""

import math

import numpy as np
import pytest

from reactface_node.research.evaluation.coupling import (
    LAG,
    STEP,
    WINDOW,
    head_speed,
    pearson,
    residual_correlation,
    smile,
    windowed_correlation,
    windowed_peaks,
)
from reactface_node.schema import ROTATION, indices_of


def test_pearson_is_of_all_frames_and_dimensions_together():
    one = np.array([[1.0, 2.0], [3.0, 4.0]])
    other = np.array([[2.0, 1.0], [4.0, 3.0]])
    # Flat: 1 2 3 4 and 2 1 4 3: covariance 0.75, variance 1.25.
    assert pearson(one, other) == pytest.approx(0.6)
    assert math.isnan(pearson(one, np.ones((2, 2))))


def test_rpcc_is_the_difference_of_the_correlations_with_the_speaker():
    speaker = np.array([[0.0], [1.0], [0.0], [1.0]])
    real, made = speaker, np.array([[0.0], [1.0], [1.0], [0.0]])
    assert residual_correlation(made, real, speaker) == pytest.approx(1.0)
    assert residual_correlation(-real, real, speaker) == pytest.approx(2.0)
    assert residual_correlation(real, real, speaker) == 0.0
    assert math.isnan(residual_correlation(np.zeros((4, 1)), real, speaker))


def course(frames=400, seed=0):
    noise = np.random.default_rng(seed).standard_normal(frames + 40)
    return np.convolve(noise, np.hanning(41), "valid")[:frames]


def test_every_window_is_pearsons_with_the_speakers_earlier_window():
    speaker, listener = course(seed=1), course(seed=2)
    found = windowed_correlation(listener[None], speaker)
    assert found.shape == (1, (400 - WINDOW - 2 * LAG) // STEP + 1, 2 * LAG + 1)
    start, lag = LAG + 3 * STEP, 17
    ours, theirs = listener[start : start + WINDOW], speaker[start - lag : start - lag + WINDOW]
    assert found[0, 3, LAG + lag] == pytest.approx(np.corrcoef(ours, theirs)[0, 1])
    theirs = speaker[start + lag : start + lag + WINDOW]
    assert found[0, 3, LAG - lag] == pytest.approx(np.corrcoef(ours, theirs)[0, 1])


@pytest.mark.parametrize("frames", [0, 15, -10])
def test_the_peak_is_the_lag_of_who_follows(frames):
    speaker = course()
    height, lag_s = windowed_peaks(np.roll(speaker, frames)[None], speaker).means()
    assert lag_s == pytest.approx(frames / 25) and height == pytest.approx(1.0)


def test_the_peak_that_is_nearest_to_no_lag_counts_even_if_another_is_higher():
    """A beat of 1 s that follows 0.2 s later: all beats are peaks, at 0.2 s, 1.2 s, -0.8 s..."""
    t = np.arange(400)
    speaker = np.sin(2 * np.pi * t / 25)
    peaks = windowed_peaks(np.roll(speaker, 5)[None], speaker)
    np.testing.assert_allclose(peaks.lag_s, 0.2)


def test_windows_without_motion_and_short_courses_have_no_peak():
    speaker = course()
    assert math.isnan(windowed_peaks(np.zeros((1, 400)), speaker).means()[0])
    assert math.isnan(windowed_peaks(speaker[None], np.zeros(400)).means()[1])
    short = speaker[: WINDOW + 2 * LAG - 1]
    assert windowed_correlation(short[None], short).shape == (1, 0, 2 * LAG + 1)
    assert len(windowed_peaks(short[None], short).height) == 0
    half = speaker.copy()
    half[200:] = 0.0
    assert (
        0
        < len(windowed_peaks(half[None], half).height)
        < len(windowed_peaks(speaker[None], speaker).height)
    )


def test_the_courses_are_turning_speed_and_the_mean_of_both_sides():
    face = np.zeros((3, 58))
    face[1, ROTATION], face[2, ROTATION] = (0.03, 0.04, 0.0), (0.03, 0.04, 0.0)
    np.testing.assert_allclose(head_speed(face), [0.05 * 25, 0.0])
    left, right = indices_of("mouthSmile")
    face[0, left], face[0, right] = 0.2, 0.6
    np.testing.assert_allclose(smile(face), [0.4, 0.0, 0.0])

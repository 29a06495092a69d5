"""The offset between camera and microphone, on synthetic speech shifted by known amounts."""

import numpy as np
import pytest

from reactface_node.tools.inspection.offset import MOUTH_LEAD_S, WEAK, estimate_offset

SECONDS = 30
LEVELS = 100 * SECONDS


def syllables(seed=0):
    """(3000,) at 100 Hz, 0..1: phrases of irregular syllables and pauses between them."""
    rng = np.random.default_rng(seed)
    made = np.zeros(LEVELS)
    at = 50.0
    while at < LEVELS - 40:
        if rng.random() < 0.12:
            at += rng.uniform(40, 120)
        width = rng.uniform(5, 12)
        place = np.arange(LEVELS) - at
        made = np.maximum(made, rng.uniform(0.4, 1.0) * np.exp(-0.5 * (place / width) ** 2))
        at += rng.uniform(15, 35)
    return made


def mouth_at(times_s, speech, noise=0.1, seed=1):
    """The mouth moves ``MOUTH_LEAD_S`` before the speech, and with noise."""
    opened = np.interp(times_s + MOUTH_LEAD_S, (np.arange(LEVELS) + 0.5) / 100, speech)
    return 0.5 * opened + noise * np.random.default_rng(seed).standard_normal(len(times_s))


def heard(speech, stamped_late_s=0.0):
    """Levels in dBFS of that speech with the microphone's stamps so much too late."""
    levels = -70.0 + 50.0 * speech + np.random.default_rng(2).standard_normal(LEVELS)
    frames = np.arange(LEVELS) + round(100 * (5.0 + stamped_late_s))
    return frames, levels


@pytest.mark.parametrize("rate_hz", [15.0, 25.0, 30.0])
@pytest.mark.parametrize("late_s", [-0.5, -0.2, -0.05, 0.0, 0.1, 0.33, 0.5])
def test_the_offset_is_found_on_either_side(rate_hz, late_s):
    times = np.arange(0, SECONDS, 1 / rate_hz)
    speech = syllables()
    found = estimate_offset(5.0 + times, mouth_at(times, speech), *heard(speech, late_s))
    # What is added to stamps that are late is negative.
    assert found.offset_s == pytest.approx(-late_s, abs=0.04)
    assert found.why == "" and found.score > 4 and 0.15 < found.correlation < 1
    assert found.lags_s[found.curve.argmax()] == pytest.approx(found.lag_s, abs=0.04)


def test_the_trackers_delay_is_taken_off():
    times = np.arange(0, SECONDS, 0.04)
    speech = syllables()
    mouth = mouth_at(times - 0.06, speech)
    found = estimate_offset(5.0 + times, mouth, *heard(speech), tracker_delay_s=0.06)
    assert found.offset_s == pytest.approx(0.0, abs=0.04)


def test_holes_in_both_do_no_harm():
    times = np.arange(0, SECONDS, 0.04)
    speech = syllables()
    frames, levels = heard(speech, 0.2)
    keep = (np.arange(len(times)) % 200) < 160
    hear = (np.arange(LEVELS) % 700) < 600
    mouth = mouth_at(times, speech)
    found = estimate_offset(5.0 + times[keep], mouth[keep], frames[hear], levels[hear])
    assert found.offset_s == pytest.approx(-0.2, abs=0.04)


def still(times):
    return np.full(len(times), 0.3)


def wandering(times):
    return np.random.default_rng(3).random(len(times))


@pytest.mark.parametrize("mouth", [still, wandering])
def test_a_mouth_that_does_not_speak_tells_nothing(mouth):
    times = np.arange(0, SECONDS, 0.04)
    found = estimate_offset(5.0 + times, mouth(times), *heard(syllables()))
    assert found.offset_s is None and found.why == WEAK


@pytest.mark.parametrize("seed", range(5))
def test_somebody_elses_voice_tells_nothing(seed):
    times = np.arange(0, SECONDS, 0.04)
    mouth = mouth_at(times, syllables(100 + seed))
    assert estimate_offset(5.0 + times, mouth, *heard(syllables(seed))).offset_s is None


@pytest.mark.parametrize("level", [0.0, 0.02])
def test_silence_tells_nothing(level):
    times = np.arange(0, SECONDS, 0.04)
    quiet = level * np.random.default_rng(4).random(LEVELS)
    found = estimate_offset(5.0 + times, mouth_at(times, syllables()), *heard(quiet))
    assert found.offset_s is None and found.why == WEAK


def test_an_offset_beyond_the_search_is_not_guessed():
    times = np.arange(0, SECONDS, 0.04)
    speech = syllables()
    found = estimate_offset(5.0 + times, mouth_at(times, speech), *heard(speech, 1.2))
    assert found.offset_s is None


@pytest.mark.parametrize("count", [0, 1, 30])
def test_too_little_is_said(count):
    times = np.arange(count) / 25
    frames, levels = heard(syllables())
    assert estimate_offset(5 + times, np.zeros(count), frames, levels).why == WEAK
    whole = np.arange(0, SECONDS, 0.04)
    few = estimate_offset(5 + whole, still(whole), frames[:count], levels[:count])
    assert few.why == WEAK

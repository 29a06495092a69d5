"""Recordings: speech stands out of its noise; level, noise and channel vary."""

import numpy as np

from reactface_node.research.data.room import record
from reactface_node.research.data.script import Phrase, Script
from reactface_node.research.data.source_filter import SyntheticVoice
from reactface_node.research.data.voice import Voice

SCRIPT = Script(6.0, (Phrase(0.5, 2.5), Phrase(3.5, 5.5)), ())


def clean() -> np.ndarray:
    voice = Voice(SyntheticVoice(120.0, 1.0, 0.03, 0.6, 1500.0, 5.0))
    return voice.speak(np.random.default_rng(0), SCRIPT).sound


def level_db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(samples**2)) + 1e-9))


def recordings(count: int) -> list[np.ndarray]:
    voice = clean()
    return [record(np.random.default_rng(seed), voice) for seed in range(count)]


def test_speech_stands_out_of_its_noise_in_most_recordings():
    stands = [level_db(x[9000:39000]) - level_db(x[47000:55000]) for x in recordings(40)]
    assert np.median(stands) > 10
    assert np.mean(np.array(stands) > 3) > 0.9


def test_recordings_stay_in_range_and_differ_in_level():
    made = recordings(40)
    assert all(x.dtype == np.float32 and len(x) == 96000 and np.abs(x).max() <= 1 for x in made)
    assert np.std([level_db(x) for x in made]) > 3


def test_some_are_clean_some_are_calls_and_some_clip():
    made = recordings(80)
    pauses = np.array([level_db(x[47000:55000]) - level_db(x[9000:39000]) for x in made])
    assert 0.03 < np.mean(pauses < -70) < 0.3
    spectra = np.array([np.abs(np.fft.rfft(x)) ** 2 for x in made])
    fundamental = spectra[:, 6 * 90 : 6 * 200].sum(axis=1) / spectra.sum(axis=1)
    assert 0.01 < np.mean(fundamental < 0.1 * np.median(fundamental)) < 0.3
    assert 0.01 < np.mean([np.abs(x).max() == 1 for x in made]) < 0.2


def test_the_same_seed_gives_the_same_recording():
    voice = clean()
    one, again = (record(np.random.default_rng(5), voice) for _ in range(2))
    assert one.tobytes() == again.tobytes()


def test_a_silent_clip_has_noise_alone():
    x = record(np.random.default_rng(3), np.zeros(96000, np.float32))
    assert np.isfinite(x).all() and level_db(x) < -30

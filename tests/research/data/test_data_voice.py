"""The voice: present during speech, in time with the mouth, and reproducible."""

import numpy as np
import pytest

from reactface_node.research.data.script import Phrase, Script
from reactface_node.research.data.speech import Speech, articulate
from reactface_node.research.data.synthetic import make_dyad
from reactface_node.research.data.voice import SyntheticVoice, draw_voice, record, synthesise
from reactface_node.schema import index_of

VOICE = SyntheticVoice(120.0, 1.0, 0.03, 0.6, 1500.0, 5.0)


def spoken(seed: int = 3) -> Speech:
    script = Script(8.0, (Phrase(1.0, 3.5), Phrase(4.5, 7.0, rises=True)), ())
    return articulate(np.random.default_rng(seed), script, VOICE.f0_hz, VOICE.syllables_per_s)


def level_db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(samples**2)) + 1e-9))


@pytest.mark.parametrize("rate_hz", [16000, 48000])
def test_sound_is_present_in_speech_and_absent_in_pauses(rate_hz: int):
    sound = synthesise(np.random.default_rng(0), spoken(), VOICE, rate_hz)
    assert sound.shape == (8 * rate_hz,) and sound.dtype == np.float32
    assert level_db(sound[rate_hz : int(3.5 * rate_hz)]) == pytest.approx(-20, abs=2)
    assert level_db(sound[int(3.8 * rate_hz) : int(4.3 * rate_hz)]) < -60


def test_recorded_speech_stands_out_of_its_noise():
    rng = np.random.default_rng(4)
    for _ in range(8):
        dyad = make_dyad(rng, 10.0, 1)
        frames = dyad.audio.reshape(-1, 640)
        speaking = dyad.events.speaking
        assert level_db(frames[speaking]) > level_db(frames[~speaking]) + 5


def test_recordings_differ_in_level_and_noise():
    clean = synthesise(np.random.default_rng(0), spoken(), VOICE)
    levels = [level_db(record(np.random.default_rng(seed), clean)) for seed in range(12)]
    assert np.std(levels) > 3


def test_the_jaw_moves_with_the_loudness():
    rng = np.random.default_rng(6)
    scores = []
    for _ in range(6):
        dyad = make_dyad(rng, 15.0, 1)
        loudness = np.sqrt((dyad.audio.reshape(-1, 640) ** 2).mean(axis=1))
        scores.append(np.corrcoef(loudness, dyad.speaker[:, index_of("jawOpen")])[0, 1])
    assert np.mean(scores) > 0.5


def test_the_sound_has_the_pitch_that_was_asked_for():
    script = Script(4.0, (Phrase(0.5, 3.5),), ())
    speech = articulate(np.random.default_rng(1), script, VOICE.f0_hz, 5.0)
    sound = synthesise(np.random.default_rng(0), speech, VOICE)
    vowel = int(np.argmax(speech.voice[:300]))
    piece = sound[vowel * 160 - 400 : vowel * 160 + 400]
    echo = np.correlate(piece, piece, "full")[799:]
    low, high = int(16000 / 400), int(16000 / 60)
    lag = low + int(np.argmax(echo[low:high]))
    assert 16000 / lag == pytest.approx(speech.f0_hz[vowel], rel=0.08)


def test_phrases_fall_at_their_end_unless_they_go_on():
    speech = spoken()
    falling, rising = speech.f0_hz[330:349], speech.f0_hz[680:699]
    assert falling[-1] < 0.9 * falling[0]
    assert rising[-1] > 1.1 * rising[0]


def test_voices_vary_within_the_human_range():
    rng = np.random.default_rng(0)
    pitches = np.array([draw_voice(rng).f0_hz for _ in range(200)])
    assert pitches.min() >= 80 and pitches.max() <= 260
    assert pitches.max() / pitches.min() > 2.5

"""The voice: words at exactly the times of the script, pitch as asked, feelings that are heard."""

from dataclasses import replace
from importlib.util import find_spec
from itertools import chain

import numpy as np
import pytest

from reactface_node.research.data import texts, vocal_events
from reactface_node.research.data.phonemes import VISEME_NAMES
from reactface_node.research.data.readers import readers
from reactface_node.research.data.script import (
    ANGER,
    CRY,
    FROWN,
    GRIMACE,
    LAUGH,
    Episode,
    Phrase,
    Script,
)
from reactface_node.research.data.source_filter import SyntheticVoice
from reactface_node.research.data.voice import Spoken, Voice, draw_voice

needs_voices = pytest.mark.skipif(
    find_spec("hibari") is None, reason="the extra voices is not installed"
)
HIBARI = pytest.param("hibari", marks=needs_voices)
LOW = SyntheticVoice(105.0, 0.97, 0.03, 0.6, 1500.0, 5.0)
HIGH = SyntheticVoice(215.0, 1.17, 0.03, 0.6, 1500.0, 5.0)
SCRIPT = Script(8.0, (Phrase(1.0, 3.5), Phrase(4.137, 4.611), Phrase(5.0, 7.513, rises=True)), ())
JAW = VISEME_NAMES.index("jawOpen")

every_reader = pytest.mark.parametrize("reader", [None, HIBARI])


def speak(reader: str | None, script: Script = SCRIPT, tract=LOW, seed: int = 3) -> Spoken:
    return Voice(tract, reader).speak(np.random.default_rng(seed), script)


def level_db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(samples**2)) + 1e-9))


def pitch_errors(spoken: Spoken) -> np.ndarray:
    """The pitch of 50 ms pieces that repeat themselves, by autocorrelation, over the one named."""
    found = []
    for index, piece in enumerate(spoken.sound.reshape(-1, 800)):
        echo = np.fft.irfft(np.abs(np.fft.rfft(piece, 2048)) ** 2)
        lag = 40 + int(np.argmax(echo[40:250]))
        named = spoken.f0_hz[5 * index : 5 * index + 5].mean()
        if echo[lag] > 0.6 * echo[0] > 0.6 and named > 0:
            found.append(16000 / lag / named)
    assert len(found) > 20
    return np.array(found)


@every_reader
def test_the_words_fill_the_phrases_and_nothing_else(reader):
    spoken = speak(reader)
    assert spoken.sound.shape == (8 * 16000,) and spoken.sound.dtype == np.float32
    assert spoken.visemes.shape == (200, 9) and spoken.f0_hz.shape == (800,)
    inside = np.zeros(len(spoken.sound), bool)
    for phrase in SCRIPT.phrases:
        inside[round(phrase.start_s * 16000) : round(phrase.end_s * 16000)] = True
        first = spoken.sound[round(phrase.start_s * 16000) :][:1600]
        last = spoken.sound[: round(phrase.end_s * 16000)][-1600:]
        assert min(level_db(first), level_db(last)) > -55
    assert level_db(spoken.sound[inside]) == pytest.approx(-20, abs=1.5)
    assert level_db(spoken.sound[~inside]) < -60
    assert np.array_equal(spoken.active, spoken.f0_hz > 0)
    assert spoken.speaking.sum() == pytest.approx(25 * (2.5 + 0.474 + 2.513), abs=2)


@every_reader
def test_low_and_high_voices_have_the_pitch_that_was_asked_for(reader):
    for tract in (LOW, HIGH):
        spoken = speak(reader, Script(6.0, (Phrase(0.5, 5.5),), ()), tract)
        said = spoken.f0_hz[spoken.f0_hz > 0]
        assert np.median(said) == pytest.approx(tract.f0_hz, rel=0.2)
        assert np.median(np.abs(np.log2(pitch_errors(spoken)))) < 0.06


@every_reader
def test_the_jaw_moves_with_the_loudness(reader):
    scores = []
    for seed in range(6):
        spoken = speak(reader, seed=seed)
        loudness = np.sqrt((spoken.sound.reshape(-1, 640) ** 2).mean(axis=1))
        scores.append(np.corrcoef(loudness, spoken.visemes[:, JAW])[0, 1])
    assert np.mean(scores) > 0.4


@every_reader
def test_the_same_seed_gives_the_same_bytes_and_another_one_other_words(reader):
    one, again, other = speak(reader), speak(reader), speak(reader, seed=4)
    for name, track in vars(one).items():
        assert track.tobytes() == getattr(again, name).tobytes()
    assert not np.allclose(one.sound, other.sound)
    assert not np.allclose(one.visemes, other.visemes)


@every_reader
def test_phrases_fall_at_their_end_unless_they_go_on(reader):
    changes = {False: [], True: []}
    for seed in range(8):
        for rises in changes:
            script = Script(3.0, (Phrase(0.5, 2.5, rises=rises),), ())
            f0_hz = speak(reader, script, seed=seed).f0_hz
            changes[rises].append(np.log2(f0_hz[245:250].mean() / f0_hz[200:220].mean()))
    assert np.median(changes[True]) > np.median(changes[False]) + 0.25


@every_reader
def test_feelings_are_heard_where_the_voice_has_them(reader):
    def loudness_and_pitch(kind: str, voice: bool) -> tuple[float, float]:
        episode = Episode(kind, 0.0, 4.0, 1.0, voice=voice)
        spoken = speak(reader, Script(4.0, (Phrase(0.5, 3.5),), (episode,)))
        said = spoken.sound[8000:56000]
        return level_db(said), float(np.median(spoken.f0_hz[50:350]))

    neutral = loudness_and_pitch(ANGER, False)
    assert loudness_and_pitch(FROWN, False) == neutral
    sad, angry = loudness_and_pitch(FROWN, True), loudness_and_pitch(ANGER, True)
    assert sad[0] < neutral[0] - 3 and sad[1] < 0.95 * neutral[1]
    assert angry[0] > neutral[0] + 6 and angry[1] > 1.15 * neutral[1]


@every_reader
def test_a_speaker_without_words_is_silent(reader):
    spoken = speak(reader, Script(2.0, (), ()))
    assert not spoken.sound.any() and not spoken.visemes.any() and not spoken.active.any()


def test_words_have_stresses_within_the_phrases():
    spoken = speak(None)
    assert len(spoken.stresses_s) >= 3
    assert spoken.active[np.round(spoken.stresses_s * 100).astype(int)].all()


def test_voices_vary_within_the_human_range():
    rng = np.random.default_rng(0)
    pitches = np.array([draw_voice(rng).tract.f0_hz for _ in range(200)])
    assert pitches.min() >= 80 and pitches.max() <= 260
    assert pitches.max() / pitches.min() > 2.5


def test_a_missing_package_is_said_once_and_replaced(monkeypatch, caplog):
    monkeypatch.setitem(__import__("sys").modules, "hibari", None)
    readers.cache_clear()
    try:
        rng = np.random.default_rng(0)
        voices = [draw_voice(rng) for _ in range(20)]
        assert {voice.reader for voice in voices} == {None}
        named = replace(voices[0], reader="hibari")
        spoken = [one.speak(np.random.default_rng(1), SCRIPT) for one in (voices[0], named)]
        assert np.array_equal(spoken[0].sound, spoken[1].sound)
        assert len(caplog.records) == 1
        assert "pip install 'reactface_node[voices]'" in caplog.text
    finally:
        readers.cache_clear()


def test_a_laugh_has_four_to_six_calls_a_second_that_become_softer():
    rates, falls = [], []
    for seed in range(20):
        script = Script(3.0, (Phrase(0.5, 2.3, laughed=True),), (Episode(LAUGH, 0.3, 2.8, 1.0),))
        spoken = speak(None, script, seed=seed)
        loud = np.sqrt((spoken.sound[8000:36800].reshape(-1, 160) ** 2).mean(axis=1))
        loud = np.convolve(loud, np.hanning(11) / np.hanning(11).sum(), "same")
        spectrum = np.abs(np.fft.rfft(loud - loud.mean(), 4096))
        hz = np.fft.rfftfreq(4096, 0.01)
        band = (hz > 2.5) & (hz < 12)
        rates.append(hz[band][np.argmax(spectrum[band])])
        falls.append(loud[90:].mean() / loud[:90].mean())
    assert min(rates) > 3.5 and max(rates) < 6.5
    assert np.median(falls) < 0.85


@every_reader
@pytest.mark.parametrize("kind", [CRY, LAUGH, ANGER, GRIMACE])
def test_feelings_sound_in_silence_too_where_the_voice_has_them(reader, kind):
    def sound(voice: bool) -> np.ndarray:
        return np.stack(
            [
                speak(
                    reader,
                    Script(4.0, (), (Episode(kind, 0.5, 3.5, 0.9, voice=voice),)),
                    seed=seed,
                ).sound
                for seed in range(5)
            ]
        )

    assert not sound(False).any()
    heard = sound(True)
    assert np.median(np.abs(heard).max(axis=1)) > 0.05
    assert not heard[:, :5000].any() and not heard[:, 60000:].any()


@every_reader
def test_a_yell_is_louder_than_words(reader):
    script = Script(4.0, (Phrase(2.0, 3.8),), (Episode(ANGER, 0.3, 1.5, 1.0),))
    sound = [speak(reader, script, seed=seed).sound for seed in range(6)]
    yells = [np.sqrt(np.mean(one[8000:20000] ** 2)) for one in sound]
    words = [np.sqrt(np.mean(one[40000:60000] ** 2)) for one in sound]
    assert np.median(yells) > 1.3 * np.median(words)


@needs_voices
def test_every_interjection_and_short_answer_can_be_read():
    reader = readers()[0]
    for text in {*chain(*vocal_events.WORDS_OF.values()), *texts.SHORT, *texts.SHORT_ASKED}:
        said = reader.read(text, 1.0)
        assert said.phonemes and 10 < len(said.spectra) < 160, text
        assert (said.spectra.f0_hz > 0).any(), text

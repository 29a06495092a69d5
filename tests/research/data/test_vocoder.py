"""The vocoder: it gives a voice back, and changes pitch, formants, length and level alone."""

import shutil

import numpy as np
import pytest

from reactface_node.research.data.flite import Flite
from reactface_node.research.data.script import Phrase, Script
from reactface_node.research.data.source_filter import SyntheticVoice
from reactface_node.research.data.vocoder import FRAME_HZ, Change, Spectra, analyse, render
from reactface_node.research.data.voice import Voice


def vowel(f0_hz: float = 120.0, frames: int = 80) -> Spectra:
    """One second with a formant at 1 kHz."""
    hz = np.arange(601) * 20.0
    rows = np.tile((-((hz - 1000.0) ** 2) / 2 / 300.0**2).astype(np.float32), (frames, 1))
    return Spectra(rows, rows - 5, np.zeros_like(rows), np.full(frames, f0_hz))


def changed(spectra: Spectra, frames: int | None = None, **changes: float) -> np.ndarray:
    count = frames or len(spectra) + 1
    wanted = {"f0_hz": 120.0, "breath_db": 0.0, "tilt_db": 0.0, "gain_db": 0.0, **changes}
    formants = wanted.pop("formants", 1.0)
    tracks = {name: np.full(count, value) for name, value in wanted.items()}
    places = np.linspace(0, len(spectra) - 1, count)
    return render(np.random.default_rng(0), spectra, Change(places, formants=formants, **tracks))


def peak_hz(sound: np.ndarray) -> float:
    """Where the power has its centre."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float((np.fft.rfftfreq(len(sound), 1 / 16000) * power).sum() / power.sum())


def pitch_hz(sound: np.ndarray) -> float:
    echo = np.fft.irfft(np.abs(np.fft.rfft(sound[4000:8000], 1 << 14)) ** 2)
    return 16000 / (40 + int(np.argmax(echo[40:250])))


@pytest.mark.parametrize("f0_hz", [85.0, 120.0, 240.0])
def test_pitch_changes_alone(f0_hz):
    sound = changed(vowel(), f0_hz=f0_hz)
    assert pitch_hz(sound) == pytest.approx(f0_hz, rel=0.02)
    assert peak_hz(sound) == pytest.approx(1000, rel=0.06)


@pytest.mark.parametrize("factor", [0.83, 1.2])
def test_formants_change_alone(factor):
    sound = changed(vowel(), formants=factor)
    assert peak_hz(sound) == pytest.approx(1000 * factor, rel=0.05)
    assert pitch_hz(sound) == pytest.approx(120, rel=0.02)


def test_length_and_level_change_alone():
    plain, long, loud = (
        changed(vowel(), **kind) for kind in ({}, {"frames": 121}, {"gain_db": 6.0})
    )
    assert len(plain) == 16000 and len(long) == 24000
    assert pitch_hz(long) == pytest.approx(120, rel=0.02)
    assert np.sqrt(np.mean(loud**2) / np.mean(plain**2)) == pytest.approx(1.995, rel=0.01)


def test_tilt_and_breath_make_a_voice_brighter_and_noisier():
    plain, bright, breathy = (
        changed(vowel(), **kind) for kind in ({}, {"tilt_db": 6.0}, {"breath_db": 40.0})
    )
    assert peak_hz(bright) > peak_hz(plain) + 20
    echo = [np.fft.irfft(np.abs(np.fft.rfft(x, 1 << 15)) ** 2) for x in (plain, breathy)]
    assert echo[1][133] / echo[1][0] < 0.9 * echo[0][133] / echo[0][0]


def test_what_was_analysed_sounds_the_same_again():
    voice = Voice(SyntheticVoice(120.0, 1.0, 0.02, 0.6, 2000.0, 5.0))
    sound = voice.speak(np.random.default_rng(1), Script(3.0, (Phrase(0.2, 2.8),), ())).sound
    spectra = analyse(sound, 120.0)
    assert len(spectra) == 3 * FRAME_HZ
    count = len(spectra)
    pitch = np.interp(
        np.arange(count), np.flatnonzero(spectra.f0_hz), spectra.f0_hz[spectra.f0_hz > 0]
    )
    none = np.zeros(count)
    change = Change(np.arange(count, dtype=float), pitch, 1.0, none, none, none)
    again = analyse(render(np.random.default_rng(0), spectra, change), 120.0)
    one, other = (
        np.logaddexp(2 * made.noise, 2 * made.harmonics)[: len(again), :300]
        for made in (spectra, again)
    )
    loud = np.flatnonzero(one.mean(axis=1) > one.mean())
    scores = [np.corrcoef(one[frame], other[frame])[0, 1] for frame in loud]
    assert np.median(scores) > 0.9


def test_a_flite_that_fails_is_not_there(tmp_path, monkeypatch):
    program = tmp_path / "flite"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OSError, match="flite cannot speak"):
        Flite("rms")
    program.unlink()
    with pytest.raises(OSError, match="not installed"):
        Flite("rms")


@pytest.mark.skipif(not shutil.which("flite"), reason="Debian's flite is not installed")
def test_flite_reads_with_the_times_of_its_phonemes():
    said = Flite("rms").read("My sister saw the moon.", 1.0)
    assert said.phonemes[:4] == ("m", "ay", "s", "ih")
    assert len(said.spectra) == pytest.approx(1.6 * FRAME_HZ, rel=0.3)
    assert (said.ends >= said.starts).all() and said.ends[-1] <= len(said.spectra)
    assert np.median(said.spectra.f0_hz[said.spectra.f0_hz > 0]) == pytest.approx(96, rel=0.15)

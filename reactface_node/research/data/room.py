"""What a microphone makes of a voice: distance, rooms, noise, channels and levels.

The shares and ranges are chosen to cover a desk, a robot, a hall and a call.
"""

from functools import cache

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from reactface_node.research.data.script import Phrase
from reactface_node.research.data.source_filter import draw_synthetic_voice, synthesise
from reactface_node.research.data.speech import SPEECH_RMS, speech_of, syllables
from reactface_node.schema import SAMPLE_RATE_HZ

_CLEAN_SHARE, _BABBLE_SHARE, _KNOCKS_SHARE, _CALL_SHARE, _AGC_SHARE, _LOUD_SHARE = (
    0.12,
    0.2,
    0.3,
    0.2,
    0.25,
    0.05,
)
_TELEPHONE_HZ = (300.0, 3400.0)
_PACKET = SAMPLE_RATE_HZ // 50
_BABBLERS, _BABBLE_S = 8, 20.0


def record(
    rng: np.random.Generator, clean: np.ndarray, rate_hz: int = SAMPLE_RATE_HZ
) -> np.ndarray:
    """(N,) float32 within -1..1: ``clean``, whose speech has an RMS of 0.1, as it is recorded.

    Every eighth recording has no room, noise or channel. The others have a reverberation time of
    0.1-0.8 s, noise 8-45 dB below the speech, in part babble or knocks, and in part a call's band,
    quantisation and lost packets. Speech is at -40..-20 dB of full scale, or clips now and then.
    """
    is_clean = rng.random() < _CLEAN_SHARE
    sound = clean.astype(np.float64)
    if not is_clean:
        sound = _filtered(sound, _room(rng, rate_hz))
        sound += _noise(rng, len(clean), rate_hz)
        sound = _filtered(sound, _microphone(rng, rate_hz))
        if rng.random() < _CALL_SHARE:
            sound = _call(rng, sound, rate_hz)
    if rng.random() < _AGC_SHARE:
        sound = _automatic_gain(sound, rate_hz)
    decibels = rng.uniform(-8.0, -3.0) if rng.random() < _LOUD_SHARE else rng.uniform(-40.0, -20.0)
    gain = 10 ** (decibels / 20) / SPEECH_RMS
    result: np.ndarray = np.clip(sound * gain, -1.0, 1.0).astype(np.float32)
    return result


def _filtered(sound: np.ndarray, response: np.ndarray) -> np.ndarray:
    """(N,) the sound through a filter with an impulse response that begins at time 0."""
    size = next_fast_len(len(sound) + len(response) - 1, real=True)
    result: np.ndarray = irfft(rfft(sound, size) * rfft(response, size), size)[: len(sound)]
    return result


def _room(rng: np.random.Generator, rate_hz: int) -> np.ndarray:
    """The direct sound, and an echo of noise that decays by 60 dB in the reverberation time.

    The farther the speaker, the louder the echo: 3 dB louder to 18 dB softer than the direct sound.
    """
    decay_s = rng.uniform(0.1, 0.8)
    length = int(0.7 * decay_s * rate_hz)
    tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / (decay_s * rate_hz))
    tail *= 10 ** (-rng.uniform(-3.0, 18.0) / 20) / np.sqrt((tail**2).sum())
    gap = int(rng.uniform(0.002, 0.012) * rate_hz)
    response = np.concatenate([[1.0], np.zeros(gap), tail])
    result: np.ndarray = response / np.sqrt((response**2).sum())
    return result


def _microphone(rng: np.random.Generator, rate_hz: int) -> np.ndarray:
    """A microphone that loses some of the lowest and highest tones, as a response of 32 ms."""
    taps = rate_hz // 31
    hz = np.fft.rfftfreq(taps, 1 / rate_hz)
    low, high = rng.uniform(40.0, 200.0), rng.uniform(4000.0, 9000.0)
    magnitude = 1 / np.sqrt((1 + (low / np.maximum(hz, 1.0)) ** 4) * (1 + (hz / high) ** 6))
    magnitude *= 10 ** (rng.normal(0.0, 1.5) * np.log2(np.maximum(hz, 125.0) / 1000.0) / 20)
    result: np.ndarray = np.roll(np.fft.irfft(magnitude, taps), taps // 2) * np.hanning(taps)
    return result


def _noise(rng: np.random.Generator, samples: int, rate_hz: int) -> np.ndarray:
    """Noise that does not change, and sometimes voices of others or knocks."""
    noise = _steady(rng, samples, rate_hz) * 10 ** (-rng.uniform(8.0, 45.0) / 20)
    if rng.random() < _BABBLE_SHARE:
        voices = _babble(rate_hz)[rng.permutation(_BABBLERS)[: rng.integers(2, _BABBLERS + 1)]]
        babble = np.resize(np.roll(voices.sum(axis=0), rng.integers(voices.shape[1])), samples)
        noise += babble / babble.std() * 10 ** (-rng.uniform(8.0, 25.0) / 20)
    if rng.random() < _KNOCKS_SHARE:
        for start in rng.integers(samples, size=rng.integers(1, 7)):
            length = min(int(rng.uniform(0.01, 0.12) * rate_hz), samples - start)
            fade = np.exp(-6 * np.arange(length) / max(length, 1))
            knock = np.cumsum(rng.standard_normal(length)) if rng.random() < 0.5 else 1.0
            noise[start : start + length] += (
                rng.standard_normal(length)
                * fade
                * np.clip(knock, -3, 3)
                * 10 ** (rng.uniform(-15.0, 6.0) / 20)
            )
    result: np.ndarray = SPEECH_RMS * noise
    return result


def _steady(rng: np.random.Generator, samples: int, rate_hz: int) -> np.ndarray:
    """Noise of unit RMS: a slope between white and brown, and in half of the clips mains hum."""
    size = 1 << 15
    spectrum = np.fft.rfft(rng.standard_normal(size))
    spectrum *= np.maximum(np.fft.rfftfreq(size, 1 / rate_hz), 40.0) ** -rng.uniform(0.0, 1.0)
    noise = np.resize(np.fft.irfft(spectrum, size), samples)
    noise /= noise.std()
    if rng.random() < 0.5:
        phase = 2 * np.pi * rng.choice([50.0, 60.0]) * np.arange(samples) / rate_hz
        noise += rng.uniform(0.2, 1.0) * np.sin(phase)
    result: np.ndarray = noise / noise.std()
    return result


@cache
def _babble(rate_hz: int) -> np.ndarray:
    """(8, N) voices that talk all the time, for the noise of other people."""
    voices = []
    for seed in range(_BABBLERS):
        rng = np.random.default_rng([8, seed])
        voice = draw_synthetic_voice(rng)
        block = syllables(rng, Phrase(0.2, _BABBLE_S - 0.2), voice.syllables_per_s)
        voices.append(synthesise(rng, speech_of([block], _BABBLE_S), voice, rate_hz))
    return np.stack(voices)


def _call(rng: np.random.Generator, sound: np.ndarray, rate_hz: int) -> np.ndarray:
    """A telephone's band with 8-bit mu-law samples, or a wide band; 0-8 % of the packets lost."""
    if rng.random() < 0.5:
        hz = np.fft.rfftfreq(len(sound), 1 / rate_hz)
        low, high = _TELEPHONE_HZ
        band = 1 / np.sqrt((1 + (low / np.maximum(hz, 1.0)) ** 8) * (1 + (hz / high) ** 16))
        sound = np.fft.irfft(np.fft.rfft(sound) * band, len(sound))
        peak = np.abs(sound).max() + 1e-9
        coded = np.sign(sound) * np.log1p(255 * np.abs(sound) / peak) / np.log(256)
        coded = np.round(coded * 127) / 127
        sound = np.sign(coded) * (256 ** np.abs(coded) - 1) / 255 * peak
    lost = rng.random(-(-len(sound) // _PACKET)) < rng.uniform(0.0, 0.08)
    heard = ~np.repeat(lost, _PACKET)[: len(sound)]
    return sound * heard


def _automatic_gain(sound: np.ndarray, rate_hz: int) -> np.ndarray:
    """Makes soft passages louder by up to 12 dB, within half a second, and loud ones softer."""
    hop = rate_hz // 100
    padded = np.pad(sound, (0, -len(sound) % hop))
    power = (padded.reshape(-1, hop) ** 2).mean(axis=1)
    level, smooth = SPEECH_RMS**2, np.empty(len(power))
    for step, now in enumerate(power.tolist()):
        level += (now - level) * (0.3 if now > level else 0.02)
        smooth[step] = level
    gain = np.clip(SPEECH_RMS / np.sqrt(smooth + 1e-12), 0.25, 4.0)
    times = np.arange(len(sound)) / hop
    result: np.ndarray = sound * np.interp(times, np.arange(len(gain)), gain)
    return result

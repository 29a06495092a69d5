"""What a microphone makes of a voice: rooms, noise, channels and levels."""

import numpy as np


def record(rng: np.random.Generator, clean: np.ndarray, rate_hz: int = 16000) -> np.ndarray:
    """(N,) float32 ``clean`` as a microphone in a room has it: echo, noise and gain vary.

    Reverberation time 0.1-0.6 s, noise 12-45 dB below the speech (white to brown, with or without
    hum), speech at -40..-20 dB of full scale: chosen to cover a desk, a robot and a hall.
    """
    sound = _room(rng, clean, rate_hz)
    noise = _background(rng, len(clean), rate_hz)
    noise *= 0.1 * 10 ** (-rng.uniform(12.0, 45.0) / 20)
    gain = 10.0 * 10 ** (rng.uniform(-40.0, -20.0) / 20)
    result: np.ndarray = np.clip((sound + noise) * np.float32(gain), -1.0, 1.0).astype(np.float32)
    return result


def _room(rng: np.random.Generator, clean: np.ndarray, rate_hz: int) -> np.ndarray:
    """Adds an echo of noise that decays by 60 dB in the reverberation time."""
    decay_s = rng.uniform(0.1, 0.6)
    length = int(0.7 * decay_s * rate_hz)
    tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / (decay_s * rate_hz))
    tail *= 10 ** (-rng.uniform(3.0, 18.0) / 20) / np.sqrt((tail**2).sum())
    gap = int(rng.uniform(0.002, 0.012) * rate_hz)
    response = np.concatenate([[1.0], np.zeros(gap), tail])
    block = 1 << 14
    size = 2 * block
    pieces = np.zeros((-(-len(clean) // block), block))
    pieces.ravel()[: len(clean)] = clean
    wet = np.fft.irfft(np.fft.rfft(pieces, size) * np.fft.rfft(response, size), size)
    total = np.zeros((len(pieces) + 1, block))
    total[:-1] += wet[:, :block]
    total[1:] += wet[:, block:]
    return total.ravel()[: len(clean)]


def _background(rng: np.random.Generator, samples: int, rate_hz: int) -> np.ndarray:
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

"""A vocoder: speech as spectra of its harmonics and its noise, and pitch, turned into sound.

The three can be changed on their own, which makes many speakers and feelings of one reading.
"""

from dataclasses import dataclass

import numpy as np

RATE_HZ = 16000
FRAME_HZ = 80
HOP = RATE_HZ // FRAME_HZ
SIZE = 4 * HOP
BIN_HZ = RATE_HZ / SIZE
BINS = SIZE // 2 + 1
_HIGHEST_HARMONIC_HZ = 7600.0
_LEAST_F0_HZ = 40.0
_WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)).astype(np.float32)
_TILT_FROM_HZ = 500.0


@dataclass(frozen=True, eq=False)
class Spectra:
    """Speech in F frames, 80 a second, with B >= 401 bins of 20 Hz.

    harmonics, noise: (F, B) float32 natural logarithms of amplitudes. phase: (F, B) float32 rad,
    of the harmonics. f0_hz: (F,), 0 where there is no voice.
    """

    harmonics: np.ndarray
    noise: np.ndarray
    phase: np.ndarray
    f0_hz: np.ndarray

    def __len__(self) -> int:
        return len(self.f0_hz)


@dataclass(frozen=True, eq=False)
class Change:
    """How a rendering differs from its reading; (n,) arrays have one value for each new frame.

    places: (n,) frames of the reading, increasing, not whole numbers. f0_hz: (n,) the new pitch.
    formants: factor of all formants. breath_db: (n,) more noise in voiced speech. tilt_db: (n,)
    more sound an octave above 500 Hz. gain_db: (n,).
    """

    places: np.ndarray
    f0_hz: np.ndarray
    formants: float
    breath_db: np.ndarray
    tilt_db: np.ndarray
    gain_db: np.ndarray


def render(rng: np.random.Generator, spectra: Spectra, change: Change) -> np.ndarray:
    """((n - 1) * 200,) float32 sound of a changed reading at 16 kHz; frame k lies at sample
    200 k."""
    before = np.clip(change.places.astype(int), 0, len(spectra) - 1)
    after = np.minimum(before + 1, len(spectra) - 1)
    share = (change.places - before).astype(np.float32)[:, None]
    voiced = spectra.f0_hz[np.where(share[:, 0] < 0.5, before, after)] > 0
    octaves = np.log2(np.maximum(np.arange(BINS) * BIN_HZ, _TILT_FROM_HZ) / _TILT_FROM_HZ)
    nepers = np.log(10.0) / 20
    lift = (change.gain_db[:, None] + change.tilt_db[:, None] * octaves) * nepers
    breath = (change.breath_db * voiced)[:, None] * np.minimum(octaves, 1.0) * nepers

    def changed(track: np.ndarray) -> np.ndarray:
        between = track[before] + (track[after] - track[before]) * share
        return _stretched(between, change.formants)

    pulses = _pulses(change.f0_hz, voiced)
    phase = changed(spectra.phase)
    loud = np.exp(np.minimum(changed(spectra.harmonics) + lift, 7.0))
    spectrum = _blocks(pulses, len(voiced)) * (loud * np.exp(1j * phase))
    parts = rng.standard_normal((2, *spectrum.shape), dtype=np.float32)
    noise = np.exp(np.minimum(changed(spectra.noise) + lift + breath, 7.0))
    spectrum += noise * (parts[0] + 1j * parts[1])
    return _joined(spectrum)[: (len(voiced) - 1) * HOP]


def _stretched(rows: np.ndarray, factor: float) -> np.ndarray:
    """(n, 401) spectra of which each peak has moved to ``factor`` times its frequency."""
    places = np.minimum(np.arange(BINS) / factor, rows.shape[1] - 1.001)
    before = places.astype(int)
    share = (places - before).astype(np.float32)
    result: np.ndarray = rows[:, before] * (1 - share) + rows[:, before + 1] * share
    return result


def _pulses(f0_hz: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """(n * 200,) all harmonics of the pitch with amplitude 1; 0 where there is no voice.

    sum of cos(h x) for h = 1..H is sin((H + 1/2) x) / (2 sin(x / 2)) - 1/2.
    """
    times = np.arange(len(f0_hz) * HOP) / HOP
    pitch = np.interp(times, np.arange(len(f0_hz)), np.maximum(f0_hz, _LEAST_F0_HZ))
    phase = 2 * np.pi * ((np.cumsum(pitch) / RATE_HZ) % 1.0)
    count = np.floor(_HIGHEST_HARMONIC_HZ / pitch) + 0.5
    below = 2 * np.sin(phase / 2)
    at_zero = np.abs(below) < 2e-3
    below[at_zero] = 1.0
    train = np.where(at_zero, count, np.sin(count * phase) / below) - 0.5
    heard = np.interp(times, np.arange(len(voiced)), voiced.astype(float))
    return (train * heard).astype(np.float32)


def _blocks(sound: np.ndarray, frames: int) -> np.ndarray:
    """(frames, 401) spectra of windows centred on each frame; a harmonic of amplitude 1 peaks
    at 1."""
    padded = np.pad(sound, SIZE // 2)
    pieces = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP][:frames]
    return np.fft.rfft(pieces * (_WINDOW / (SIZE / 4)), axis=1).astype(np.complex64)


def _joined(spectrum: np.ndarray) -> np.ndarray:
    """Inverse of ``_blocks``, by overlap of the windows; its scale is arbitrary."""
    frames = len(spectrum)
    parts = np.fft.irfft(spectrum, SIZE, axis=1).astype(np.float32) * _WINDOW
    parts = parts.reshape(frames, 4, HOP)
    total = np.zeros((frames + 3, HOP), np.float32)
    for part in range(4):
        total[part : part + frames] += parts[:, part]
    return total.ravel()[SIZE // 2 :]

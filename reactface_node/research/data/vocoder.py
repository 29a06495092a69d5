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


def analyse(sound: np.ndarray, f0_hz: float) -> Spectra:
    """Spectra of (N,) samples at 16 kHz of a reader whose mean pitch is ``f0_hz``.

    The envelope is the power of a window of 50 ms, averaged over the width of a harmonic. In
    voiced frames the noise's share of the power grows with the frequency (chosen).
    """
    frames = len(sound) // HOP
    spectrum = _blocks(sound.astype(np.float32), frames)
    power = np.abs(spectrum).astype(np.float64) ** 2 + 1e-12
    pitch = _pitch(spectrum, f0_hz)
    width = np.where(pitch > 0, pitch, f0_hz) / BIN_HZ
    smooth = _averaged(power, width)
    hz = np.arange(BINS) * BIN_HZ
    share = np.where(pitch[:, None] > 0, np.clip(0.5 * (hz / 8000.0) ** 1.5, 0.002, 1.0), 1.0)
    # A harmonic has the power 1.5 over the bins of its peak. Noise of blocks that overlap adds up
    # to a quarter of the power of a sound that continues from block to block.
    harmonics = 0.5 * np.log(smooth * (1 - share) * width[:, None] / 1.5 + 1e-12)
    noise = 0.5 * np.log(2.0 * smooth * share)
    higher = ((0, 0), (0, BINS // 2))
    return Spectra(
        np.pad(harmonics, higher, "edge").astype(np.float32),
        np.pad(noise, higher, "edge").astype(np.float32),
        np.zeros((frames, BINS + BINS // 2), np.float32),
        pitch,
    )


def _pitch(spectrum: np.ndarray, f0_hz: float) -> np.ndarray:
    """(F,) Hz by autocorrelation, within a fifth octave of the mean; 0 where nothing repeats."""
    echo = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)
    window = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW)) ** 2)
    low, high = int(RATE_HZ / (1.7 * f0_hz)), int(RATE_HZ * 1.7 / f0_hz)
    likeness = echo[:, low:high] / window[low:high] / (echo[:, :1] / window[0] + 1e-12)
    lag = low + np.argmax(likeness, axis=1)
    loud = echo[:, 0] > 1e-4 * echo[:, 0].max()
    return np.where((likeness.max(axis=1) > 0.55) & loud, RATE_HZ / lag, 0.0)


def _averaged(power: np.ndarray, width: np.ndarray) -> np.ndarray:
    """(F, 401) mean over ``width`` bins around each bin, which is (F,) and no whole number."""
    total = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1)], axis=1)
    centre = np.arange(BINS) + 0.5

    def until(edge: np.ndarray) -> np.ndarray:
        edge = np.clip(edge, 0, BINS - 1e-6)
        whole = edge.astype(int)
        before = np.take_along_axis(total, whole, 1)
        after = np.take_along_axis(total, whole + 1, 1)
        result: np.ndarray = before + (after - before) * (edge - whole)
        return result

    half = 0.5 * width[:, None]
    above, below = np.minimum(centre + half, BINS), np.maximum(centre - half, 0)
    result: np.ndarray = (until(above) - until(below)) / (above - below)
    return result

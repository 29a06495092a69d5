"""A source-filter voice synthesiser.

The filter is applied in overlapping 20 ms blocks of the spectrum (Hann, half overlap), which
gives a filter that changes with the formants at the cost of three FFTs a block.
"""

from dataclasses import dataclass

import numpy as np

from reactface_node.research.data.phonemes import SOUNDS
from reactface_node.research.data.speech import TRACK_RATE_HZ, Speech

# Bandwidths of F1-F8 in Hz, and F4-F8 of a man's voice: textbook values (Klatt 1980) up to F5.
_BANDWIDTHS_HZ = np.array([80.0, 100.0, 140.0, 250.0, 300.0, 400.0, 500.0, 600.0])
_VOWEL_RMS = 0.15
_HIGH_FORMANTS_HZ = np.array([3500.0, 4500.0, 5500.0, 6500.0, 7500.0])


@dataclass(frozen=True)
class SyntheticVoice:
    """A person's voice: mean pitch, vocal tract length, breath, tempo.

    formant_scale: 1 for a man's vocal tract, about 1.17 for a woman's (shorter).
    open_quotient: share of a glottal cycle that is open; larger is softer.
    tilt_hz: above it the source falls by a further 6 dB an octave.
    """

    f0_hz: float
    formant_scale: float
    breathiness: float
    open_quotient: float
    tilt_hz: float
    syllables_per_s: float


def draw_synthetic_voice(rng: np.random.Generator) -> SyntheticVoice:
    """f0 of 80-260 Hz, uniform in semitones; higher voices mostly have shorter vocal tracts."""
    height = rng.random()
    return SyntheticVoice(
        f0_hz=80.0 * (260.0 / 80.0) ** height,
        formant_scale=0.92 + 0.28 * height + rng.normal(0.0, 0.04),
        breathiness=rng.uniform(0.01, 0.12),
        open_quotient=rng.uniform(0.5, 0.75),
        tilt_hz=rng.uniform(800.0, 3000.0),
        syllables_per_s=rng.uniform(4.0, 6.0),
    )


def synthesise(
    rng: np.random.Generator, speech: Speech, voice: SyntheticVoice, rate_hz: int = 16000
) -> np.ndarray:
    """(N,) float32 clean voice at the times of ``speech``; a neutral vowel of amplitude 1 has an
    RMS of 0.15.

    rate_hz: a multiple of 100, at least 16000.
    """
    hop = rate_hz // TRACK_RATE_HZ
    tracks = _Tracks(
        speech.formants,
        speech.voice,
        speech.aspiration,
        speech.frication,
        speech.frication_hz,
        voice.f0_hz * 2 ** (speech.semitones / 12),
    )
    sound = np.zeros(len(speech.voice) * hop, np.float32)
    for first, last in _spans(speech.voice + speech.aspiration + speech.frication > 0):
        piece = _Tracks(*(track[first:last] for track in vars(tracks).values()))
        sound[first * hop : last * hop] = _filtered(rng, piece, voice, rate_hz)
    return sound * np.float32(_VOWEL_RMS / _vowel_level(voice, rate_hz))


@dataclass(frozen=True, eq=False)
class _Tracks:
    """A piece of a ``Speech``, with its pitch in Hz."""

    formants: np.ndarray
    voice: np.ndarray
    aspiration: np.ndarray
    frication: np.ndarray
    frication_hz: np.ndarray
    f0_hz: np.ndarray


def _spans(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and last step of each run of flags, and 0.05 s around it for the filter to fade."""
    wide = np.convolve(flags, np.ones(11), "same") > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wide, [False]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _vowel_level(voice: SyntheticVoice, rate_hz: int) -> float:
    """RMS, before scaling, of a neutral vowel of amplitude 1."""
    steps = 30
    formants = np.tile(np.array(SOUNDS["schwa"][:3]), (steps, 1))
    none, full = np.zeros(steps), np.ones(steps)
    vowel = _Tracks(formants, full, none, none, full, np.full(steps, voice.f0_hz))
    sound = _filtered(np.random.default_rng(0), vowel, voice, rate_hz)
    middle = sound[len(sound) // 3 : 2 * len(sound) // 3]
    return float(np.sqrt(np.mean(middle**2)))


def _filtered(
    rng: np.random.Generator, tracks: _Tracks, voice: SyntheticVoice, rate_hz: int
) -> np.ndarray:
    """(n * hop,) float32 source and noise through the vocal tract."""
    hop = rate_hz // TRACK_RATE_HZ
    size = 1 << (3 * hop - 1).bit_length()
    samples = len(tracks.voice) * hop
    pulses = _glottis(rng, tracks, voice, hop)
    noise = rng.standard_normal(samples).astype(np.float32)
    breath = noise * _each_sample(tracks.aspiration + voice.breathiness * tracks.voice, hop)
    hiss = noise * _each_sample(tracks.frication, hop)
    spectrum = _blocks(pulses, hop, size) * _tilt(tracks, voice, rate_hz, size)
    spectrum += 0.2 * _blocks(breath, hop, size)
    spectrum *= _vocal_tract(tracks, voice, rate_hz, size)
    spectrum += 0.25 * _blocks(hiss, hop, size) * _friction(tracks, rate_hz, size)
    return _overlap_add(np.fft.irfft(spectrum, size).astype(np.float32), hop, samples)


def _each_sample(track: np.ndarray, hop: int) -> np.ndarray:
    """(N * hop,) float32 a 100 Hz track, linear between its points."""
    values = track.astype(np.float32)
    step = np.diff(values, append=values[-1:])
    result: np.ndarray = (
        values[:, None] + step[:, None] * (np.arange(hop, dtype=np.float32) / hop)
    ).ravel()
    return result


def _glottis(
    rng: np.random.Generator, tracks: _Tracks, voice: SyntheticVoice, hop: int
) -> np.ndarray:
    """Derivative of Rosenberg's glottal pulse (1971): opens for 2/3 of the open phase."""
    jitter = 1.0 + 0.006 * rng.standard_normal(len(tracks.f0_hz))
    f0_hz = _each_sample(tracks.f0_hz * jitter, hop)
    cycles = np.cumsum(f0_hz / (hop * TRACK_RATE_HZ), dtype=np.float64)
    phase = (cycles - np.floor(cycles)).astype(np.float32)
    opening, closing = voice.open_quotient * 2 / 3, voice.open_quotient / 3
    rise = np.sin(np.pi * np.minimum(phase / opening, 1.0)) * (0.5 * closing / opening)
    fall = -np.sin(0.5 * np.pi * np.clip((phase - opening) / closing, 0.0, 1.0))
    pulse = np.where(phase < opening, rise, np.where(phase < opening + closing, fall, 0.0))
    pulse -= pulse.mean()
    shimmer = 1.0 + 0.05 * rng.standard_normal(len(tracks.voice))
    result: np.ndarray = (pulse * _each_sample(tracks.voice * shimmer, hop)).astype(np.float32)
    return result


def _blocks(sound: np.ndarray, hop: int, size: int) -> np.ndarray:
    """(steps, size/2+1) spectra of Hann blocks of two hops, block k centred on track point k."""
    padded = np.concatenate([np.zeros(hop, np.float32), sound, np.zeros(hop, np.float32)])
    starts = np.lib.stride_tricks.sliding_window_view(padded, 2 * hop)[::hop]
    window = (0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop) / hop)).astype(np.float32)
    return np.fft.rfft(starts[: len(sound) // hop] * window, size)


def _overlap_add(blocks: np.ndarray, hop: int, samples: int) -> np.ndarray:
    """Inverse of ``_blocks``: each block's decay continues in the next ones."""
    steps, size = blocks.shape
    parts = -(-size // hop)
    padded = np.zeros((steps, parts * hop), np.float32)
    padded[:, :size] = blocks
    padded = padded.reshape(steps, parts, hop)
    total = np.zeros((steps + parts, hop), np.float32)
    for part in range(parts):
        total[part : part + steps] += padded[:, part]
    return total.ravel()[hop : hop + samples]


def _vocal_tract(tracks: _Tracks, voice: SyntheticVoice, rate_hz: int, size: int) -> np.ndarray:
    """(steps, bins) response of eight formants in cascade."""
    steps = len(tracks.formants)
    high = np.broadcast_to(_HIGH_FORMANTS_HZ, (steps, len(_HIGH_FORMANTS_HZ)))
    formants = np.concatenate([tracks.formants, high], axis=1) * voice.formant_scale
    radius = np.exp(-np.pi * _BANDWIDTHS_HZ / rate_hz)
    turn = -2 * radius * np.cos(2 * np.pi * np.minimum(formants, 0.48 * rate_hz) / rate_hz)
    poles = np.ones((steps, 1))
    for k in range(formants.shape[1]):
        longer = np.zeros((steps, poles.shape[1] + 2))
        longer[:, :-2] += poles
        longer[:, 1:-1] += poles * turn[:, k : k + 1]
        longer[:, 2:] += poles * radius[k] ** 2
        poles = longer
    # An open vowel is louder than a close one, but speakers compensate half of the difference.
    gain = poles.sum(axis=1, keepdims=True) * np.sqrt(500.0 / tracks.formants[:, :1])
    result: np.ndarray = gain / np.fft.rfft(poles, size)
    return result


def _tilt(tracks: _Tracks, voice: SyntheticVoice, rate_hz: int, size: int) -> np.ndarray:
    """(steps, bins) the source's tilt; a voice that is louder than in speech has less of it."""
    corner_hz = voice.tilt_hz * np.clip(tracks.voice, 1.0, 3.0)[:, None] ** 1.5
    hz = np.fft.rfftfreq(size, 1 / rate_hz)
    result: np.ndarray = 1.0 / np.sqrt(1.0 + (hz / corner_hz) ** 2)
    return result


def _friction(tracks: _Tracks, rate_hz: int, size: int) -> np.ndarray:
    """(steps, bins) real: a broad band around the constriction's frequency."""
    hz = np.fft.rfftfreq(size, 1 / rate_hz)
    centre = tracks.frication_hz[:, None]
    result: np.ndarray = 1.0 / (1.0 + ((hz - centre) / (0.35 * centre)) ** 4)
    return result

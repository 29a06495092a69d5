"""Motion curves of synthetic people: eased keys, episodes, smooth noise, gaze."""

import numpy as np

from reactface_node.schema import FRAME_RATE_HZ, NUM_COEFFICIENTS, indices_of
from reactface_node.session.easing import hann


def frame_times(frames: int) -> np.ndarray:
    """(T,) float64 seconds of the frames of a clip."""
    return np.arange(frames) / FRAME_RATE_HZ


def smoothstep(x: np.ndarray) -> np.ndarray:
    """0 below 0, 1 above 1, 3x^2 - 2x^3 between; its slope is 0 at both ends."""
    x = np.clip(x, 0.0, 1.0)
    result: np.ndarray = x * x * (3.0 - 2.0 * x)
    return result


def ease(times: np.ndarray, key_times: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Interpolate keys (K, C) at increasing times (K,), with slope 0 at every key, at times (N,) ->
    (N, C)."""
    before = np.clip(np.searchsorted(key_times, times, "right") - 1, 0, len(key_times) - 2)
    span = key_times[before + 1] - key_times[before]
    share = smoothstep((times - key_times[before]) / np.maximum(span, 1e-6))[:, None]
    result: np.ndarray = keys[before] + (keys[before + 1] - keys[before]) * share
    return result


def envelope(
    times: np.ndarray, start: float, end: float, rise_s: float, fall_s: float
) -> np.ndarray:
    """(T,) the strength of an episode, 0..1: rises from ``start`` on and falls from ``end`` on."""
    result: np.ndarray = smoothstep((times - start) / rise_s) * (
        1.0 - smoothstep((times - end) / fall_s)
    )
    return result


def smooth_noise(
    rng: np.random.Generator, frames: int, channels: int, period_s: float
) -> np.ndarray:
    """(T, C) low-pass noise of unit variance; its highest frequency is about 1 / ``period_s``."""
    kernel = np.hanning(max(3, round(period_s * FRAME_RATE_HZ)) + 2)[1:-1]
    kernel /= np.sqrt((kernel**2).sum())
    white = rng.standard_normal((channels, frames + len(kernel) - 1))
    return np.stack([np.convolve(row, kernel, "valid") for row in white], axis=1)


def band_noise(
    rng: np.random.Generator, frames: int, channels: int, low_hz: float, high_hz: float
) -> np.ndarray:
    """(T, C) noise of about unit variance whose frequencies lie between two limits."""
    # Noise of a spectrum is periodic: the end would meet the beginning without the spare second.
    size = frames + FRAME_RATE_HZ * max(1, round(1 / low_hz))
    hz = np.fft.rfftfreq(size, 1 / FRAME_RATE_HZ)
    inside = (hz >= low_hz) & (hz <= high_hz)
    spectrum = np.fft.rfft(rng.standard_normal((channels, size))) * inside
    scale = np.sqrt(len(hz) / max(1, inside.sum()))
    result: np.ndarray = scale * np.fft.irfft(spectrum, size)[:, :frames].T
    return result


def delayed(signal: np.ndarray, lag_s: float, width_s: float) -> np.ndarray:
    """(T, C) ``signal`` low-passed by a Hann kernel centred ``lag_s`` ago; reads only the past.

    width_s: length of the kernel, at most twice the lag; the first frame stands for all times
    before it.
    """
    kernel = hann(round((lag_s + width_s / 2) * FRAME_RATE_HZ) + 1, lag_s, width_s)
    padded = np.concatenate([np.repeat(signal[:1], len(kernel) - 1, axis=0), signal])
    return np.stack([np.convolve(column, kernel, "valid") for column in padded.T], axis=1)


def add(coefficients: np.ndarray, stem: str, values: np.ndarray) -> None:
    """Add (T,) values, in place, to a channel, or to the left and right one of a stem."""
    for index in indices_of(stem):
        coefficients[:, index] += values


def gaze(
    rng: np.random.Generator, frames: int, attention: float, glance_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """Gaze that alternates between the partner and elsewhere, with saccades of 2-3 frames.

    attention: share of the time spent on the partner; glance_s: mean length of a look away.
    Returns (T, 2) the gaze (to the subject's left, up; about -0.7..0.7 in eyeLook units) and
    (T,) bool, whether the partner is looked at.
    """
    count = int(frames / FRAME_RATE_HZ / glance_s) + 4
    away = np.maximum(rng.gamma(3.0, glance_s / 3.0, count), 0.3)
    toward = np.maximum(rng.gamma(2.0, glance_s * attention / (1 - attention) / 2.0, count), 0.4)
    edges = np.cumsum(np.stack([toward, away], axis=1).ravel()) - toward[0] * rng.random()
    side = rng.choice([-1.0, 1.0], count) * rng.uniform(0.15, 0.6, count)
    height = rng.uniform(-0.45, 0.2, count)
    targets = np.zeros((2 * count, 2))
    targets[1::2, 0], targets[1::2, 1] = side, height
    state = np.minimum(np.searchsorted(edges, frame_times(frames), "right"), 2 * count - 1)
    drift = 0.02 * smooth_noise(rng, frames, 2, 0.8)
    kernel = np.array([0.25, 0.5, 0.25])
    looked = targets[np.concatenate([state[:1], state[:1], state])]
    eased = np.stack([np.convolve(column, kernel, "valid") for column in looked.T], axis=1)
    return eased + drift, state % 2 == 0


def write_gaze(coefficients: np.ndarray, looks: np.ndarray) -> None:
    """Write (T, 2) gaze (left, up) to the eight eyeLook channels, in place."""
    left, up = looks[:, 0], looks[:, 1]
    add(coefficients, "eyeLookOutLeft", np.maximum(left, 0))
    add(coefficients, "eyeLookInRight", np.maximum(left, 0))
    add(coefficients, "eyeLookInLeft", np.maximum(-left, 0))
    add(coefficients, "eyeLookOutRight", np.maximum(-left, 0))
    add(coefficients, "eyeLookUp", np.maximum(up, 0))
    add(coefficients, "eyeLookDown", np.maximum(-up, 0))


def neutral(frames: int) -> np.ndarray:
    """(T, 58) float64 zeros: the neutral face."""
    return np.zeros((frames, NUM_COEFFICIENTS))


def finish(coefficients: np.ndarray) -> np.ndarray:
    """float32, with the 52 weights clipped to 0..1."""
    coefficients[:, :52] = np.clip(coefficients[:, :52], 0.0, 1.0)
    return coefficients.astype(np.float32)

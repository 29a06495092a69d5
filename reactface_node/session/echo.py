"""Echo recognition: finds the frames in which the microphone hears only the robot's own voice.

Microphone and played audio are compared as energies in bands, every 10 ms. The echo is modelled by
one delay, one gain per band and an exponential decay. Energy that the model explains is echo; a
person speaks where the energy is clearly above it in several bands. Nothing is subtracted: a
listener needs to know when somebody speaks, not every word.

Numbers without a source below are chosen by hand, not derived. They are checked with synthetic
voices and 60 s of real speech, played into synthetic rooms with a decay of 0.4 s, delays of 0.03 to
0.25 s and gains of 0.15 to 0.5 (tests/session/test_own_speech.py): over 85 % of the echo must be
recognised and over 95 % of a person's speech must be heard.
"""

import numpy as np

from reactface_node.schema import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME

STEP = SAMPLE_RATE_HZ // 100
STEPS_PER_FRAME = SAMPLES_PER_FRAME // STEP
# Spectra of 25 ms, as usual in speech recognition; the width of the bands grows with frequency.
SPAN = 400
EDGES_HZ = (100, 250, 400, 570, 760, 980, 1250, 1580, 2000, 2500, 3150, 4000, 5000, 6200, 7600)
REMEMBERED = 500
"""Steps (5 s) from which delay and gains are learned."""
LEARNED_EVERY = 32
"""Steps (0.32 s) between two updates of delay and gains."""
SHORTEST = 60
"""Least steps (0.6 s) of played sound before delay and gains are used."""
LONGEST_DELAY = 60
"""Longest delay in steps (0.6 s): loudspeaker buffers, sound in air, stamps made when sent."""
DECAY = 0.80
"""Factor of a band's energy per step: 60 dB in 0.6 s, the reverberation time of a usual room."""
ALIKE = 0.75
"""Least correlation of the two loudness curves for which the microphone hears the robot."""
GAIN_QUANTILE = 0.5
"""Median of the energy ratios: a person who speaks too makes ratios larger, but seldom most."""
ABOVE = 3.0
"""Energy above this multiple (5 dB) of the modelled echo belongs to somebody else."""
OTHERS = 0.3
"""Share of such bands above which somebody else speaks."""
SMOOTHED = 15
"""Steps (150 ms) over which energies are averaged."""
QUIET = 1e-7
"""Mean square of silence: -70 dB of full scale."""


class EchoGate:
    """Tells for each frame whether the microphone heard nothing but the robot's loudspeaker."""

    def __init__(self) -> None:
        self._spectra = _Bands(), _Bands()
        bands = len(EDGES_HZ) - 1
        self._heard = np.zeros((0, bands))
        self._played = np.zeros((0, bands))
        """Band energies of the played audio with the room's decay."""
        self._received = np.zeros(0, bool)
        """Steps in which the microphone delivered audio."""
        self._gain: np.ndarray | None = None
        self._delay = 0
        self._unlearned = 0

    @property
    def is_sure(self) -> bool:
        """Whether delay and gains of this room have been learned."""
        return self._gain is not None

    def recognise(self, heard: np.ndarray, played: np.ndarray, received: np.ndarray) -> np.ndarray:
        """(n,) bool, True for frames with nothing but echo.

        heard, played: (n*640,) of the microphone and of the played audio, of the same time.
        received: (n,) bool, the microphone delivered the frame. Call it for all audio in order, as
        it learns from it.
        """
        mic, own = (
            bands.of(sound) for bands, sound in zip(self._spectra, (heard, played), strict=True)
        )
        self._heard = np.concatenate([self._heard, mic])[-REMEMBERED:]
        ringing = _ringing(own, self._played[-1] if len(self._played) else np.zeros_like(own[0]))
        self._played = np.concatenate([self._played, ringing])[-(REMEMBERED + LONGEST_DELAY) :]
        self._received = np.concatenate([self._received, received.repeat(STEPS_PER_FRAME)])[
            -REMEMBERED:
        ]
        self._unlearned += len(mic)
        if self._unlearned >= LEARNED_EVERY:
            self._unlearned = 0
            self._learn()
        frames = len(heard) // SAMPLES_PER_FRAME
        if self._gain is None:
            return np.zeros(frames, bool)
        # Reflections interfere, so the energy of single steps varies: compare averages.
        steps = len(mic)
        known = self._heard[-(steps + SMOOTHED) :]
        own_known = self._gain * self._delayed(len(known), self._delay)
        mic_mean, explained = (_mean_before(x, steps) for x in (known, own_known))
        loud = explained.sum(axis=1) > explained.shape[1] * QUIET
        others = (mic_mean > ABOVE * explained + self._noise()).mean(axis=1) > OTHERS
        votes = np.stack([loud, others]).reshape(2, frames, STEPS_PER_FRAME).mean(axis=2)
        echo: np.ndarray = (votes[0] >= 0.5) & (votes[1] < 0.5)
        return echo

    def _learn(self) -> None:
        """Learn delay and gains from the last seconds if the robot is heard in them."""
        count = len(self._heard)
        active = self._played[-count:].sum(axis=1) > self._played.shape[1] * QUIET
        received = self._received
        if (active & received).sum() < SHORTEST:
            return
        loudness, own = _level(self._heard), _level(self._delayed(count, 0, LONGEST_DELAY))
        alike = [
            _correlation(loudness[received], own[LONGEST_DELAY - delay :][:count][received])
            for delay in range(LONGEST_DELAY)
        ]
        best = int(np.argmax(alike))
        if alike[best] >= ALIKE:
            self._delay, self._gain = best, self._gains(best)
        elif self._gain is not None:
            # A person who speaks at the same time makes gains larger, never smaller; a loudspeaker
            # that was turned down makes them smaller.
            self._gain = np.minimum(self._gain, self._gains(self._delay))

    def _gains(self, delay: int) -> np.ndarray:
        played = self._delayed(len(self._heard), delay)[self._received]
        loud = played > QUIET
        ratio = np.where(loud, self._heard[self._received] / np.maximum(played, QUIET), np.nan)
        enough = loud.sum(axis=0) >= SHORTEST // 4
        gain = np.zeros(ratio.shape[1])
        gain[enough] = np.nanquantile(ratio[:, enough], GAIN_QUANTILE, axis=0)
        return gain

    def _delayed(self, count: int, delay: int, more: int = 0) -> np.ndarray:
        """Energies of the played audio, (count + more, bands), ending ``delay`` steps ago."""
        wanted = count + more + delay
        before = np.zeros((max(wanted - len(self._played), 0), self._played.shape[1]))
        return np.concatenate([before, self._played])[-wanted:][: count + more]

    def _noise(self) -> np.ndarray:
        """Noise level of each band: four times the quietest tenth of the microphone."""
        heard = self._heard[self._received] if self._received.any() else self._heard
        noise: np.ndarray = 4.0 * np.quantile(heard, 0.1, axis=0) + QUIET
        return noise


def _ringing(energy: np.ndarray, before: np.ndarray) -> np.ndarray:
    """(n, bands) energies with the room's decay; before: the last row of the previous call."""
    rung = energy.copy()
    for step in range(len(rung)):
        before = np.maximum(rung[step], DECAY * before)
        rung[step] = before
    return rung


def _mean_before(energy: np.ndarray, steps: int) -> np.ndarray:
    """For each of the last ``steps`` rows, the mean of it and the rows before, SMOOTHED in all."""
    sums = np.cumsum(np.concatenate([np.zeros((1, energy.shape[1])), energy]), axis=0)
    ends = np.arange(len(energy) - steps, len(energy)) + 1
    starts = np.maximum(ends - SMOOTHED, 0)
    means: np.ndarray = (sums[ends] - sums[starts]) / (ends - starts)[:, None]
    return means


class _Bands:
    """Filter bank: a stream of samples to the mean square in each band, every 10 ms."""

    def __init__(self) -> None:
        self._past = np.zeros(SPAN - STEP, np.float32)
        self._taper = np.hanning(SPAN).astype(np.float32)
        edges = np.round(np.array(EDGES_HZ) * SPAN / SAMPLE_RATE_HZ).astype(int)
        self._starts, self._stop = edges[:-1], edges[-1]

    def of(self, samples: np.ndarray) -> np.ndarray:
        """(n*160,) samples in [-1, 1] -> (n, bands) mean squares; call it for all in order."""
        known = np.concatenate([self._past, samples])
        self._past = known[-(SPAN - STEP) :]
        spans = np.lib.stride_tricks.sliding_window_view(known, SPAN)[::STEP]
        power = np.abs(np.fft.rfft(spans * self._taper, axis=1)[:, : self._stop]) ** 2
        sums: np.ndarray = np.add.reduceat(power, self._starts, axis=1)
        return sums * (2.0 / (SPAN * float((self._taper**2).sum())))


def _level(energy: np.ndarray) -> np.ndarray:
    """Band energies (n, bands) -> loudness (n,) in dB, not below that of silence."""
    level: np.ndarray = 10.0 * np.log10(energy.sum(axis=1) + len(EDGES_HZ) * QUIET)
    return level


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size > 0 else 0.0

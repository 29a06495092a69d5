"""The robot's own voice in its microphone: recognised by what it plays, so that it is no speech.

Both signals are compared as energies in bands, every 10 ms. The echo comes ``delay`` later, each
band with a gain of its own, and dies away; what it explains is echo, and only what stands out
of it in several bands is somebody else's voice. Nothing is subtracted: a listener needs to know
when it is spoken to, not every word.
"""

import numpy as np

from reactface_node.schema import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME

STEP = SAMPLE_RATE_HZ // 100
STEPS_PER_FRAME = SAMPLES_PER_FRAME // STEP
# Energies are of 25 ms, as in speech recognition; the bands' width grows with frequency.
SPAN = 400
EDGES_HZ = (100, 250, 400, 570, 760, 980, 1250, 1580, 2000, 2500, 3150, 4000, 5000, 6200, 7600)
REMEMBERED = 500
"""5 s: gains and delay are learned from so much, ..."""
LEARNED_EVERY = 32
"""0.32 s: they change slowly ..."""
SHORTEST = 60
"""... and are trusted after so much sound of the robot's own."""
LONGEST_DELAY = 60
"""0.6 s: loudspeaker buffers, the way through the air, stamps made when it was sent."""
DECAY = 0.80
"""Of a band's energy after 10 ms: a room whose echo has died away by 60 dB in 0.6 s."""
ALIKE = 0.75
"""Correlation of the two loudnesses from which on the microphone hears the robot."""
GAIN_QUANTILE = 0.5
"""Somebody who speaks at the same time only makes ratios larger, and seldom for most of it."""
ABOVE = 3.0
"""Energy that is so many times what the echo explains (5 dB) is another's."""
OTHERS = 0.3
"""A share of the bands from which on somebody else speaks."""
SMOOTHED = 15
"""150 ms."""
QUIET = 1e-7
"""Mean square below -70 dB of full scale: nothing."""


class EchoGate:
    """Tells, frame by frame, whether the microphone heard only the robot's own loudspeaker."""

    def __init__(self) -> None:
        self._spectra = _Bands(), _Bands()
        bands = len(EDGES_HZ) - 1
        self._heard = np.zeros((0, bands))
        self._played = np.zeros((0, bands))
        """As it rings in the room."""
        self._told = np.zeros(0, bool)
        """Where the microphone was there."""
        self._gain: np.ndarray | None = None
        self._delay = 0
        self._unlearned = 0

    @property
    def is_sure(self) -> bool:
        """Whether it has heard how the robot sounds in this room."""
        return self._gain is not None

    def recognise(self, heard: np.ndarray, played: np.ndarray, told: np.ndarray) -> np.ndarray:
        """(n*640,) of the microphone and of what was played, at the same time, (n,) whether the
        microphone gave the frame -> (n,) bool.

        True: nothing but echo. Call it for all audio, in order; it learns from what it is given.
        """
        mic, own = (
            bands.of(sound) for bands, sound in zip(self._spectra, (heard, played), strict=True)
        )
        self._heard = np.concatenate([self._heard, mic])[-REMEMBERED:]
        ringing = _ringing(own, self._played[-1] if len(self._played) else np.zeros_like(own[0]))
        self._played = np.concatenate([self._played, ringing])[-(REMEMBERED + LONGEST_DELAY) :]
        self._told = np.concatenate([self._told, told.repeat(STEPS_PER_FRAME)])[-REMEMBERED:]
        self._unlearned += len(mic)
        if self._unlearned >= LEARNED_EVERY:
            self._unlearned = 0
            self._learn()
        frames = len(heard) // SAMPLES_PER_FRAME
        if self._gain is None:
            return np.zeros(frames, bool)
        # A room's reflections beat: only over some time are they as loud as they are on average.
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
        """Delay and gains from the last seconds, where the robot has been heard in them."""
        count = len(self._heard)
        active = self._played[-count:].sum(axis=1) > self._played.shape[1] * QUIET
        told = self._told
        if (active & told).sum() < SHORTEST:
            return
        loudness, own = _level(self._heard), _level(self._delayed(count, 0, LONGEST_DELAY))
        alike = [
            _correlation(loudness[told], own[LONGEST_DELAY - delay :][:count][told])
            for delay in range(LONGEST_DELAY)
        ]
        best = int(np.argmax(alike))
        if alike[best] >= ALIKE:
            self._delay, self._gain = best, self._gains(best)
        elif self._gain is not None:
            # Somebody speaks as well, which only makes gains larger, or the loudspeaker was
            # turned down.
            self._gain = np.minimum(self._gain, self._gains(self._delay))

    def _gains(self, delay: int) -> np.ndarray:
        played = self._delayed(len(self._heard), delay)[self._told]
        loud = played > QUIET
        ratio = np.where(loud, self._heard[self._told] / np.maximum(played, QUIET), np.nan)
        enough = loud.sum(axis=0) >= SHORTEST // 4
        gain = np.zeros(ratio.shape[1])
        gain[enough] = np.nanquantile(ratio[:, enough], GAIN_QUANTILE, axis=0)
        return gain

    def _delayed(self, count: int, delay: int, more: int = 0) -> np.ndarray:
        """(count + more, bands) of what was played, ending ``delay`` steps before now."""
        wanted = count + more + delay
        before = np.zeros((max(wanted - len(self._played), 0), self._played.shape[1]))
        return np.concatenate([before, self._played])[-wanted:][: count + more]

    def _noise(self) -> np.ndarray:
        """What is always there, a band: the quietest tenth, and some."""
        heard = self._heard[self._told] if self._told.any() else self._heard
        return 4.0 * np.quantile(heard, 0.1, axis=0) + QUIET


def _ringing(energy: np.ndarray, before: np.ndarray) -> np.ndarray:
    rung = energy.copy()
    for step in range(len(rung)):
        before = np.maximum(rung[step], DECAY * before)
        rung[step] = before
    return rung


def _mean_before(energy: np.ndarray, steps: int) -> np.ndarray:
    """The means of each of the last ``steps`` rows and up to SMOOTHED before it."""
    sums = np.cumsum(np.concatenate([np.zeros((1, energy.shape[1])), energy]), axis=0)
    ends = np.arange(len(energy) - steps, len(energy)) + 1
    starts = np.maximum(ends - SMOOTHED, 0)
    means: np.ndarray = (sums[ends] - sums[starts]) / (ends - starts)[:, None]
    return means


class _Bands:
    """A stream of samples to mean squares in bands, every 10 ms."""

    def __init__(self) -> None:
        self._past = np.zeros(SPAN - STEP, np.float32)
        self._taper = np.hanning(SPAN).astype(np.float32)
        edges = np.round(np.array(EDGES_HZ) * SPAN / SAMPLE_RATE_HZ).astype(int)
        self._starts, self._stop = edges[:-1], edges[-1]

    def of(self, samples: np.ndarray) -> np.ndarray:
        """(n*160,) -> (n, bands)."""
        known = np.concatenate([self._past, samples])
        self._past = known[-(SPAN - STEP) :]
        spans = np.lib.stride_tricks.sliding_window_view(known, SPAN)[::STEP]
        power = np.abs(np.fft.rfft(spans * self._taper, axis=1)[:, : self._stop]) ** 2
        sums: np.ndarray = np.add.reduceat(power, self._starts, axis=1)
        return sums * (2.0 / (SPAN * float((self._taper**2).sum())))


def _level(energy: np.ndarray) -> np.ndarray:
    """(n, bands) -> (n,) dB, of what is above nothing."""
    level: np.ndarray = 10.0 * np.log10(energy.sum(axis=1) + len(EDGES_HZ) * QUIET)
    return level


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size > 0 else 0.0

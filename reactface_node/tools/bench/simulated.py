"""A session on simulated time whose tracker repeats recorded observations.

Tracking takes most of the time and does not depend on the length of a session, so the recording
is tracked once and its observations are repeated.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from reactface_node.config import Config
from reactface_node.engine.engine import Engine
from reactface_node.files.progress import ProgressBar
from reactface_node.perception import make_tracker
from reactface_node.schema import FRAME_RATE_HZ, Observation
from reactface_node.session.probe import NoProbe, Probe
from reactface_node.session.session import ReactionSession
from reactface_node.tools.bench.recording import BenchRecording

MOST_CROPS = 200
"""Face crops are 150 KB each."""


@dataclass(frozen=True, eq=False)
class BenchClip:
    """Observations, one a frame, and audio chunks of one frame, (n,) or (n, channels)."""

    observations: Sequence[Observation]
    sounds: Sequence[np.ndarray]
    rate_hz: int


class RecordedTracker:
    """A tracker (``tracker_thread.Tracker``) that repeats given observations."""

    def __init__(self, observations: Sequence[Observation]) -> None:
        self._observations = observations
        self._seen = self._round()

    def track(self, stamp_s: float, rgb: np.ndarray) -> Observation:
        """The next observation, for any image."""
        del stamp_s, rgb
        return next(self._seen)

    def hear(self, stamp_s: float, mono: np.ndarray, rate_hz: float) -> None:
        """No effect: nobody is selected by voice."""

    def change_person(self) -> None:
        """No effect: there is one person."""

    def narrow(self, max_width_px: int) -> None:
        """No effect: images are not used."""

    def reset(self) -> None:
        self._seen = self._round()

    def close(self) -> None:
        """No effect."""

    def _round(self) -> Iterator[Observation]:
        return itertools.cycle(self._observations)


class SimulatedSession:
    """One session and its simulated clock."""

    def __init__(self, config: Config, engine: Engine, clip: BenchClip) -> None:
        self.engine = engine
        self.session = ReactionSession(config, engine, RecordedTracker(clip.observations))
        self.frames = 0
        self._clip, self._window = clip, config.model.window
        self._heard = 0

    @property
    def seconds(self) -> float:
        """Simulated seconds so far."""
        return self._heard / FRAME_RATE_HZ

    def window(self, probe: Probe | None = None) -> int:
        """Push w frames of the speaker; returns the number of the listener's frames that
        result. probe: told of the stage "model"."""
        before, probe = self.frames, probe or NoProbe()
        for _ in range(self._window):
            feed(self.session, self._clip, self._heard)
            self._heard += 1
            # Not by ``poll``: on its thread, FLOPs would not be counted.
            for pending in self.session.take(self._heard / FRAME_RATE_HZ):
                number = pending.number(self._window)
                with probe.stage("model"):
                    raw = self.engine.step(pending.speaker, number, pending.digest)
                self.frames += len(self.session.finish(pending, raw).face)
        return self.frames - before


def feed(session: ReactionSession, clip: BenchClip, frame: int) -> None:
    """Push the image and the audio of one frame to a session."""
    start_s = frame / FRAME_RATE_HZ
    sound = clip.sounds[frame % len(clip.sounds)]
    session.push_image(start_s + 0.5 / FRAME_RATE_HZ, np.zeros((1, 1, 3), np.uint8))
    session.push_audio(start_s, sound, clip.rate_hz)


def tracked_clip(config: Config, recording: BenchRecording) -> BenchClip:
    """The observations of the recording; at most 200 face crops are kept."""
    pixels = config.model.face_encoder == "pixels"
    count = MOST_CROPS if pixels else round(recording.seconds * FRAME_RATE_HZ)
    tracker = make_tracker(config.perception, pixels)
    shown = itertools.islice(recording.pictures(), count)
    observations = [
        tracker.track(number / FRAME_RATE_HZ, rgb)
        for number, rgb in enumerate(ProgressBar(shown, "tracking", count, unit="", leave=False))
    ]
    tracker.close()
    heard = list(recording.sounds())
    rate_hz, samples = heard[0].rate_hz, np.concatenate([chunk.samples for chunk in heard])
    step = rate_hz // FRAME_RATE_HZ
    whole = len(samples) // step
    return BenchClip(observations, np.split(samples[: whole * step], whole), rate_hz)

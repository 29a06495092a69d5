"""A session on simulated time, in front of a speaker whom a tracker has seen before.

What the tracker sees does not depend on how long a session runs, and it takes most of the time:
the recording is tracked once, and its observations go round.
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
    """What was seen, frame by frame, and heard, in chunks of a frame (n,) or (n, channels)."""

    observations: Sequence[Observation]
    sounds: Sequence[np.ndarray]
    rate_hz: int


class Recorded:
    """A tracker (``session.Tracker``) that sees what was seen before, round and round."""

    def __init__(self, observations: Sequence[Observation]) -> None:
        self._observations = observations
        self._seen = self._round()

    def track(self, stamp_s: float, rgb: np.ndarray) -> Observation:
        """The next one, whatever the image."""
        del stamp_s, rgb
        return next(self._seen)

    def hear(self, stamp_s: float, duration_s: float, rms: float) -> None:
        """Nobody is chosen by voice."""

    def change_person(self) -> None:
        """There is one."""

    def narrow(self, max_width_px: int) -> None:
        """No image is looked at."""

    def reset(self) -> None:
        self._seen = self._round()

    def close(self) -> None:
        """There is nothing to free."""

    def _round(self) -> Iterator[Observation]:
        return itertools.cycle(self._observations)


class Drive:
    """One session and its simulated clock."""

    def __init__(self, config: Config, engine: Engine, clip: BenchClip) -> None:
        self.engine = engine
        self.session = ReactionSession(config, engine, Recorded(clip.observations))
        self.frames = 0
        self._clip, self._window = clip, config.model.window
        self._heard = 0

    @property
    def seconds(self) -> float:
        """How long the session has lasted."""
        return self._heard / FRAME_RATE_HZ

    def window(self, probe: Probe | None = None) -> int:
        """w frames of the speaker, however many the session takes at a time; how many frames of
        the listener came of them. probe: is told of the stage "model"."""
        before, probe = self.frames, probe or NoProbe()
        for _ in range(self._window):
            feed(self.session, self._clip, self._heard)
            self._heard += 1
            # Not by ``poll``, whose thread would hide the model's arithmetic from its counter.
            for pending in self.session.take(self._heard / FRAME_RATE_HZ):
                with probe.stage("model"):
                    raw = self.engine.step(pending.speaker)
                self.frames += len(self.session.finish(pending, raw).face)
        return self.frames - before


def feed(session: ReactionSession, clip: BenchClip, frame: int) -> None:
    """What comes to a session in that frame of it."""
    start_s = frame / FRAME_RATE_HZ
    sound = clip.sounds[frame % len(clip.sounds)]
    session.push_image(start_s + 0.5 / FRAME_RATE_HZ, np.zeros((1, 1, 3), np.uint8))
    session.push_audio(start_s, sound, clip.rate_hz)


def tracked_clip(config: Config, recording: BenchRecording) -> BenchClip:
    """The recording, tracked; of face crops no more than 200 are kept."""
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

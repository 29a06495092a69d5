"""A node with a fake tracker and a fake model, but the real server, session, timeline and
playout."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reactface_node.config import Config
from reactface_node.engine.engine import Engine, frames_at_once
from reactface_node.engine.stepper import SpeakerFrames
from reactface_node.render.renderer import NoRenderer
from reactface_node.ros.messages.types import RosbagsTypes
from reactface_node.ros.node.server import Server
from reactface_node.ros.node.topics import BLENDSHAPES, COMPRESSED, IMAGE
from reactface_node.schema import NUM_COEFFICIENTS, Observation
from reactface_node.session.session import ReactionSession


class StubTracker:
    """Sees a face in every image while somebody is there; raises at every ``fails_every``-th."""

    def __init__(self) -> None:
        self.is_there, self.fails_every, self.tracked = True, 0, 0
        known = np.ones(NUM_COEFFICIENTS, bool)
        face = np.full(NUM_COEFFICIENTS, 0.1, np.float32)
        self._seen = Observation(face, known, person=1, people=1)

    def track(self, stamp_s: float, rgb: np.ndarray) -> Observation:
        del stamp_s
        assert rgb.dtype == np.uint8 and rgb.ndim == 3
        self.tracked += 1
        if self.fails_every and self.tracked % self.fails_every == 0:
            raise RuntimeError("the stub tracker fails as it was told to")
        return self._seen if self.is_there else Observation.missing()

    def hear(self, stamp_s: float, mono: np.ndarray, rate_hz: float) -> None:
        assert mono.ndim == 1 and rate_hz > 0

    def change_person(self) -> None:
        pass

    def narrow(self, max_width_px: int) -> None:
        pass

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


class StubStepper:
    """A model that answers with a still face."""

    def __init__(self, config: Config) -> None:
        self.window, self.noise_width, self.disposition = config.model.window, 1, 1
        self._samples = 1

    def begin(self, disposition: np.ndarray) -> None:
        self._samples = len(disposition)

    def describe(self, disposition: np.ndarray) -> None:
        """All listeners are alike."""

    def step(self, speaker: SpeakerFrames, noise: np.ndarray) -> np.ndarray:
        del noise
        return np.zeros((self._samples, len(speaker.face_valid), NUM_COEFFICIENTS), np.float32)

    def check(self, config: Any) -> None:
        """Any configuration will do."""

    def configure(self, config: Any) -> None:
        """Nothing changes."""


class StubTransport:
    """Notes when frames were published. now_s: time that passed, without the clock's jumps."""

    def __init__(self, types: RosbagsTypes) -> None:
        self.now_s = self.longest_gap_s = 0.0
        self.frames = self.sent = self.bad = 0
        self.is_on = True
        self._last_s: float | None = None
        self._types = types

    def publish(self, topic: str, message: Any) -> None:
        self.sent += 1
        if topic != BLENDSHAPES:
            return
        self.look()
        self.frames, self._last_s = self.frames + 1, self.now_s
        weights = message.weights
        self.bad += not (np.isfinite(weights).all() and 0 <= weights.min() <= weights.max() <= 1)

    def look(self) -> None:
        """Counts the gap that lasts since the last frame."""
        if self._last_s is not None and self.is_on:
            self.longest_gap_s = max(self.longest_gap_s, self.now_s - self._last_s)

    def pause(self, on: bool) -> None:
        """Disabled: no frame is expected."""
        self.look()
        self.is_on, self._last_s = on, self.now_s

    def subscribers(self, topic: str) -> int:
        return int(topic not in (IMAGE, COMPRESSED))


@dataclass(eq=False)
class StubNode:
    """A server and what is around it."""

    server: Server
    session: ReactionSession
    tracker: StubTracker
    transport: StubTransport
    config: Config

    def faces(self) -> tuple[float, float, float]:
        """Seconds reacted, with a face, with a voice so far."""
        stats = self.session.stats()
        seconds = stats["seconds_reacted"]
        return seconds, stats["face_seen"] * seconds, stats["voice_heard"] * seconds

    def close(self) -> None:
        self.session.close()


def make_config(**changes: Any) -> Config:
    """The default profile without pictures; "__" stands for the dots of a setting's name."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return Config.load("default", overrides={"render.renderer": "none", "playout.seed": 0, **named})


def make_node(
    config: Config,
    types: RosbagsTypes,
    clock: Callable[[], float] = lambda: 0.0,
    engine: Engine | None = None,
) -> StubNode:
    """clock: what work is measured with; work takes no time unless it is told. engine: a real
    model's."""
    tracker = StubTracker()
    engine = engine or Engine(StubStepper(config), frames_at_once(config))
    session = ReactionSession(config, engine, tracker, clock)
    transport = StubTransport(types)
    server = Server(config, session, types, transport, NoRenderer(), is_live=True, clock=clock)
    return StubNode(server, session, tracker, transport, config)

"""A conversation with all events of a real one, at a higher rate."""

from typing import Protocol

import numpy as np

from campaign import fields
from campaign.damage import damaged
from campaign.samples import Samples
from campaign.settings_mutators import any_changes, right_changes
from reactface_node.ros.messages.types import MessageError
from reactface_node.ros.node.server import Server

# Seconds between two of a kind, on average.
EVERY_S = {
    "person": 40.0,
    "camera_gap": 120.0,
    "microphone_gap": 120.0,
    "both_gap": 600.0,
    "clock": 900.0,
    "camera_restart": 900.0,
    "setting": 60.0,
    "wrong_setting": 120.0,
    "reset": 600.0,
    "disable": 900.0,
    "speaking": 45.0,
    "bad_message": 8.0,
    "another": 300.0,
    "bare_stamps": 900.0,
    "tracker_fails": 300.0,
    "slow_machine": 300.0,
}
CLOCK_JUMPS_S = (-86400.0, -3600.0, -10.0, -1.5, -0.4, 0.4, 1.5, 10.0, 3600.0, 86400.0)
SIZES = ((48, 64), (24, 32), (96, 128))
DISABLED_S = 4.0
WORK_S, SLOW_WORK_S = 0.008, (0.03, 0.05, 0.09, 0.15)
"""Simulated computing time of an image or a window, usually and on a busy machine."""


class Tracked(Protocol):
    """What a scene does to the tracker."""

    is_there: bool
    fails_every: int


class Scene:
    """What is on, and what happens next; ``offset_s`` is what the clock has jumped so far."""

    def __init__(self, samples: Samples, seed: int, haste: float = 1.0) -> None:
        """haste: how many times more often than EVERY_S says."""
        self.samples = samples
        self.rng = np.random.default_rng([seed, 4])
        self.offset_s = 0.0
        self.size = SIZES[0]
        self.happened: dict[str, int] = {}
        self.disabled_until_s = 0.0
        self._bare_until_s = self._camera_until_s = self._microphone_until_s = 0.0
        self._fails_until_s = self._slow_until_s = 0.0
        self._slow_s = WORK_S
        self._every = {name: mean_s / haste for name, mean_s in EVERY_S.items()}
        self._next = {name: self._wait(name) for name in EVERY_S}
        self._soonest_s = min(self._next.values())

    def has_camera(self, elapsed_s: float) -> bool:
        return elapsed_s >= self._camera_until_s

    def has_microphone(self, elapsed_s: float) -> bool:
        return elapsed_s >= self._microphone_until_s

    def is_bare(self, elapsed_s: float) -> bool:
        """Stamps are zero."""
        return elapsed_s < self._bare_until_s

    def work_takes_s(self, elapsed_s: float) -> float:
        """Seconds of a piece of the tracker's or the model's work."""
        return self._slow_s if elapsed_s < self._slow_until_s else WORK_S

    def step(self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked) -> None:
        """What is due happens."""
        if elapsed_s < self._soonest_s:
            return
        if not server.enabled and elapsed_s >= self.disabled_until_s:
            server.enable(True)
        if elapsed_s >= self._fails_until_s:
            tracker.fails_every = 0
        for name, due_s in self._next.items():
            if elapsed_s >= due_s:
                self._next[name] = elapsed_s + self._wait(name)
                self.happened[name] = self.happened.get(name, 0) + 1
                getattr(self, f"_{name}")(elapsed_s, now_s, server, tracker)
        ends = [s for s in (self.disabled_until_s, self._fails_until_s) if s > elapsed_s]
        self._soonest_s = min([*self._next.values(), *ends])

    def _wait(self, name: str) -> float:
        return float(self.rng.exponential(self._every[name]))

    def _lasts(self, mean_s: float) -> float:
        return min(float(self.rng.exponential(mean_s)), 20.0 * mean_s)

    def _person(self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked) -> None:
        tracker.is_there = not tracker.is_there

    def _camera_gap(self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked) -> None:
        self._camera_until_s = elapsed_s + self._lasts(3.0)

    def _microphone_gap(
        self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked
    ) -> None:
        self._microphone_until_s = elapsed_s + self._lasts(3.0)

    def _both_gap(self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked) -> None:
        self._camera_until_s = self._microphone_until_s = elapsed_s + self._lasts(10.0)

    def _clock(self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked) -> None:
        self.offset_s += CLOCK_JUMPS_S[int(self.rng.integers(0, len(CLOCK_JUMPS_S)))]

    def _camera_restart(
        self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked
    ) -> None:
        self._camera_until_s = elapsed_s + 2.0
        self.size = SIZES[int(self.rng.integers(0, len(SIZES)))]

    def _setting(self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked) -> None:
        reason = server.configure(right_changes(self.rng))
        assert not reason, reason

    def _wrong_setting(
        self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked
    ) -> None:
        server.configure(any_changes(self.rng))

    def _reset(self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked) -> None:
        server.reset()

    def _disable(self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked) -> None:
        server.enable(False)
        self.disabled_until_s = elapsed_s + DISABLED_S

    def _speaking(self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked) -> None:
        on = bool(self.rng.random() < 0.3)
        message = self.samples.build("std_msgs/msg/Bool", data=on)
        server.receive("speaking", message, now_s, 1)

    def _bad_message(
        self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked
    ) -> None:
        known = [s for s in self.samples.all if s.stream in ("image", "audio", "own_audio")]
        sample = known[int(self.rng.integers(0, len(known)))]
        try:
            if self.rng.random() < 0.5:
                data = damaged(sample.at(now_s), self.rng, 4)
                message = sample.types.deserialize(data, sample.kind)
            else:
                message = sample.message(now_s)
                fields.mutate(message, self.rng)
        except MessageError:
            return
        server.receive(sample.stream, message, now_s, 1)

    def _another(self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked) -> None:
        server.intake.follow_another(("faces", "voices")[int(self.rng.integers(0, 2))])

    def _bare_stamps(
        self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked
    ) -> None:
        self._bare_until_s = elapsed_s + self._lasts(5.0)

    def _tracker_fails(
        self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked
    ) -> None:
        tracker.fails_every, self._fails_until_s = 2, elapsed_s + 2.0

    def _slow_machine(
        self, elapsed_s: float, now_s: float, server: Server, tracker: Tracked
    ) -> None:
        self._slow_s = SLOW_WORK_S[int(self.rng.integers(0, len(SLOW_WORK_S)))]
        self._slow_until_s = elapsed_s + self._lasts(10.0)

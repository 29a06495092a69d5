"""Part c: a conversation of hours on a simulated clock: the real timeline, playout and server.

Tracker and model are fakes; with ``--real-model`` the model is the shipped one.
"""

import argparse
import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from campaign.machine import Held, held
from campaign.pools import Clock, simulated_pools
from campaign.samples import Samples
from campaign.scene import SIZES, Scene
from campaign.stubs import StubNode, make_config, make_node
from campaign.tally import Tally, reason_of, trace_of
from reactface_node.engine.engine import load_engine
from reactface_node.ros.messages import convert

PART = "soak"
START_S = 1.7e9
STEP_S = 0.04
CHUNK_STEPS = 2
"""Steps per chunk of audio."""
TICKS = 2
LONGEST_GAP_S = 1.0
GROWN_MB = 60.0
SAID_EVERY_S = 20.0


class Soak:
    """A node and its scene; ``run`` lets time pass."""

    def __init__(
        self, tally: Tally, clock: Clock, seed: int, haste: float, mode: str, real_model: bool
    ) -> None:
        self.clock, self.tally, self.samples = clock, tally, Samples()
        self.scene = Scene(self.samples, seed, haste)
        config = make_config(mode=mode)
        engine = load_engine(config) if real_model else None
        self.node: StubNode = make_node(config, self.samples.types, engine=engine)
        self.part = f"soak {mode}{' model' * real_model}"
        self.command = (
            f"python tests/campaign/run.py soak --seed {seed} --mode {mode} --haste {haste:g}"
        )
        self.command += " --real-model" * real_model
        self.elapsed_s = 0.0
        self.exceptions = 0
        self.gaps: list[tuple[float, float]] = []
        self._images = {size: self._image(size) for size in SIZES}
        tone = (8000 * np.sin(0.1 * np.arange(round(CHUNK_STEPS * STEP_S * 16000)))).astype("<i2")
        data = self.samples.build("audio_common_msgs/msg/AudioData", data=tone.view(np.uint8))
        header = convert.header(self.samples.types, 1.0, "microphone")
        self._chunk = self.samples.build(
            "audio_common_msgs/msg/AudioDataStamped", header=header, audio=data
        )
        info = self.samples.info.message(0.0)
        self.guard("info", lambda: self.node.server.receive("audio_info", info, START_S, 1))

    def run(self, hours: float, say: bool = True) -> list[Held]:
        """What the process held at the start, after a tenth (an hour at most), and at the end."""
        steps = round(hours * 3600 / STEP_S)
        marks = {min(steps // 10, round(3600 / STEP_S)), steps - 1}
        found, said_s, began_s = [held()], time.monotonic(), time.monotonic()
        for step in range(steps):
            self.step(step)
            if step in marks:
                found.append(held())
            if say and step % 1000 == 0 and time.monotonic() - said_s > SAID_EVERY_S:
                said_s = time.monotonic()
                print(
                    f"soak: {self.elapsed_s / 3600:.2f} h of {hours:g} in "
                    f"{said_s - began_s:.0f} s; {held()}",
                    flush=True,
                )
        return found

    def step(self, step: int) -> None:
        """40 ms: what comes in them, and ticks."""
        self.elapsed_s = step * STEP_S
        node, scene, transport = self.node, self.scene, self.node.transport
        transport.now_s = self.elapsed_s
        was_on = node.server.enabled
        at_s = self.now_s
        self.guard("scene", lambda: scene.step(self.elapsed_s, at_s, node.server, node.tracker))
        if node.server.enabled != was_on:
            transport.pause(node.server.enabled)
        now_s = self.now_s
        if scene.has_camera(self.elapsed_s):
            self._see(now_s)
        if step % CHUNK_STEPS == 0 and scene.has_microphone(self.elapsed_s):
            self._hear(now_s)
        before_s = transport.longest_gap_s
        for tick in range(TICKS):
            transport.now_s = self.elapsed_s + tick * STEP_S / TICKS
            self.clock.takes_s = scene.work_takes_s(self.elapsed_s)
            self.clock.advance(transport.now_s)
            try:
                node.server.tick(now_s + tick * STEP_S / TICKS)
            except Exception as error:
                self._raised("tick", error)
        transport.look()
        if transport.longest_gap_s > max(before_s, LONGEST_GAP_S):
            self.gaps.append((self.elapsed_s, transport.longest_gap_s))

    @property
    def now_s(self) -> float:
        return START_S + self.scene.offset_s + self.elapsed_s

    def guard(self, what: str, act: Callable[[], Any]) -> None:
        """An exception is a fault, and time goes on."""
        try:
            act()
        except Exception as error:
            self._raised(what, error)

    def _see(self, now_s: float) -> None:
        message = self._images[self.scene.size]
        bare = self.scene.is_bare(self.elapsed_s)
        _stamp(message.header.stamp, 0.0 if bare else now_s)
        try:
            self.node.server.receive("image", message, now_s, 1)
        except Exception as error:
            self._raised("image", error)

    def _hear(self, now_s: float) -> None:
        bare = self.scene.is_bare(self.elapsed_s)
        _stamp(self._chunk.header.stamp, 0.0 if bare else now_s - CHUNK_STEPS * STEP_S)
        try:
            self.node.server.receive("audio", self._chunk, now_s, 1)
        except Exception as error:
            self._raised("audio", error)

    def _image(self, size: tuple[int, int]) -> Any:
        rgb = np.full((*size, 3), 90, np.uint8)
        return convert.image(self.samples.types, 1.0, "camera", rgb)

    def _raised(self, what: str, error: Exception) -> None:
        self.exceptions += 1
        reason = f"{what} at {self.elapsed_s:.2f} s: {reason_of(error)}"
        self.tally.fault(self.part, reason, self.command, trace_of(error))


def _stamp(stamp: Any, at_s: float) -> None:
    stamp.sec, stamp.nanosec = int(at_s), int(at_s % 1.0 * 1e9)


def run(
    tally: Tally, seed: int, hours: float, haste: float, mode: str, real_model: bool, say: bool
) -> Soak:
    """One conversation; its bounds are faults where they are passed."""
    logging.disable(logging.CRITICAL)
    began_s = time.monotonic()
    with simulated_pools() as clock:
        soak = Soak(tally, clock, seed, haste, mode, real_model)
        try:
            found = soak.run(hours, say)
        finally:
            soak.node.close()
            logging.disable(logging.NOTSET)
    part = soak.part
    transport, totals = soak.node.transport, soak.node.server.meter.totals
    for elapsed_s, gap_s in soak.gaps[-1:]:
        tally.fault(part, f"gap of {gap_s:.2f} s between frames at {elapsed_s:.2f} s", soak.command)
    if transport.bad:
        tally.fault(part, f"{transport.bad} frames with weights outside of [0, 1]", soak.command)
    start, early, end = found[0], found[1], found[-1]
    if end.memory_mb - early.memory_mb > GROWN_MB:
        tally.fault(part, f"memory: {early} to {end}", soak.command)
    if end.threads > early.threads or end.descriptors > early.descriptors:
        tally.fault(part, f"threads or descriptors: {early} to {end}", soak.command)
    for name, number in soak.scene.happened.items():
        tally.count(part, f"scene: {name}", number)
    for name in ("images", "audio", "rejected", "frames", "frames_late"):
        tally.count(part, name, totals.get(name, 0))
    tally.count(part, "exceptions", soak.exceptions)
    stats = soak.node.session.stats()
    tally.fact(
        part,
        mode=mode,
        hours=hours,
        longest_gap_s=f"{transport.longest_gap_s:.2f}",
        resets=int(stats["resets"]),
        face_seen=f"{stats['face_seen']:.3f}",
        at_start=start,
        early=early,
        at_end=end,
        wall_s=f"{time.monotonic() - began_s:.0f}",
    )
    return soak


def add(commands: Any) -> None:
    parser = commands.add_parser(PART, help="hours of conversation on a simulated clock")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--mode", choices=("window", "frame"), default="window")
    parser.add_argument("--haste", type=float, default=1.0, help="events this many times as often")
    parser.add_argument("--real-model", action="store_true", help="the shipped weights")
    parser.set_defaults(act=act)


def act(options: argparse.Namespace, tally: Tally) -> None:
    run(tally, options.seed, options.hours, options.haste, options.mode, options.real_model, True)

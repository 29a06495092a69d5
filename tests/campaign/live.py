"""Part d: the node on the wall clock, with real weights, tracker and recording, and with faults.

Messages come over DDS on this machine's loopback, or with ``--direct`` directly to the server.
"""

import argparse
import logging
import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from campaign.feeding import Room, feeder, peer
from campaign.machine import held
from campaign.samples import Samples
from campaign.scene import Scene
from campaign.tally import Tally
from campaign.watcher import PART, Errors, Watcher
from reactface_node.config import Config
from reactface_node.engine.engine import load_engine
from reactface_node.perception import make_tracker
from reactface_node.render import make_renderer
from reactface_node.ros.dds.graph import DdsNode, serve
from reactface_node.ros.node.server import Server
from reactface_node.ros.node.topics import COMPRESSED, IMAGE
from reactface_node.schema import Observation
from reactface_node.session.session import ReactionSession
from reactface_node.tools.bench.recording import BenchRecording, Event

TICK_S = 0.002


class SlowTracker:
    """A tracker that takes at least ``least_s`` an image, and does what a scene tells it."""

    def __init__(self, tracker: Any, least_s: float) -> None:
        self.is_there, self.fails_every, self.tracked = True, 0, 0
        self._tracker, self._least_s = tracker, least_s
        for name in ("hear", "change_person", "narrow", "reset", "close"):
            setattr(self, name, getattr(tracker, name))

    def track(self, stamp_s: float, rgb: np.ndarray) -> Observation:
        due_s = time.monotonic() + self._least_s
        self.tracked += 1
        shown = rgb if self.is_there else np.full_like(rgb, 127)
        seen: Observation = self._tracker.track(stamp_s, shown)
        time.sleep(max(0.0, due_s - time.monotonic()))
        if self.fails_every and self.tracked % self.fails_every == 0:
            raise RuntimeError("the tracker fails as it was told to")
        return seen


class NoWire:
    """The transport of ``--direct``."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def publish(self, topic: str, message: Any) -> None:
        self._watcher.note(topic, message)

    def subscribers(self, topic: str) -> int:
        return int(topic not in (IMAGE, COMPRESSED))


@contextmanager
def jumping_clock(scene: Scene) -> Iterator[None]:
    """Inside, the system's clock jumps as the scene says."""
    real = time.time
    time.time = lambda: real() + scene.offset_s
    try:
        yield
    finally:
        time.time = real


class Show:
    """What both ways share: recording, scene, session and their end."""

    def __init__(self, tally: Tally, options: argparse.Namespace) -> None:
        self.command = (
            f"python tests/campaign/run.py live --seed {options.seed} --minutes {options.minutes:g}"
            f" --tracker-ms {options.tracker_ms:g} --mode {options.mode} --haste {options.haste:g}"
        ) + " --direct" * options.direct
        changes = {"mode": options.mode, "render.renderer": "none", "ros.network_interface": "lo"}
        self.config = Config.load("default", overrides=changes)
        self.seconds = 60.0 * options.minutes
        self.samples, self.recording = Samples(), BenchRecording(self.config)
        self.scene = Scene(self.samples, options.seed, options.haste)
        tracker = make_tracker(self.config.perception, False)
        self.tracker = SlowTracker(tracker, options.tracker_ms / 1000)
        self.session = ReactionSession(self.config, load_engine(self.config), self.tracker)
        self.session.run_silence()
        tracker.track(0.0, next(self.recording.pictures()))
        self.session.reset()
        self.watcher = Watcher(tally, self.command)
        self.started = held()

    def room(self) -> Room:
        """What the scene says now."""
        scene, elapsed_s = self.scene, self.watcher.elapsed_s
        return Room(
            scene.has_camera(elapsed_s),
            scene.has_microphone(elapsed_s),
            scene.is_bare(elapsed_s),
            scene.offset_s,
        )

    def turn(self, server: Server) -> None:
        """One turn of the scene, on the serving thread."""
        elapsed_s = self.watcher.elapsed_s
        try:
            self.scene.step(elapsed_s, time.time(), server, self.tracker)
        except Exception as error:
            self.watcher.raised("scene", error)
        self.watcher.look(server.enabled)
        self.watcher.say(server)


def over_the_wire(show: Show, domain: int) -> None:
    """The serving loop of ``reactface live``, and a peer that publishes."""
    os.environ["ROS_DOMAIN_ID"] = str(domain)
    stop = threading.Event()

    class Noting(DdsNode):
        def publish(self, topic: str, message: Any) -> None:
            show.watcher.note(topic, message)
            super().publish(topic, message)

    with peer(domain, show.seconds) as tell:

        def feed(server: Server) -> None:
            show.turn(server)
            tell(show.room())
            if show.watcher.elapsed_s > show.seconds:
                stop.set()

        try:
            with show.watcher.watching():
                serve(
                    show.config,
                    show.session,
                    make_renderer(show.config.render),
                    stop,
                    Noting,
                    feed=feed,
                )
        except Exception as error:
            show.watcher.raised("the node ended", error)


def directly(show: Show) -> None:
    """A serving loop without a wire."""
    waiting: queue.SimpleQueue[Event] = queue.SimpleQueue()
    transport = NoWire(show.watcher)
    server = Server(
        show.config, show.session, show.samples.types, transport, make_renderer(show.config.render)
    )
    with feeder(show.recording, show.seconds, waiting.put), show.watcher.watching():
        while show.watcher.elapsed_s < show.seconds:
            show.turn(server)
            try:
                take(show, waiting, server)
                server.tick(time.time())
            except Exception as error:
                show.watcher.raised("serving", error)
                server.reset()
            time.sleep(TICK_S)


def take(show: Show, waiting: "queue.SimpleQueue[Event]", server: Server) -> None:
    """All that waits, of which the newest image alone, as a subscription of depth 1 does."""
    events = [waiting.get() for _ in range(waiting.qsize())]
    images = [event for event in events if event.stream == "image"]
    for event in events:
        room = show.room()
        if room.lets_through(event) and (event.stream != "image" or event is images[-1]):
            message = room.message(show.recording.types, event, time.time())
            server.receive(event.stream, message, time.time(), 1)


def add(commands: Any) -> None:
    parser = commands.add_parser(PART, help="the node on the wall clock in a bad room")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--tracker-ms", type=float, default=80.0, help="an image takes as long")
    parser.add_argument("--mode", choices=("window", "frame"), default="frame")
    parser.add_argument("--haste", type=float, default=10.0, help="events this many times as often")
    parser.add_argument("--direct", action="store_true", help="without the wire")
    parser.add_argument("--domain", type=int, default=77, help="ROS_DOMAIN_ID, on loopback")
    parser.add_argument("--most-mb", type=float, default=100.0, help="that memory may grow by")
    parser.set_defaults(act=act)


def act(options: argparse.Namespace, tally: Tally) -> None:
    show = Show(tally, options)
    watcher = show.watcher
    logging.getLogger().addHandler(Errors(watcher))
    with jumping_clock(show.scene):
        if options.direct:
            directly(show)
        else:
            over_the_wire(show, options.domain)
    end = held()
    settled = watcher.settled or end
    stats = show.session.stats()
    resets = int(stats["resets"])
    show.session.close()
    if end.memory_mb - settled.memory_mb > options.most_mb:
        tally.fault(PART, f"memory: {settled} to {end}", show.command)
    if end.descriptors > settled.descriptors + 2:
        tally.fault(PART, f"descriptors: {settled} to {end}", show.command)
    for name, number in show.scene.happened.items():
        tally.count(PART, f"scene: {name}", number)
    tally.count(PART, "frames", watcher.frames)
    tally.count(PART, "exceptions", watcher.exceptions)
    tally.count(PART, "errors logged", watcher.errors)
    tally.fact(
        PART,
        seconds=f"{watcher.elapsed_s:.0f}",
        longest_gap_s=f"{watcher.longest_gap_s:.2f}",
        restarts=resets,
        face_seen=f"{stats['face_seen']:.3f}",
        voice_heard=f"{stats['voice_heard']:.3f}",
        levels=sorted(watcher.levels),
        at_start=show.started,
        settled=settled,
        at_end=end,
    )

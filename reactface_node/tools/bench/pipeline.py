"""The whole node over the recording: on simulated time as fast as it goes, and on the wall clock.

The server is the one that the node runs; only its transport is none, and serialises for nobody.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from reactface_node.config import Config
from reactface_node.engine.engine import Engine
from reactface_node.files.progress import ProgressBar
from reactface_node.perception import make_tracker
from reactface_node.render import make_renderer
from reactface_node.render.renderer import Draw, Renderer
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes
from reactface_node.ros.node.server import Server
from reactface_node.ros.node.topics import COMPRESSED, IMAGE
from reactface_node.session.playout import Playout
from reactface_node.session.session import ReactionSession
from reactface_node.tools.bench.clock import StageMeter, clock, spread
from reactface_node.tools.bench.machine import resident_mb
from reactface_node.tools.bench.recording import BenchRecording, Pictures

TICK_S = 0.002
SIMULATED_TICK_S = 0.01
LONGEST_S = 120.0
"""A renderer that takes a second a frame gets as far as it gets."""
START_S = 1000.0
STAGES = ("decode", "track", "model", "playout", "render", "publish")
BUILDERS = ("blendshapes", "face_coefficients", "reaction_message", "image", "compressed_image")


class Unheard:
    """Nobody listens, but everything is made: both pictures count as subscribed to."""

    def __init__(self, types: RosbagsTypes) -> None:
        self._types = types

    def subscribers(self, topic: str) -> int:
        """Somebody sees."""
        return int(topic in (IMAGE, COMPRESSED))

    def publish(self, topic: str, message: Any) -> None:
        """Serialised as for the wire."""
        del topic
        self._types.serialize(message)


class Rig:
    """Tracker, session and server of a config, all of them read by ``meter``.

    Nothing is left out for want of time: what cannot keep up is to be seen.
    """

    def __init__(
        self, config: Config, engine: Engine, recording: BenchRecording, is_live: bool
    ) -> None:
        """is_live: on the wall clock."""
        config = config.replace(**{"ros.load_shedding": False})
        self.types, self.engine = recording.types, engine
        self.meter = StageMeter(clock(config.device))
        tracker = make_tracker(config.perception, config.model.face_encoder == "pixels")
        # Before the session, which hands the method on.
        vars(tracker)["track"] = self.meter.timed("track", tracker.track)
        self.session = ReactionSession(config, engine, tracker)
        self.session.run_silence()
        tracker.track(0.0, next(recording.pictures()))
        self.session.reset()
        self.meter.grown.clear()
        self.transport = Unheard(self.types)
        self.renderer = make_renderer(config.render, config.on_device_failure)
        self.server = Server(
            config, self.session, self.types, self.transport, self.renderer, is_live=is_live
        )

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Inside, every stage is read; what publishes a frame is one call."""
        read = self.meter.wrapping
        with ExitStack() as stack:
            for measured in (
                read("decode", self.types, "deserialize", each=False),
                read("decode", convert, "image_to_rgb", "audio_to_samples", each=False),
                read("playout", Playout, "finish"),
                read("publish", convert, *BUILDERS, each=False),
                read("publish", self.transport, "publish", each=False),
                read("model", self.engine, "step"),
                _drawing(self.meter, self.renderer),
            ):
                stack.enter_context(measured)
            yield

    def receive(self, event: Any, start_s: float, arrival_s: float) -> None:
        """A message that comes."""
        self.server.receive(event.stream, event.message(self.types, start_s), arrival_s)
        if event.stream == "image":
            self.meter.lap()
        # Sound takes next to nothing to decode.
        self.meter.drop()

    def tick(self, now_s: float) -> None:
        """What is due at this time."""
        self.server.tick(now_s)
        self.meter.lap()

    def frames(self) -> int:
        """Published so far."""
        return self.server.meter.totals.get("frames", 0)


@contextmanager
def _drawing(meter: StageMeter, renderer: Renderer) -> Iterator[None]:
    """What draws a frame is read; a portrait draws a whole window with its first frame."""
    begin = renderer.begin

    def begun(faces: np.ndarray) -> Draw:
        return meter.timed("render", begin(faces))

    with replaced(renderer, "begin", begun):
        yield


@contextmanager
def replaced(owner: Any, method: str, call: Callable[..., Any]) -> Iterator[None]:
    """Inside, an object's method is ``call``."""
    setattr(owner, method, call)
    try:
        yield
    finally:
        delattr(owner, method)


def pipeline(
    config: Config, engine: Engine, recording: BenchRecording, seconds: float | None = None
) -> dict[str, Any]:
    """All stages over the recording, or its first ``seconds``, as fast as they go."""
    rig = Rig(config, engine, recording, is_live=False)
    wanted_s = min(seconds or recording.seconds, recording.seconds)
    ticked_s = done_s = 0.0
    began, used = time.perf_counter(), time.process_time()
    bar = ProgressBar(total=round(wanted_s), desc="pipeline", unit="s", leave=False)
    with rig.measured(), bar:
        for event in recording.events(wanted_s):
            while ticked_s < event.arrival_s:
                rig.tick(START_S + ticked_s)
                ticked_s += SIMULATED_TICK_S
            rig.receive(event, START_S, START_S + event.arrival_s)
            bar.update(int(event.arrival_s) - bar.n)
            done_s = event.arrival_s
            if time.perf_counter() - began > LONGEST_S:
                break
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - used
    frames, stats, grown = rig.frames(), rig.session.stats(), rig.meter.grown
    rig.session.close()
    return {
        "recording_s": round(done_s, 2),
        "frames": frames,
        "frames_per_s": round(frames / wall_s, 1),
        "real_time_factor": round(done_s / wall_s, 2),
        "cores_used": round(cpu_s / wall_s, 2),
        "face_seen": round(stats["face_seen"], 4),
        "memory_mb": resident_mb(),
        "stages": {stage: spread(grown[stage]) for stage in STAGES if stage in grown},
    }


def paced(
    config: Config,
    engine: Engine,
    recording: BenchRecording,
    seconds: float,
    pictures: Pictures | None = None,
) -> dict[str, Any]:
    """The node's logic on the wall clock for ``seconds``: what it publishes, and how late.

    Latency: from the arrival of a window's last input to its first frame. pictures: others than
    the recording's own, see ``BenchRecording.events``.
    """
    rig = Rig(config, engine, recording, is_live=True)
    latencies_s: list[float] = []
    note = rig.server.meter.latency

    def noted(latency_s: float) -> None:
        latencies_s.append(latency_s)
        note(latency_s)

    memory = [resident_mb()]
    with replaced(rig.server.meter, "latency", noted):
        played = _play(rig, recording, pictures, seconds)
    memory.append(resident_mb())
    stats, totals = rig.session.stats(), rig.server.meter.totals
    rig.session.close()
    return {
        **played,
        "frames": rig.frames(),
        "frames_late": totals.get("frames_late", 0),
        "images": totals.get("images", 0),
        "face_seen": round(stats["face_seen"], 4),
        "windows": stats["windows_reacted"],
        "windows_skipped": stats["windows_skipped"],
        "rejected": totals.get("rejected", 0),
        "memory_mb_first_last": memory,
        "latency": spread(latencies_s) if latencies_s else {},
    }


def _play(
    rig: Rig, recording: BenchRecording, pictures: Pictures | None, seconds: float
) -> dict[str, Any]:
    """Messages at their times, ticks in between."""
    dropped = 0
    began, used = time.time(), time.process_time()
    with ProgressBar(total=round(seconds), desc="paced", unit="s", leave=False) as bar:
        for event in recording.events(seconds, pictures):
            if time.time() > began + 2.0 * seconds:
                # What takes longer than its time would never be done.
                break
            due_s = began + event.arrival_s
            while (now_s := time.time()) < due_s:
                rig.tick(now_s)
                time.sleep(TICK_S)
            if event.stream == "image" and time.time() > due_s + recording.image_s:
                # The node keeps the newest image alone.
                dropped += 1
                continue
            # It came when it was due, also where there was no time for it.
            rig.receive(event, began, due_s)
            rig.tick(time.time())
            bar.update(int(event.arrival_s) - bar.n)
    wall_s, cpu_s = time.time() - began, time.process_time() - used
    return {
        "seconds": round(wall_s, 1),
        "cores_used": round(cpu_s / wall_s, 2),
        "images_dropped": dropped,
    }

"""Runs the node's server over the recording: on simulated time as fast as possible, and on the
wall clock. Only its transport sends nothing.
"""

import time
from typing import Any

from reactface_node.config import Config
from reactface_node.engine.engine import Engine
from reactface_node.files.progress import ProgressBar
from reactface_node.media.pipeline import PipelineStage
from reactface_node.perception import make_tracker
from reactface_node.perception.voice import speech_model
from reactface_node.render import make_renderer
from reactface_node.ros.bags.replay_server import ReplayServer
from reactface_node.ros.messages.types import RosbagsTypes
from reactface_node.ros.node.adapters import Adapters
from reactface_node.ros.node.server import Server
from reactface_node.session.probe import NoProbe, Probe
from reactface_node.session.session import ReactionSession
from reactface_node.tools.bench.clock import StageMeter, clock, spread
from reactface_node.tools.bench.machine import resident_mb
from reactface_node.tools.bench.recording import BenchRecording, Event, Pictures

TICK_S = 0.002
SIMULATED_TICK_S = 0.01
LONGEST_S = 120.0
"""A slower run is stopped after this time."""
START_S = 1000.0
STAGES = ("decode", "track", "model", "playout", "render", "publish")
EACH = ("track", "model", "playout", "render")
SUMMED = {"deserialise": "decode", "convert": "decode", "publish": "publish"}
"""Stages of session, server and ``BenchNode`` that occur several times for an image or a tick."""


class SerialisingTransport:
    """Serialises every message and sends none; every topic counts as subscribed."""

    def __init__(self, types: RosbagsTypes) -> None:
        self._types = types

    def subscribers(self, topic: str) -> int:
        """One."""
        del topic
        return 1

    def publish(self, topic: str, message: Any) -> None:
        """Serialise as for the network."""
        del topic
        self._types.serialize(message)


class BenchNode:
    """Tracker, session and server of a config, measured by ``probe``.

    Load shedding is off, so that a machine that is too slow shows it.
    """

    def __init__(
        self,
        config: Config,
        engine: Engine,
        recording: BenchRecording,
        is_live: bool,
        probe: Probe | None = None,
        stage: PipelineStage | None = None,
    ) -> None:
        """is_live: runs on the wall clock. stage: publishes there, with overlap as in a replay; the
        probe is then not told."""
        config = config.replace(**{"ros.load_shedding": False})
        self._types, self._probe = recording.types, probe or NoProbe()
        tracker = make_tracker(config.perception, config.model.face_encoder == "pixels")
        speech = speech_model(config.perception)
        self.session = ReactionSession(config, engine, tracker, probe=probe, speech=speech)
        self.session.run_silence()
        tracker.track(0.0, next(recording.pictures()))
        self.session.reset()
        transport = SerialisingTransport(self._types)
        renderer = make_renderer(
            config.render, config.on_device_failure, config.perception.landmarker
        )
        about = config, self.session, self._types, transport, renderer
        self.server: Server
        if stage is None:
            self.server = Server(*about, is_live=is_live, probe=probe)
        else:
            adapters = Adapters(config.outputs)
            self.server = ReplayServer(*about, "reactface", adapters, stage, lambda _: _nothing)

    def receive(self, event: Event, start_s: float, arrival_s: float) -> None:
        """Deliver a message."""
        with self._probe.stage("deserialise"):
            message = event.message(self._types, start_s)
        self.server.receive(event.stream, message, arrival_s)

    def settle(self) -> None:
        """Wait for what overlaps."""
        if isinstance(self.server, ReplayServer):
            self.server.settle()

    def frames(self) -> int:
        """Number of frames published so far."""
        return self.server.meter.totals.get("frames", 0)


def _nothing() -> None:
    pass


def pipeline(
    config: Config, engine: Engine, recording: BenchRecording, seconds: float | None = None
) -> dict[str, Any]:
    """Measure all stages over the recording, or its first ``seconds``, as fast as possible, one
    after the other; then their overlap as in a replay."""
    meter = StageMeter(clock(config.device), EACH, SUMMED)
    node = BenchNode(config, engine, recording, is_live=False, probe=meter)
    wanted_s = min(seconds or recording.seconds, recording.seconds)
    found = _hurried(node, recording, wanted_s, meter)
    stats, grown, memory_mb = node.session.stats(), meter.grown, resident_mb()
    node.session.close()
    with PipelineStage("publish") as stage:
        node = BenchNode(config, engine, recording, is_live=False, stage=stage)
        overlapped = _hurried(node, recording, wanted_s, meter)
    node.session.close()
    return {
        **found,
        "overlapped": overlapped,
        "face_seen": round(stats["face_seen"], 4),
        "memory_mb": memory_mb,
        "stages": {stage: spread(grown[stage]) for stage in STAGES if stage in grown},
    }


def _hurried(
    node: BenchNode, recording: BenchRecording, wanted_s: float, meter: StageMeter
) -> dict[str, Any]:
    """Run the first ``wanted_s`` of the recording as fast as possible."""
    ticked_s = done_s = 0.0
    began, used = time.perf_counter(), time.process_time()
    bar = ProgressBar(total=round(wanted_s), desc="pipeline", unit="s", leave=False)
    with bar:
        for event in recording.events(wanted_s):
            while ticked_s < event.arrival_s:
                node.server.tick(START_S + ticked_s)
                meter.lap()
                ticked_s += SIMULATED_TICK_S
            node.receive(event, START_S, START_S + event.arrival_s)
            if event.stream == "image":
                meter.lap()
            # The time to decode audio is negligible.
            meter.drop()
            bar.update(int(event.arrival_s) - bar.n)
            done_s = event.arrival_s
            if time.perf_counter() - began > LONGEST_S:
                break
    node.settle()
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - used
    frames = node.frames()
    return {
        "recording_s": round(done_s, 2),
        "frames": frames,
        "frames_per_s": round(frames / wall_s, 1),
        "real_time_factor": round(done_s / wall_s, 2),
        "cores_used": round(cpu_s / wall_s, 2),
    }


def paced(
    config: Config,
    engine: Engine,
    recording: BenchRecording,
    seconds: float,
    pictures: Pictures | None = None,
) -> dict[str, Any]:
    """Run the node's logic on the wall clock for ``seconds``; counts its frames and their
    latency.

    Latency: from the arrival of a window's last input to its first frame. pictures: instead of
    the recording's, see ``BenchRecording.events``.
    """
    node = BenchNode(config, engine, recording, is_live=True)
    latencies_s: list[float] = []
    memory = [resident_mb()]
    played = _play(node, recording, pictures, seconds, latencies_s)
    memory.append(resident_mb())
    stats, totals = node.session.stats(), node.server.meter.totals
    node.session.close()
    return {
        **played,
        "frames": node.frames(),
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
    node: BenchNode,
    recording: BenchRecording,
    pictures: Pictures | None,
    seconds: float,
    latencies_s: list[float],
) -> dict[str, Any]:
    """Deliver messages at their times with ticks in between; append latencies to the list."""
    dropped = 0

    def tick(now_s: float) -> None:
        node.server.tick(now_s)
        # The meter keeps only the last ones.
        while node.server.meter.latencies_s:
            latencies_s.append(node.server.meter.latencies_s.popleft())

    began, used = time.time(), time.process_time()
    with ProgressBar(total=round(seconds), desc="paced", unit="s", leave=False) as bar:
        for event in recording.events(seconds, pictures):
            if time.time() > began + 2.0 * seconds:
                # A machine that is too slow would never finish.
                break
            due_s = began + event.arrival_s
            while (now_s := time.time()) < due_s:
                tick(now_s)
                time.sleep(TICK_S)
            if event.stream == "image" and time.time() > due_s + recording.image_s:
                # A node keeps only the newest image.
                dropped += 1
                continue
            # Its arrival is its due time, even if it is handled later.
            node.receive(event, began, due_s)
            tick(time.time())
            bar.update(int(event.arrival_s) - bar.n)
    wall_s, cpu_s = time.time() - began, time.process_time() - used
    return {
        "seconds": round(wall_s, 1),
        "cores_used": round(cpu_s / wall_s, 2),
        "images_dropped": dropped,
    }

"""``reactface bench``: throughput, latency and memory of this machine, on the sample recording.

Two runs. Unpaced: everything as fast as it goes, with the time that each stage takes. Paced: the
node's logic against the wall clock, for the latency that is felt.
"""

import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import torch

from reactface_node import resources
from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.media import AudioInput, ImageInput
from reactface_node.render import make_renderer
from reactface_node.ros.audio import AudioFormat, audio_to_samples, format_from_info
from reactface_node.ros.bag import BagReader
from reactface_node.ros.bench_clock import StageClock, arithmetic
from reactface_node.ros.convert import image_to_rgb, stamp_of
from reactface_node.ros.server import COMPRESSED, IMAGE, Server
from reactface_node.ros.types import RosbagsTypes
from reactface_node.schema import FRAME_RATE_HZ
from reactface_node.session import ReactionSession

TICK_S = 0.002


class BenchTransport:
    """Nobody listens, but everything is made: both pictures count as subscribed to."""

    def subscribers(self, topic: str) -> int:
        return int(topic in (IMAGE, COMPRESSED))

    def publish(self, topic: str, message: Any) -> None:
        del topic, message


def bench(config: Config, seconds: float) -> dict[str, Any]:
    """All measurements, by name; ``seconds`` is the length of the paced run."""
    inputs = list(_sample_inputs(config))
    session = ReactionSession.load(config)
    try:
        result = {"machine": machine(config), "unpaced": unpaced(config, session, inputs)}
        session.reset()
        result["arithmetic"] = arithmetic(session.config, session.run_silence)
        session.reset()
        result["paced"] = paced(config, session, inputs, seconds)
    finally:
        session.close()
    return result


def machine(config: Config) -> dict[str, Any]:
    """What the numbers were measured on."""
    return {
        "processor": resources.processor(),
        "cores": psutil.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": config.device,
        "profile": config.profile,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def unpaced(
    config: Config, session: ReactionSession, inputs: list[ImageInput | AudioInput]
) -> dict[str, Any]:
    """Tracker, model, playout and renderer over the recording, as fast as it goes."""
    renderer, clock = make_renderer(config.render), StageClock()
    clock.wrap("track", session._timeline, "_perceive")
    clock.wrap("model", session._engine, "step")
    frames, began, used = 0, time.perf_counter(), time.process_time()
    for item in inputs:
        if isinstance(item, ImageInput):
            session.push_image(item.stamp_s, item.rgb)
        else:
            session.push_audio(item.stamp_s, item.samples, item.rate_hz)
        for reaction in session.poll(item.arrival_s):
            draw = clock.timed("render", renderer.begin(reaction.face))
            for frame in range(len(reaction.face)):
                draw(frame)
                frames += 1
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - used
    stats, memory = session.stats(), psutil.Process().memory_info().rss
    return {
        "recording_s": round(frames / FRAME_RATE_HZ, 2),
        "frames_per_s": round(frames / wall_s, 1),
        "real_time_factor": round(frames / FRAME_RATE_HZ / wall_s, 2),
        "cores_used": round(cpu_s / wall_s, 2),
        "face_seen": round(stats["face_seen"], 4),
        "memory_mb": round(memory / 2**20),
        "stages": clock.report(),
    }


def paced(
    config: Config,
    session: ReactionSession,
    inputs: list[ImageInput | AudioInput],
    seconds: float,
) -> dict[str, Any]:
    """The node's logic on the wall clock: what it publishes, and how late."""
    types, renderer = RosbagsTypes(), make_renderer(config.render)
    server = Server(config, session, types, BenchTransport(), renderer)
    began, used = time.time(), time.process_time()
    shift = began - inputs[0].stamp_s
    for item in inputs:
        due = item.arrival_s + shift
        if due - began > seconds:
            break
        while (now := time.time()) < due:
            server.tick(now)
            time.sleep(TICK_S)
        if isinstance(item, ImageInput):
            server.see(item.stamp_s + shift, item.rgb, time.time())
        else:
            server.hear(item.stamp_s + shift, item.samples, item.rate_hz, time.time())
        server.tick(time.time())
    wall_s, cpu_s = time.time() - began, time.process_time() - used
    report = server.meter.report(time.time())
    named = {name: round(value, 2) for name, value in report.items() if name.endswith("_ms")}
    return {
        "seconds": round(wall_s, 1),
        "frames": server.meter.totals.get("frames", 0),
        "frames_late": server.meter.totals.get("frames_late", 0),
        "windows_skipped": session.stats()["windows_skipped"],
        "cores_used": round(cpu_s / wall_s, 2),
        **named,
    }


def table(result: dict[str, Any]) -> str:
    """The result for a person to read."""
    lines = []
    for section, values in result.items():
        lines.append(section)
        for name, value in values.items():
            if isinstance(value, dict):
                for stage, numbers in value.items():
                    text = "  ".join(f"{key} {number}" for key, number in numbers.items())
                    lines.append(f"  {stage:10} {text}")
            else:
                lines.append(f"  {name:18} {value}")
    return "\n".join(lines)


def _sample_inputs(config: Config) -> Iterator[ImageInput | AudioInput]:
    """The repository's recording, decoded beforehand: 640x480 at 30 fps and 48 kHz audio."""
    path = Path(resources.folder("config")).parent / "sample"
    if not path.is_dir():
        raise UserError("the sample recording is not installed; run bench from a source checkout")
    with BagReader(path) as bag:
        topics = bag.inputs(config.ros)
        bare = AudioFormat(config.ros.audio_rate_hz, config.ros.audio_channels)
        for item in bag.messages(topics.names):
            if topics.audio_info and item.topic == topics.audio_info.name:
                bare = format_from_info(item.message)
            elif topics.image and item.topic == topics.image.name:
                stamp_s = stamp_of(item.message) or item.stamp_s
                yield ImageInput(stamp_s, item.stamp_s, image_to_rgb(item.message))
            else:
                audio = audio_to_samples(item.message, bare)
                stamp_s = audio.stamp_s or item.stamp_s - audio.duration_s
                yield AudioInput(stamp_s, item.stamp_s, audio.samples, audio.rate_hz)

"""Plays the sample recording in a loop in real time: in a thread, or over DDS as another
process."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from reactface_node.config import Config
from reactface_node.ros.dds.wire import Quality, Wire
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes
from reactface_node.tools.bench.recording import BenchRecording, Event

TOPICS = {"image": "rt/image", "audio": "rt/audio", "audio_info": "rt/audio_info"}
PATIENCE_S = 60.0


@dataclass
class Room:
    """What a scene says of the inputs; ``offset_s``: how far the clock has jumped."""

    has_camera: bool = True
    has_microphone: bool = True
    is_bare: bool = False
    offset_s: float = 0.0

    def lets_through(self, event: Event) -> bool:
        if event.stream == "image":
            return self.has_camera
        return event.stream != "audio" or self.has_microphone

    def message(self, types: RosbagsTypes, event: Event, now_s: float) -> Any:
        """Stamped with that time, or with zero."""
        message = types.deserialize(event.data(), event.kind)
        if hasattr(message, "header"):
            stamp_s = 0.0 if self.is_bare else now_s - (event.arrival_s - event.stamp_s)
            message.header.stamp = convert.time_message(types, stamp_s)
        return message


def paced(
    recording: BenchRecording, seconds: float, has_ended: Callable[[], bool]
) -> Iterator[Event]:
    """Each event when it is due."""
    began_s = time.monotonic()
    for event in recording.events(seconds):
        time.sleep(max(0.0, began_s + event.arrival_s - time.monotonic()))
        if has_ended():
            return
        yield event


@contextmanager
def feeder(
    recording: BenchRecording, seconds: float, give: Callable[[Event], None]
) -> Iterator[None]:
    """Inside, a thread gives the events."""
    ended = threading.Event()

    def run() -> None:
        for event in paced(recording, seconds, ended.is_set):
            give(event)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def peer(domain: int, seconds: float) -> Iterator[Callable[[Room], None]]:
    """Inside, another process publishes the events on loopback -> tells it of the room."""
    context = multiprocessing.get_context("spawn")
    shared, ready = context.Array("d", 5), context.Event()
    process = context.Process(target=_publish, args=(shared, ready, domain, seconds), daemon=True)
    process.start()

    def tell(room: Room) -> None:
        values = (room.has_camera, room.has_microphone, room.is_bare, room.offset_s)
        shared[:4] = [float(value) for value in values]

    tell(Room())
    try:
        if not ready.wait(PATIENCE_S):
            raise TimeoutError("the peer that plays the recording does not start")
        yield tell
    finally:
        shared[4] = 1.0
        process.join(PATIENCE_S)
        process.kill()


def _publish(shared: Any, ready: Any, domain: int, seconds: float) -> None:
    """The other process."""
    recording, types = BenchRecording(Config()), RosbagsTypes()
    kinds = {event.stream: event.kind for event in recording.events(1.0)}
    wire = Wire("peer", domain, "lo")
    writers = {
        stream: wire.writer(TOPICS[stream], kind, types, Quality(stream == "audio_info", 10))
        for stream, kind in kinds.items()
    }
    ready.set()
    for event in paced(recording, seconds, lambda: bool(shared[4])):
        room = Room(bool(shared[0]), bool(shared[1]), bool(shared[2]), shared[3])
        if room.lets_through(event):
            now_s = time.time() + room.offset_s
            writers[event.stream].write(room.message(types, event, now_s))
    wire.close()

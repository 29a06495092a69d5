"""The node on the wire, without ROS: one more participant to a real ROS 2 graph."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from reactface_node.config import Config, RosConfig
from reactface_node.errors import UserError
from reactface_node.ros.bag import AUDIO_TYPES, IMAGE_TYPES
from reactface_node.ros.server import OUTPUTS, Renderer, Server, Session
from reactface_node.ros.services import Service, make_services
from reactface_node.ros.types import RosbagsTypes, audio_variant
from reactface_node.ros.wire import Quality, Reader, Wire, Writer, domain_id

NODE_NAME = "reactface"
_TICK_S = 0.005
_SEARCH_PERIOD_S = 0.2
_LATEST = Quality(reliable=False, depth=1)
_ALL = Quality(reliable=False, depth=50)
_NAMES = {name.rpartition("/")[2]: name for name in (*IMAGE_TYPES, *AUDIO_TYPES)}


class Input:
    """A subscription whose type is found on the graph, unless the configuration forces it."""

    def __init__(self, wire: Wire, stream: str, config: RosConfig) -> None:
        """``stream``: "image" or "audio"."""
        name, forced = (
            (config.image_topic, config.image_type)
            if stream == "image"
            else (config.audio_topic, config.audio_type)
        )
        fitting, quality = (IMAGE_TYPES, _LATEST) if stream == "image" else (AUDIO_TYPES, _ALL)
        self.stream = stream
        self.topic = absolute(name)
        self.reader: Reader | None = None
        self.type_name = ""
        self._wire, self._fitting, self._quality = wire, fitting, quality
        self._complained: set[str] = set()
        self._searched_s = -1.0
        if forced != "auto":
            self._subscribe(_NAMES[forced])

    def search(self, now_s: float) -> bool:
        """Looks for a publisher a few times a second; True when one has just been found."""
        if self.reader is not None or abs(now_s - self._searched_s) < _SEARCH_PERIOD_S:
            return False
        self._searched_s = now_s
        found = self._wire.published_types("rt" + self.topic)
        known = [name for name in self._fitting if name in found]
        if known:
            self._subscribe(known[0])
            return True
        for name in found - self._complained:
            self._complained.add(name)
            logging.getLogger(__name__).warning(
                "%s carries %s, which is not one of %s",
                self.topic, name, ", ".join(self._fitting))  # fmt: skip
        return False

    def _subscribe(self, type_name: str) -> None:
        types = RosbagsTypes(audio_variant(type_name))
        self.type_name = type_name
        self.reader = self._wire.reader("rt" + self.topic, type_name, types, self._quality)


class DdsNode:
    """Publishers, subscriptions and services of one node; it is the server's transport."""

    def __init__(
        self,
        config: Config,
        session: Session,
        renderer: Renderer,
        wire: Wire,
        listen_to: tuple[str, ...] = ("image", "audio"),
    ) -> None:
        """``listen_to``: which of the topics are subscribed to; a webcam replaces one."""
        self._wire = wire
        self._types = RosbagsTypes()
        self._writers: dict[str, Writer] = {
            topic: wire.writer("rt" + absolute(topic), kind, self._types,
                               Quality(not best_effort, depth))
            for topic, (kind, best_effort, depth) in OUTPUTS.items()
        }  # fmt: skip
        self.server = Server(config, session, self._types, self, renderer, NODE_NAME)
        self._inputs = [Input(wire, stream, config.ros) for stream in listen_to]
        self._info: Reader | None = None
        self._info_topic = "rt" + absolute(config.ros.audio_info_topic)
        self._services: list[Service] = make_services(wire, self._types, absolute("~"), self.server)
        self._waitset = wire.waitset()
        self._attach(*(service.reader for service in self._services))
        self._follow(*self._inputs)

    def publish(self, topic: str, message: Any) -> None:
        if not self._writers[topic].write(message):
            self.server.meter.count("unsent")

    def subscribers(self, topic: str) -> int:
        return self._writers[topic].matched

    def spin(self, now_s: float) -> None:
        """Everything that has come, then one tick; returns at once."""
        found = [entry for entry in self._inputs if entry.search(now_s)]
        if found:
            self._follow(*found)
        self._listen(self._info, "audio_info", now_s)
        for entry in self._inputs:
            self._listen(entry.reader, entry.stream, now_s)
        for service in self._services:
            service.spin(now_s)
        self.server.tick(now_s)

    def wait(self) -> None:
        """Until something comes, a tick long at most."""
        self._waitset.wait(int(_TICK_S * 1e9))

    def _listen(self, reader: Reader | None, stream: str, now_s: float) -> None:
        for message in reader.take() if reader else ():
            if isinstance(message, Exception):
                self.server.reject(stream, message, now_s)
            elif stream == "image":
                self.server.on_image(message, now_s)
            elif stream == "audio":
                self.server.on_audio(message, now_s)
            else:
                self.server.on_audio_info(message)

    def _follow(self, *found: Input) -> None:
        for entry in found:
            if entry.reader is not None:
                self._attach(entry.reader)
            if entry.type_name.startswith("audio_common_msgs/msg/AudioData"):
                self._info = self._wire.reader(
                    self._info_topic, "audio_common_msgs/msg/AudioInfo", self._types, Quality()
                )
                self._attach(self._info)  # fmt: skip
        self._wire.announce()

    def _attach(self, *readers: Reader) -> None:
        from cyclonedds.core import InstanceState, ReadCondition, SampleState, ViewState

        for reader in readers:
            fresh = SampleState.NotRead | ViewState.Any | InstanceState.Any
            self._waitset.attach(ReadCondition(reader.entity, fresh))


def absolute(name: str) -> str:
    """A topic's full name: "~/x" is the node's own, "/reactface/x"; "x" is "/x".

    UserError if it is no ROS 2 name.
    """
    full = f"/{NODE_NAME}{name[1:]}" if name.startswith("~") else "/" + name.removeprefix("/")
    if not all(part.isidentifier() and part.isascii() for part in full[1:].split("/")):
        raise UserError(f"'{name}' is not a topic name")
    return full


def serve(
    config: Config,
    session: Session,
    renderer: Renderer,
    stop: threading.Event,
    node_type: type[DdsNode] = DdsNode,
    listen_to: tuple[str, ...] = ("image", "audio"),
    feed: Callable[[Server], None] | None = None,
) -> None:
    """Serves until ``stop`` is set, on the system's clock, which is ROS time's source.

    ``feed`` hands over, at every turn, what came by other ways than the wire. Frees everything
    on the wire on the way out. UserError if DDS cannot be started.
    """
    wire = Wire(NODE_NAME, domain_id(), config.ros.network_interface)
    try:
        node = node_type(config, session, renderer, wire, listen_to)
        while not stop.is_set():
            node.wait()
            if feed is not None:
                feed(node.server)
            node.spin(time.time())
    finally:
        wire.close()

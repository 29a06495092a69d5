"""The node on the wire, without ROS: one more participant to a real ROS 2 graph."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.render.renderer import Renderer
from reactface_node.ros.dds.discovery import domain_id
from reactface_node.ros.dds.services import Service, make_services
from reactface_node.ros.dds.wire import Quality, Reader, Wire, Writer
from reactface_node.ros.messages.types import RosbagsTypes, audio_variant
from reactface_node.ros.node.adapters import Adapters
from reactface_node.ros.node.intake import Session
from reactface_node.ros.node.server import Server
from reactface_node.ros.node.streams import (
    LISTS,
    Humans,
    Stream,
    info_of,
    is_name,
    needs_info,
    stale,
    streams,
)
from reactface_node.ros.node.topics import Page, outputs

NODE_NAME = "reactface"
_TICK_S = 0.005
_SEARCH_PERIOD_S = 0.2


class WireInput:
    """A subscription whose type is found on the graph, unless the stream forces it."""

    def __init__(self, wire: Wire, stream: Stream) -> None:
        self.stream = stream
        self.topic = absolute(stream.topic)
        self.reader: Reader | None = None
        self.condition: Any = None
        self.type_name = ""
        self._wire = wire
        self._complained: set[str] = set()
        self._searched_s = -1.0
        if stream.forced:
            self._subscribe(stream.forced)

    def has_gone(self, now_s: float) -> bool:
        """Whether what is published there now is of another type than the subscription's."""
        if self.reader is None or self.stream.forced or self.reader.matched:
            return False
        found = self._published(now_s) & set(self.stream.types)
        return bool(found - {self.type_name}) and self.type_name not in found

    def search(self, now_s: float) -> bool:
        """Looks for a publisher a few times a second; True when one has just been found."""
        if self.reader is not None:
            return False
        found = self._published(now_s)
        known = [name for name in self.stream.types if name in found]
        if known:
            self._subscribe(known[0])
            return True
        for name in found - self._complained:
            self._complained.add(name)
            logging.getLogger(__name__).warning(
                "%s carries %s, which is not one of %s",
                self.topic,
                name,
                ", ".join(self.stream.types),
            )
        return False

    def _published(self, now_s: float) -> set[str]:
        """Types on the topic; nothing where that was asked a moment ago."""
        if abs(now_s - self._searched_s) < _SEARCH_PERIOD_S:
            return set()
        self._searched_s = now_s
        return self._wire.published_types("rt" + self.topic)

    def _subscribe(self, type_name: str) -> None:
        types = RosbagsTypes(audio_variant(type_name))
        self.type_name = type_name
        quality = Quality(self.stream.reliable, self.stream.depth)
        self.reader = self._wire.reader("rt" + self.topic, type_name, types, quality)


class DdsNode:
    """Publishers, subscriptions and services of one node; it is the server's transport."""

    def __init__(
        self,
        config: Config,
        session: Session,
        renderer: Renderer,
        wire: Wire,
        listen_to: tuple[str, ...] = ("image", "audio"),
        page: Page | None = None,
    ) -> None:
        """``listen_to``: which of the two are topics; a webcam replaces one. UserError where an
        output cannot be had."""
        self._wire, self._config = wire, config.ros
        self._types = RosbagsTypes()
        self._adapters = Adapters(config.outputs)
        self._writers: dict[str, Writer] = {
            topic: wire.writer(
                "rt" + absolute(topic), kind, self._types, Quality(not best_effort, depth)
            )
            for topic, (kind, best_effort, depth) in outputs(config.ros, self._adapters).items()
        }
        self.server = Server(
            config, session, self._types, self, renderer, NODE_NAME, self._adapters, page
        )
        self._left_out = {"image", "audio"} - set(listen_to)
        self._humans = Humans(config.ros)
        self._inputs: dict[str, WireInput] = {}
        self._services: list[Service] = make_services(wire, self._types, absolute("~"), self.server)
        self._waitset = wire.waitset()
        for service in self._services:
            self._attach(service.reader)
        self._listen()

    def publish(self, topic: str, message: Any) -> None:
        if not self._writers[topic].write(message):
            self.server.meter.count("unsent")

    def subscribers(self, topic: str) -> int:
        return self._writers[topic].matched

    def spin(self, now_s: float) -> None:
        """Everything that has come, then one tick; returns at once."""
        self._search(now_s)
        for name, entry in list(self._inputs.items()):
            # A list of those tracked, just before, may have ended this subscription.
            if entry.reader is None or self._inputs.get(name) is not entry:
                continue
            for message, source in entry.reader.take_from():
                self._receive(name, message, now_s, source)
        for service in self._services:
            service.spin(now_s)
        self.server.tick(now_s)

    def wait(self) -> None:
        """Until something comes, a tick long at most."""
        self._waitset.wait(int(_TICK_S * 1e9))

    def close(self) -> None:
        """What is not on the wire."""
        self._adapters.close()

    def _search(self, now_s: float) -> None:
        """Follows publishers that have come, also those that came back with another type."""
        has_changed = False
        for name, entry in list(self._inputs.items()):
            if entry.has_gone(now_s):
                self._drop(name)
                self._inputs[name] = WireInput(self._wire, entry.stream)
                has_changed = True
            elif entry.search(now_s):
                self._follow(entry)
                has_changed = True
        if has_changed:
            self._wire.announce()

    def _receive(self, stream: str, message: Any, now_s: float, source: Any) -> None:
        if isinstance(message, Exception):
            self.server.reject(stream, message, now_s)
        elif stream not in LISTS:
            self.server.receive(stream, message, now_s, source)
        elif self._humans.see(stream, message.ids):
            self.server.follow_another(stream)
            self._listen()

    def _listen(self) -> None:
        """Subscribes to what the people there are make of the configuration."""
        wanted = {
            name: stream
            for name, stream in streams(self._config, self._humans).items()
            if name not in self._left_out
        }
        listened = {name: entry.stream for name, entry in self._inputs.items()}
        for name in stale(listened, wanted):
            self._drop(name)
        for name, stream in wanted.items():
            if name not in self._inputs:
                self._inputs[name] = WireInput(self._wire, stream)
                self._follow(self._inputs[name])
        self._wire.announce()

    def _drop(self, name: str) -> None:
        """A stream, and the AudioInfo beside it."""
        for gone in (name, f"{name}_info"):
            entry = self._inputs.pop(gone, None)
            if entry is not None and entry.reader is not None:
                self._waitset.detach(entry.condition)
                self._wire.remove(entry.reader)

    def _follow(self, entry: WireInput) -> None:
        """Wakes up for what comes there; audio that cannot say what it is has a topic beside it."""
        if entry.reader is None:
            return
        entry.condition = self._attach(entry.reader)
        if needs_info(entry.type_name):
            info = WireInput(self._wire, info_of(entry.stream, self._config))
            self._inputs[info.stream.name] = info
            info.condition = self._attach(info.reader)

    def _attach(self, reader: Reader | None) -> Any:
        from cyclonedds.core import InstanceState, ReadCondition, SampleState, ViewState

        assert reader is not None
        fresh = SampleState.NotRead | ViewState.Any | InstanceState.Any
        condition = ReadCondition(reader.entity, fresh)
        self._waitset.attach(condition)
        return condition


def absolute(name: str) -> str:
    """A topic's full name: "~/x" is the node's own, "/reactface/x"; "x" is "/x".

    UserError if it is no ROS 2 name.
    """
    full = f"/{NODE_NAME}{name[1:]}" if name.startswith("~") else "/" + name.removeprefix("/")
    if not all(is_name(part) for part in full[1:].split("/")):
        raise UserError(f"'{name}' is not a topic name")
    return full


def stop_on_signals() -> threading.Event:
    """Set by Ctrl-C and SIGTERM from now on."""
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    return stop


def serve(
    config: Config,
    session: Session,
    renderer: Renderer,
    stop: threading.Event,
    node_type: Callable[..., DdsNode] = DdsNode,
    listen_to: tuple[str, ...] = ("image", "audio"),
    feed: Callable[[Server], None] | None = None,
    page: Page | None = None,
) -> None:
    """Serves until ``stop`` is set, on the system's clock, which is ROS time's source.

    ``feed`` hands over, at every turn, what came by other ways than the wire. Frees everything
    on the wire on the way out. UserError if DDS or an output cannot be started, or a device is
    lost on the way; RepeatedFailure after internal errors again and again.
    """
    with ExitStack() as stack:
        wire = Wire(NODE_NAME, domain_id(), config.ros.network_interface)
        stack.callback(wire.close)
        node = node_type(config, session, renderer, wire, listen_to, page)
        stack.callback(node.close)
        while not stop.is_set():
            with node.server.guarded("the transport", time.time()):
                node.wait()
                if feed is not None:
                    feed(node.server)
                node.spin(time.time())

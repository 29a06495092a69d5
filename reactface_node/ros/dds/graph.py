"""The node without ROS, as a participant of a ROS 2 graph."""

import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, NamedTuple

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.render.renderer import Renderer
from reactface_node.ros.dds.discovery import domain_id
from reactface_node.ros.dds.services import Service, make_services
from reactface_node.ros.dds.wire import Quality, Reader, Wire, Writer
from reactface_node.ros.messages.types import RosbagsTypes, audio_variant
from reactface_node.ros.node.adapters import Adapters
from reactface_node.ros.node.protocols import Page, Session
from reactface_node.ros.node.server import Server
from reactface_node.ros.node.shedding import ServingTime
from reactface_node.ros.node.streams import REQUIRED, Stream, is_name
from reactface_node.ros.node.subscriptions import SEARCH_PERIOD_S, InputRouter
from reactface_node.ros.node.topics import outputs

NODE_NAME = "reactface"
_SHORTEST_S, _LONGEST_S = 0.002, 0.1
"""Shortest and longest wait if no message comes."""
_FEED_S = 0.005
"""Longest wait where devices of this machine are read: no message tells of their input."""


class Reading(NamedTuple):
    """A reader and the condition that ends a wait for it."""

    reader: Reader
    condition: Any


class WireSubscriber:
    """Subscriptions on the wire: the ``Subscriber`` of ``Subscriptions``."""

    def __init__(self, wire: Wire, common: Any = None) -> None:
        """common: a further waitset, which waits for several nodes."""
        self._wire, self._own = wire, wire.waitset()
        self._waitsets = [self._own] if common is None else [self._own, common]
        self._conditions: list[Any] = []
        self._is_announced = False

    def full_name(self, topic: str) -> str:
        return absolute(topic, self._wire.namespace)

    def publishers(self, topics: Iterable[str]) -> dict[str, list[str]]:
        published = self._wire.published_types()
        return {topic: published.get("rt" + self.full_name(topic), []) for topic in topics}

    def refusal(self, type_name: str) -> str:
        return ""

    def subscribe(self, stream: Stream, type_name: str) -> Reading:
        types = RosbagsTypes(audio_variant(type_name))
        quality = Quality(stream.reliable, stream.depth)
        reader = self._wire.reader("rt" + self.full_name(stream.topic), type_name, types, quality)
        self._is_announced = False
        return Reading(reader, self.attach(reader))

    def unsubscribe(self, subscription: Reading) -> None:
        self._detach(subscription.condition)
        self._wire.remove(subscription.reader)
        self._is_announced = False

    def attach(self, reader: Reader) -> Any:
        """From now on messages for the reader end ``wait``; returns the condition for that."""
        from cyclonedds.core import InstanceState, ReadCondition, SampleState, ViewState

        fresh = SampleState.NotRead | ViewState.Any | InstanceState.Any
        condition = ReadCondition(reader.entity, fresh)
        for waitset in self._waitsets:
            waitset.attach(condition)
        self._conditions.append(condition)
        return condition

    def wait(self, seconds: float) -> bool:
        """Wait until a message comes, at most this time; whether there is one."""
        return bool(self._own.wait(int(seconds * 1e9)))

    def close(self) -> None:
        """No longer wait for any message."""
        for condition in list(self._conditions):
            self._detach(condition)

    def _detach(self, condition: Any) -> None:
        for waitset in self._waitsets:
            waitset.detach(condition)
        self._conditions.remove(condition)

    def announce(self) -> None:
        """Publish the node's endpoints if subscriptions have changed since the last call."""
        if not self._is_announced:
            self._is_announced = True
            self._wire.announce()


class DdsNode:
    """Publishers, subscriptions and services of one node; it is the server's transport."""

    def __init__(
        self,
        config: Config,
        session: Session,
        renderer: Renderer,
        wire: Wire,
        listen_to: tuple[str, ...] = REQUIRED,
        page: Page | None = None,
        common: Any = None,
        serving: ServingTime | None = None,
    ) -> None:
        """listen_to: the streams that come as topics, not from devices. common: a waitset that
        waits for several nodes. serving: of the nodes of this thread. UserError if an output
        cannot be used."""
        self._types, self._wire = RosbagsTypes(), wire
        self._adapters = Adapters(config.outputs)
        self._writers: dict[str, Writer] = {}
        for topic, about in outputs(config.ros, self._adapters.topics).items():
            quality = Quality(not about.best_effort, about.depth)
            name = "rt" + absolute(topic, wire.namespace)
            self._writers[topic] = wire.writer(name, about.type_name, self._types, quality)
        own = absolute("~", wire.namespace)
        self.server = Server(
            *(config, session, self._types, self, renderer, own[1:], self._adapters, page),
            serving=serving,
        )
        self._subscriber = WireSubscriber(wire, common)
        self._services: list[Service] = make_services(wire, self._types, own, self.server)
        for service in self._services:
            self._subscriber.attach(service.reader)
        left_out = set(REQUIRED) - set(listen_to)
        log = logging.getLogger(__name__)
        self.router = InputRouter(self._subscriber, config.ros, self.server, log, left_out)
        self._searched_s = -math.inf
        self._subscriber.announce()

    def publish(self, topic: str, message: Any) -> None:
        if not self._writers[topic].write(message):
            self.server.meter.count("unsent")

    def subscribers(self, topic: str) -> int:
        return self._writers[topic].matched

    def spin(self, now_s: float) -> None:
        """Handle all messages that have come, then tick if something is due; never waits."""
        if not 0.0 <= now_s - self._searched_s < SEARCH_PERIOD_S:
            self._searched_s = now_s
            self.router.search(now_s)
        has_messages = self._subscriber.wait(0.0)
        if has_messages:
            self._take(now_s)
        self._subscriber.announce()
        for service in self._services:
            if has_messages or service.is_waiting:
                service.spin(now_s)
        if has_messages or self.server.next_tick_s(now_s) <= now_s:
            self.server.tick(now_s)

    def next_s(self, now_s: float) -> float:
        """The time at which ``spin`` has work to do if no message comes before."""
        if any(service.is_waiting for service in self._services):
            return now_s + _SHORTEST_S
        due_s = min(self.server.next_tick_s(now_s), self._searched_s + SEARCH_PERIOD_S)
        return min(max(due_s, now_s + _SHORTEST_S), now_s + _LONGEST_S)

    def wait(self, longest_s: float) -> None:
        """Wait until a message comes, at most until ``spin`` has work to do."""
        now_s = time.time()
        rest_s = self.server.rest_s(now_s)
        if rest_s > 0.0:
            time.sleep(rest_s)
            return
        self._subscriber.wait(min(self.next_s(now_s) - now_s, longest_s))

    def _take(self, now_s: float) -> None:
        """Handle all messages that have come, but for requests."""
        for name, entry in list(self.router.inputs.items()):
            # A list of tracked people, just before, may have dropped this subscription.
            if entry.subscription is None or self.router.inputs.get(name) is not entry:
                continue
            for message, source in entry.subscription.reader.take_from():
                if isinstance(message, Exception):
                    self.server.intake.reject(name, message, now_s)
                else:
                    self.router.receive(name, message, now_s, source)

    def close(self) -> None:
        """Close the outputs that are not on the wire, and leave the wire."""
        self._adapters.close()
        self._subscriber.close()
        self._wire.close()


def absolute(name: str, namespace: str = "") -> str:
    """A topic's full name: "~/x" is the node's own, "/reactface/x"; "x" is "/x"; in a namespace
    both begin with it, but "/x" does not.

    UserError if it is no ROS 2 name.
    """
    inside = f"/{namespace}" if namespace else ""
    full = name if name.startswith("/") else f"{inside}/{name}"
    if name.startswith("~"):
        full = f"{inside}/{NODE_NAME}{name[1:]}"
    if not all(is_name(part) for part in full[1:].split("/")):
        raise UserError(f"'{name}' is not a topic name")
    return full


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C and SIGTERM set from now on."""
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
    listen_to: tuple[str, ...] = REQUIRED,
    feed: Callable[[Server], None] | None = None,
    page: Page | None = None,
) -> None:
    """Run the node until ``stop`` is set, on the system's clock, as ROS time without simulation.

    feed: called each turn, gives inputs that are no messages to the server. UserError if DDS or an
    output cannot be started, or a device is lost; RepeatedFailure after several internal errors.
    The participant is closed in each case.
    """
    with ExitStack() as stack:
        wire = Wire(NODE_NAME, domain_id(), config.ros.network_interface)
        stack.callback(wire.close)
        node = node_type(config, session, renderer, wire, listen_to, page)
        stack.callback(node.close)
        longest_s = _LONGEST_S if feed is None else _FEED_S
        while not stop.is_set():
            with node.server.guarded("the transport", time.time()):
                node.wait(longest_s)
                if feed is not None:
                    feed(node.server)
                node.spin(time.time())

"""Which topics a node subscribes to and with which types; the same rules under every transport.

Pure logic: a transport says what is published, makes subscriptions and drops them
(``Subscriber``), calls ``search`` every ``SEARCH_PERIOD_S`` and hands over messages.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.ros.node.server import Server
from reactface_node.ros.node.streams import (
    DEFAULT_TYPES,
    LISTS,
    REQUIRED,
    Humans,
    Stream,
    info_of,
    needs_info,
    stale,
    streams,
)

SEARCH_PERIOD_S = 0.5
"""Between two searches for publishers."""
LOGGED = ("image", "audio", "own_audio")
"""Streams whose first publisher is logged."""


class Subscriber(Protocol):
    """The interface of a transport for subscriptions. Topics are named as in the configuration."""

    def full_name(self, topic: str) -> str:
        """The topic's name on the graph."""

    def publishers(self, topics: Iterable[str]) -> Mapping[str, list[str]]:
        """{topic: the type of each of its publishers}; topics without publishers may be left
        out."""

    def refusal(self, type_name: str) -> str:
        """Why messages of a type cannot be read; "" if they can."""

    def subscribe(self, stream: Stream, type_name: str) -> Any:
        """A new subscription; UserError if the QoS is wrong."""

    def unsubscribe(self, subscription: Any) -> None:
        """Remove a subscription of ``subscribe``."""


class Log(Protocol):
    """The part of a logger, Python's or rclpy's, that is used here."""

    def info(self, text: str, /) -> Any: ...
    def warning(self, text: str, /) -> Any: ...


@dataclass(eq=False)
class Input:
    """A wanted stream and its subscription.

    subscription: the transport's own object, None without one. type_name: the subscribed type.
    refused: published types that cannot be used. is_published: the subscribed type is published.
    """

    stream: Stream
    subscription: Any = None
    type_name: str = ""
    refused: set[str] = field(default_factory=set)
    is_published: bool = False


class Subscriptions:
    """One subscription for each wanted stream, of a type that is published on its topic.

    Until somebody publishes, the subscription has a usual type, so that the graph shows the
    topic. A bare AudioData gets a subscription to the AudioInfo beside it.
    """

    def __init__(self, subscriber: Subscriber, config: RosConfig, log: Log) -> None:
        self._subscriber, self._config, self._log = subscriber, config, log
        self.inputs: dict[str, Input] = {}

    def want(self, wanted: Mapping[str, Stream]) -> None:
        """Drop and make subscriptions; those that are still wanted stay.

        UserError if a forced type of a required stream, or a QoS, cannot be used.
        """
        for name in stale({name: entry.stream for name, entry in self.inputs.items()}, wanted):
            self._end(self.inputs.pop(name))
        for name, stream in wanted.items():
            if name not in self.inputs:
                self.inputs[name] = entry = Input(stream)
                if stream.forced:
                    self._try(entry, stream.forced)
                else:
                    self._subscribe_to_usual(entry)

    def search(self) -> list[str]:
        """Change to the types that are published now; returns the streams with several
        publishers."""
        entries = list(self.inputs.items())
        found = self._subscriber.publishers({entry.stream.topic for _, entry in entries})
        several = []
        for name, entry in entries:
            types = found.get(entry.stream.topic, [])
            if len(types) > 1:
                several.append(name)
            if self.inputs.get(name) is entry:
                self._follow(entry, types)
        return several

    def close(self) -> None:
        """Drops all subscriptions."""
        self.want({})

    def _follow(self, entry: Input, types: list[str]) -> None:
        """Change to a published type if the present one is not published."""
        known, stream = entry.stream.types, entry.stream
        if entry.type_name not in types and not stream.forced:
            others = sorted(set(types) - entry.refused - set(known))
            usable = [name for name in known if name in types and name not in entry.refused]
            for type_name in (*usable, *others):
                if self._try(entry, type_name):
                    break
        if entry.type_name in types and not entry.is_published:
            entry.is_published = True
            if stream.name in LOGGED:
                topic = self._subscriber.full_name(stream.topic)
                self._log.info(f"listening to {topic} ({entry.type_name})")

    def _subscribe_to_usual(self, entry: Input) -> None:
        for type_name in DEFAULT_TYPES:
            if type_name in entry.stream.types and not self._subscriber.refusal(type_name):
                self._subscribe(entry, type_name)
                return

    def _try(self, entry: Input, type_name: str) -> bool:
        """Subscribe, or log the reason of a failure once for each type. UserError instead if the
        user forces the type of a required stream."""
        try:
            self._subscribe(entry, type_name)
        except UserError as error:
            if entry.stream.forced and entry.stream.name in (*REQUIRED, *LISTS):
                raise
            entry.refused.add(type_name)
            self._log.warning(str(error))
        return entry.type_name == type_name

    def _subscribe(self, entry: Input, type_name: str) -> None:
        """Replace the present subscription. UserError if that type cannot be used."""
        stream = entry.stream
        if type_name not in stream.types:
            topic, known = self._subscriber.full_name(stream.topic), ", ".join(stream.types)
            raise UserError(f"{topic} carries {type_name}, which is not one of {known}")
        if reason := self._subscriber.refusal(type_name):
            raise UserError(reason)
        # Unsubscribe first, since not every middleware allows two types on one topic.
        self._end(entry)
        entry.subscription = self._subscriber.subscribe(stream, type_name)
        entry.type_name = type_name
        if needs_info(type_name):
            info = info_of(stream, self._config)
            self.inputs[info.name] = Input(info)
            self._subscribe(self.inputs[info.name], info.forced)

    def _end(self, entry: Input) -> None:
        """Drop a subscription, and that to the AudioInfo beside it."""
        if entry.subscription is not None:
            self._subscriber.unsubscribe(entry.subscription)
        entry.subscription, entry.type_name, entry.is_published = None, "", False
        beside = self.inputs.pop(f"{entry.stream.name}_info", None)
        if beside is not None:
            self._end(beside)


class InputRouter:
    """The subscriptions of a node: its configured topics and the people that ROS4HRI tracks.

    Messages go to the server; lists of tracked people change the subscriptions.
    """

    def __init__(
        self,
        subscriber: Subscriber,
        config: RosConfig,
        server: Server,
        log: Log,
        left_out: Iterable[str] = (),
    ) -> None:
        """left_out: names of streams that come by another way than a topic. UserError for an id
        that cannot be part of a topic's name, and as ``Subscriptions.want``; no subscription
        stays behind."""
        self._config, self._server = config, server
        self._left_out = frozenset(left_out)
        self._humans = Humans(config)
        self._subscriptions = Subscriptions(subscriber, config, log)
        try:
            self._update()
        except BaseException:
            self.close()
            raise

    @property
    def inputs(self) -> Mapping[str, Input]:
        """Every stream with a topic, by name."""
        return self._subscriptions.inputs

    def search(self, now_s: float) -> None:
        """Call it every ``SEARCH_PERIOD_S``. Errors as ``Server.guarded``."""
        with self._server.guarded("the search for publishers", now_s):
            for name in self._subscriptions.search():
                self._server.intake.warn_of_several(name)

    def receive(self, name: str, message: Any, now_s: float, source: Any = None) -> None:
        """Handle a message of a stream. source: its publisher, if the transport knows it."""
        if name in LISTS:
            with self._server.guarded(f"a message of {name}", now_s):
                if self._humans.update(name, message.ids):
                    self._server.intake.follow_another(name)
                    self._update()
        elif now_s > 0:
            self._server.receive(name, message, now_s, source)

    def close(self) -> None:
        """Drops all subscriptions."""
        self._subscriptions.close()

    def _update(self) -> None:
        wanted = streams(self._config, self._humans)
        self._subscriptions.want(
            {name: stream for name, stream in wanted.items() if name not in self._left_out}
        )

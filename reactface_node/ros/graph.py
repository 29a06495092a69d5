"""What the rclpy node has on the graph while it is active: made together, removed in reverse."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from reactface_msgs.srv import SetPortrait
from std_srvs.srv import SetBool, Trigger

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.render import Renderer
from reactface_node.ros.adapters import Adapters
from reactface_node.ros.intake import Session
from reactface_node.ros.server import Server
from reactface_node.ros.streams import LISTS, Humans, Stream, info_of, needs_info, stale, streams
from reactface_node.ros.topics import outputs
from reactface_node.ros.types import RclpyTypes
from reactface_node.web import WebFace

_TICK_S = 0.01
_SEARCH_PERIOD_S = 0.5


class Input:
    """A stream to subscribe to once its type is known."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.refused: set[str] = set()
        self.subscription: Any = None
        self.type_name = ""


class Graph:
    """What the node has on the graph while it is active; it is the server's transport."""

    def __init__(self, node: Node, config: Config, session: Session, renderer: Renderer) -> None:
        """UserError if a message package, a forced type or an output cannot be had; nothing stays
        behind."""
        self._node, self._types, self._config = node, RclpyTypes(), config.ros
        self._humans = Humans(config.ros)
        self._inputs: dict[str, Input] = {}
        with ExitStack() as self._undo:
            adapters = Adapters(config.outputs)
            self._undo.callback(adapters.close)
            self._publishers = {
                topic: self._publish_on(topic, *about)
                for topic, about in outputs(config.ros, adapters).items()
            }
            page = self._undo.enter_context(WebFace(config)) if config.web.port else None
            if page is not None:
                # Not by the log, which goes to /rosout and into files: it may hold a token.
                print(page.announcement, flush=True)
            name = node.get_fully_qualified_name().lstrip("/")
            self.server = Server(
                config, session, self._types, self, renderer, name, adapters, page, self._change
            )
            self._undo.callback(self.server.take_over)
            self._undo.callback(self._drop_all)
            self._listen()
            self._serve(Trigger, "~/reset", self._reset)
            self._serve(SetBool, "~/enable", self._enable)
            self._serve(SetPortrait, "~/set_portrait", self._set_portrait)
            self._every(_TICK_S, self._tick, node.get_clock())
            # Simulated time stands still until somebody plays; the search must not.
            self._every(_SEARCH_PERIOD_S, self._search, Clock(clock_type=ClockType.STEADY_TIME))
            self._undo = self._undo.pop_all()
        topics = " and ".join(
            node.resolve_topic_name(entry.stream.topic)
            for name, entry in self._inputs.items()
            if name in ("image", "audio", *LISTS)
        )
        node.get_logger().info(f"active: waiting for {topics}")

    def close(self) -> None:
        """Removes everything, the last made first."""
        self._undo.close()

    def publish(self, topic: str, message: Any) -> None:
        self._publishers[topic].publish(message)

    def subscribers(self, topic: str) -> int:
        return int(self._publishers[topic].get_subscription_count())

    def _tick(self) -> None:
        now_s = self._now_s()
        if now_s > 0:
            self.server.tick(now_s)

    def _receive(self, stream: str, message: Any) -> None:
        now_s = self._now_s()
        if stream in LISTS:
            with self.server.guarded(f"a message of {stream}", now_s):
                self._follow_another(stream, message)
        elif now_s > 0:
            self.server.receive(stream, message, now_s)

    def _follow_another(self, stream: str, message: Any) -> None:
        if self._humans.see(stream, message.ids):
            self.server.follow_another(stream)
            self._listen()

    def _now_s(self) -> float:
        """Zero under simulated time until its first message comes."""
        return float(self._node.get_clock().now().nanoseconds * 1e-9)

    def _reset(self, _request: Any, response: Any) -> Any:
        self.server.reset()
        response.success, response.message = True, "the conversation starts again"
        return response

    def _enable(self, request: Any, response: Any) -> Any:
        self.server.enable(request.data)
        response.success, response.message = True, "enabled" if request.data else "disabled"
        return response

    def _set_portrait(self, request: Any, response: Any) -> Any:
        reason = self._change({"render.portrait": request.file})
        response.success = not reason
        response.message = reason or f"{request.file} is shown once it is read"
        return response

    def _change(self, changes: Mapping[str, Any]) -> str:
        """By the parameters, so that both say the same afterwards; the reason of a refusal."""
        try:
            wanted = [Parameter(name, value=value) for name, value in changes.items()]
            result = self._node.set_parameters_atomically(wanted)
        except Exception as error:
            return self.server.note("setting parameters", error)
        return "" if result.successful else str(result.reason)

    def _listen(self) -> None:
        """Subscribes to what the people there are make of the configuration."""
        wanted = streams(self._config, self._humans)
        listened = {name: entry.stream for name, entry in self._inputs.items()}
        for name in stale(listened, wanted):
            self._drop(name)
        for name, stream in wanted.items():
            if name not in self._inputs:
                self._inputs[name] = Input(stream)
                if stream.forced:
                    self._try(self._inputs[name], stream.forced)

    def _search(self) -> None:
        with self.server.guarded("the search for publishers", self._now_s()):
            self._subscribe_to_found()

    def _subscribe_to_found(self) -> None:
        """Subscribes to what is published by now; says once what cannot be used."""
        for name, entry in list(self._inputs.items()):
            infos = self._node.get_publishers_info_by_topic(entry.stream.topic)
            found = {info.topic_type for info in infos}
            if len(infos) > 1:
                self.server.say_several(name)
            fitting = found & set(entry.stream.types)
            if entry.subscription is not None and not entry.stream.forced and fitting:
                if entry.type_name in found:
                    continue
                # The publisher came back with another type.
                self._drop(name)
                entry = self._inputs[name] = Input(entry.stream)
            if entry.subscription is None:
                self._choose(entry, found - entry.refused)

    def _choose(self, entry: Input, found: set[str]) -> None:
        for type_name in sorted(found, key=lambda name: name not in entry.stream.types):
            if self._try(entry, type_name):
                break

    def _try(self, entry: Input, type_name: str) -> bool:
        """A package that this workspace lacks is no reason to end, unless it was asked for."""
        try:
            self._subscribe(entry, type_name)
        except UserError as error:
            if entry.stream.forced and entry.stream.name in ("image", "audio", *LISTS):
                raise
            entry.refused.add(type_name)
            self._node.get_logger().warning(str(error))
        return entry.subscription is not None

    def _subscribe(self, entry: Input, type_name: str) -> None:
        stream = entry.stream
        topic = self._node.resolve_topic_name(stream.topic)
        if type_name not in stream.types:
            known = ", ".join(stream.types)
            raise UserError(f"{topic} carries {type_name}, which is not one of {known}")
        entry.subscription = self._node.create_subscription(
            self._types.message_type(type_name),
            stream.topic,
            partial(self._receive, stream.name),
            _quality(not stream.reliable, stream.depth),
        )
        entry.type_name = type_name
        if needs_info(type_name):
            info = info_of(stream, self._config)
            self._inputs[info.name] = Input(info)
            self._subscribe(self._inputs[info.name], info.forced)
        if stream.name in ("image", "audio", "own_audio"):
            self._node.get_logger().info(f"listening to {topic} ({type_name})")

    def _drop(self, name: str) -> None:
        """A stream, and the AudioInfo beside it."""
        for gone in (name, f"{name}_info"):
            entry = self._inputs.pop(gone, None)
            if entry is not None and entry.subscription is not None:
                self._node.destroy_subscription(entry.subscription)

    def _drop_all(self) -> None:
        for name in list(self._inputs):
            self._drop(name)

    def _publish_on(self, topic: str, type_name: str, best_effort: bool, depth: int) -> Any:
        kind = self._types.message_type(type_name)
        publisher = self._node.create_publisher(kind, topic, _quality(best_effort, depth))
        self._undo.callback(self._node.destroy_publisher, publisher)
        return publisher

    def _serve(self, kind: Any, name: str, answer: Any) -> None:
        service = self._node.create_service(kind, name, answer)
        self._undo.callback(self._node.destroy_service, service)

    def _every(self, period_s: float, act: Callable[[], None], clock: Clock) -> None:
        timer = self._node.create_timer(period_s, act, clock=clock)
        self._undo.callback(self._node.destroy_timer, timer)


def _quality(best_effort: bool, depth: int) -> QoSProfile:
    kind = ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE
    return QoSProfile(depth=depth, reliability=kind)

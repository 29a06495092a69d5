"""What the rclpy node has on the graph while it is active: made together, removed in reverse."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import InvalidQosOverridesError, QoSOverridingOptions
from rclpy.serialization import deserialize_message
from reactface_msgs.srv import SetPortrait
from std_srvs.srv import SetBool, Trigger

from reactface_node.config import Config
from reactface_node.errors import UserError, one_line
from reactface_node.render.renderer import Renderer
from reactface_node.ros.messages.types import MessageError, RclpyTypes
from reactface_node.ros.node.adapters import Adapters
from reactface_node.ros.node.intake import Session
from reactface_node.ros.node.server import Server
from reactface_node.ros.node.streams import (
    DEFAULT_TYPES,
    LISTS,
    Humans,
    Stream,
    info_of,
    needs_info,
    stale,
    streams,
)
from reactface_node.ros.node.topics import outputs
from reactface_node.web import WebFace

_SHORTEST_S, _LONGEST_S = 0.002, 0.1
"""Between two ticks, unless a message comes."""
_SEARCH_PERIOD_S = 0.5
_CDR_HEADER_BYTES = 4


class Input:
    """A stream and its subscription. Until somebody publishes, it is of a usual type, so that the
    graph shows what is listened to."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.refused: set[str] = set()
        self.subscription: Any = None
        self.type_name = ""
        self.depth = stream.depth
        self.is_said = False


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
            self._due_s = 0.0
            self._timer = self._every(_SHORTEST_S, self._tick, node.get_clock())
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
        self._wake_in(self.server.next_tick_s(now_s) - now_s)

    def _wake_in(self, wait_s: float) -> None:
        """One timer that rings when something is due: every ring costs a turn of the executor."""
        wait_s = min(max(wait_s, _SHORTEST_S), _LONGEST_S)
        self._due_s = self._now_s() + wait_s
        self._timer.timer_period_ns = round(wait_s * 1e9)
        self._timer.reset()

    def _receive(self, name: str, data: bytes) -> None:
        """A message, and those that wait behind it: the executor takes one of each subscription a
        turn, and sound would fall behind where its turns take longer than a message lasts."""
        now_s = self._now_s()
        entry = self._inputs[name]
        for one in (data, *self._waiting(entry)):
            self._take(entry, one, now_s)
        if now_s > 0:
            due_s = self.server.next_tick_s(now_s)
            if due_s <= now_s:
                self._tick()
            elif due_s < self._due_s - _SHORTEST_S:
                self._wake_in(due_s - now_s)

    def _waiting(self, entry: Input) -> Iterator[bytes]:
        """No more than twice what can wait, so that a flood ends."""
        subscription = entry.subscription
        for _ in range(2 * entry.depth):
            # A change of person drops subscriptions.
            if entry.subscription is not subscription:
                return
            with subscription.handle:
                taken = subscription.handle.take_message(subscription.msg_type, True)
            if taken is None:
                return
            yield taken[0]

    def _take(self, entry: Input, data: bytes, now_s: float) -> None:
        """Read here and not by the executor, which a damaged message would end."""
        stream = entry.stream.name
        try:
            if len(data) < _CDR_HEADER_BYTES:  # The middleware reads beyond its end.
                raise ValueError(f"{len(data)} bytes")
            message = deserialize_message(data, entry.subscription.msg_type)
        except Exception as error:
            problem = MessageError(f"damaged {entry.type_name}: {one_line(error)}")
            self.server.reject(stream, problem, now_s)
            return
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
                else:
                    self._subscribe_to_usual(self._inputs[name])

    def _subscribe_to_usual(self, entry: Input) -> None:
        for type_name in DEFAULT_TYPES:
            if type_name in entry.stream.types and self._types.has(type_name):
                self._subscribe(entry, type_name)
                return

    def _search(self) -> None:
        with self.server.guarded("the search for publishers", self._now_s()):
            for name, entry in list(self._inputs.items()):
                infos = self._node.get_publishers_info_by_topic(entry.stream.topic)
                if len(infos) > 1:
                    self.server.say_several(name)
                self._fit(entry, {info.topic_type for info in infos})

    def _fit(self, entry: Input, found: set[str]) -> None:
        """Subscribes to a type that is published; says once what cannot be used."""
        stream = entry.stream
        if entry.type_name not in found and not stream.forced:
            # Of several the usual ones first.
            for type_name in sorted(found - entry.refused, key=lambda n: n not in stream.types):
                if self._try(entry, type_name):
                    break
        if entry.type_name in found and not entry.is_said:
            entry.is_said = True
            if stream.name in ("image", "audio", "own_audio"):
                topic = self._node.resolve_topic_name(stream.topic)
                self._node.get_logger().info(f"listening to {topic} ({entry.type_name})")

    def _try(self, entry: Input, type_name: str) -> bool:
        """A package that this workspace lacks is no reason to end, unless it was asked for."""
        try:
            self._subscribe(entry, type_name)
        except UserError as error:
            if entry.stream.forced and entry.stream.name in ("image", "audio", *LISTS):
                raise
            entry.refused.add(type_name)
            self._node.get_logger().warning(str(error))
        return entry.type_name == type_name

    def _subscribe(self, entry: Input, type_name: str) -> None:
        """Instead of what was subscribed to so far."""
        stream = entry.stream
        if type_name not in stream.types:
            topic = self._node.resolve_topic_name(stream.topic)
            known = ", ".join(stream.types)
            raise UserError(f"{topic} carries {type_name}, which is not one of {known}")
        kind = self._types.message_type(type_name)
        self._end(entry)
        quality = _quality(not stream.reliable, stream.depth)
        with _overridden(stream.topic):
            entry.subscription = self._node.create_subscription(
                kind,
                stream.topic,
                partial(self._receive, stream.name),
                quality,
                raw=True,
                event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=stream.reliable),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        entry.type_name, entry.depth, entry.is_said = type_name, max(quality.depth, 1), False
        if needs_info(type_name):
            info = info_of(stream, self._config)
            self._inputs[info.name] = Input(info)
            self._subscribe(self._inputs[info.name], info.forced)

    def _end(self, entry: Input) -> None:
        """A subscription, and that to the AudioInfo beside it."""
        if entry.subscription is not None:
            self._node.destroy_subscription(entry.subscription)
            entry.subscription, entry.type_name = None, ""
        beside = self._inputs.pop(f"{entry.stream.name}_info", None)
        if beside is not None:
            self._end(beside)

    def _drop(self, name: str) -> None:
        entry = self._inputs.pop(name, None)
        if entry is not None:
            self._end(entry)

    def _drop_all(self) -> None:
        for name in list(self._inputs):
            self._drop(name)

    def _publish_on(self, topic: str, type_name: str, best_effort: bool, depth: int) -> Any:
        kind = self._types.message_type(type_name)
        with _overridden(topic):
            publisher = self._node.create_publisher(
                kind,
                topic,
                _quality(best_effort, depth),
                event_callbacks=PublisherEventCallbacks(use_default_callbacks=False),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        self._undo.callback(self._node.destroy_publisher, publisher)
        return publisher

    def _serve(self, kind: Any, name: str, answer: Callable[[Any, Any], Any]) -> None:
        service = self._node.create_service(kind, name, partial(self._answer, name, answer))
        self._undo.callback(self._node.destroy_service, service)

    def _answer(
        self, name: str, answer: Callable[[Any, Any], Any], request: Any, response: Any
    ) -> Any:
        try:
            return answer(request, response)
        except Exception as error:
            response.success, response.message = False, self.server.note(name, error)
            return response

    def _every(self, period_s: float, act: Callable[[], None], clock: Clock) -> Any:
        timer = self._node.create_timer(period_s, act, clock=clock)
        self._undo.callback(self._node.destroy_timer, timer)
        return timer


@contextmanager
def _overridden(topic: str) -> Iterator[None]:
    """UserError where a qos_overrides parameter of the topic is not right."""
    try:
        yield
    except (InvalidQosOverridesError, ParameterException, RuntimeError, TypeError) as error:
        raise UserError(f"the QoS of {topic} cannot be had: {one_line(error)}") from error


def _quality(best_effort: bool, depth: int) -> QoSProfile:
    kind = ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE
    return QoSProfile(depth=depth, reliability=kind)

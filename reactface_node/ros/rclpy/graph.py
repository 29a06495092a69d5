"""The rclpy node's topics and services while it is active; they are removed in reverse order."""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
from rclpy.subscription import Subscription
from reactface_msgs.srv import SetPortrait
from std_srvs.srv import SetBool, Trigger

from reactface_node.config import Config
from reactface_node.errors import UserError, one_line
from reactface_node.render.renderer import Renderer
from reactface_node.ros.messages.types import MessageError, RclpyTypes
from reactface_node.ros.node.adapters import Adapters
from reactface_node.ros.node.failures import RepeatedFailure
from reactface_node.ros.node.protocols import Session
from reactface_node.ros.node.server import Server
from reactface_node.ros.node.shedding import ServingTime
from reactface_node.ros.node.streams import Stream, awaited
from reactface_node.ros.node.subscriptions import SEARCH_PERIOD_S, Input, InputRouter
from reactface_node.ros.node.topics import OutputTopic, outputs
from reactface_node.ros.rclpy.serving import NodeEnded
from reactface_node.web import WebFace

_SHORTEST_S, _LONGEST_S = 0.002, 0.1
"""Shortest and longest time between two ticks if no message comes."""
_CDR_HEADER_BYTES = 4


class Graph:
    """Publishers, subscriptions, services and timers of the active node.

    It is the server's ``Transport`` and the subscriptions' ``Subscriber``.
    """

    def __init__(
        self,
        node: Node,
        config: Config,
        session: Session,
        renderer: Renderer,
        serving: ServingTime | None = None,
    ) -> None:
        """serving: of the nodes of this thread. UserError if a message package, a forced type, a
        QoS or an output cannot be used; then everything that was made is removed."""
        self._node, self._types, self._config = node, RclpyTypes(), config.ros
        with ExitStack() as self._undo:
            adapters = Adapters(config.outputs)
            self._undo.callback(adapters.close)
            self._publishers = {
                topic: self._publish_on(topic, about)
                for topic, about in outputs(config.ros, adapters.topics).items()
            }
            page = self._undo.enter_context(WebFace(config)) if config.web.port else None
            if page is not None:
                # Not to the log, which goes to /rosout and to files: the line may hold a token.
                print(page.announcement, flush=True)
            name = node.get_fully_qualified_name().lstrip("/")
            self.server = Server(
                *(config, session, self._types, self, renderer, name, adapters, page, self._change),
                serving=serving,
            )
            self._undo.callback(self.server.apply_changes)
            self.router = InputRouter(self, config.ros, self.server, node.get_logger())
            self._undo.callback(self.router.close)
            self._serve(Trigger, "~/reset", self._reset)
            self._serve(SetBool, "~/enable", self._enable)
            self._serve(SetPortrait, "~/set_portrait", self._set_portrait)
            self._due_s = 0.0
            self._timer = self._every(_SHORTEST_S, self._tick, node.get_clock())
            # Not on simulated time, which stands still until its publisher is found.
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._every(SEARCH_PERIOD_S, lambda: self.router.search(self._now_s()), steady)
            self._undo = self._undo.pop_all()
        wanted = {name: entry.stream for name, entry in self.router.inputs.items()}
        topics = " and ".join(self.full_name(topic) for topic in awaited(wanted))
        node.get_logger().info(f"active: waiting for {topics}")

    def rest_s(self) -> float:
        """As ``Server.rest_s``."""
        return self.server.rest_s(self._now_s())

    def close(self) -> None:
        """Remove everything, in the reverse order of making."""
        self._undo.close()

    def publish(self, topic: str, message: Any) -> None:
        self._publishers[topic].publish(message)

    def subscribers(self, topic: str) -> int:
        return int(self._publishers[topic].get_subscription_count())

    def _alone(self, act: Callable[..., None], *arguments: Any) -> None:
        """Call back, and tell of which node an error is that ends it."""
        try:
            act(*arguments)
        except (UserError, RepeatedFailure) as error:
            raise NodeEnded(self._node) from error

    def _tick(self) -> None:
        now_s = self._now_s()
        if now_s > 0:
            self.server.tick(now_s)
        self._wake_in(self.server.next_tick_s(now_s) - now_s)

    def _wake_in(self, wait_s: float) -> None:
        """Set the one timer to the next time with work to do: each callback costs a turn of the
        executor."""
        wait_s = min(max(wait_s, _SHORTEST_S), _LONGEST_S)
        self._due_s = self._now_s() + wait_s
        self._timer.timer_period_ns = round(wait_s * 1e9)
        self._timer.reset()

    def _receive(self, name: str, data: bytes) -> None:
        """Handle a message and all that are queued behind it.

        The executor takes one message of each subscription a turn. Audio would fall behind if a
        turn took longer than a message lasts.
        """
        now_s = self._now_s()
        entry = self.router.inputs[name]
        for waiting in (data, *self._waiting(entry)):
            self._take(entry, waiting, now_s)
        if now_s > 0:
            due_s = self.server.next_tick_s(now_s)
            if due_s <= now_s:
                self._tick()
            elif due_s < self._due_s - _SHORTEST_S:
                self._wake_in(due_s - now_s)

    def _waiting(self, entry: Input) -> Iterator[bytes]:
        """The queued messages, at most twice the queue's depth, so that ticks are not delayed
        without end."""
        subscription = entry.subscription
        for _ in range(2 * max(subscription.qos_profile.depth, 1)):
            # A list of tracked people may have dropped this subscription.
            if entry.subscription is not subscription:
                return
            with subscription.handle:
                taken = subscription.handle.take_message(subscription.msg_type, True)
            if taken is None:
                return
            yield taken[0]

    def _take(self, entry: Input, data: bytes, now_s: float) -> None:
        """Deserialise and route a message. Done here, since an error would end the executor."""
        stream = entry.stream.name
        try:
            if len(data) < _CDR_HEADER_BYTES:  # The middleware would read beyond the end.
                raise ValueError(f"{len(data)} bytes")
            message = deserialize_message(data, entry.subscription.msg_type)
        except Exception as error:
            problem = MessageError(f"damaged {entry.type_name}: {one_line(error)}")
            self.server.intake.reject(stream, problem, now_s)
        else:
            self.router.receive(stream, message, now_s)

    def _now_s(self) -> float:
        """ROS time; zero under simulated time until its first message comes."""
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
        """Change settings through the node's parameters, so that both stay equal -> the reason if
        refused, else ""."""
        try:
            wanted = [Parameter(name, value=value) for name, value in changes.items()]
            result = self._node.set_parameters_atomically(wanted)
        except Exception as error:
            return self.server.note("setting parameters", error)
        return "" if result.successful else str(result.reason)

    def full_name(self, topic: str) -> str:
        return str(self._node.resolve_topic_name(topic))

    def publishers(self, topics: Iterable[str]) -> dict[str, list[str]]:
        return {
            topic: [info.topic_type for info in self._node.get_publishers_info_by_topic(topic)]
            for topic in topics
        }

    def refusal(self, type_name: str) -> str:
        try:
            self._types.message_type(type_name)
        except UserError as error:
            return str(error)
        return ""

    def subscribe(self, stream: Stream, type_name: str) -> Subscription:
        with _overridden(stream.topic):
            return self._node.create_subscription(
                self._types.message_type(type_name),
                stream.topic,
                partial(self._alone, self._receive, stream.name),
                _quality(not stream.reliable, stream.depth),
                raw=True,
                event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=stream.reliable),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )

    def unsubscribe(self, subscription: Subscription) -> None:
        self._node.destroy_subscription(subscription)

    def _publish_on(self, topic: str, about: OutputTopic) -> Any:
        kind = self._types.message_type(about.type_name)
        with _overridden(topic):
            publisher = self._node.create_publisher(
                kind,
                topic,
                _quality(about.best_effort, about.depth),
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
        timer = self._node.create_timer(period_s, partial(self._alone, act), clock=clock)
        self._undo.callback(self._node.destroy_timer, timer)
        return timer


@contextmanager
def _overridden(topic: str) -> Iterator[None]:
    """UserError if a qos_overrides parameter of the topic is wrong."""
    try:
        yield
    except (InvalidQosOverridesError, ParameterException, RuntimeError, TypeError) as error:
        raise UserError(f"the QoS of {topic} cannot be had: {one_line(error)}") from error


def _quality(best_effort: bool, depth: int) -> QoSProfile:
    kind = ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE
    return QoSProfile(depth=depth, reliability=kind)

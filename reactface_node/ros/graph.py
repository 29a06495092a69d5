"""What the rclpy node has on the graph while it is active: made together, removed in reverse."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from reactface_msgs.srv import SetPortrait
from std_srvs.srv import SetBool, Trigger

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.ros.bag import AUDIO_TYPES, IMAGE_TYPES, INFO_TYPES
from reactface_node.ros.server import OUTPUTS, Renderer, Server, Session
from reactface_node.ros.types import RclpyTypes

_TICK_S = 0.01
_SEARCH_PERIOD_S = 0.5
_FORCED = {name.rpartition("/")[2]: name for name in (*IMAGE_TYPES, *AUDIO_TYPES)}


class Input:
    """A stream to subscribe to once its type is known."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.refused: set[str] = set()
        self.subscription: Any = None


class Graph:
    """What the node has on the graph while it is active; it is the server's transport."""

    def __init__(self, node: Node, config: Config, session: Session, renderer: Renderer) -> None:
        """UserError if a message package is missing or a forced type is; nothing stays behind."""
        self._node, self._types = node, RclpyTypes()
        self._info_topic = config.ros.audio_info_topic
        self._inputs = [
            Input(config.ros.image_topic, IMAGE_TYPES, config.ros.image_type, 1),
            Input(config.ros.audio_topic, AUDIO_TYPES, config.ros.audio_type, 50),
        ]
        with ExitStack() as self._undo:
            self._publishers = {topic: self._publish_on(topic) for topic in OUTPUTS}
            name = node.get_fully_qualified_name().lstrip("/")
            self.server = Server(config, session, self._types, self, renderer, name)
            for entry in self._inputs:
                if entry.forced:
                    self._subscribe(entry, entry.forced)
            self._serve(Trigger, "~/reset", self._reset)
            self._serve(SetBool, "~/enable", self._enable)
            self._serve(SetPortrait, "~/set_portrait", self._set_portrait)
            self._every(_TICK_S, self._tick, node.get_clock())
            # Simulated time stands still until somebody plays; the search must not.
            self._every(_SEARCH_PERIOD_S, self._search, Clock(clock_type=ClockType.STEADY_TIME))
            self._undo = self._undo.pop_all()
        topics = " and ".join(node.resolve_topic_name(entry.topic) for entry in self._inputs)
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

    def _receive(self, handle: Callable[[Any, float], None], message: Any) -> None:
        now_s = self._now_s()
        if now_s > 0:
            handle(message, now_s)

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
        """By the parameter, so that both say the same afterwards."""
        wanted = Parameter("render.portrait", value=request.file)
        (result,) = self._node.set_parameters([wanted])
        response.success = result.successful
        response.message = result.reason or f"{request.file} is shown"
        return response

    def _search(self) -> None:
        """Subscribes to what is published by now; says once what cannot be used."""
        for entry in (entry for entry in self._inputs if not entry.subscribed):
            infos = self._node.get_publishers_info_by_topic(entry.topic)
            found = {info.topic_type for info in infos} - entry.refused
            for type_name in sorted(found, key=lambda name: name not in entry.fitting):
                try:
                    self._subscribe(entry, type_name)
                    break
                except UserError as error:
                    entry.refused.add(type_name)
                    self._node.get_logger().warning(str(error))

    def _subscribe(self, entry: Input, type_name: str) -> None:
        topic = self._node.resolve_topic_name(entry.topic)
        if type_name not in entry.fitting:
            known = ", ".join(entry.fitting)
            raise UserError(f"{topic} carries {type_name}, which is not one of {known}")
        handle = self.server.on_image if entry.fitting is IMAGE_TYPES else self.server.on_audio
        self._listen(
            type_name, entry.topic, _quality(True, entry.depth), lambda m: self._receive(handle, m)
        )
        if type_name.startswith("audio_common_msgs/msg/AudioData"):
            quality = _quality(False, 10)
            self._listen(INFO_TYPES[0], self._info_topic, quality, self.server.on_audio_info)
        entry.subscribed = True
        self._node.get_logger().info(f"listening to {topic} ({type_name})")

    def _publish_on(self, topic: str) -> Any:
        type_name, best_effort, depth = OUTPUTS[topic]
        kind = self._types.message_type(type_name)
        publisher = self._node.create_publisher(kind, topic, _quality(best_effort, depth))
        self._undo.callback(self._node.destroy_publisher, publisher)
        return publisher

    def _listen(self, type_name: str, topic: str, quality: QoSProfile, receive: Any) -> None:
        kind = self._types.message_type(type_name)
        subscription = self._node.create_subscription(kind, topic, receive, quality)
        self._undo.callback(self._node.destroy_subscription, subscription)

    def _serve(self, kind: Any, name: str, answer: Any) -> None:
        service = self._node.create_service(kind, name, answer)
        self._undo.callback(self._node.destroy_service, service)

    def _every(self, period_s: float, act: Callable[[], None], clock: Clock) -> None:
        timer = self._node.create_timer(period_s, act, clock=clock)
        self._undo.callback(self._node.destroy_timer, timer)


def _quality(best_effort: bool, depth: int) -> QoSProfile:
    kind = ReliabilityPolicy.BEST_EFFORT if best_effort else ReliabilityPolicy.RELIABLE
    return QoSProfile(depth=depth, reliability=kind)

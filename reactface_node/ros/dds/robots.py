"""Several robots in one process over DDS: a node each, in a namespace of its own, and one model."""

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from reactface_node.config import Config
from reactface_node.errors import UserError, one_line
from reactface_node.render import make_renderer
from reactface_node.render.renderer import Renderer
from reactface_node.ros.dds.discovery import domain_id
from reactface_node.ros.dds.graph import NODE_NAME, DdsNode, stop_on_signals
from reactface_node.ros.dds.wire import Participant, Wire
from reactface_node.ros.node.protocols import Session
from reactface_node.ros.node.robots import RESTART_S, check_alone
from reactface_node.ros.node.shedding import ServingTime
from reactface_node.session.shared import SharedModel

_LONGEST_S = 0.1

Made = tuple[Session, Renderer]


class Robot:
    """A node in a namespace, which begins anew after repeated internal errors."""

    def __init__(self, namespace: str, config: Config, made: Made, make: Callable[..., DdsNode]):
        """made: session and renderer. make: (config, session, renderer, namespace) -> the node."""
        self.namespace = namespace
        self._config, self._made, self._make = config, made, make
        self._ended_s: float | None = None
        self._node: DdsNode | None = make(config, *made, namespace)

    @property
    def is_over(self) -> bool:
        """Whether the robot has ended for good."""
        return self._node is None and self._ended_s is None

    def next_s(self, now_s: float) -> float:
        """The time at which ``spin`` has work to do if no message comes before."""
        return self._asked(lambda node: node.next_s(now_s), now_s)

    def rest_s(self, now_s: float) -> float:
        """As ``Server.rest_s``; without a node it may last."""
        return self._asked(lambda node: node.server.rest_s(now_s), 0.0)

    def _asked(self, ask: Callable[[DdsNode], float], otherwise: float) -> float:
        """What a node says; inf without one. ``otherwise`` if it fails: ``spin`` then tells it."""
        try:
            return math.inf if self._node is None else ask(self._node)
        except Exception:
            return otherwise

    def spin(self, now_s: float) -> None:
        """One turn of the node, or a new begin; never raises."""
        try:
            if self._node is not None:
                with self._node.server.guarded("the transport", now_s):
                    self._node.spin(now_s)
            elif self._ended_s is not None and not 0.0 <= now_s - self._ended_s < RESTART_S:
                self._begin()
        except UserError as error:
            self._end(None, str(error))
        except Exception as error:  # a RepeatedFailure, or one of beginning anew
            self._end(now_s, f"{one_line(error)}; it begins anew in {RESTART_S:g} s")

    def close(self) -> None:
        """End the node."""
        if self._node is not None:
            self._node.close()
            self._node = None

    def _begin(self) -> None:
        """Make the node again, with a new conversation."""
        for part in self._made:
            part.reset()
        self._node = self._make(self._config, *self._made, self.namespace)

    def _end(self, now_s: float | None, reason: str) -> None:
        """End the node; for good if ``now_s`` is None."""
        logging.getLogger(__name__).error("robot %s has ended: %s", self.namespace, reason)
        self._ended_s = now_s
        self.close()


def serve_robots(config: Config, robots: dict[str, Made], stop: threading.Event) -> int:
    """Run a node for each robot, by namespace, until ``stop`` is set; returns 0, or 1 if a robot
    has ended. UserError if DDS or an output cannot be started."""
    with ExitStack() as stack:
        participant = Participant(domain_id(), config.ros.network_interface)
        stack.callback(participant.close)
        waitset, serving = participant.waitset(), ServingTime()

        def make(config: Config, session: Session, renderer: Renderer, namespace: str) -> DdsNode:
            wire = Wire(NODE_NAME, 0, namespace=namespace, participant=participant)
            try:
                return DdsNode(config, session, renderer, wire, common=waitset, serving=serving)
            except BaseException:
                wire.close()
                raise

        running = []
        for namespace, made in robots.items():
            running.append(Robot(namespace, config, made, make))
            stack.callback(running[-1].close)
        while not stop.is_set() and not all(robot.is_over for robot in running):
            now_s = time.time()
            wait_s = min(robot.next_s(now_s) for robot in running) - now_s
            wait_s = min(max(wait_s, 0.0), _LONGEST_S)
            rest_s = min(robot.rest_s(now_s) for robot in running)
            if rest_s > 0.0:
                time.sleep(min(rest_s, _LONGEST_S))
            else:
                waitset.wait(int(wait_s * 1e9))
            now_s = time.time()
            for robot in running:
                robot.spin(now_s)
        return int(any(robot.is_over for robot in running))


def live_robots(config: Config, namespaces: Sequence[str]) -> int:
    """Run robots that listen to topics until Ctrl-C or SIGTERM; returns 0, or 1 if one has ended.

    UserError if the weights, an output or the network cannot be used.
    """
    check_alone(config)
    stop = stop_on_signals()
    models = SharedModel(len(namespaces))
    with ExitStack() as stack:
        robots: dict[str, Made] = {}
        for namespace in namespaces:
            session = models.load(config)
            stack.callback(models.free, session)
            renderer = make_renderer(
                config.render, config.on_device_failure, config.perception.landmarker
            )
            robots[namespace] = session, renderer
        for namespace in namespaces:
            print(f"robot /{namespace}/{NODE_NAME} waits for its topics", flush=True)
        return serve_robots(config, robots, stop)

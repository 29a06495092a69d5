"""Spins the nodes of a process until a signal; one that fails does not end the others."""

import logging
import math
import time
from collections.abc import Sequence
from typing import Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node

from reactface_node.errors import UserError
from reactface_node.ros.node.failures import FailureGuard, RepeatedFailure
from reactface_node.ros.node.robots import RESTART_S

_STOP_PERIOD_S = 0.2


class NodeEnded(Exception):
    """A node cannot go on; its cause is a UserError or a RepeatedFailure."""

    def __init__(self, node: Any) -> None:
        super().__init__(node.get_name())
        self.node = node


class RosHandler(logging.Handler):
    """Forwards Python's log records to the node's logger, thus to console and /rosout."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._logger = node.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        # rclpy does not allow one line of code to log at several severities.
        text = self.format(record)
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        else:
            self._logger.info(text)


def serve(nodes: Sequence[Any], stop: list[int], autostart: bool = False) -> int:
    """Spin until ``stop`` holds a signal, then free the nodes.

    Returns 0, or 1 after an error that was logged: the start failed, the device was lost, or
    internal errors repeated. One of several nodes is deactivated then, while the others go on.
    """
    # Records do not tell of which node they are.
    package, handler = logging.getLogger("reactface_node"), RosHandler(nodes[0])
    package.addHandler(handler)
    package.propagate = False
    executor, failures = SingleThreadedExecutor(), FailureGuard()
    for node in nodes:
        executor.add_node(node)
    try:
        # The node starts itself. A request of a launch file, after a restart, might reach the
        # services of the crashed process, which stay on the graph for a while.
        if autostart and not all(node.start() for node in nodes):
            return 1
        return _spin_all(executor, nodes, stop, failures)
    except UserError as error:
        nodes[0].get_logger().error(str(error))
        return 1
    except RepeatedFailure:  # The error has been logged already.
        return 1
    finally:
        for node in nodes:
            node.free()
        package.removeHandler(handler)
        package.propagate = True
        for node in nodes:
            node.destroy_node()


def _spin_all(
    executor: SingleThreadedExecutor, nodes: Sequence[Any], stop: list[int], failures: FailureGuard
) -> int:
    """Spin until ``stop`` holds a signal or each node has ended for good -> the exit code."""
    again_s: dict[Any, float] = {}
    while not stop and list(again_s.values()).count(math.inf) < len(nodes):
        rest_s = min(node.rest_s() for node in nodes)
        if rest_s > 0.0:
            time.sleep(rest_s)
        try:
            _spin(executor, failures)
        except NodeEnded as error:
            if len(nodes) == 1:
                raise error.__cause__ or error from None
            again_s[error.node] = _set_aside(error)
        for node in [one for one, at_s in again_s.items() if time.monotonic() >= at_s]:
            done = node.trigger_activate() == TransitionCallbackReturn.SUCCESS
            again_s.pop(node)
            if not done:
                again_s[node] = math.inf
    return int(math.inf in again_s.values())


def _set_aside(error: NodeEnded) -> float:
    """Deactivate a node that cannot go on -> when to activate it again; inf for never."""
    node, cause = error.node, error.__cause__
    repeats = isinstance(cause, RepeatedFailure)
    more = f"; it begins anew in {RESTART_S:g} s" if repeats else ""
    node.get_logger().error(f"this robot has ended: {cause}{more}")
    if node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS and repeats:
        return time.monotonic() + RESTART_S
    node.free()
    return math.inf


def _spin(executor: SingleThreadedExecutor, failures: FailureGuard) -> None:
    """One turn of the executor. An error in rclpy's own callbacks, such as a request that cannot
    be read, is logged and counted; RepeatedFailure as in the server."""
    try:
        executor.spin_once(timeout_sec=_STOP_PERIOD_S)
    except (UserError, RepeatedFailure, NodeEnded):
        raise
    except Exception as error:
        now_s = time.monotonic()
        failures.note("a turn of rclpy", error, now_s, is_fatal=True)
        if failures.is_repeating(now_s):
            raise RepeatedFailure from error

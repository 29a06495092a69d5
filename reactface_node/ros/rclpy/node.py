"""The node under ROS 2: an rclpy lifecycle node around ``server.Server``.

Weights load in configure and are freed in cleanup; what the node has on the graph is made in
activate and removed in the exact inverse in deactivate.

One thread serves everything on the graph: what takes long, the face tracker and whole windows of
the model, has threads of its own inside the session, and the executor never waits for them.
"""

import gc
import logging
import signal
import time
import traceback
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

from reactface_node.config import Config
from reactface_node.config.settings import settings
from reactface_node.engine.devices import free_memory
from reactface_node.errors import UserError, one_line
from reactface_node.perception.memory import give_back
from reactface_node.ros.messages.types import RclpyTypes
from reactface_node.ros.node.changes import Changes, named
from reactface_node.ros.node.descriptors import parameter_descriptor
from reactface_node.ros.node.failures import FailureGuard, RepeatedFailure
from reactface_node.ros.rclpy.robot_settings import declared, sort_out

try:
    import rclpy
    from lifecycle_msgs.srv import ChangeState
    from rcl_interfaces.msg import SetParametersResult
    from rclpy.executors import SingleThreadedExecutor
    from rclpy.impl.implementation_singleton import rclpy_implementation
    from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
    from rclpy.node import Node
    from rclpy.parameter import Parameter
    from rclpy.signals import SignalHandlerOptions
    from rclpy.utilities import remove_ros_args
except ImportError as error:
    raise UserError(
        f"rclpy cannot be used here ({error}): source ROS 2 first, with the Python it was made "
        "for, or run `reactface live`, which speaks to ROS 2 without it"
    ) from error

NODE_NAME = "reactface"
_STOP_PERIOD_S = 0.2
# Parameters that rclpy declares by itself.
_RCLPY_OWN = ("use_sim_time", "start_type_description_service", "qos_overrides")


class ReactfaceNode(LifecycleNode):
    """Lifecycle, parameters and nothing else: what it does is ``server.Server``'s."""

    def __init__(self, config: Config | None = None) -> None:
        """``config``: what the ROS parameters change. UserError if one of them is not right."""
        super().__init__(NODE_NAME)
        self.config = _declare(self, config or Config.load())
        self._session: Any = None
        self._renderer: Any = None
        self._graph: Any = None
        self.add_on_set_parameters_callback(self._on_parameters)
        for service in self.services:
            if service.srv_type is ChangeState:
                service.callback = partial(self._change_state, service.callback)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._attempt(self._load)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._attempt(self._join)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._attempt(self._leave)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._attempt(self.free)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._attempt(self.free)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._attempt(self.free)

    def start(self) -> bool:
        """Configure and activate; False if that failed, which has been logged."""
        steps = (self.trigger_configure, self.trigger_activate)
        return all(step() == TransitionCallbackReturn.SUCCESS for step in steps)

    def free(self) -> None:
        """Back to unconfigured from any state."""
        # Not by way of ``_leave``: on a GPU that is lost no conversation could begin anew.
        self._close_graph()
        if self._session is not None:
            self._session.close()
        self._session = self._renderer = None
        # What was on the graph holds the session in circles; the interpreter would let several
        # models gather before it looks.
        gc.collect()
        give_back()
        if "cuda" in self.config.device + self.config.render.device:
            free_memory()

    def _change_state(self, change: Callable[[Any, Any], Any], request: Any, answer: Any) -> Any:
        """rclpy raises where a transition is not of the present state, as a lifecycle manager may
        ask for; rclcpp answers that it failed, as is done here."""
        try:
            return change(request, answer)
        except rclpy_implementation.RCLError as error:
            self.get_logger().warning(f"transition refused: {' '.join(str(error).split())}")
            answer.success = False
            return answer

    def _load(self) -> None:
        # Here, so that a mistake on the command line is said before torch has been loaded, and
        # Ctrl-C is seen to before there is much that it could interrupt.
        from reactface_node.render import make_renderer
        from reactface_node.session.session import ReactionSession

        self._renderer = make_renderer(self.config.render, self.config.on_device_failure)
        self._session = ReactionSession.load(self.config)
        self.get_logger().info(f"configured: profile {self.config.profile}")

    def _join(self) -> None:
        from reactface_node.ros.rclpy.graph import Graph

        self._graph = Graph(self, self.config, self._session, self._renderer)

    def _leave(self) -> None:
        """The next activation is another conversation."""
        if self._graph is not None:
            self._close_graph()
            self._session.reset()

    def _close_graph(self) -> None:
        if self._graph is not None:
            self._graph.close()
            self._graph = None

    def _attempt(self, step: Callable[[], None]) -> TransitionCallbackReturn:
        """rclpy drops what a transition raises. A user's mistake leaves the state as it was."""
        try:
            step()
        except UserError as error:
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception:
            self.get_logger().fatal(traceback.format_exc())
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS

    def _on_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        """rclpy has checked types and ranges; the rest is the session's to say."""
        try:
            given = named((p.name, p.value) for p in parameters if _is_setting(p.name))
            now = {item.name: item.value for item in settings(self.config)}
            # A file that was dumped before may be loaded in every state.
            changes = {name: value for name, value in given.items() if now[name] != value}
            reason = self._change(changes)
        except UserError as error:
            reason = str(error)
        except Exception as error:
            self.get_logger().error(traceback.format_exc())
            reason = one_line(error)
        return SetParametersResult(successful=not reason, reason=reason)

    def _change(self, changes: dict[str, Any]) -> str:
        """The reason if they are refused; UserError as well."""
        if "profile" in changes:
            return "the profile is chosen where the node is started"
        if self._session is None:
            self.config = self.config.replace(**changes)
            return ""
        for item in settings(self.config):
            if item.name in changes and not item.live:
                return f"{item.name} cannot change while the node is configured; cleanup first"
        if self._graph is not None:
            reason: str = self._graph.server.configure(changes)
            self.config = self._graph.server.config
            return reason
        waiting = Changes(self._session, self._renderer)
        waiting.request(changes)
        waiting.apply()
        self.config = self._session.config
        return ""


class RosHandler(logging.Handler):
    """Python's log records to the console and /rosout as the node's own."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._logger = node.get_logger()

    def emit(self, record: logging.LogRecord) -> None:
        # rclpy forbids one line of code to log at more than one severity.
        text = self.format(record)
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        else:
            self._logger.info(text)


def main(
    arguments: list[str] | None = None, config: Config | None = None, autostart: bool = False
) -> int:
    """Serve until SIGINT or SIGTERM; 0, or 1 as ``serve``. ``arguments``: ROS's own, after the
    command's.

    config: what ROS parameters change; the default profile if None. autostart: configure and
    activate at once. UserError for wrong arguments,
    wrong parameters, and where ``reactface_msgs`` is not built.
    """
    require_messages()
    # A list: setting an Event locks, and a second signal in the midst of it would wait for ever.
    stop: list[int] = []
    names = (signal.SIGINT, signal.SIGTERM)
    before = {name: signal.signal(name, lambda number, _: stop.append(number)) for name in names}
    try:
        return _run(arguments or [], config, stop, autostart)
    finally:
        # Under `ros2 launch` Ctrl-C comes twice, from the terminal and then from launch: the
        # second must not strike while the interpreter is on its way out. SIGTERM, which launch
        # sends where that takes long, ends it.
        after = {signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_DFL} if stop else before
        for name, handler in after.items():
            signal.signal(name, handler)


def _run(arguments: list[str], config: Config | None, stop: list[int], autostart: bool) -> int:
    try:
        unknown = remove_ros_args(arguments)
        # rclpy's own handlers end its context at once, and whatever it is doing then fails.
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        raise UserError(str(error).splitlines()[0]) from error
    try:
        if unknown:
            raise UserError(f"unrecognized arguments: {' '.join(unknown)}")
        return serve(ReactfaceNode(config), stop, autostart)
    finally:
        rclpy.try_shutdown()


def serve(node: ReactfaceNode, stop: list[int], autostart: bool = False) -> int:
    """Spin until ``stop`` holds a signal; 0, or 1 if the start fails, or the device does on the
    way, or internal errors come back again and again, which is logged. Frees the node."""
    package, handler = logging.getLogger("reactface_node"), RosHandler(node)
    package.addHandler(handler)
    package.propagate = False
    executor, failures = SingleThreadedExecutor(), FailureGuard()
    executor.add_node(node)
    try:
        # By itself and not by whoever launched it: a node that is started again after a crash
        # still has its old self's services on the graph, and a request may go to those.
        if autostart and not node.start():
            return 1
        while not stop:
            _spin(executor, failures)
        return 0
    except UserError as error:
        node.get_logger().error(str(error))
        return 1
    except RepeatedFailure:  # It has been logged.
        return 1
    finally:
        node.free()
        package.removeHandler(handler)
        package.propagate = True
        node.destroy_node()


def _spin(executor: SingleThreadedExecutor, failures: FailureGuard) -> None:
    """One turn. What a callback of rclpy's own raises, such as for a request that cannot be read,
    is logged and counted; RepeatedFailure as in the server."""
    try:
        executor.spin_once(timeout_sec=_STOP_PERIOD_S)
    except (UserError, RepeatedFailure):
        raise
    except Exception as error:
        now_s = time.monotonic()
        failures.note("a turn of rclpy", error, now_s, is_fatal=True)
        if failures.is_repeating(now_s):
            raise RepeatedFailure from error


def require_messages() -> None:
    """UserError that names the command which builds ``reactface_msgs``, if it is missing."""
    if find_spec("reactface_msgs") is None:
        raise UserError(
            "reactface_msgs is not built: run `colcon build --base-paths src "
            "src/reactface_node/ros2_ws/src` in your workspace (or `colcon build` in ros2_ws) "
            "and source its install/setup.bash"
        )


def _declare(node: Any, config: Config) -> Config:
    """Settings as parameters; what files and command line set is checked as Config does."""
    # rclpy tells what it was given by declaring all of it alone, and raises for an empty list.
    overrides = node._parameter_overrides.items()
    given = {name: one.value for name, one in overrides if _is_setting(name)}
    ours, ignored = sort_out(given, config)
    if ours.get("profile", config.profile) != config.profile:
        config = Config.load(ours["profile"])
    config = config.replace(**ours)
    types = RclpyTypes()
    described = [
        (item.name, item.value, parameter_descriptor(types, item, True))
        for item in declared(config)
    ]
    node.declare_parameters("", described, ignore_override=True)
    for line in ignored:
        node.get_logger().warning(line)
    return config


def _is_setting(name: str) -> bool:
    return name.split(".")[0] not in _RCLPY_OWN

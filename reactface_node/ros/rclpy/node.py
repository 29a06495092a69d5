"""The node under ROS 2: an rclpy lifecycle node around ``server.Server``.

Configure loads the weights and cleanup frees them. Activate makes publishers, subscriptions and
services, and deactivate removes them in reverse order.

One thread serves the graph. The face tracker and the model have threads of their own inside the
session, for which the executor does not wait.
"""

import gc
import signal
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

from reactface_node.config import Config
from reactface_node.config.presets import with_preset
from reactface_node.config.settings import settings
from reactface_node.engine.devices import free_memory
from reactface_node.errors import UserError, one_line
from reactface_node.perception.memory import give_back
from reactface_node.ros.messages.types import RclpyTypes
from reactface_node.ros.node.changes import Changes, named
from reactface_node.ros.node.descriptors import parameter_descriptor
from reactface_node.ros.node.shedding import ServingTime
from reactface_node.ros.rclpy.robot_settings import declared, sort_out
from reactface_node.session.shared import SharedModel

try:
    import rclpy
    from lifecycle_msgs.srv import ChangeState
    from rcl_interfaces.msg import SetParametersResult
    from rclpy.impl.implementation_singleton import rclpy_implementation
    from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
    from rclpy.parameter import Parameter
    from rclpy.signals import SignalHandlerOptions
    from rclpy.utilities import remove_ros_args
except ImportError as error:
    raise UserError(
        f"rclpy cannot be used here ({error}): source ROS 2 first, with the Python it was made "
        "for, or run `reactface live`, which speaks to ROS 2 without it"
    ) from error

NODE_NAME = "reactface"
# Names of parameters that rclpy declares itself.
_RCLPY_OWN = ("use_sim_time", "start_type_description_service", "qos_overrides")


class ReactfaceNode(LifecycleNode):  # type: ignore[misc, unused-ignore]
    """Lifecycle and parameters only; the work is done by ``server.Server``."""

    def __init__(
        self,
        config: Config | None = None,
        namespace: str = "",
        models: SharedModel | None = None,
        serving: ServingTime | None = None,
    ) -> None:
        """config: the settings before ROS parameters are applied; the default profile if None.
        namespace: without a leading "/". models, serving: of the nodes of this process.
        UserError if a parameter is wrong, or if a ROS argument sets another namespace."""
        super().__init__(NODE_NAME, namespace=namespace)
        if namespace and self.get_namespace() != f"/{namespace}":
            raise UserError(
                f"with --robots the namespaces are {namespace} and so on: __ns:= has no use"
            )
        self._models, self._serving = models or SharedModel(1), serving
        self.config = _declare(self, config or Config.load())
        self._session: Any = None
        self._renderer: Any = None
        self._graph: Any = None
        self.add_on_set_parameters_callback(self._on_parameters)
        # Humble has no such callback: there a preset works, but the parameters of its gains stay.
        if hasattr(self, "add_pre_set_parameters_callback"):
            self.add_pre_set_parameters_callback(self._with_preset)
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
        """Configure and activate; False, after a log line, if that failed."""
        steps = (self.trigger_configure, self.trigger_activate)
        return all(step() == TransitionCallbackReturn.SUCCESS for step in steps)

    def rest_s(self) -> float:
        """As ``Server.rest_s``; 0 while the node is not active."""
        return 0.0 if self._graph is None else self._graph.rest_s()

    def free(self) -> None:
        """Free everything, from any state."""
        # Not with ``_leave``, which resets the session: that fails on a lost GPU.
        self._close_graph()
        if self._session is not None:
            self._models.free(self._session)
        self._session = self._renderer = None
        # Reference cycles keep the session alive. Without a collection several models might be in
        # memory at once.
        gc.collect()
        give_back()
        if "cuda" in self.config.device + self.config.render.device:
            free_memory()

    def _change_state(self, change: Callable[[Any, Any], Any], request: Any, answer: Any) -> Any:
        """Answer a request for an invalid transition with failure, as rclcpp does.

        rclpy raises instead. Lifecycle managers send such requests.
        """
        try:
            return change(request, answer)
        except rclpy_implementation.RCLError as error:
            self.get_logger().warning(f"transition refused: {' '.join(str(error).split())}")
            answer.success = False
            return answer

    def _load(self) -> None:
        # Imported here: mistakes on the command line are reported before this long import, and
        # the signal handlers are in place before it.
        from reactface_node.render import make_renderer

        self._renderer = make_renderer(
            self.config.render, self.config.on_device_failure, self.config.perception.landmarker
        )
        self._session = self._models.load(self.config)
        self.get_logger().info(f"configured: profile {self.config.profile}")

    def _join(self) -> None:
        from reactface_node.ros.rclpy.graph import Graph

        self._graph = Graph(self, self.config, self._session, self._renderer, self._serving)

    def _leave(self) -> None:
        """Remove everything from the graph; the next activation starts a new conversation."""
        if self._graph is not None:
            self._close_graph()
            self._session.reset()

    def _close_graph(self) -> None:
        if self._graph is not None:
            self._graph.close()
            self._graph = None

    def _attempt(self, step: Callable[[], None]) -> TransitionCallbackReturn:
        """Run a transition and log its error, which rclpy would drop. After a user's mistake the
        state is unchanged."""
        try:
            step()
        except UserError as error:
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception:
            self.get_logger().fatal(traceback.format_exc())
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS

    def _with_preset(self, parameters: list[Parameter]) -> list[Parameter]:
        """With the gains of a preset, if another one is chosen: they are parameters too."""
        given = {one.name: one.value for one in parameters}
        wanted = with_preset(given, self.config.playout.preset)
        added = {name: value for name, value in wanted.items() if name not in given}
        return [*parameters, *(Parameter(name, value=value) for name, value in added.items())]

    def _on_parameters(self, parameters: list[Parameter]) -> SetParametersResult:
        """Check and apply parameters; rclpy has checked types and ranges before."""
        try:
            given = named((p.name, p.value) for p in parameters if _is_setting(p.name))
            now = {item.name: item.value for item in settings(self.config)}
            # Equal values are left out, so that a parameter file can be loaded in every state.
            changes = {name: value for name, value in given.items() if now[name] != value}
            reason = self._change(changes)
        except UserError as error:
            reason = str(error)
        except Exception as error:
            self.get_logger().error(traceback.format_exc())
            reason = one_line(error)
        return SetParametersResult(successful=not reason, reason=reason)

    def _change(self, changes: dict[str, Any]) -> str:
        """Change settings -> the reason if refused, else "". UserError for a wrong value."""
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


def main(
    arguments: list[str] | None = None,
    config: Config | None = None,
    autostart: bool = False,
    robots: Sequence[str] = ("",),
) -> int:
    """Run the node until SIGINT or SIGTERM; returns the exit code of ``serve``.

    arguments: for ROS. config: the settings before ROS parameters; the default profile if None.
    autostart: configure and activate at once. robots: namespaces of the nodes; "" for the one that
    ROS arguments give. UserError for wrong arguments or parameters, or if
    ``reactface_msgs`` is not built.
    """
    require_messages()
    # A list, not an Event: a second signal while an Event's lock is held would wait forever.
    stop: list[int] = []
    names = (signal.SIGINT, signal.SIGTERM)
    before = {name: signal.signal(name, lambda number, _: stop.append(number)) for name in names}
    try:
        return _run(arguments or [], config, stop, autostart, robots)
    finally:
        # Under `ros2 launch` Ctrl-C arrives twice, from the terminal and from launch. The second
        # one must not interrupt the interpreter's shutdown. SIGTERM, which launch sends if that
        # takes long, ends the process.
        after = {signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_DFL} if stop else before
        for name, handler in after.items():
            signal.signal(name, handler)


def _run(
    arguments: list[str],
    config: Config | None,
    stop: list[int],
    autostart: bool,
    robots: Sequence[str],
) -> int:
    try:
        unknown = remove_ros_args(arguments)
        # rclpy's own handlers end its context at once; a running callback would then fail.
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        raise UserError(str(error).splitlines()[0]) from error
    try:
        if unknown:
            raise UserError(f"unrecognized arguments: {' '.join(unknown)}")
        from reactface_node.ros.rclpy.serving import serve

        models, serving = SharedModel(len(robots)), ServingTime()
        nodes = [ReactfaceNode(config, namespace, models, serving) for namespace in robots]
        return serve(nodes, stop, autostart)
    finally:
        rclpy.try_shutdown()


def require_messages() -> None:
    """UserError, with the command that builds it, if ``reactface_msgs`` is missing."""
    if find_spec("reactface_msgs") is None:
        raise UserError(
            "reactface_msgs is not built: run `colcon build --base-paths src "
            "src/reactface_node/ros2_ws/src` in your workspace (or `colcon build` in ros2_ws) "
            "and source its install/setup.bash"
        )


def _declare(node: Any, config: Config) -> Config:
    """Declare all settings as parameters -> the config with the values that were given."""
    # Private, since rclpy's public way is to declare every given parameter, which fails for
    # empty lists.
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

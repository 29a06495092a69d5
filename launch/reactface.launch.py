"""The lifecycle node, configured and activated: ros2 launch reactface_node reactface.launch.py"""

import ctypes
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.event_handlers import OnProcessStart, OnShutdown
from launch.events import matches_action
from launch.events.process import ProcessExited, SignalProcess
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from reactface_node.config import Config
from reactface_node.config.settings import Scalar, settings
from reactface_node.ros.rclpy.launch_arguments import checked
from reactface_node.ros.rclpy.respawn import DELAY_S, Respawn

# Of the node's process: argument -> (default, what it is).
ARGUMENTS = {
    "namespace": ("", "namespace of the node"),
    "name": ("reactface", "name of the node"),
    "robots": (
        "",
        "namespaces of several robots in one process with one model, such as a,b; not with "
        "namespace and name",
    ),
    "params_file": ("", "YAML file of ROS parameters"),
    "config": ("", "YAML file of any settings, also those that are no ROS parameters"),
    "autostart": ("true", "configure and activate the node at once; it ends if it cannot"),
    "required": (
        "false",
        "end the whole launch with the node, once it is not started again; fail if the node failed",
    ),
    "respawn": (
        "true",
        "start the node again when it failed, at most five times a minute; not after exit code 0 "
        "or 2, a user's mistake",
    ),
    "log_level": ("info", "debug, info, warn, error or fatal"),
}
# Parameters: argument -> (setting, what it is). '': as in the params_file or the profile.
SETTINGS = {
    "profile": ("profile", "default, paper, ..."),
    "device": ("device", "of the model: cpu, cuda or cuda:N"),
    "render": ("render.renderer", "what draws the face: avatar, portrait, mesh or none"),
    "theme": ("render.theme", "of the avatar: default, person, ..."),
    "image": ("ros.image_topic", "camera topic, sensor_msgs Image or CompressedImage"),
    "audio": ("ros.audio_topic", "microphone topic"),
    "audio_info": ("ros.audio_info_topic", "AudioInfo topic of the microphone, where it has one"),
    "speaking": ("ros.speaking_topic", "std_msgs Bool topic: the robot itself speaks"),
    "robot_audio": ("ros.own_audio_topic", "topic of what the robot plays"),
    "face_id": ("ros.face_id", "ROS4HRI face to look at instead of the camera: an id, or auto"),
    "voice_id": ("ros.voice_id", "ROS4HRI voice to listen to: an id, or auto"),
    "input_qos": ("ros.input_qos", "of camera and microphones: best_effort or reliable"),
    "picture_qos": ("ros.picture_qos", "of the published pictures: best_effort or reliable"),
    "web_port": ("web.port", "port of the page with the face; 0 = no page"),
    "web_host": ("web.host", "address of the page; 0.0.0.0 = to the whole network"),
    "expression": ("outputs.expression", "publish hri_msgs Expression: true or false"),
    "facs": ("outputs.facs", "publish hri_msgs FacialActionUnits: true or false"),
    "joint_states": ("outputs.joint_states", "publish weights as JointState: true or false"),
    "motor_map": ("outputs.motor_map", "YAML file from blendshapes to joints"),
    "livelink": ("outputs.livelink", "HOST or HOST:PORT that gets Live Link Face"),
    "vmc": ("outputs.vmc", "HOST or HOST:PORT that gets VMC"),
}
TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    value = {name: LaunchConfiguration(name).perform(context) for name in (*ARGUMENTS, *SETTINGS)}
    for name in ("params_file", "config"):
        if value[name] and not Path(value[name]).is_file():
            raise RuntimeError(f"there is no {name} {value[name]}")
    autostart, required, respawn = (
        read(name, value[name], bool) for name in ("autostart", "required", "respawn")
    )
    ended = end if required else None
    if respawn:
        ended = Respawn(end) if required else Respawn()
    arguments = ["node", "--autostart"] if autostart else ["node"]
    if value["config"]:
        arguments += ["--config", value["config"]]
    place = {"name": value["name"], "namespace": value["namespace"]}
    action: type[Node] = LifecycleNode
    if value["robots"]:
        if place != {"name": ARGUMENTS["name"][0], "namespace": ""}:
            raise RuntimeError("robots:= names the namespaces: leave namespace and name out")
        arguments += ["--robots", value["robots"]]
        action, place = Node, {}
    node = action(
        package="reactface_node",
        executable="reactface",
        arguments=arguments,
        ros_arguments=["--log-level", value["log_level"]],
        **place,
        # These override the parameters of the file.
        parameters=[given for given in (value["params_file"], parameters(value)) if given],
        output="screen",
        respawn=respawn,
        respawn_delay=DELAY_S,
        on_exit=ended,
    )
    return [interrupt_with_launch(node), node]


def parameters(value: Mapping[str, str]) -> dict[str, ParameterValue]:
    """The given arguments with the types of their settings; an id of digits stays text."""
    kinds = {item.name: type(item.value) for item in settings(Config())}
    given = {}
    for name, (setting, _) in SETTINGS.items():
        if value[name]:
            kind = kinds[setting]
            given[setting] = ParameterValue(read(name, value[name], kind), value_type=kind)
    return given


def read(name: str, text: str, kind: type) -> Scalar:
    """A launch argument's text as bool, int or str; RuntimeError if it is none."""
    if kind is bool:
        if text.lower() not in TRUTH:
            raise RuntimeError(f"{name}:={text} is neither true nor false")
        return TRUTH[text.lower()]
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise RuntimeError(f"{name}:={text} is not a whole number") from None
    return text


def end(event: ProcessExited, context: LaunchContext) -> Shutdown | None:
    if context.is_shutdown:
        # A second shutdown, after Ctrl-C, would be an error of launch's.
        return None
    if event.returncode:
        # This is what makes `ros2 launch` itself end with 1; a Shutdown would be a success.
        raise RuntimeError(f"the node has failed with exit code {event.returncode}")
    return Shutdown(reason="the node has ended")


def interrupt_with_launch(node: Node) -> RegisterEventHandler:
    """Sends SIGINT to the node on shutdown. launch expects the terminal to do that, but `kill -INT`
    involves no terminal."""
    interrupt = SignalProcess(signal_number=signal.SIGINT, process_matcher=matches_action(node))
    handler = RegisterEventHandler(OnShutdown(on_shutdown=[EmitEvent(event=interrupt)]))
    started = OnProcessStart(target_action=node, on_start=[handler], handle_once=True)
    return RegisterEventHandler(started)


def end_on_sigterm(_context: LaunchContext) -> None:
    """Let SIGTERM, from service managers and `kill`, end the launch as Ctrl-C does.

    By default launch dies at once and leaves its nodes running. A handler in Python would make
    launch cancel its own work, with the same result. So the handler is the C function of Python
    that simulates Ctrl-C, which may be called from a signal handler.
    """
    if sys.platform != "linux":
        return
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Background jobs of scripts start with SIGINT ignored, so nothing could end them.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    libc = ctypes.CDLL(None)
    libc.signal.argtypes, libc.signal.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    libc.signal(signal.SIGTERM, ctypes.cast(ctypes.pythonapi.PyErr_SetInterrupt, ctypes.c_void_p))


def generate_launch_description() -> LaunchDescription:
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=about)
        for name, (default, about) in ARGUMENTS.items()
    ]
    declared += [
        DeclareLaunchArgument(name, default_value="", description=f"{about}; '' = not set here")
        for name, (_, about) in SETTINGS.items()
    ]
    started = [OpaqueFunction(function=end_on_sigterm), OpaqueFunction(function=start)]
    return checked(LaunchDescription([*declared, *started]), __file__)

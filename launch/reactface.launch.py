"""The lifecycle node, configured and activated: ros2 launch reactface_node reactface.launch.py"""

from pathlib import Path

from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
)
from launch.events import matches_action
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from lifecycle_msgs.msg import Transition

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity

ARGUMENTS = {
    "namespace": ("", "namespace of the node"),
    "name": ("reactface", "name of the node"),
    "profile": ("", "profile: default, paper, ...; '' = the params_file's, or default"),
    "device": ("", "device of the model: cpu, cuda or cuda:N; '' = the profile's"),
    "render": ("", "what draws the face: avatar, portrait, mesh, none; '' = as with profile"),
    "image": ("image", "camera topic, sensor_msgs Image or CompressedImage"),
    "audio": ("audio", "microphone topic"),
    "audio_info": ("audio_info", "AudioInfo topic of the microphone, where it has one"),
    "params_file": ("", "YAML file of ROS parameters"),
    "autostart": ("true", "configure and activate the node at once"),
    "required": ("false", "end the whole launch when the node ends"),
    "log_level": ("info", "debug, info, warn, error or fatal"),
}


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    names = {"profile": "profile", "device": "device", "render": "render.renderer"}
    given = {names[name]: value[name] for name in names if value[name]}
    # What is said here holds over what the file says.
    parameters = [p for p in (value["params_file"], given) if p]
    if value["params_file"] and not Path(value["params_file"]).is_file():
        raise RuntimeError(f"there is no params_file {value['params_file']}")
    node = LifecycleNode(
        package="reactface_node",
        executable="reactface",
        arguments=["node"],
        ros_arguments=["--log-level", value["log_level"]],
        name=value["name"],
        namespace=value["namespace"],
        parameters=parameters,
        remappings=[(name, value[name]) for name in ("image", "audio", "audio_info")],
        output="screen",
        on_exit=end if is_true(value["required"]) else None,
    )
    if not is_true(value["autostart"]):
        return [node]
    activate = RegisterEventHandler(
        OnStateTransition(
            target_lifecycle_node=node,
            start_state="configuring",
            goal_state="inactive",
            # Who configures it again later also says when to activate it.
            handle_once=True,
            entities=[change(node, Transition.TRANSITION_ACTIVATE)],
        )
    )
    return [activate, node, change(node, Transition.TRANSITION_CONFIGURE)]


def end(_event: ProcessExited, context: LaunchContext) -> Shutdown | None:
    # A second shutdown, after Ctrl-C, would be an error of launch's.
    return None if context.is_shutdown else Shutdown(reason="the node has ended")


def is_true(text: str) -> bool:
    return text.lower() in ("true", "1", "yes")


def change(node: LifecycleNode, transition: int) -> EmitEvent:
    event = ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=transition)
    return EmitEvent(event=event)


def generate_launch_description() -> LaunchDescription:
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=about)
        for name, (default, about) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])

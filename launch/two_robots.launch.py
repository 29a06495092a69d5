"""Two robots that listen to each other, each to the other's drawn face and voice.

ros2 launch reactface_node two_robots.launch.py

/a/reactface gets the images of /b/reactface/image and the audio of /b/voice, on which you publish
b's speech; /b/reactface gets those of a. All arguments of reactface.launch.py that are not set
below hold for both.
"""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

from launch import LaunchDescription
from reactface_node.ros.rclpy.launch_arguments import checked

NODE = str(Path(__file__).parent / "reactface.launch.py")


def robot(me: str, other: str) -> GroupAction:
    """A robot in its own namespace; in a group, so that its arguments do not apply to the other
    one."""
    arguments = {
        "namespace": me,
        "name": "reactface",
        "image": f"/{other}/reactface/image",
        "audio": f"/{other}/voice",
        "audio_info": f"/{other}/voice_info",
        # So that its own voice in the microphone is not taken for the other's.
        "robot_audio": f"/{me}/voice",
    }
    node = PythonLaunchDescriptionSource(NODE)
    return GroupAction([IncludeLaunchDescription(node, launch_arguments=arguments.items())])


def generate_launch_description() -> LaunchDescription:
    # The face tracker is made for human faces, so the avatars look like people.
    theme = DeclareLaunchArgument(
        "theme", default_value="person", description="of both avatars, such as person"
    )
    return checked(LaunchDescription([theme, robot("a", "b"), robot("b", "a")]), __file__)

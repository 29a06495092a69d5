"""With ROS4HRI (REP-155): the node follows the first tracked person.

ros2 launch reactface_node ros4hri.launch.py

All arguments of reactface.launch.py are available too: face_id:=<id> follows one person only, and
`namespace:=/ name:=robot_face` publishes the expression on /robot_face/expression.
"""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

from launch import LaunchDescription
from reactface_node.ros.rclpy.launch_arguments import checked

NODE = str(Path(__file__).parent / "reactface.launch.py")
DEFAULTS = {
    "namespace": ("robot", "namespace of the node"),
    "face_id": ("auto", "face to look at: an id, or auto, the first that is tracked"),
    "voice_id": ("auto", "voice to listen to: an id, or auto"),
    "expression": ("true", "publish hri_msgs Expression"),
}


def generate_launch_description() -> LaunchDescription:
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=about)
        for name, (default, about) in DEFAULTS.items()
    ]
    node = PythonLaunchDescriptionSource(NODE)
    return checked(LaunchDescription([*declared, IncludeLaunchDescription(node)]), __file__)

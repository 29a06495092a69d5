"""A webcam and a microphone of this machine, and the node that listens to them.

ros2 launch reactface_node webcam.launch.py camera_device:=/dev/video2 microphone:=hw:1,0

All arguments of reactface.launch.py are available too, except its topics.
"""

import os
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from reactface_node.ros.rclpy.launch_arguments import checked
from reactface_node.ros.rclpy.respawn import DELAY_S, Respawn

NODE = str(Path(__file__).parent / "reactface.launch.py")
ARGUMENTS = {
    "camera": ("usb_cam", "package of the camera's driver: usb_cam or v4l2_camera"),
    "camera_device": ("/dev/video0", "v4l2-ctl --list-devices names them"),
    "microphone": ("", "ALSA device such as hw:1,0 (arecord -l); '' = the default"),
    "namespace": ("", "namespace of all three nodes"),
}
# package -> (its node, parameters for 640x480 at 30 Hz)
CAMERAS = {
    "usb_cam": (
        "usb_cam_node_exe",
        {
            "pixel_format": "mjpeg2rgb",
            "image_width": 640,
            "image_height": 480,
            "framerate": 30.0,
        },
    ),
    "v4l2_camera": ("v4l2_camera_node", {"image_size": [640, 480]}),
}


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    package = value["camera"]
    if package not in CAMERAS:
        raise RuntimeError(f"camera:={package} is neither {' nor '.join(CAMERAS)}")
    require(package, "audio_capture")
    executable, picture = CAMERAS[package]
    camera = Node(
        package=package,
        executable=executable,
        namespace=value["namespace"],
        parameters=[{"video_device": value["camera_device"], **picture}],
        output="screen",
        respawn=True,
        respawn_delay=DELAY_S,
        on_exit=Respawn(),
    )
    microphone = Node(
        package="audio_capture",
        executable="audio_capture_node",
        namespace=value["namespace"],
        # Samples: the capture node's own default is mp3.
        parameters=[{"device": value["microphone"], "format": "wave", "channels": 1}],
        output="screen",
        respawn=True,
        respawn_delay=DELAY_S,
        on_exit=Respawn(),
    )
    return [camera, microphone]


def require(*packages: str) -> None:
    """RuntimeError that names what to install, if one of the packages is missing."""
    missing = [package for package in packages if not has(package)]
    if missing:
        names = [f"ros-{os.environ['ROS_DISTRO']}-{name.replace('_', '-')}" for name in missing]
        raise RuntimeError(
            f"{' and '.join(missing)} cannot be found: sudo apt install {' '.join(names)}"
        )


def has(package: str) -> bool:
    try:
        get_package_prefix(package)
    except PackageNotFoundError:
        return False
    return True


def generate_launch_description() -> LaunchDescription:
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=about)
        for name, (default, about) in ARGUMENTS.items()
    ]
    topics = {"image": "image_raw", "audio": "audio_stamped", "audio_info": "audio_info"}
    node = PythonLaunchDescriptionSource(NODE)
    listener = IncludeLaunchDescription(node, launch_arguments=topics.items())
    drivers = OpaqueFunction(function=start)
    return checked(LaunchDescription([*declared, drivers, listener]), __file__)

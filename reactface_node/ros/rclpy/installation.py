"""Checks which parts of ROS 2 are sourced and can be imported, without starting a node."""

import importlib
import os
from pathlib import Path

OPT_ROS = Path("/opt/ros")


def sourced_distribution() -> str:
    """The distribution whose setup file was sourced, such as "jazzy"; '' if none."""
    if not os.environ.get("AMENT_PREFIX_PATH"):
        return ""
    return os.environ.get("ROS_DISTRO") or "unknown"


def setup_files(folder: Path = OPT_ROS) -> list[Path]:
    """The setup files of the distributions that are installed in a folder, by name."""
    return sorted(folder.glob("*/setup.bash"))


def has_package(name: str) -> bool:
    """Whether a ROS package lies in one of the sourced workspaces."""
    prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    return any((Path(prefix) / "share" / name / "package.xml").is_file() for prefix in prefixes)


def import_rclpy() -> None:
    """ImportError if the client library does not load into this Python."""
    importlib.import_module("rclpy.lifecycle")


def import_messages() -> None:
    """ImportError if ``reactface_msgs`` is not built, or not for this Python; AttributeError if it
    was built before its newest message was added."""
    importlib.import_module("reactface_msgs.msg").ListenerEvent()

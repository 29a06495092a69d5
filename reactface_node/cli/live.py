"""The command ``reactface live``."""

import argparse
from typing import Any

from reactface_node.cli.options import (
    add_command,
    add_devices,
    add_rendering,
    load_live_config,
    rendering,
)


def add_live(commands: Any) -> None:
    """Adds ``live`` to the parser's commands."""
    about = "listen to ROS 2 topics, or to a webcam and a microphone, without ROS installed"
    parser = add_command(commands, "live", _live, about)
    add_devices(parser)
    add_rendering(parser)
    parser.add_argument("--show", action="store_true", help="also show the face in a window")


def _live(options: argparse.Namespace) -> int:
    from reactface_node.ros.dds.live import live

    config = load_live_config(options, **rendering(options))
    return live(config, options.camera, options.mic, options.show)

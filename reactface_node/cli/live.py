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
from reactface_node.errors import UserError


def add_live(commands: Any) -> None:
    """Adds ``live`` to the parser's commands."""
    about = "listen to ROS 2 topics, or to a webcam and a microphone, without ROS installed"
    parser = add_command(commands, "live", _live, about)
    add_devices(parser)
    add_rendering(parser)
    parser.add_argument(
        "--robots",
        metavar="A,B,...",
        help="several robots in one process, with one model: a namespace for each; topics only",
    )
    parser.add_argument("--show", action="store_true", help="also show the face in a window")


def _live(options: argparse.Namespace) -> int:
    from reactface_node.ros.dds.live import TOPIC, live

    config = load_live_config(options, **rendering(options))
    if options.robots is not None:
        from reactface_node.ros.dds.robots import live_robots
        from reactface_node.ros.node.robots import namespaces

        if options.show or (options.camera, options.mic) != (TOPIC, TOPIC):
            raise UserError(
                "--robots is for topics: --camera, --mic and --show are for one robot alone"
            )
        return live_robots(config, namespaces(options.robots))
    return live(config, options.camera, options.mic, options.show)

"""The command ``reactface node``."""

import argparse
from typing import Any

from reactface_node.cli.options import add_command, load_live_config


def add_node(commands: Any) -> None:
    """Adds ``node`` to the parser's commands."""
    parser = add_command(commands, "node", _node, "run the ROS 2 lifecycle node (needs rclpy)")
    parser.add_argument(
        "--autostart", action="store_true", help="configure and activate the node at once"
    )
    parser.add_argument(
        "--robots",
        metavar="A,B,...",
        help="several robots in one process, with one model: a node in the namespace of each",
    )


def _node(options: argparse.Namespace) -> int:
    from reactface_node.ros.node.robots import namespaces
    from reactface_node.ros.rclpy.node import main

    robots = ("",) if options.robots is None else namespaces(options.robots)
    return main(options.rest, load_live_config(options), options.autostart, robots)

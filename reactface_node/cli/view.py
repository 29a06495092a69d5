"""The command ``reactface view``."""

import argparse
from typing import Any

from reactface_node.cli.options import add_command, load_config


def add_view(commands: Any) -> None:
    """Adds ``view`` to the parser's commands."""
    about = "show an image topic full-screen, for example the node's ~/image on a robot's display"
    parser = add_command(commands, "view", _view, about)
    parser.add_argument(
        "topic",
        nargs="?",
        default="/reactface/image/compressed",
        help="image topic (default: /reactface/image/compressed)",
    )
    parser.add_argument("--window", action="store_true", help="show a window, not the full screen")


def _view(options: argparse.Namespace) -> None:
    from reactface_node.ros.dds.view import view

    view(load_config(options).ros, options.topic, not options.window)

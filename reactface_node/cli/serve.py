"""The command ``reactface serve``."""

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

PORT = 8080


def add_serve(commands: Any) -> None:
    """Adds ``serve`` to the parser's commands."""
    about = "like live, with a page for browsers: the face full-screen and a panel of settings"
    parser = add_command(commands, "serve", _serve, about)
    add_devices(parser)
    add_rendering(parser)
    parser.add_argument(
        "--port", type=int, help=f"TCP port of the page (default: web.port, or {PORT})"
    )
    parser.add_argument(
        "--host",
        help="address of the page (default: web.host); 0.0.0.0 admits every machine of the network",
    )


def _serve(options: argparse.Namespace) -> int:
    from reactface_node.ros.dds.live import live

    given = {"web.port": options.port, "web.host": options.host}
    config = load_live_config(options, **given, **rendering(options))
    if options.port == 0:
        raise UserError("--port 0 means no page; choose 1 .. 65535")
    if not config.web.port:
        config = config.replace(**{"web.port": PORT})
    return live(config, options.camera, options.mic, showing=False)

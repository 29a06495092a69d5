"""``reactface live``, ``serve`` and ``view``: without ROS, on the graph or with devices."""

import argparse
from typing import Any

from reactface_node.cli.options import add_command, add_rendering, load_config, rendering
from reactface_node.errors import UserError

PORT = 8080


def add_live(commands: Any) -> None:
    about = "listen to topics, or to a webcam and a microphone, without ROS installed"
    live = add_command(commands, "live", _live, about)
    _add_devices(live)
    live.add_argument("--show", action="store_true", help="show the face in a window too")
    about = "as live, with a page for browsers: the face full-screen, and a panel to tune it"
    serve = add_command(commands, "serve", _serve, about)
    _add_devices(serve)
    serve.add_argument("--port", type=int, help=f"of the page; {PORT} unless it is set")
    serve.add_argument(
        "--host", help="address of the page; 0.0.0.0 lets every machine of the network in"
    )
    serve.set_defaults(show=False)
    about = "show an image topic full-screen, such as ~/image on a robot's display"
    view = add_command(commands, "view", _view, about)
    view.add_argument("topic", nargs="?", default="/reactface/image/compressed")
    view.add_argument("--window", action="store_true", help="a window instead of the full screen")


def _add_devices(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--camera", default="topic", help="a camera's number, or 'topic'")
    parser.add_argument("--mic", default="topic", help="an ALSA device, or 'topic', or 'none'")
    add_rendering(parser)


def _live(options: argparse.Namespace) -> int:
    from reactface_node.ros.dds.live import live

    config = load_config(options, **rendering(options))
    return live(config, options.camera, options.mic, options.show)


def _serve(options: argparse.Namespace) -> int:
    from reactface_node.ros.dds.live import live

    asked = {"web.port": options.port, "web.host": options.host}
    config = load_config(options, **asked, **rendering(options))
    if options.port == 0:
        raise UserError("--port 0 means no page; choose 1 .. 65535")
    if not config.web.port:
        config = config.replace(**{"web.port": PORT})
    return live(config, options.camera, options.mic, options.show)


def _view(options: argparse.Namespace) -> None:
    from reactface_node.ros.dds.view import view

    view(load_config(options).ros, options.topic, not options.window)

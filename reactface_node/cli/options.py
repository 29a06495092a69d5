"""Options that several commands share."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reactface_node.config import Config
from reactface_node.config.settings import parse_overrides, settings
from reactface_node.errors import UserError

RECORDING = "rosbag2 (folder, .mcap or .db3 file), or a video file with sound"
"""Help of BAG_OR_VIDEO."""


def add_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int | None], about: str
) -> argparse.ArgumentParser:
    """Adds a command with the options that choose a Config. ``run`` returns the exit code, None
    for 0."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    parser.set_defaults(run=run)
    parser.add_argument(
        "--profile", default="default", help="profile of settings: default, paper, ..."
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML read after the profile")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting, for example playout.gain=1.2",
    )
    return parser


def load_config(options: argparse.Namespace, **named: Any) -> Config:
    """The profile, then --config, then --set, then ``named``: the command's own options by the
    names of their settings, None where not given. UserError as ``Config.load``.

    Without a given seed it is 0, so that a command that is repeated gives the same result.
    """
    return _load(options, named, {"playout.seed": 0})


def load_live_config(options: argparse.Namespace, **named: Any) -> Config:
    """As ``load_config``; without a given seed each conversation draws its own."""
    return _load(options, named, {})


def _load(
    options: argparse.Namespace, named: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Config:
    overrides = parse_overrides(options.set)
    overrides |= {name: value for name, value in named.items() if value is not None}
    return Config.load(options.profile, options.config, overrides, defaults)


def add_devices(parser: argparse.ArgumentParser) -> None:
    """Adds --camera and --mic, both ROS topics by default."""
    parser.add_argument(
        "--camera",
        default="topic",
        help="index of a webcam, or 'topic' for a ROS topic (default: topic)",
    )
    parser.add_argument(
        "--mic",
        default="topic",
        help="name of an ALSA device, 'topic' for a ROS topic, or 'none' (default: topic)",
    )


def add_rendering(parser: argparse.ArgumentParser) -> None:
    """Adds --render and --portrait, for commands that show the face."""
    (renderer,) = (item for item in settings(Config()) if item.name == "render.renderer")
    parser.add_argument("--render", choices=renderer.choices, help="what draws the face")
    parser.add_argument(
        "--portrait", type=Path, metavar="FILE", help="draw the person in this picture (PIRender)"
    )


def rendering(options: argparse.Namespace) -> dict[str, Any]:
    """The options of ``add_rendering`` by the names of their settings, None where not given."""
    named = {"render.renderer": options.render}
    if options.portrait is None:
        return named
    if options.render not in (None, "portrait"):
        raise UserError(f"--portrait has no use with --render {options.render}; leave one out")
    folder, name = str(options.portrait.parent), options.portrait.name
    return {"render.renderer": "portrait", "render.portraits": folder, "render.portrait": name}

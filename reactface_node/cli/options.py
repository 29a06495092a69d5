"""What every command of the command line shares."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reactface_node.config import Config
from reactface_node.config.settings import parse_overrides, settings
from reactface_node.errors import UserError


def add_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int | None], about: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=about, description=about)
    parser.set_defaults(run=run)
    parser.add_argument("--profile", default="default", help="default, paper, ...")
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML read after the profile")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any setting of reactface_node/config.py, such as playout.gain=1.2",
    )
    return parser


def load_config(options: argparse.Namespace, **named: Any) -> Config:
    """Profile, file, --set, then what a command's own options say."""
    overrides = parse_overrides(options.set)
    overrides |= {name: value for name, value in named.items() if value is not None}
    return Config.load(options.profile, options.config, overrides)


def add_rendering(parser: argparse.ArgumentParser) -> None:
    """What draws the face, for commands that show it."""
    (renderer,) = (item for item in settings(Config()) if item.name == "render.renderer")
    parser.add_argument("--render", choices=renderer.choices, help="what draws the face")
    parser.add_argument(
        "--portrait", type=Path, metavar="FILE", help="draw this person's picture with PIRender"
    )


def rendering(options: argparse.Namespace) -> dict[str, Any]:
    """``add_rendering``'s options by the names of their settings, None where not given."""
    named = {"render.renderer": options.render}
    if options.portrait is None:
        return named
    if options.render not in (None, "portrait"):
        raise UserError(f"--portrait has no use with --render {options.render}; leave one out")
    folder, name = str(options.portrait.parent), options.portrait.name
    return {"render.renderer": "portrait", "render.portraits": folder, "render.portrait": name}

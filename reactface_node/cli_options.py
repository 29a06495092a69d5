"""What every command of the command line shares."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reactface_node.config import Config
from reactface_node.settings import parse_overrides


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

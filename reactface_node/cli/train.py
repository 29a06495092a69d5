"""The command ``reactface train``."""

import argparse
import json
from pathlib import Path
from typing import Any

from reactface_node.cli.options import add_command, load_config


def add_train(commands: Any) -> None:
    """Adds ``train`` to the parser's commands."""
    about = "train a listener; the same command again continues a run that was stopped"
    parser = add_command(commands, "train", _train, about)
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="CONFIG", help="YAML settings; same as --config"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder of the run")


def _train(options: argparse.Namespace) -> None:
    from reactface_node.research.training.train import train

    if options.file is not None:
        options.config = options.file
    metrics = train(load_config(options), options.out)
    print(json.dumps(metrics, indent=2))

"""``reactface weights``: list, download and convert."""

import argparse
from pathlib import Path
from typing import Any

from reactface_node import resources
from reactface_node.cli_options import add_command, load_config


def add_weights(commands: Any) -> None:
    """Adds it to the parser's commands."""
    about = "what profiles, renderers and commands can use, and whether it is here"
    parser = add_command(commands, "weights", _weights, about)
    task = parser.add_mutually_exclusive_group()
    task.add_argument("--download", metavar="NAME", help="get it; run again, it goes on")
    task.add_argument(
        "--convert",
        nargs=2,
        type=Path,
        metavar=("FILE", "OUT"),
        help="a checkpoint of the released code into safetensors",
    )
    parser.add_argument("-o", "--out", type=Path, help="folder for a download; weights/")


def _weights(options: argparse.Namespace) -> None:
    from reactface_node.weights import fetch, listing, read_catalogue

    folder = options.out or resources.folder("weights")
    if options.convert:
        from reactface_node.model.official_checkpoint import convert_official

        model = load_config(
            options, **{"model.behaviour": "official", "model.face_encoder": "pixels"}
        ).model
        source, target = options.convert
        convert_official(source, target, model)
        print(f"wrote {target}")
    elif options.download:
        for path in fetch(read_catalogue(), options.download, folder):
            print(f"wrote {path}")
    else:
        print(listing(read_catalogue(), folder))

"""The command ``reactface weights``."""

import argparse
from pathlib import Path
from typing import Any

from reactface_node.cli.options import add_command, load_config
from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files import resources


def add_weights(commands: Any) -> None:
    """Adds ``weights`` to the parser's commands."""
    about = (
        "list the files that profiles, renderers and commands can use; download, convert, export"
    )
    parser = add_command(commands, "weights", _weights, about)
    task = parser.add_mutually_exclusive_group()
    task.add_argument(
        "--download", metavar="NAME", help="download it; the same command again continues"
    )
    task.add_argument(
        "--convert",
        nargs=2,
        type=Path,
        metavar=("FILE", "OUT"),
        help="convert a checkpoint of the released code into safetensors",
    )
    task.add_argument(
        "--export",
        type=Path,
        metavar="FOLDER",
        help="write the profile's model as ONNX: --set weights=FOLDER then needs no torch",
    )
    parser.add_argument("-o", "--out", type=Path, help="folder of downloads (default: weights/)")


def _weights(options: argparse.Namespace) -> None:
    from reactface_node.engine.catalogue import fetch, listing, read_catalogue

    folder = options.out or resources.folder("weights")
    if options.convert:
        from reactface_node.model.official.checkpoint import convert_official

        model = load_config(
            options, **{"model.behaviour": "official", "model.face_encoder": "pixels"}
        ).model
        source, target = options.convert
        convert_official(source, target, model)
        print(f"wrote {target}")
    elif options.export:
        _export(load_config(options), options.export)
    elif options.download:
        for path in fetch(read_catalogue(), options.download, folder):
            print(f"wrote {path}")
    else:
        print(listing(read_catalogue(), folder))


def _export(config: Config, folder: Path) -> None:
    from reactface_node.engine.torch_stepper import load_listener
    from reactface_node.model.architecture import find_weights
    from reactface_node.model.reactface import ReactFace

    try:
        from reactface_node.engine.export import export
    except ImportError as error:
        raise UserError("--export needs onnx: pip install 'reactface_node[export]'") from error
    model = load_listener(config, "cpu")
    if not isinstance(model, ReactFace):
        raise UserError("only the default profile's kind of model can be exported")
    export(model, find_weights(config.weights), folder)
    print(f"wrote {folder}; use it with --set weights={folder}")

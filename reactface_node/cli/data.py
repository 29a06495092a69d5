"""The command ``reactface data``."""

import argparse
from pathlib import Path
from typing import Any

from reactface_node.cli.options import add_command, load_config
from reactface_node.errors import UserError


def add_data(commands: Any) -> None:
    """Adds ``data`` to the parser's commands."""
    about = "check a data set, or convert it into the files that training reads"
    parser = add_command(commands, "data", _data, about)
    parser.add_argument(
        "action",
        choices=("check", "convert"),
        help="check: name missing and broken files; convert: write OUT",
    )
    parser.add_argument(
        "kind", metavar="KIND", help="react2023, bags, ...; an unknown one names all kinds"
    )
    parser.add_argument("source", type=Path, metavar="SOURCE", help="folder of the data set")
    parser.add_argument("out", type=Path, nargs="?", metavar="OUT", help="folder to write")
    parser.add_argument("--split", default="", help="read this split alone (default: all)")
    parser.add_argument(
        "--workers", type=int, default=0, help="number of processes (default: 0 = one per core)"
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="convert on the workers of a dask scheduler, such as tcp://HOST:8786",
    )
    parser.add_argument(
        "--faces", action="store_true", help="write face crops too: 113 MB for a clip of 30 s"
    )
    parser.add_argument(
        "--no-labels", action="store_true", help="ignore REACT's neighbour matrices"
    )
    parser.add_argument("--mean-face", type=Path, help="FaceVerse's mean_face.npy")
    parser.add_argument(
        "--listener-topic",
        default="/listener/image",
        help="bags: image topic of the listener (default: /listener/image)",
    )
    parser.add_argument(
        "--one-way",
        action="store_true",
        help="mars, dualtalk: use each pair once, speaker to listener (default: both ways)",
    )
    parser.add_argument(
        "--flame-map",
        type=Path,
        metavar="FILE",
        help="dualtalk with FLAME faces: .npy of 51 ARKit weights to FLAME (51 x 103)",
    )
    _add_conversations(parser)


def _add_conversations(parser: argparse.ArgumentParser) -> None:
    """Adds the options of conversations of two people."""
    parser.add_argument(
        "--turns",
        action="store_true",
        help="mars, dualtalk: cut stretches in which one talks and the other listens",
    )
    parser.add_argument(
        "--skip-broken",
        action="store_true",
        help="mars, dualtalk, videos, livelink: leave out pairs with a missing or broken file, "
        "and report them (seamless: always)",
    )
    parser.add_argument(
        "--hours", type=float, default=0.0, help="seamless: draw so many hours (default: all)"
    )
    parser.add_argument(
        "--own-features",
        action="store_true",
        help="seamless: the data set's head, gaze and action units instead of its videos",
    )


def _data(options: argparse.Namespace) -> int:
    from reactface_node.research.data.datasets import check_command, convert_command
    from reactface_node.research.data.kind import DatasetChoice

    if options.workers < 0:
        raise UserError(f"--workers must be at least 0, not {options.workers}")
    if not 0 <= options.hours < float("inf"):
        raise UserError(f"--hours must be a number of at least 0, not {options.hours:g}")
    if options.cluster is not None and options.workers:
        raise UserError("--workers has no use with --cluster, which has its own; leave one out")
    config = load_config(options)
    choice = DatasetChoice(
        options.split,
        options.faces,
        not options.no_labels,
        options.mean_face,
        options.listener_topic,
        options.one_way,
        options.flame_map,
        options.hours,
        options.own_features,
        options.turns,
        options.skip_broken,
        config.perception,
    )
    if options.action == "check":
        return 2 if check_command(options.kind, options.source, choice, config.ros) else 0
    if options.out is None:
        raise UserError("say where to write: reactface data convert KIND SOURCE OUT")
    convert_command(
        options.kind,
        options.source,
        options.out,
        options.workers,
        choice,
        config.ros,
        options.cluster,
    )
    return 0

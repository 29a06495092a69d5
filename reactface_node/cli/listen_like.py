"""The command ``reactface listen-like``."""

import argparse
from pathlib import Path
from typing import Any

from reactface_node.cli.options import RECORDING, add_command, load_config
from reactface_node.errors import UserError
from reactface_node.files.whole import check_new

CANDIDATES = 100


def add_listen_like(commands: Any) -> None:
    """Adds ``listen-like`` to the parser's commands."""
    about = "fit the listener to a person who listens in a short clip"
    parser = add_command(commands, "listen-like", _listen_like, about)
    parser.add_argument("source", type=Path, metavar="BAG_OR_VIDEO", help=RECORDING)
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FILE.json",
        help="disposition to write, for --set playout.disposition=FILE.json; it is looked for in "
        "the folder playout.dispositions",
    )
    parser.add_argument(
        "--candidates",
        type=int,
        default=CANDIDATES,
        metavar="N",
        help=f"drawn dispositions of which the nearest is taken (default: {CANDIDATES})",
    )


def _listen_like(options: argparse.Namespace) -> None:
    if not 2 <= options.candidates <= 10_000:
        raise UserError(f"--candidates must be within 2 .. 10000, not {options.candidates}")
    if options.out.suffix != ".json":
        raise UserError(f"-o {options.out} is a JSON file: let its name end in .json")
    check_new(options.out, makes_folders=True)
    config = load_config(options)
    from reactface_node.perception import make_tracker
    from reactface_node.research.evaluation.listen_like import fit_listener, fixed_speakers
    from reactface_node.research.evaluation.listener_clip import read_listener
    from reactface_node.research.evaluation.listener_measures import clip_measures

    tracker = make_tracker(config.perception, False)
    try:
        parts = read_listener(options.source, config, tracker)
    finally:
        tracker.close()
    fit = fit_listener(clip_measures(parts), config, options.candidates, fixed_speakers())
    fit.fitted.save(options.out)
    print(fit.text())
    print(f"wrote {options.out}")

"""The command ``reactface listen-like``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reactface_node.cli.options import RECORDING, add_command, load_config
from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files.whole import check_new

if TYPE_CHECKING:
    import numpy as np

CANDIDATES = 100
STYLES = ("german", "russian")


def add_listen_like(commands: Any) -> None:
    """Adds ``listen-like`` to the parser's commands."""
    about = "fit the listener to a person who listens in a short clip"
    parser = add_command(commands, "listen-like", _listen_like, about)
    parser.add_argument("source", type=Path, nargs="?", metavar="BAG_OR_VIDEO", help=RECORDING)
    parser.add_argument(
        "--style",
        choices=STYLES,
        help="fit to the rate of nods that was counted for listeners of a region, not to a clip",
    )
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
    if (options.source is None) == (options.style is None):
        raise UserError("give either a bag or video file, or --style NAME")
    if not 2 <= options.candidates <= 10_000:
        raise UserError(f"--candidates must be within 2 .. 10000, not {options.candidates}")
    if options.out.suffix != ".json":
        raise UserError(f"-o {options.out} is a JSON file: let its name end in .json")
    check_new(options.out, makes_folders=True)
    config = load_config(options)
    from reactface_node.research.evaluation.listen_like import fit_listener, fixed_speakers
    from reactface_node.research.evaluation.listener_measures import clip_measures, style_measures

    person = (
        style_measures(options.style)
        if options.style is not None
        else clip_measures(_parts(options.source, config))
    )
    fit = fit_listener(person, config, options.candidates, fixed_speakers())
    fit.fitted.save(options.out)
    print(fit.text())
    print(f"wrote {options.out}")


def _parts(source: Path, config: Config) -> "list[np.ndarray]":
    """What the tracker sees of the person."""
    from reactface_node.perception import make_tracker
    from reactface_node.research.evaluation.listener_clip import read_listener

    tracker = make_tracker(config.perception, False)
    try:
        return read_listener(source, config, tracker)
    finally:
        tracker.close()

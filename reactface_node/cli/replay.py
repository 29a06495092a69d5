"""The command ``reactface replay``."""

import argparse
from pathlib import Path
from typing import Any

from reactface_node.cli.options import (
    RECORDING,
    add_command,
    add_rendering,
    load_config,
    rendering,
)
from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files.text import plain_scalar
from reactface_node.files.whole import check_new


def add_replay(commands: Any) -> None:
    """Adds ``replay`` to the parser's commands."""
    about = "run a rosbag2 or a video file through the listener"
    parser = add_command(commands, "replay", _replay, about)
    parser.add_argument("source", type=Path, metavar="BAG_OR_VIDEO", help=RECORDING)
    parser.add_argument("-o", "--out", type=Path, required=True, help="rosbag2 folder to write")
    parser.add_argument(
        "--video", type=Path, help="mp4 to write: speaker beside reaction, with sound"
    )
    parser.add_argument(
        "--samples", type=int, help="M: reactions drawn for the same speaker (playout.samples)"
    )
    parser.add_argument(
        "--seed",
        type=plain_scalar,
        metavar="N",
        help="seed of the reactions (playout.seed; default: 0), or fresh = draw one and say which",
    )
    add_rendering(parser)


def load_session(config: Config) -> Any:
    """The session; torch is imported here, after the command line has been checked."""
    from reactface_node.session.session import ReactionSession

    return ReactionSession.load(config)


def _replay(options: argparse.Namespace) -> None:
    config = load_config(
        options,
        **{"playout.samples": options.samples, "playout.seed": options.seed},
        **rendering(options),
    )
    if options.video is not None and options.video.suffix.lower() != ".mp4":
        raise UserError(f"--video {options.video} is an mp4: let its name end in .mp4")
    _check_outputs(options.source, options.out, options.video)
    from reactface_node.ros.bags.replay import replay, summary

    stats = replay(config, options.source, options.out, options.video, lambda: load_session(config))
    print(summary(options.source, stats))
    print(f"wrote {options.out}" + (f" and {options.video}" if options.video else ""))


def _check_outputs(source: Path, out: Path, video: Path | None) -> None:
    """Raises UserError for outputs that cannot be written, before the weights are loaded."""
    given = [path for path in (out, video) if path is not None]
    for path in given:
        check_new(path)
        if source.is_dir() and path.resolve().is_relative_to(source.resolve()):
            raise UserError(f"{path} is inside the recording {source}; choose another output")
    if len(given) == 2 and out.resolve() == given[1].resolve():
        raise UserError(f"the bag and the video cannot both be called {out}")

"""The command line: ``reactface replay | live | inspect | node | data | train | ...``."""

import argparse
import logging
import signal
import sys
from pathlib import Path
from typing import Any

from reactface_node import __version__
from reactface_node.cli_bench import add_bench
from reactface_node.cli_inspect import add_inspect
from reactface_node.cli_live import add_live
from reactface_node.cli_options import add_command, add_rendering, load_config, rendering
from reactface_node.cli_portrait import add_portrait
from reactface_node.cli_research import add_research
from reactface_node.cli_weights import add_weights
from reactface_node.config import Config
from reactface_node.errors import UserError

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 if it went well, 2 on a user's mistake, 130 on Ctrl-C."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    given = sys.argv[1:] if arguments is None else arguments
    parser = build_parser()
    # A node is started by `ros2 launch` with ROS's own arguments; rclpy reads those.
    options, rest = parser.parse_known_args(given)
    if rest and options.command != "node":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    # Stopped by a service manager or by Ctrl-C: what is half-written goes either way.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        result: int | None = options.run(options)
    except UserError as error:
        print(f"reactface {options.command}: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        if ".so" not in str(error):
            raise
        print(f"reactface {options.command}: a system library is missing ({error}): "
              "sudo apt install libgl1 libegl1 libglib2.0-0", file=sys.stderr)  # fmt: skip
        return 2
    except KeyboardInterrupt:
        print(f"reactface {options.command}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return result or 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("reactface", description="A robot face that listens.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_replay(commands)
    add_live(commands)
    add_inspect(commands)
    node = add_command(commands, "node", _node, "the ROS 2 lifecycle node (needs rclpy)")
    node.add_argument("--autostart", action="store_true", help="configure and activate it at once")
    add_research(commands)
    add_portrait(commands)
    add_bench(commands)
    add_weights(commands)
    return parser


def _add_replay(commands: Any) -> None:
    about = "run a rosbag2 or a video file through the listener"
    parser = add_command(commands, "replay", _replay, about)
    parser.add_argument("source", type=Path, metavar="BAG_OR_VIDEO")
    parser.add_argument("-o", "--out", type=Path, required=True, help="rosbag2 folder to write")
    parser.add_argument("--video", type=Path, help="mp4 to write: speaker | reaction, with sound")
    parser.add_argument("--samples", type=int, help="M: reactions drawn for the same speaker")
    parser.add_argument("--seed", type=int, help="seed of the reactions")
    add_rendering(parser)


def load_session(config: Config) -> Any:
    """Here, because nobody waits for torch whose command line is wrong."""
    from reactface_node.session import ReactionSession

    return ReactionSession.load(config)


def _replay(options: argparse.Namespace) -> None:
    config = load_config(
        options,
        **{"playout.samples": options.samples, "playout.seed": options.seed},
        **rendering(options),
    )
    if options.video is not None and options.video.suffix.lower() != ".mp4":
        raise UserError(f"--video {options.video} is an mp4: let its name end in .mp4")
    for path in (options.out, options.video):
        # Said before the weights are loaded, not after minutes of work.
        if path is not None and path.exists():
            raise UserError(f"{path} exists already; choose another output or remove it")
    from reactface_node.ros.replay import replay, summary

    stats = replay(config, options.source, options.out, options.video, lambda: load_session(config))
    print(summary(options.source, stats))
    print(f"wrote {options.out}" + (f" and {options.video}" if options.video else ""))


def _node(options: argparse.Namespace) -> int:
    from reactface_node.ros.node import main as run_node

    return run_node(options.rest, load_config(options), options.autostart)


if __name__ == "__main__":
    sys.exit(main())

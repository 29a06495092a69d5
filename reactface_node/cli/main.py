"""The command line: ``reactface replay | live | inspect | node | data | train | ...``.

Little is imported before the signals are handled: whoever is stopped meanwhile leaves as tidily
as later on.
"""

import signal
import sys
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from reactface_node.errors import UserError

if TYPE_CHECKING:
    import argparse

STOPPING = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Makes a KeyboardInterrupt of SIGINT and SIGTERM as long as its context lasts.

    Stopped by a service manager or by Ctrl-C: what is half-written goes either way.
    """

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Stop":
        for number in STOPPING:
            # nohup and the shell's background jobs ignore it.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._on)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Under `ros2 launch` Ctrl-C comes twice, from the terminal and then from launch: the
        # second must not strike while the interpreter is on its way out.
        after = {signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_DFL}
        for number, handler in self._before.items():
            if self.number:
                signal.signal(number, after[number])
            elif signal.getsignal(number) == self._on:  # A node has its own for the end.
                signal.signal(number, handler)

    @property
    def exit_code(self) -> int:
        """128 and the signal's number, as shells have it."""
        return 128 + (self.number or signal.SIGINT)

    def _on(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        # Tidying up is not interrupted by a second one; Ctrl-C still does.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 if it went well, 2 on a user's mistake, 130 on Ctrl-C, 143 on SIGTERM."""
    given = sys.argv[1:] if arguments is None else arguments
    name = " ".join(["reactface", *given[:1]])
    with Stop() as stop:
        try:
            return _run(given)
        except BaseException as error:
            # What an import or a library makes of a signal may be any exception.
            if stop.number or isinstance(error, KeyboardInterrupt):
                print(f"{name}: interrupted", file=sys.stderr)
                return stop.exit_code
            return _explain(name, error)


def node() -> int:
    """``reactface node`` as an executable of its own, for ``ros2 run reactface_node``."""
    return main(["node", *sys.argv[1:]])


def _explain(name: str, error: BaseException) -> int:
    """The one line of a mistake, and its exit code; the error again if it is none."""
    if isinstance(error, UserError):
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    if isinstance(error, ImportError) and ".so" in str(error):
        print(
            f"{name}: a system library is missing ({error}): "
            "sudo apt install libgl1 libegl1 libglib2.0-0",
            file=sys.stderr,
        )
        return 2
    if isinstance(error, BrokenPipeError):
        sys.stderr.close()
        return 0
    raise error


def _run(given: list[str]) -> int:
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    parser = build_parser()
    # A node is started by `ros2 launch` with ROS's own arguments; rclpy reads those.
    options, rest = parser.parse_known_args(given)
    if rest and options.command != "node":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    result: int | None = options.run(options)
    return result or 0


def build_parser() -> "argparse.ArgumentParser":
    import argparse

    from reactface_node.cli.bench import add_bench
    from reactface_node.cli.inspect import add_inspect
    from reactface_node.cli.live import add_live
    from reactface_node.cli.options import add_command
    from reactface_node.cli.portrait import add_portrait
    from reactface_node.cli.replay import add_replay
    from reactface_node.cli.research import add_research
    from reactface_node.cli.weights import add_weights
    from reactface_node.files import resources

    parser = argparse.ArgumentParser("reactface", description="A robot face that listens.")
    parser.add_argument("--version", action="version", version=resources.version())
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_replay(commands)
    add_live(commands)
    add_inspect(commands)
    node = add_command(commands, "node", _node, "the ROS 2 lifecycle node (needs rclpy)")
    node.add_argument("--autostart", action="store_true", help="configure and activate it at once")
    add_research(commands)
    add_portrait(commands)
    add_bench(commands)
    add_weights(commands)
    return parser


def _node(options: "argparse.Namespace") -> int:
    from reactface_node.cli.options import load_config
    from reactface_node.ros.rclpy.node import main as run_node

    return run_node(options.rest, load_config(options), options.autostart)

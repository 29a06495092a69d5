"""The entry point of the command line: signals, exit codes, and the list of commands.

Signals are handled before anything large is imported, so that a signal during the imports ends the
command as cleanly as a later one.
"""

import io
import signal
import sys
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from reactface_node.errors import UserError

if TYPE_CHECKING:
    import argparse

STOPPING = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """A context in which SIGINT and SIGTERM raise KeyboardInterrupt.

    So half-written files are removed after Ctrl-C and after a service manager's stop alike.
    ``number``: the signal that came, 0 for none.
    """

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Stop":
        for number in STOPPING:
            # nohup and the shell's background jobs ignore SIGINT: that stays.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._on)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Under `ros2 launch` SIGINT comes twice, from the terminal and then from launch: the
        # second is ignored while the interpreter ends.
        after = {signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_DFL}
        for number, handler in self._before.items():
            if self.number:
                signal.signal(number, after[number])
            elif signal.getsignal(number) == self._on:  # Not where a node installed its own.
                signal.signal(number, handler)

    @property
    def exit_code(self) -> int:
        """128 plus the signal's number, as in shells."""
        return 128 + (self.number or signal.SIGINT)

    def _on(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        # A second SIGTERM does not interrupt the clean-up; Ctrl-C still does.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> int:
    """Runs a command. Returns its exit code: 0 for success, 2 for a user's mistake, 130 after
    Ctrl-C, 143 after SIGTERM. arguments: without the program's name; None = of the process."""
    given = sys.argv[1:] if arguments is None else arguments
    name = " ".join(["reactface", *given[:1]])
    with Stop() as stop:
        try:
            return _run(given)
        except BaseException as error:
            # A signal inside an import or a library may end in any exception.
            if stop.number or isinstance(error, KeyboardInterrupt):
                print(f"{name}: interrupted", file=sys.stderr)
                return stop.exit_code
            return _explain(name, error)


RESEARCH = {
    **dict.fromkeys(("reactface train", "reactface evaluate", "reactface listen-like"), "train"),
    "reactface weights": "export",
}
"""Commands that need an extra of more than torch."""


def node() -> int:
    """``reactface node`` as an executable of its own, for ``ros2 run reactface_node``."""
    return main(["node", *sys.argv[1:]])


def _explain(name: str, error: BaseException) -> int:
    """Prints a user's mistake as one line and returns the exit code. Raises ``error`` again where
    it is no mistake of the user."""
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
    if isinstance(error, ImportError) and (extra := _extra_with(error.name or "", name)):
        print(f"{name}: {error}: pip install 'reactface_node[{extra}]'", file=sys.stderr)
        return 2
    if isinstance(error, BrokenPipeError):
        sys.stderr.close()
        return 0
    raise error


def _extra_with(module: str, command: str) -> str | None:
    """The extra that brings a module, and what else the command needs; None for others."""
    if module == "torch" and command in RESEARCH:
        return RESEARCH[command]
    extras = {"torch": "torch", "scipy": "train", "matplotlib": "train", "tensorboard": "train"}
    extras |= {"dtaidistance": "train", "transformers": "paper", "onnx": "export"}
    return extras.get(module.partition(".")[0])


def _run(given: list[str]) -> int:
    import logging

    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # Names of files may hold what the terminal's encoding does not have.
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    # The drawn seed is no warning, but a user needs it to repeat a conversation.
    logging.getLogger("reactface_node.session.seeds").setLevel(logging.INFO)
    parser = build_parser()
    # `ros2 launch` starts the node with arguments of ROS, which rclpy reads.
    options, rest = parser.parse_known_args(given)
    if rest and options.command != "node":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    result: int | None = options.run(options)
    return result or 0


def build_parser() -> "argparse.ArgumentParser":
    """The parser of all commands. What a command needs to run is imported when it runs."""
    import argparse

    from reactface_node.cli.bench import add_bench
    from reactface_node.cli.data import add_data
    from reactface_node.cli.doctor import add_doctor
    from reactface_node.cli.evaluate import add_evaluate
    from reactface_node.cli.inspect import add_inspect
    from reactface_node.cli.listen_like import add_listen_like
    from reactface_node.cli.live import add_live
    from reactface_node.cli.node import add_node
    from reactface_node.cli.portrait import add_portrait
    from reactface_node.cli.replay import add_replay
    from reactface_node.cli.serve import add_serve
    from reactface_node.cli.survey import add_survey
    from reactface_node.cli.train import add_train
    from reactface_node.cli.view import add_view
    from reactface_node.cli.weights import add_weights
    from reactface_node.files import resources

    parser = argparse.ArgumentParser("reactface", description="A robot face that listens.")
    parser.add_argument("--version", action="version", version=resources.version())
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (
        add_doctor,
        add_replay,
        add_live,
        add_serve,
        add_view,
        add_node,
        add_inspect,
        add_listen_like,
        add_train,
        add_evaluate,
        add_data,
        add_survey,
        add_portrait,
        add_bench,
        add_weights,
    ):
        add(commands)
    return parser

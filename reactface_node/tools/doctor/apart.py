"""Runs a function in a separate process, so that a driver that hangs or a library that crashes
affects only that process."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, Protocol

from reactface_node.errors import UserError, one_line

Result = dict[str, Any]
REAPED_S = 1.0


class RunApart(Protocol):
    """The type of ``run_apart``; tests pass one that runs the function in their own process."""

    def __call__(
        self, function: Callable[..., Result | None], *arguments: Any, limit_s: float
    ) -> Result: ...


class ApartError(Exception):
    """The function raised an error, which the message names."""


class Crash(ApartError):
    """The function's process ended without an answer."""


class Slow(ApartError):
    """There was no answer within the time limit."""


def run_apart(function: Callable[..., Result | None], *arguments: Any, limit_s: float) -> Result:
    """The result of a function of a module, {} for None.

    UserError as raised by the function; ApartError for its other errors; Crash; and Slow if it
    takes longer than ``limit_s``. Its output and its log are dropped. Nothing is downloaded.
    """
    context = multiprocessing.get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(sending, function, arguments), daemon=True)
    # Ctrl-C also reaches the child, which ignores it: its parent ends it. A process inherits
    # blocked signals. The start of multiprocessing's resource tracker unblocks them, so it is done
    # first.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        child.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    sending.close()
    try:
        if not receiving.poll(limit_s):
            raise Slow(f"no answer within {limit_s:g} s")
        kind, result = receiving.recv()
    except EOFError:
        child.join()
        raise Crash(f"the process crashed ({_ending(child.exitcode)})") from None
    finally:
        child.kill()
        child.join(REAPED_S)  # A process that hangs inside the kernel cannot be ended.
        receiving.close()
    if kind == "mistake":
        raise UserError(result["text"])
    if kind == "error":
        raise ApartError(result["text"])
    return dict(result)


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


def _work(
    sending: Connection, function: Callable[..., Result | None], arguments: tuple[Any, ...]
) -> None:
    """Runs in the child process."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        answer = "done", function(*arguments) or {}
    except UserError as error:
        answer = "mistake", {"text": str(error)}
    except Exception as error:
        answer = "error", {"text": one_line(error)}
    sending.send(answer)

"""Runs cases in a separate process with limits of time and memory, so that a crash ends one case
only."""

import contextlib
import faulthandler
import gc
import io
import logging
import multiprocessing
import os
import resource
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import psutil

from campaign.tally import reason_of, trace_of

WHOLE, PARTIAL, REFUSED, FAULT = "whole", "partial, said", "refused in one line", "FAULT"
UNTOLD = "partial, not said"
LONGEST_LINE = 1000


@dataclass(frozen=True)
class Outcome:
    """kind: one of the five above. detail: what was said."""

    kind: str
    detail: str = ""
    trace: str = ""
    seconds: float = 0.0


class Said(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextlib.contextmanager
def listening() -> Iterator[Callable[[], str]]:
    """Inside, what is logged or printed is kept -> a call that gives it as text."""
    handler, printed = Said(), io.StringIO()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            yield lambda: "\n".join([*handler.lines, printed.getvalue()]).strip()
    finally:
        root.removeHandler(handler)


def judged(act: Callable[[Any], Outcome], case: Any) -> Outcome:
    """What became of a case: a user's mistake is one line, all else that is raised a fault."""
    from reactface_node.errors import UserError

    began_s = time.perf_counter()
    try:
        found = act(case)
    except UserError as error:
        text = str(error)
        if "\n" in text.strip() or len(text) > LONGEST_LINE or not text.strip():
            found = Outcome(FAULT, f"not one line: {text[:200]!r}", trace_of(error))
        else:
            found = Outcome(REFUSED, text)
    except MemoryError as error:
        found = Outcome(FAULT, f"out of memory: {reason_of(error)}", trace_of(error))
    except BaseException as error:
        found = Outcome(FAULT, reason_of(error), trace_of(error))
    return Outcome(found.kind, found.detail, found.trace, time.perf_counter() - began_s)


def isolated(
    act: Callable[[Any], Outcome], cases: Sequence[Any], limit_s: float, limit_mb: float
) -> Iterator[tuple[Any, Outcome]]:
    """Every case with its outcome; one that takes longer, or more memory, is a fault."""
    first = 0
    while first < len(cases):
        for case, outcome in _stretch(act, cases[first:], limit_s, limit_mb):
            first += 1
            yield case, outcome


def _stretch(
    act: Callable[[Any], Outcome], cases: Sequence[Any], limit_s: float, limit_mb: float
) -> Iterator[tuple[Any, Outcome]]:
    """Cases up to the first that ends the process."""
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    with warnings.catch_warnings():
        # Threads of libraries that wait for work are no reason not to fork.
        warnings.simplefilter("ignore", DeprecationWarning)
        # A child that collected what has threads in its parent would wait for them for ever.
        gc.collect()
        gc.freeze()
        child = context.Process(target=_work, args=(act, cases, theirs, limit_mb), daemon=True)
        child.start()
    theirs.close()
    try:
        for case in cases:
            try:
                if not mine.poll(limit_s):
                    yield case, Outcome(FAULT, f"takes more than {limit_s:g} s", "", limit_s)
                    return
                yield case, mine.recv()
            except (EOFError, ConnectionResetError):
                child.join(5.0)
                yield case, Outcome(FAULT, f"ends the process: {_ended(child.exitcode)}")
                return
    finally:
        child.kill()
        child.join()
        mine.close()


def _ended(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


def _work(
    act: Callable[[Any], Outcome], cases: Sequence[Any], conn: Connection, limit_mb: float
) -> None:
    """The child's side."""
    faulthandler.disable()
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    limit = psutil.Process().memory_info().vms + int(limit_mb * 2**20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for case in cases:
        conn.send(judged(act, case))
    conn.close()
    os._exit(0)

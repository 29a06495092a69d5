"""Hides unwanted output of libraries: log lines on stderr, and Python's warnings.

Both belong to the whole process. Several threads may use it at a time: the first one begins it
and the last one ends it.
"""

import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

# First characters of log lines of absl, glog, TensorFlow Lite, ALSA, Mesa and SDL.
_NOTE = re.compile(
    rb"[IWEF]\d{4,8} \d\d[:.]|WARNING: All log messages before absl::InitializeLog|"
    rb"INFO: (Created|Initialized) TensorFlow Lite|ALSA lib |error: XDG_RUNTIME_DIR|libEGL|MESA"
)


class Shared:
    """A context that is entered once, however many threads are inside; it may be nested."""

    def __init__(self, make: Callable[[], AbstractContextManager[None]]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._users = 0
        self._context: AbstractContextManager[None]

    @contextmanager
    def entered(self) -> Iterator[None]:
        with self._lock:
            if self._users == 0:
                self._context = self._make()
                self._context.__enter__()
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._context.__exit__(None, None, None)


def quiet_stderr() -> AbstractContextManager[None]:
    """Inside, log lines of libraries on stderr are dropped, from any thread; other output is
    written when the last thread leaves."""
    return _STDERR.entered()


def quiet_warnings() -> AbstractContextManager[None]:
    """Hides deprecation warnings inside mediapipe and its libraries; all others are shown."""
    return _WARNINGS.entered()


@contextmanager
def _held_stderr() -> Iterator[None]:
    """Collects the output to descriptor 2 in a file, and writes it at the end without log lines of
    libraries."""
    _flush()
    try:
        kept = os.dup(2)
    except OSError:  # A service may have no stderr.
        yield
        return
    file = _temporary()
    os.dup2(file, 2)
    try:
        yield
    finally:
        _flush()
        os.dup2(kept, 2)
        os.close(kept)
        with suppress(OSError):
            written = os.pread(file, os.fstat(file).st_size, 0)
            said = [line for line in written.splitlines(keepends=True) if not _NOTE.match(line)]
            os.write(2, b"".join(said))
        os.close(file)


def _flush() -> None:
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()


def _temporary() -> int:
    """A file without a name; os.devnull if the disk is full."""
    try:
        if hasattr(os, "memfd_create"):
            return os.memfd_create("stderr")
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
    except OSError:
        return os.open(os.devnull, os.O_RDWR)


@contextmanager
def _ignored_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", r"SymbolDatabase\.GetPrototype", UserWarning)
        yield


# For the whole process, as stderr and the warning filters are.
_STDERR, _WARNINGS = Shared(_held_stderr), Shared(_ignored_warnings)

"""Atomic writing: files and folders appear under their names only when they are complete."""

import errno
import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reactface_node.errors import UserError

LONGEST_NAME = 255
"""Bytes of a file's name, on all common file systems."""
TRIES = 100
_FULL = ("No space left", "disk is full")


_WRITE_ERRORS = {
    "safetensors": "SafetensorError",
    "sqlite3": "Error",
    "av.error": "FFmpegError",
}
"""Errors of libraries that cannot write, beside OSError."""


@contextmanager
def written_whole(path: Path, keep: bool = False) -> Iterator[Path]:
    """Yields a temporary path at which to make a file or folder; at the end it becomes ``path``.

    Until then readers see the old ``path``. Missing parent folders are made. After an exception
    ``path`` is unchanged and the temporary files are removed; keep: they stay for the next call.
    UserError, one line, if it cannot be written or another process is writing it.
    """
    make_folder(path.parent)
    with write_errors(path), hidden_place(path, keep) as unfinished:
        yield unfinished
        put_in_place(unfinished, path)


@contextmanager
def hidden_place(path: Path, keep: bool = False) -> Iterator[Path]:
    """Yields a temporary path for ``put_in_place``.

    It lies in a hidden folder beside ``path`` that only this user can open. The folder is emptied
    at the beginning (a killed process may have left files) and removed at the end. keep: files
    stay there, so that a later call can continue. UserError if another process uses it.
    """
    folder = unfinished_folder(path)
    descriptor = _locked(folder, path)
    try:
        if not keep:
            _empty(folder)
        yield folder / path.name
    finally:
        if keep:
            with suppress(OSError):  # Not empty: files are kept for the next call.
                folder.rmdir()
        else:
            shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def put_in_place(unfinished: Path, path: Path) -> None:
    """Flush a complete file or folder to the disk and rename it to ``path``.

    So even after a power cut ``path`` is either complete or the old one."""
    parts = unfinished.rglob("*") if unfinished.is_dir() else (unfinished,)
    for part in parts:
        if part.is_file():
            with part.open("rb") as file:
                os.fsync(file.fileno())
    os.replace(unfinished, path)


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Inside, OSError and libraries' errors of writing become the UserError ``cannot_write``."""
    try:
        yield
    except _write_errors() as error:
        raise cannot_write(path, error) from error


def _write_errors() -> tuple[type[Exception], ...]:
    """Includes the errors of libraries that are loaded; none is imported here, since `ros2 launch`
    uses a Python that has only PyYAML."""
    loaded = ((sys.modules.get(module), name) for module, name in _WRITE_ERRORS.items())
    return (OSError, *(getattr(module, name) for module, name in loaded if module is not None))


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


def unfinished_folder(path: Path) -> Path:
    """The hidden folder of ``hidden_place``."""
    return path.with_name(_hidden_name(path.name))


def _hidden_name(name: str) -> str:
    hidden = f".{name}.unfinished"
    if len(os.fsencode(hidden)) <= LONGEST_NAME:
        return hidden
    return f".{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}.unfinished"


def _locked(folder: Path, path: Path) -> int:
    """The locked descriptor of the folder; makes the folder if it is missing."""
    for _ in range(TRIES):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue  # Another process has finished just now.
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                raise
            folder.unlink(missing_ok=True)
            continue
        try:
            lock(descriptor, path)
            if os.path.samestat(os.fstat(descriptor), os.stat(folder)):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise UserError(f"cannot write {path}: others keep writing it")


def lock(descriptor: int, path: Path) -> None:
    """Lock an open file or folder until it is closed; UserError if another process has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(f"cannot write {path}: another process is writing it") from error
    except OSError:
        pass  # A file system without locks.


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, as ``written_whole``."""
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def check_new(path: Path, makes_folders: bool = False) -> None:
    """UserError if ``path`` exists already, also as a broken link, and as ``check_writable``."""
    if os.path.lexists(path):
        raise UserError(f"{path} exists already; choose another output or remove it")
    check_writable(path, makes_folders)


def check_writable(path: Path, makes_folders: bool = False) -> None:
    """UserError if no file or folder of the name ``path`` can be written.

    makes_folders: missing folders above it will be made, so they need not be there.
    """
    if "\0" in str(path):
        raise UserError(f"cannot write {str(path)!r}: a name holds no NUL character")
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        raise cannot_write(path, OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG)))
    parent = path.absolute().parent
    with write_errors(path):
        while makes_folders and not parent.exists():
            parent = parent.parent
        if not parent.is_dir():
            raise UserError(f"cannot write {path}: there is no folder {parent}")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"cannot write {path}: {parent} is not yours to write in")


def home_path(text: str) -> Path:
    """The path with ``~`` and ``~user`` replaced by home folders; UserError for an unknown user."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UserError(f"{text}: nobody here is called {text[1:].split('/')[0]}") from error


def is_file_within(folder: Path, name: str) -> bool:
    """Whether ``name`` is a file below a resolved folder, links followed; False for a name that no
    file can have."""
    try:
        found = (folder / name).resolve()
        return found.is_relative_to(folder) and found.is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def make_folder(path: Path) -> None:
    """Make the folder and its parents; UserError if a file is in the way or it is not allowed."""
    try:
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"{path} is to be a folder, and there is a file") from error
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: Exception, kept: str = "") -> UserError:
    """UserError with the reason in one line. kept: text on the files that are kept."""
    code = getattr(error, "errno", None)
    # safetensors and sqlite give a text but no errno.
    said = str(error)
    full = code in (errno.ENOSPC, errno.EDQUOT) or any(words in said for words in _FULL)
    reason = getattr(error, "strerror", None) or (said.splitlines() or [type(error).__name__])[0]
    return UserError(f"cannot write {path}: {'the disk is full' if full else reason}{kept}")

"""Files and folders that are whole or not there."""

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


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A file or a folder to make, which becomes ``path`` if all goes well; whoever reads meanwhile
    finds ``path`` as it was before. UserError, one line, where it cannot be written."""
    try:
        with hidden_place(path) as unfinished:
            yield unfinished
            os.replace(unfinished, path)
    except _write_errors() as error:
        raise cannot_write(path, error) from error


def _write_errors() -> tuple[type[Exception], ...]:
    """safetensors has one of its own, which only comes where it was loaded: `ros2 launch` reads
    settings by a Python that has nothing but PyYAML."""
    loaded = sys.modules.get("safetensors")
    return (OSError,) if loaded is None else (OSError, loaded.SafetensorError)


@contextmanager
def hidden_place(path: Path) -> Iterator[Path]:
    """Where to make what is to be called ``path``: in a hidden folder beside it, which only its
    user can open, and which is removed at the end with all that is still in it.

    What a killed process left there is removed first. UserError where another process is at it.
    """
    folder = path.with_name(_hidden_name(path.name))
    descriptor = _locked(folder, path)
    try:
        for left in folder.iterdir():
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            else:
                left.unlink()
        yield folder / path.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _hidden_name(name: str) -> str:
    hidden = f".{name}.unfinished"
    if len(os.fsencode(hidden)) <= LONGEST_NAME:
        return hidden
    return f".{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}.unfinished"


def _locked(folder: Path, path: Path) -> int:
    """The locked descriptor of the folder, which is made if need be."""
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
    """Locks an open file or folder until it is closed; UserError if another process has."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(f"cannot write {path}: another process is writing it") from error
    except OSError:
        pass  # A file system without locks.


def write_text(path: Path, text: str) -> None:
    """UTF-8, as ``written_whole``."""
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def check_new(path: Path) -> None:
    """UserError where something is called ``path`` already, or nothing can be called so."""
    if "\0" in str(path):
        raise UserError(f"cannot write {str(path)!r}: a name holds no NUL character")
    try:
        taken = path.exists() or path.is_symlink()
    except OSError as error:
        raise cannot_write(path, error) from error
    if taken:
        raise UserError(f"{path} exists already; choose another output or remove it")
    parent = path.absolute().parent
    if not parent.is_dir():
        raise UserError(f"cannot write {path}: there is no folder {parent}")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UserError(f"cannot write {path}: {parent} is not yours to write in")
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        raise cannot_write(path, OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG)))


def home_path(text: str) -> Path:
    """A path in which ``~`` and ``~user`` stand for home folders; UserError without such a user."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise UserError(f"{text}: nobody here is called {text[1:].split('/')[0]}") from error


def make_folder(path: Path) -> None:
    """The folder and those above it; UserError where a file or a right is in the way."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"{path} is to be a folder, and there is a file") from error
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: Exception, kept: str = "") -> UserError:
    """The one line for whatever kept a file from being written. kept: what is not lost."""
    code = error.errno if isinstance(error, OSError) else None
    # safetensors says it in words alone.
    full = code in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return UserError(f"cannot write {path}: {'the disk is full' if full else reason}{kept}")

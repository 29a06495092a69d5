"""Files that are whole or not there."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from reactface_node.errors import UserError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A file to write, which becomes ``path`` if all goes well; whoever reads meanwhile finds
    ``path`` as it was before. UserError, one line, where it cannot be written."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        yield unfinished
        os.replace(unfinished, path)
    except (OSError, SafetensorError) as error:
        raise cannot_write(path, error) from error
    finally:
        unfinished.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """UTF-8, as ``written_whole``."""
    with written_whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def make_folder(path: Path) -> None:
    """The folder and those above it; UserError where a file or a right is in the way."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"{path} is to be a folder, and there is a file") from error
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError | SafetensorError, kept: str = "") -> UserError:
    """The one line for whatever kept a file from being written. kept: what is not lost."""
    code = error.errno if isinstance(error, OSError) else None
    # safetensors says it in words alone.
    full = code in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
    reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
    return UserError(f"cannot write {path}: {'the disk is full' if full else reason}{kept}")

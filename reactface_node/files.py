"""Files that are whole or not there."""

import os
from pathlib import Path

from reactface_node.errors import UserError


def make_folder(path: Path) -> None:
    """The folder and those above it; UserError where a file or a right is in the way."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"{path} is to be a folder, and there is a file") from error
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from error


def write_text(path: Path, text: str) -> None:
    """UTF-8; whoever reads meanwhile finds the file as it was before."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)

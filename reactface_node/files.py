"""Files that are whole or not there."""

import os
from pathlib import Path

from reactface_node.errors import UserError


def make_folder(path: Path) -> None:
    """The folder with its parents, where it is not there yet; UserError where it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {path}: {error}") from error


def write_text(path: Path, text: str) -> None:
    """UTF-8; whoever reads meanwhile finds the file as it was before."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8")
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)

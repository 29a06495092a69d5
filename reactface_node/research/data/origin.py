"""Identifies the files of a conversion, so that it is resumed only with the same ones."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from reactface_node.errors import UserError
from reactface_node.research.data.source import Source


def origin_of(source: Source) -> dict[str, str]:
    """The source's folder, and a hash of the path, size and time of every file that it reads.

    Empty if it reads no files. UserError, with the file's name, if one cannot be accessed.
    """
    root = source.root
    if root is None:
        return {}
    digest = hashlib.sha256()
    for path in sorted(set(_single_files(source.files()))):
        try:
            found = path.stat()
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error}") from error
        name = os.fsencode(os.path.relpath(path, root))
        digest.update(b"%s\0%d\0%d\n" % (name, found.st_size, found.st_mtime_ns))
    return {"root": str(root.resolve()), "files": digest.hexdigest()}


def _single_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files; a folder is replaced by all files in it."""
    for path in paths:
        if path.is_dir():
            yield from (one for one in path.rglob("*") if one.is_file())
        else:
            yield path

"""Names of files in the lists of data sets."""

import os
from pathlib import PurePosixPath

from reactface_node.errors import UserError
from reactface_node.files.text import is_text, shown
from reactface_node.files.whole import LONGEST_NAME

SUFFIX_BYTES, LONGEST_PATH = 4, 2000
"""Lists may name files without their suffix. Systems allow paths of 4096 bytes in all."""


def listed_path(text: str, where: str) -> str:
    """The path, relative to the data set's folder, as it is named there.

    UserError that begins with ``where`` if it leaves the folder, or if no file can have that name.
    """
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts:
        raise UserError(f"{where} leaves the data set's folder")
    sizes = [len(os.fsencode(part)) for part in path.parts] if is_text(text) else []
    if not sizes or max(sizes) > LONGEST_NAME - SUFFIX_BYTES or sum(sizes) > LONGEST_PATH:
        raise UserError(f"{where}: no file can be called {shown(text)}")
    return text

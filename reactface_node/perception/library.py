"""Importing mediapipe: what it needs said in one line, what it grumbles kept quiet."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from reactface_node.errors import UserError


def import_mediapipe() -> Any:
    """The mediapipe package; UserError if it or a library below it cannot load."""
    try:
        with quiet_warnings():
            import mediapipe
    except ImportError as error:
        raise import_failed(error) from error
    return mediapipe


def import_failed(error: ImportError) -> UserError:
    """What a user can do about an import that failed."""
    if ".so" in str(error):
        return UserError(
            f"a system library is missing ({error}): sudo apt install libgl1 libegl1 libglib2.0-0"
        )
    return UserError(f"face tracking needs mediapipe ({error}): pip install mediapipe")


@contextmanager
def quiet_warnings() -> Iterator[None]:
    """Deprecations inside mediapipe and its libraries are not the user's; the rest is shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", r"SymbolDatabase\.GetPrototype", UserWarning)
        yield

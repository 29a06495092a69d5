"""Import of mediapipe, with errors of one line."""

from typing import Any

from reactface_node.errors import UserError
from reactface_node.media.quiet import quiet_warnings


def import_mediapipe() -> Any:
    """The mediapipe package; UserError if it or a system library is missing."""
    try:
        with quiet_warnings():
            import mediapipe
    except ImportError as error:
        raise import_failed(error) from error
    return mediapipe


def import_failed(error: ImportError) -> UserError:
    """A UserError with advice for an import that failed."""
    if ".so" in str(error):
        return UserError(
            f"a system library is missing ({error}): sudo apt install libgl1 libegl1 libglib2.0-0"
        )
    return UserError(f"face tracking needs mediapipe ({error}): pip install mediapipe")

"""Import of mediapipe, which is optional, with errors of one line."""

from typing import Any

from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.media.quiet import quiet_warnings


def import_mediapipe() -> Any:
    """The mediapipe package; UserError if it or a system library is missing."""
    try:
        with quiet_warnings():
            import mediapipe
    except ImportError as error:
        raise import_failed(error) from error
    return mediapipe


def has_facemesh() -> bool:
    """Whether a mediapipe that carries FaceMesh is installed. UserError if it cannot be imported,
    for example because a system library is missing."""
    try:
        return hasattr(import_mediapipe(), "solutions")
    except UserError as error:
        if isinstance(error.__cause__, ModuleNotFoundError) and error.__cause__.name == "mediapipe":
            return False
        raise


def no_face_model() -> UserError:
    """The error where there is neither the Face Landmarker's model file nor FaceMesh."""
    return UserError(
        "there is no face model: run `reactface weights --download face_landmarker`, which puts "
        f"face_landmarker.task into {resources.folder('weights')}"
    )


def import_failed(error: ImportError) -> UserError:
    """A UserError with advice for an import that failed."""
    if ".so" in str(error):
        return UserError(
            f"a system library is missing ({error}): sudo apt install libgl1 libegl1 libglib2.0-0"
        )
    return UserError(
        f"a package that face tracking needs is missing ({error}): install reactface_node again"
    )

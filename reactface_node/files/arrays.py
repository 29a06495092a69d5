"""Arrays in .npy files, and the mean face that FaceVerse's coefficients are relative to."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from reactface_node.errors import UserError
from reactface_node.faceverse import Space
from reactface_node.files.resources import refuse_stand_in
from reactface_node.files.text import shown
from reactface_node.schema import NUM_COEFFICIENTS

LARGEST = 1e6
"""No coefficient is larger in any unit; a sum of squares of such numbers still fits float32."""


def load_array(path: Path) -> np.ndarray:
    """The numbers of an .npy file as a memory map. UserError, with the file's name, if it holds
    none."""
    try:
        # Not np.load, which also opens .npz archives of any name.
        array: np.ndarray = np.lib.format.open_memmap(path, "r")
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except Exception as error:  # a wrong header raises many kinds of errors in Python and mmap
        reason = shown(str(error))
        raise UserError(f"{path} is no .npy array that can be read: {reason}") from error
    if array.dtype.kind not in "biuf":
        raise UserError(f"{path} holds {array.dtype}, not numbers")
    return array


def usable(values: np.ndarray) -> np.ndarray:
    """bool: whether each number can be a coefficient, i.e. is not NaN and at most ``LARGEST``."""
    return np.abs(np.asarray(values, np.float64)) <= LARGEST


def space_of(mean_face: Path | None) -> Space:
    """FaceVerse's space with the pose of a ``mean_face.npy``, or with the published mean pose.
    UserError as ``read_mean_face``."""
    return Space.of(None if mean_face is None else read_mean_face(mean_face))


def mean_face_problems(path: Path | None) -> Iterator[str]:
    """One line if ``space_of`` cannot use the file."""
    try:
        space_of(path)
    except UserError as error:
        yield str(error)


def read_mean_face(path: Path) -> np.ndarray:
    """FaceVerse's ``mean_face.npy``: (58,) in its own units. UserError if it is not that."""
    refuse_stand_in(path)
    mean = load_array(path).reshape(-1)
    if mean.shape != (NUM_COEFFICIENTS,) or not usable(mean).all():
        raise UserError(f"{path} does not hold {NUM_COEFFICIENTS} usable numbers")
    return mean

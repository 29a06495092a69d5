"""Reads FaceVerse's model file, an .npy with a pickled dictionary, without executing anything."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.resources import refuse_stand_in
from reactface_node.schema import ARKIT_NAMES

ALLOWED: Mapping[str, Any] = {
    "ndarray": np.ndarray,
    "dtype": np.dtype,
    "_reconstruct": np.zeros(0).__reduce__()[0],
    "scalar": np.float64(0).__reduce__()[0],
}
MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")
"""Modules in which numpy 1 and numpy 2 define these functions."""
TO_OUR_AXES = np.array([1.0, -1.0, -1.0])
"""FaceVerse's y points down and its z into the head."""


def read_faceverse(path: Path) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Mean face (N, 3) in our axes, triangles (F, 3), and the offsets (N, 3) of weight 1 by ARKit
    name.

    The simplified mesh is used if the file has one: 6,335 instead of 28,632 vertices in version 2.
    UserError if the file is no such model, or holds anything but arrays.
    """
    stored = _load(path)
    mean = _numbers(path, stored, "meanshape").reshape(-1)
    basis = _numbers(path, stored, "exBase")
    names = [str(name) for name in np.ravel(stored.get("exp_name_list", ARKIT_NAMES))]
    if mean.size % 3 or not mean.size or basis.shape != (mean.size, len(names)):
        raise UserError(
            f"{path} is no FaceVerse model: meanshape has {mean.size} numbers and exBase is "
            f"{basis.shape}, not (3 x vertices, {len(names)})"
        )
    vertices = mean.reshape(-1, 3) * TO_OUR_AXES
    shapes = basis.reshape(len(vertices), 3, -1) * TO_OUR_AXES[:, None]
    triangles = "tri"
    if {"select_id", "tri_select"} <= stored.keys():
        triangles = "tri_select"
        chosen = _indices(path, stored, "select_id", len(vertices)).reshape(-1)
        vertices, shapes = vertices[chosen], shapes[chosen]
    corners = _indices(path, stored, triangles, len(vertices))
    if corners.ndim != 2 or corners.shape[1] != 3 or not len(corners):
        raise UserError(f"{path} is no FaceVerse model: {triangles} is {corners.shape}, not (F, 3)")
    known = {name: shapes[:, :, at] for at, name in enumerate(names) if name in ARKIT_NAMES}
    if not known:
        raise UserError(f"{path}: none of its exp_name_list is an ARKit name")
    return vertices, corners, known


class _Arrays(pickle.Unpickler):
    """An unpickler that makes only arrays and their containers, and refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        if module in MODULES and name in ALLOWED:
            return ALLOWED[name]
        raise UserError(f"it holds {module}.{name} beside its arrays")


def _load(path: Path) -> dict[str, Any]:
    refuse_stand_in(path)
    try:
        with path.open("rb") as file:
            if not _holds_objects(file):
                raise ValueError("it holds no dictionary")
            stored = _Arrays(file).load().item()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except UserError as error:
        raise UserError(f"{path} is refused: {error}; get it from FaceVerse again") from error
    except Exception as error:  # a damaged pickle can raise any error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} is damaged or no FaceVerse model: {reason}") from error
    if not isinstance(stored, dict):
        raise UserError(f"{path} is no FaceVerse model: it holds no dictionary")
    return stored


def _holds_objects(file: BinaryIO) -> bool:
    """Whether the .npy file holds a pickle; reads its header. ValueError if there is none."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    found: bool = shape == () and dtype == np.dtype(object)
    return found


def _numbers(path: Path, stored: dict[str, Any], key: str) -> np.ndarray:
    if key not in stored:
        raise UserError(f"{path} is no FaceVerse model: it lacks {key}")
    values = stored[key]
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf":
        raise UserError(f"{path} is no FaceVerse model: {key} is no array of numbers")
    return values.astype(np.float64)


def _indices(path: Path, stored: dict[str, Any], key: str, count: int) -> np.ndarray:
    """int64, each below count."""
    values = _numbers(path, stored, key)
    if not ((values >= 0) & (values < count)).all():
        raise UserError(f"{path} is no FaceVerse model: {key} names vertices that it lacks")
    return values.astype(np.int64)

"""Tensor files as numpy arrays, read without torch and without executing anything; and what holds
for the tensors of every library."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import deserialize, safe_open

from reactface_node.errors import UserError
from reactface_node.files.resources import refuse_stand_in
from reactface_node.files.text import shown

FEWEST_UNLIKE = 16
KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "BOOL": "?"}
"""numpy's types by the names of safetensors."""

Shape = tuple[int, ...]


def read_arrays(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata, and arrays by name; bfloat16 as float32. UserError if the file is damaged or holds
    other numbers than ``KINDS`` and bfloat16."""
    refuse_stand_in(path)
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
        parts = deserialize(path.read_bytes())
    except Exception as error:  # safetensors raises several kinds for a wrong header
        reason = shown(str(error))
        raise UserError(f"{path} is damaged or no safetensors file: {reason}") from error
    return metadata, {name: _array(path, name, **part) for name, part in parts}


def _array(path: Path, name: str, dtype: str, shape: list[int], data: bytes) -> np.ndarray:
    if dtype == "BF16":
        # The upper half of a float32.
        upper = np.frombuffer(data, "<u2").astype(np.uint32) << 16
        return upper.view(np.float32).reshape(shape)
    if dtype not in KINDS:
        raise UserError(f"{path}: {name} holds {dtype}, which is not read")
    return np.frombuffer(data, KINDS[dtype]).reshape(shape)


def check_shapes(path: Path, expected: Mapping[str, Shape], found: Mapping[str, Shape]) -> None:
    """UserError for the first tensor whose name or shape does not fit the model."""
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            raise UserError(f"{path} lacks the tensor {name}")
        if name not in expected:
            raise UserError(f"{path} holds a tensor that the model lacks: {name}")
        if expected[name] != found[name]:
            raise UserError(f"{path}: {name} is {found[name]}, the model needs {expected[name]}")


def check_weights(path: Path, name: str, array: np.ndarray) -> None:
    """UserError if weights are NaN or infinite, or if all weights of a matrix are equal."""
    if array.size and array.dtype.kind == "f":
        check_range(path, name, array.shape, float(array.min()), float(array.max()))


def check_range(path: Path, name: str, shape: Shape, low: float, high: float) -> None:
    """As ``check_weights``; low, high: the least and the greatest weight, NaN if one is NaN."""
    if not np.isfinite([low, high]).all():
        raise UserError(f"{path} is damaged: {name} holds NaN or infinite weights")
    # Biases and norms may be constant; a matrix is random from its initialisation on.
    is_matrix = sum(size > 1 for size in shape) > 1 and np.prod(shape) >= FEWEST_UNLIKE
    if is_matrix and low == high:
        raise UserError(f"{path} is damaged or was never trained: all weights of {name} are alike")


def check_format(
    path: Path, metadata: Mapping[str, str], kind: str, known: int, otherwise: str
) -> None:
    """UserError if the file is of another kind or of a newer version than ``known``. otherwise:
    the error text, after the path, for another kind."""
    if metadata.get("format") != kind:
        raise UserError(f"{path} {otherwise}")
    version = metadata.get("version", "")
    if not re.fullmatch("[0-9]{1,9}", version):
        raise UserError(f"{path} is damaged: its version is {shown(version)}")
    if int(version) > known:
        raise UserError(f"{path} was written by a newer reactface_node; update this one")

"""Tensor files as numpy arrays, read without torch and without executing anything."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import safe_open

from reactface_node.errors import UserError
from reactface_node.files.resources import refuse_stand_in
from reactface_node.files.text import shown


def read_arrays(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata, and arrays by name; UserError if the file is damaged."""
    refuse_stand_in(path)
    try:
        with safe_open(path, framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return file.metadata() or {}, arrays
    except Exception as error:  # safetensors and numpy raise several kinds for a wrong header
        reason = shown(str(error))
        raise UserError(f"{path} is damaged or no safetensors file: {reason}") from error


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

"""Checkpoints of other training code: pickled dictionaries of tensors (.pth)."""

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reactface_node.errors import UserError
from reactface_node.files.resources import refuse_stand_in
from reactface_node.files.tensors import read_safetensors

WRAPPED_IN = ("state_dict", "model", "net_G_ema", "net_G")
"""Keys under which a state dict lies in files that hold more, such as an optimiser."""
_PARALLEL = "module."
# Before and after torch 2.1: magnitude and direction of a weight-normalised convolution.
_WEIGHT_NORM = {
    "weight_g": "parametrizations.weight.original0",
    "weight_v": "parametrizations.weight.original1",
}


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a .safetensors file, or of a .pth file, which has no metadata.

    UserError if it is missing, and as ``read_safetensors`` and ``read_released``.
    """
    if not os.path.isfile(path):
        raise UserError(f"{path} is missing")
    if path.suffix == ".safetensors":
        return read_safetensors(path, "cpu")
    return {}, read_released(path)


def read_released(path: Path) -> dict[str, Tensor]:
    """The tensors of a .pth file by name, on the CPU; without DataParallel's prefix ``module.``,
    and with the new names of weight-norm tensors.

    Nothing is executed: UserError if the file holds anything but data, is damaged, or has no
    tensors.
    """
    refuse_stand_in(path)
    stored = _load(path)
    for name in WRAPPED_IN:
        if isinstance(stored, Mapping) and isinstance(stored.get(name), Mapping):
            stored = stored[name]
            break
    tensors = (
        {name: value for name, value in stored.items() if _is_tensor(value)}
        if isinstance(stored, Mapping)
        else {}
    )
    if not tensors:
        raise UserError(f"{path} holds no state dict: no tensors by name")
    return {_named(str(name)): value for name, value in tensors.items()}


def _load(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # torch's own text is long and says how to switch the protection off.
        if "weights_only" in str(error) or "Unsupported" in str(error):
            raise UserError(
                f"{path} is refused: it holds code or objects beside its tensors; save its "
                "state_dict alone"
            ) from error
        raise UserError(f"{path} is damaged or no checkpoint of torch") from error
    except Exception as error:  # a damaged pickle can raise any error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} is damaged or no checkpoint of torch: {reason}") from error


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.is_nested


def _named(name: str) -> str:
    name = name.removeprefix(_PARALLEL)
    stem, _, leaf = name.rpartition(".")
    return f"{stem}.{_WEIGHT_NORM[leaf]}" if leaf in _WEIGHT_NORM else name

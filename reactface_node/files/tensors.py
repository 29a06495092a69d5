"""Tensor files: read without executing anything, and checked before a model loads them."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from reactface_node.errors import UserError, is_device_failure
from reactface_node.files.resources import refuse_stand_in
from reactface_node.files.stored_arrays import check_range, check_shapes
from reactface_node.files.text import shown
from reactface_node.files.whole import written_whole

FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
INTEGERS = (torch.int64, torch.int32, torch.bool)


def read_safetensors(path: Path, device: str) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    """Metadata, and tensors by name; UserError if the file is damaged."""
    refuse_stand_in(path)
    try:
        with safe_open(path, framework="pt", device=device) as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return file.metadata() or {}, tensors
    except Exception as error:  # torch and safetensors raise several kinds for a wrong header
        if is_device_failure(error):
            raise
        reason = shown(str(error))
        raise UserError(f"{path} is damaged or no safetensors file: {reason}") from error


def write_safetensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]
) -> None:
    """Write the file atomically; UserError if it cannot be written."""
    plain = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    with written_whole(path) as unfinished:
        save_file(plain, unfinished, dict(metadata))


def check_tensors(
    path: Path, expected: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor]
) -> None:
    """UserError for the first tensor whose name, shape or type does not fit the model."""
    wanted, found = (
        {name: tuple(one.shape) for name, one in given.items()} for given in (expected, tensors)
    )
    check_shapes(path, wanted, found)
    for name in sorted(expected):
        if not _is_plain(tensors[name], expected[name]):
            raise UserError(f"{path}: {name} holds {tensors[name].dtype}, which is not read")


def _is_plain(tensor: torch.Tensor, expected: torch.Tensor) -> bool:
    """Whether it is a dense tensor of the expected kind of numbers."""
    kinds = FLOATS if expected.is_floating_point() else INTEGERS
    return tensor.dtype in kinds and tensor.layout == torch.strided and not tensor.is_meta


def check_values(path: Path, name: str, tensor: torch.Tensor) -> None:
    """UserError if weights are NaN or infinite, or if all weights of a matrix are equal."""
    if not tensor.numel() or not tensor.is_floating_point():
        return
    low, high = (float(limit) for limit in torch.aminmax(tensor))
    check_range(path, name, tuple(tensor.shape), low, high)

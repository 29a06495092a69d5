"""Tensor files: read without executing anything, and checked before a model loads them."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from reactface_node.errors import UserError, is_device_failure
from reactface_node.files.resources import refuse_stand_in
from reactface_node.files.text import shown
from reactface_node.files.whole import written_whole

FEWEST_UNLIKE = 16
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
    for name in sorted(expected.keys() | tensors.keys()):
        if name not in tensors:
            raise UserError(f"{path} lacks the tensor {name}")
        if name not in expected:
            raise UserError(f"{path} holds a tensor that the model lacks: {name}")
        if expected[name].shape != tensors[name].shape:
            raise UserError(
                f"{path}: {name} is {tuple(tensors[name].shape)}, "
                f"the model needs {tuple(expected[name].shape)}"
            )
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
    low, high = torch.aminmax(tensor)
    if not bool(torch.isfinite(low) & torch.isfinite(high)):
        raise UserError(f"{path} is damaged: {name} holds NaN or infinite weights")
    # Biases and norms may be constant; a matrix is random from its initialisation on.
    is_matrix = sum(size > 1 for size in tensor.shape) > 1 and tensor.numel() >= FEWEST_UNLIKE
    if is_matrix and bool(low == high):
        raise UserError(f"{path} is damaged or was never trained: all weights of {name} are alike")

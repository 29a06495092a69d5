"""Whether the tensors of a file are those of a model: before they are loaded."""

from collections.abc import Mapping
from pathlib import Path

import torch

from reactface_node.errors import UserError

FEWEST_UNLIKE = 16
FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
INTEGERS = (torch.int64, torch.int32, torch.bool)


def check_tensors(
    path: Path, expected: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor]
) -> None:
    """UserError that names the first tensor that does not fit: by its name, shape or type."""
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
    """Numbers of the expected kind, all of them there."""
    kinds = FLOATS if expected.is_floating_point() else INTEGERS
    return tensor.dtype in kinds and tensor.layout == torch.strided and not tensor.is_meta


def check_values(path: Path, name: str, tensor: torch.Tensor) -> None:
    """UserError where weights are no numbers, or those of a matrix all alike."""
    if not tensor.numel() or not tensor.is_floating_point():
        return
    low, high = torch.aminmax(tensor)
    if not bool(torch.isfinite(low) & torch.isfinite(high)):
        raise UserError(f"{path} is damaged: {name} holds NaN or infinite weights")
    # Biases and norms may well be; of a matrix, at the latest its initialisation sees to it.
    is_matrix = sum(size > 1 for size in tensor.shape) > 1 and tensor.numel() >= FEWEST_UNLIKE
    if is_matrix and bool(low == high):
        raise UserError(f"{path} is damaged or was never trained: all weights of {name} are alike")

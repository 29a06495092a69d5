"""A GPU's failures are told from other errors, in one line."""

import pytest
import torch

from reactface_node.devices import failure_text, is_device_failure

LOST = "CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be\n"


@pytest.mark.parametrize(
    ("error", "failed"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB."), True),
        (torch.AcceleratorError(LOST), True),
        (RuntimeError(LOST), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("CUDA error in a name"), False),
        (KeyboardInterrupt(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failure_of_the_device_is_told_from_a_mistake(error, failed):
    assert is_device_failure(error) is failed


def test_a_failure_is_one_line():
    assert failure_text(RuntimeError(LOST), "cuda:1") == (
        "device 'cuda:1' failed: CUDA error: an illegal memory access was encountered"
    )
    memory = failure_text(torch.OutOfMemoryError("CUDA out of memory. Tried\nmore"), "cuda")
    assert memory == "device 'cuda' ran out of memory: CUDA out of memory. Tried"
    assert failure_text(torch.OutOfMemoryError(), "cuda").endswith(": OutOfMemoryError")

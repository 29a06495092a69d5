"""What a GPU says when it gives out."""

import torch


def is_device_failure(error: BaseException) -> bool:
    """Whether a GPU ran out of memory or was lost, so that the same work may succeed elsewhere."""
    kinds = [torch.cuda.OutOfMemoryError]
    # Older releases of torch, which have no such class, raise a RuntimeError that names CUDA.
    kinds += [kind for kind in [getattr(torch, "AcceleratorError", None)] if kind is not None]
    if isinstance(error, tuple(kinds)):
        return True
    return isinstance(error, RuntimeError) and "CUDA error" in str(error)


def failure_text(error: BaseException, device: str) -> str:
    """One line for a log: which device failed (cuda, cuda:N), and what it said."""
    what = "ran out of memory" if isinstance(error, torch.cuda.OutOfMemoryError) else "failed"
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"device '{device}' {what}: {said}"

"""A user's mistake: one clear line, exit code 2. Also: any error as one line, and which errors
are failures of a device."""

# Libraries on the GPU report its failures in their own words, as plain RuntimeErrors.
_WORDS = ("CUDA error", "CUDA driver error", "CUDNN_STATUS", "CUBLAS_STATUS", "CUFFT_")


class UserError(Exception):
    """Something the user can put right; the message says what is wrong and what to do."""


class NoDevice(UserError):
    """The device that is asked for is not there."""


def one_line(error: BaseException) -> str:
    """The kind of an error and its text, cut where it is long."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 300 else f"{text[:297]}..."


def is_device_failure(error: BaseException) -> bool:
    """Whether it was the device that failed, not the code: not there, no memory left, or lost.

    torch's errors by name, so that whoever asks needs no torch.
    """
    if isinstance(error, NoDevice) or _kinds(error) & {"OutOfMemoryError", "AcceleratorError"}:
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch said that the GPU has no memory left."""
    return "OutOfMemoryError" in _kinds(error)


def _kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}

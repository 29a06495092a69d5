"""UserError, errors as one line, and the recognition of device failures."""

# Text of the RuntimeErrors with which GPU libraries report failures.
_WORDS = ("CUDA error", "CUDA driver error", "CUDNN_STATUS", "CUBLAS_STATUS", "CUFFT_")


class UserError(Exception):
    """A mistake that the user can correct; one line says what is wrong and what to do.

    The CLI prints it without a traceback and exits with code 2.
    """


class NoDevice(UserError):
    """The requested device does not exist or cannot be used."""


def one_line(error: BaseException) -> str:
    """Type and text of an error as one line of at most 300 characters."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 300 else f"{text[:297]}..."


def is_device_failure(error: BaseException) -> bool:
    """Whether an error means that the device failed: missing, out of memory, or lost.

    torch's error classes are compared by name, so that torch need not be imported.
    """
    if isinstance(error, NoDevice) or _kinds(error) & {"OutOfMemoryError", "AcceleratorError"}:
        return True
    return isinstance(error, RuntimeError) and any(word in str(error) for word in _WORDS)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error is torch's out-of-memory error."""
    return "OutOfMemoryError" in _kinds(error)


def _kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}

"""GPUs that run out of memory or are lost: how such an error is known, and what is said of it."""


def is_device_failure(error: BaseException) -> bool:
    """Whether it was the device that failed, not the code: no memory left, or the device gone."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"OutOfMemoryError", "AcceleratorError"}:
        return True
    return isinstance(error, RuntimeError) and "CUDA error" in str(error)


def failure_text(error: BaseException, device: str) -> str:
    """One line: what happened to the device."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "OutOfMemoryError" in kinds:
        return f"{device} is out of memory"
    return f"{device} failed ({str(error).splitlines()[0]})"

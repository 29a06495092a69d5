"""GPUs that are missing, out of memory or lost: how it is known, what is said, what follows."""

import logging
from contextlib import suppress

from reactface_node.errors import NoDevice, UserError, is_device_failure, is_out_of_memory


def failure_text(error: BaseException, device: str) -> str:
    """One line: what happened to the device."""
    if isinstance(error, NoDevice):
        return str(error)
    if is_out_of_memory(error):
        return f"{device} is out of memory"
    return f"{device} failed ({str(error).splitlines()[0]})"


def go_without(error: Exception, who: str, setting: str, device: str, failing: str) -> None:
    """Returns where ``who`` is to go on on the CPU, and warns of it.

    setting: the one that holds ``device``. failing: ``on_device_failure``; "stop" is a UserError.
    An error that is no failure of a device is raised as it came.
    """
    if device == "cpu" or not is_device_failure(error):
        raise error
    text = failure_text(error, device)
    if failing == "stop":
        raise UserError(
            f"{text}: set on_device_failure=cpu to go on without it, or {setting}=cpu"
        ) from error
    logging.getLogger(__name__).warning("%s: %s goes on on the cpu", text, who)


def free_memory() -> None:
    """Give back what torch holds of GPUs and does not use; of a lost one nothing is left."""
    import torch

    with suppress(RuntimeError):
        torch.cuda.empty_cache()

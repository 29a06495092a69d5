"""Failures of a GPU: missing, out of memory or lost."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from reactface_node.errors import NoDevice, UserError, is_device_failure, is_out_of_memory

Runner = TypeVar("Runner")
Result = TypeVar("Result")


class DeviceGuard(Generic[Runner]):
    """Holds an object that computes on a device (``value``) and handles failures of the device.

    on_failure is the setting ``on_device_failure``. "cpu": the object is loaded on the CPU and
    continues there, with a warning. "stop": UserError in one line. Other errors, and all on the
    CPU, are raised unchanged.
    """

    def __init__(
        self,
        load: Callable[[str], Runner],
        device: str,
        on_failure: str,
        name: str = "the model",
        setting: str = "device",
    ):
        """load: makes the object on the device of that name. name, setting: for messages."""
        self._load, self.device, self._on_failure = load, device, on_failure
        self._name, self._setting = name, setting
        try:
            self.value = load(device)
        except Exception as error:
            self._load_on_cpu(error)

    def run(
        self,
        work: Callable[[Runner], Result],
        restore: Callable[[Runner], None] | None = None,
    ) -> Result:
        """Result of ``work`` on the device or, after a failure, on the CPU.

        restore: sets the state of the object on the CPU to that of the lost one, before
        ``work``.
        """
        try:
            return work(self.value)
        except Exception as error:
            self._load_on_cpu(error)
        if restore is not None:
            restore(self.value)
        return work(self.value)

    def _load_on_cpu(self, error: Exception) -> None:
        if self.device == "cpu" or not is_device_failure(error):
            raise error
        text = failure_text(error, self.device)
        if self._on_failure == "stop":
            raise UserError(
                f"{text}: set on_device_failure=cpu to go on without it, or {self._setting}=cpu"
            ) from error
        logging.getLogger(__name__).warning("%s: %s goes on on the cpu", text, self._name)
        self.device = "cpu"
        self.value = self._load("cpu")


def failure_text(error: BaseException, device: str) -> str:
    """One line on the failure of the device."""
    if isinstance(error, NoDevice):
        return str(error)
    if is_out_of_memory(error):
        return f"{device} is out of memory"
    return f"{device} failed ({str(error).splitlines()[0]})"


def free_memory() -> None:
    """Gives back the GPU memory that torch has reserved and does not use."""
    import torch

    # A lost GPU raises.
    with suppress(RuntimeError):
        torch.cuda.empty_cache()

"""One process or many: ``torchrun --nproc-per-node N -m reactface_node.cli train ...``."""

import os
from datetime import timedelta
from types import TracebackType

import torch
from torch import Tensor, distributed, nn

from reactface_node.errors import UserError
from reactface_node.research.training.corpus import Batch

LONGEST_WAIT = timedelta(days=1)
"""For the first process, which makes the synthetic data and validates."""


class Processes:
    """The processes of a training run, from torchrun's environment; a single one without it.

    All of them draw the same batch and use their part of it, so that together they compute the same
    loss as a single process.
    """

    def __init__(self, device: str):
        self.rank = int(os.environ.get("RANK", "0"))
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.device = device
        if self.count > 1 and device == "cuda":
            self.device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"

    @property
    def first(self) -> bool:
        """Whether this is the process that validates, reports and saves."""
        return self.rank == 0

    def __enter__(self) -> "Processes":
        if self.count > 1:
            if cuda := self.device.startswith("cuda"):
                torch.cuda.set_device(self.device)
            distributed.init_process_group("nccl" if cuda else "gloo", timeout=LONGEST_WAIT)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.count > 1:
            distributed.destroy_process_group()

    def wait(self) -> None:
        """Wait until all processes have called this."""
        if self.count > 1:
            distributed.barrier()

    def share(self, module: nn.Module) -> nn.Module:
        """The module with its gradients averaged over the processes."""
        if self.count == 1:
            return module
        devices = [torch.device(self.device)] if self.device.startswith("cuda") else None
        return nn.parallel.DistributedDataParallel(module, devices, find_unused_parameters=True)

    def part(self, batch: Batch) -> Batch:
        """This process's crops; UserError if they cannot be divided evenly."""
        size = len(batch.position)
        if size % self.count:
            raise UserError(f"training.batch = {size} is not a multiple of {self.count} processes")
        return batch.part(self.rank, self.count) if self.count > 1 else batch


def mean_of_all(value: Tensor) -> Tensor:
    """The mean over the processes of the run, without gradient; for one process the value
    itself."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return value.detach()
    total = value.detach().clone()
    distributed.all_reduce(total)
    return total / distributed.get_world_size()

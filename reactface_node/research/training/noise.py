"""Random numbers by crop, so that several processes draw the same numbers as one."""

import numpy as np
import torch
from torch import Tensor


class CropNoise:
    """Random numbers for the crops at ``position`` (B,) of a batch, all from one generator."""

    def __init__(self, generator: torch.Generator, position: Tensor):
        seed = int(torch.randint(2**31, (), generator=generator))
        self._device = position.device
        self._crops = [
            torch.Generator().manual_seed(_mixed(seed, index)) for index in position.tolist()
        ]

    def normal(self, *shape: int) -> Tensor:
        """(B, *shape) standard normal."""
        drawn = [torch.randn(shape, generator=crop) for crop in self._crops]
        return torch.stack(drawn).to(self._device)

    def uniform(self, *shape: int) -> Tensor:
        """(B, *shape) in [0, 1)."""
        drawn = [torch.rand(shape, generator=crop) for crop in self._crops]
        return torch.stack(drawn).to(self._device)

    def integers(self, below: int) -> Tensor:
        """(B,) int64."""
        drawn = [torch.randint(below, (), generator=crop) for crop in self._crops]
        return torch.stack(drawn).to(self._device)


def _mixed(seed: int, index: int) -> int:
    """A seed of 32 bits: torch's CPU generator ignores higher bits."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0])

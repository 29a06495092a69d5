"""What ``bench`` measures with: readings before and after calls, modules or methods, by stage.

Nothing that is measured knows of it: modules get hooks and objects other methods, both for a time.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn


class StageMeter:
    """By stage, how much a reading that grows, such as a clock, grew in each of its calls.

    ``grown``: for every stage the calls alone (``each``), or their sums from ``lap`` to ``lap``.
    """

    def __init__(self, reading: Callable[[], float] = time.perf_counter) -> None:
        self.grown: dict[str, list[float]] = defaultdict(list)
        self._reading = reading
        self._lap: dict[str, float] = defaultdict(float)
        self._open: list[float] = []

    def timed(self, stage: str, call: Callable[..., Any], each: bool = True) -> Callable[..., Any]:
        """The same call, read under ``stage``."""

        def measured(*arguments: Any, **named: Any) -> Any:
            before = self._reading()
            result = call(*arguments, **named)
            grown = self._reading() - before
            if each:
                self.grown[stage].append(grown)
            else:
                self._lap[stage] += grown
            return result

        return measured

    @contextmanager
    def wrapping(self, stage: str, owner: Any, *methods: str, each: bool = True) -> Iterator[None]:
        """Inside, these methods of an object, a class or a module are read under ``stage``."""
        before = {method: getattr(owner, method) for method in methods}
        own = {method for method in methods if method in vars(owner)}
        for method, call in before.items():
            setattr(owner, method, self.timed(stage, call, each))
        try:
            yield
        finally:
            for method, call in before.items():
                if method in own:
                    setattr(owner, method, call)
                else:
                    delattr(owner, method)

    @contextmanager
    def watching(self, stages: dict[str, list[nn.Module]]) -> Iterator[None]:
        """Inside, forward calls of these modules are added up under their stages."""
        hooks = []
        for stage, modules in stages.items():
            for module in modules:
                hooks += [
                    module.register_forward_pre_hook(self._enter),
                    module.register_forward_hook(self._leave(stage)),
                ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def lap(self) -> None:
        """Ends a lap: what was added up since the last one counts as one call of its stage."""
        for stage, grown in self._lap.items():
            self.grown[stage].append(grown)
        self.drop()

    def drop(self) -> None:
        """Forgets what was added up since the last lap."""
        self._lap.clear()

    def _enter(self, module: nn.Module, arguments: Any) -> None:
        del module, arguments
        self._open.append(self._reading())

    def _leave(self, stage: str) -> Callable[..., None]:
        def leave(module: nn.Module, arguments: Any, output: Any) -> None:
            del module, arguments, output
            self._lap[stage] += self._reading() - self._open.pop()

        return leave


def clock(device: str) -> Callable[[], float]:
    """Seconds, read when the device has finished what it was given."""
    if not device.startswith("cuda"):
        return time.perf_counter

    def read() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return read


def taken_s(work: Callable[[], Any], device: str) -> float:
    """Seconds that a call takes, with what it leaves to the device."""
    read = clock(device)
    began = read()
    work()
    return read() - began


def spread(seconds: Sequence[float]) -> dict[str, Any]:
    """calls; p50, p99, mean and least in milliseconds, and every call's own."""
    p50, p99 = np.quantile(seconds, (0.5, 0.99))
    return {
        "calls": len(seconds),
        "p50_ms": _ms(p50),
        "p99_ms": _ms(p99),
        "mean_ms": _ms(sum(seconds) / len(seconds)),
        "least_ms": _ms(min(seconds)),
        "raw_ms": [_ms(value) for value in seconds],
    }


def _ms(seconds: float) -> float:
    return round(float(seconds) * 1e3, 4)

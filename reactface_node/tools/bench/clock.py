"""The meter of the benchmark: reads a clock before and after every stage."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import nn


class StageMeter:
    """Measures by stage how much a reading, such as a clock, grows in each call.

    It is a ``session.probe.Probe`` for sessions and servers; modules of a network are measured
    through torch's own hooks. grown: for every stage its calls one by one, or their sums from
    ``lap`` to ``lap``.
    """

    def __init__(
        self,
        reading: Callable[[], float] = time.perf_counter,
        each: Sequence[str] = (),
        summed: Mapping[str, str] | None = None,
    ) -> None:
        """each: stages whose calls are kept one by one. summed: stages whose calls are added up
        -> the name of the sum. Other stages are not measured."""
        self.grown: dict[str, list[float]] = defaultdict(list)
        self._reading, self._each, self._summed = reading, frozenset(each), dict(summed or {})
        self._lap: dict[str, float] = defaultdict(float)
        self._open: list[float] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measures its body as this stage; a body that raises is not counted."""
        if name not in self._each and name not in self._summed:
            yield
            return
        before = self._reading()
        yield
        grown = self._reading() - before
        if name in self._each:
            self.grown[name].append(grown)
        else:
            self._lap[self._summed[name]] += grown

    @contextmanager
    def watching(self, stages: "dict[str, list[nn.Module]]") -> Iterator[None]:
        """Inside, forward calls of these modules are added up by stage."""
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
        """End a lap: each sum since the last one counts as one call of its stage."""
        for stage, grown in self._lap.items():
            self.grown[stage].append(grown)
        self.drop()

    def drop(self) -> None:
        """Drop the sums since the last lap."""
        self._lap.clear()

    def _enter(self, module: "nn.Module", arguments: Any) -> None:
        del module, arguments
        self._open.append(self._reading())

    def _leave(self, stage: str) -> Callable[..., None]:
        def leave(module: "nn.Module", arguments: Any, output: Any) -> None:
            del module, arguments, output
            self._lap[stage] += self._reading() - self._open.pop()

        return leave


def clock(device: str) -> Callable[[], float]:
    """A clock in seconds that waits until the device has finished its work."""
    if not device.startswith("cuda"):
        return time.perf_counter

    import torch

    def read() -> float:
        torch.cuda.synchronize(device)
        return time.perf_counter()

    return read


def taken_s(work: Callable[[], Any], device: str) -> float:
    """Seconds of a call, including its work on the device."""
    read = clock(device)
    began = read()
    work()
    return read() - began


def spread(seconds: Sequence[float]) -> dict[str, Any]:
    """calls; p50, p99, mean and least in milliseconds, and all calls (``raw_ms``)."""
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

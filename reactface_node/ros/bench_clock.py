"""What ``bench`` measures with: wall time by stage, and the model's arithmetic."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from reactface_node.config import Config

MATRIX = 1024
ROUNDS = 20


class StageClock:
    """Wall time by stage: wraps methods so that what they take is added up."""

    def __init__(self) -> None:
        self.taken_s: dict[str, list[float]] = defaultdict(list)

    def wrap(self, stage: str, owner: Any, method: str) -> None:
        """Replace ``owner.method`` by itself, timed under ``stage``."""
        setattr(owner, method, self.timed(stage, getattr(owner, method)))

    def timed(self, stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, timed under ``stage``."""

        def measured(*arguments: Any) -> Any:
            began = time.perf_counter()
            result = call(*arguments)
            self.taken_s[stage].append(time.perf_counter() - began)
            return result

        return measured

    def report(self) -> dict[str, dict[str, float]]:
        """Per stage: calls, p50 and p99 in milliseconds, and the sum in seconds."""
        return {
            stage: {
                "calls": len(taken),
                "p50_ms": round(float(np.quantile(taken, 0.5)) * 1e3, 3),
                "p99_ms": round(float(np.quantile(taken, 0.99)) * 1e3, 3),
                "sum_s": round(sum(taken), 3),
            }
            for stage, taken in self.taken_s.items()
        }


def arithmetic(config: Config, window: Callable[[], Any]) -> dict[str, float]:
    """FLOPs of one window of the model, and how near it comes to the rate of a matrix product.

    Both are float32 on the config's device, taken in turns so that they meet the same machine;
    medians. ``times_product``: how much longer a window takes than its FLOPs would in products.
    """
    with FlopCounterMode(display=False) as counter:
        window()
    left, right = torch.rand(2, MATRIX, MATRIX, device=config.device)
    window_s, product_s = [], []
    for _ in range(ROUNDS):
        window_s.append(_taken_s(window, config.device))
        product_s.append(_taken_s(lambda: left @ right, config.device))
    flops = counter.get_total_flops()
    taken_s = float(np.median(window_s))
    product = 2 * MATRIX**3 / float(np.median(product_s))
    return {
        "gflop_a_window": round(flops / 1e9, 3),
        "window_ms": round(taken_s * 1e3, 2),
        "gflop_per_s": round(flops / taken_s / 1e9, 1),
        "product_gflop_per_s": round(product / 1e9, 1),
        "times_product": round(taken_s * product / flops, 2),
    }


def _taken_s(work: Callable[[], Any], device: str) -> float:
    _settle(device)
    began = time.perf_counter()
    work()
    _settle(device)
    return time.perf_counter() - began


def _settle(device: str) -> None:
    """A GPU answers before it has finished."""
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)

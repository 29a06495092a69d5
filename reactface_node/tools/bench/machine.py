"""Description of the machine, and its speed of matrix products and memory copies."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import psutil

from reactface_node.files import resources
from reactface_node.tools.bench.clock import taken_s

PACKAGES = (
    "torch",
    "numpy",
    "transformers",
    "ai-edge-litert",
    "mediapipe",
    "opencv-contrib-python",
    "rosbags",
)
MATRIX = {"cpu": 1024, "cuda": 8192}
COPIED_BYTES = {"cpu": 128 << 20, "cuda": 1 << 30}


class ReferenceSpeeds:
    """Times a float32 matrix product and a copy of memory, in turns with the measured work."""

    def __init__(self, device: str) -> None:
        import torch

        self._device = device
        kind = "cuda" if device.startswith("cuda") else "cpu"
        self._size, self._bytes = MATRIX[kind], COPIED_BYTES[kind]
        self._left, self._right = torch.rand(2, self._size, self._size, device=device)
        self._source = torch.ones(self._bytes // 4, device=device)
        self._target = torch.empty_like(self._source)
        self._product_s: list[float] = []
        self._copy_s: list[float] = []
        self._measure()
        self._product_s, self._copy_s = [], []

    def measure(self, rounds: int = 2) -> None:
        """Measure both some more times."""
        for _ in range(rounds):
            self._measure()

    def report(self) -> dict[str, Any]:
        """Medians: GFLOP/s of the product, GB/s read plus written by the copy."""
        product_s, copy_s = np.median(self._product_s), np.median(self._copy_s)
        return {
            "product_size": self._size,
            "product_gflop_per_s": round(float(2e-9 * self._size**3 / product_s), 1),
            "copied_mb": self._bytes >> 20,
            "copy_gb_per_s": round(float(2e-9 * self._bytes / copy_s), 2),
            "rounds": len(self._product_s),
        }

    def _measure(self) -> None:
        self._product_s.append(taken_s(lambda: self._left @ self._right, self._device))
        self._copy_s.append(taken_s(lambda: self._target.copy_(self._source), self._device))


def machine(device: str) -> dict[str, Any]:
    """Machine and versions of packages."""
    gpu = {}
    if device.startswith("cuda"):
        import torch

        gpu = {"gpu": torch.cuda.get_device_name(device)}
    return {
        "processor": resources.processor(),
        "cores": psutil.cpu_count(),
        "memory_mb": psutil.virtual_memory().total >> 20,
        "system": platform.platform(),
        **gpu,
        "python": platform.python_version(),
        "reactface_node": resources.version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
    }


def resident_mb() -> float:
    """Resident memory of this process."""
    return round(psutil.Process().memory_info().rss / 2**20, 1)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""

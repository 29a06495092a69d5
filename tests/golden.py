"""The golden folder: cases, arrays, and weights made from the tensors' names."""

import json
import math
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch


def folder() -> Path:
    """Where the golden outputs are; skips the test where they are not."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "golden"
    path = Path(os.environ.get("REACTFACE_GOLDEN") or beside)
    if not (path / "cases.json").is_file():
        pytest.skip(f"no golden outputs in {path}: set REACTFACE_GOLDEN to their folder")
    return path


def cases(kind: str) -> list[dict]:
    """The cases of one kind; skips where there are none."""
    found = [case for case in _read("cases.json") if case["kind"] == kind]
    if not found:
        pytest.skip(f"no golden case of {kind} in {folder()}")
    return found


def shapes(net: str) -> dict[str, list[int]]:
    """Names and shapes of the tensors in a released checkpoint of "reactface" or "pirender"."""
    return _read("checkpoint_tensors.json")[net]


def arrays(name: str) -> dict[str, np.ndarray]:
    """The outputs of a case."""
    with np.load(folder() / f"{name}.npz") as stored:
        return {key: stored[key] for key in stored.files}


def seeded(shapes: Mapping[str, Sequence[int]]) -> dict[str, torch.Tensor]:
    """Weights by name, by the folder's rule. Position buffers (``*.pe``) keep what they hold:
    leave them out."""
    return {name: torch.from_numpy(_draw(name, tuple(shape))) for name, shape in shapes.items()}


def _draw(name: str, shape: tuple[int, ...]) -> np.ndarray:
    x = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if x.ndim >= 2:
        x = x / math.sqrt(math.prod(shape[1:]))
    elif name.endswith(".weight"):
        x = 1 + 0.1 * x
    elif "token" not in name:
        x = 0.02 * x
    return x.astype(np.float32)


def _read(name: str):
    return json.loads((folder() / name).read_text(encoding="utf-8"))

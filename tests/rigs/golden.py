"""Reference outputs of the released code: folder, cases, and seeded weights."""

import json
import math
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from rigs.paths import SHARED

DEFAULT = SHARED / "golden"


def folder():
    """What REACTFACE_GOLDEN names, or ../shared/golden; None if there is none."""
    path = Path(os.environ.get("REACTFACE_GOLDEN", DEFAULT))
    return path if (path / "cases.json").is_file() else None


def cases(kind):
    """Parameters for pytest: the cases of a kind, or one that says why it is skipped."""
    found = folder()
    if found is None:
        reason = pytest.mark.skip(reason="no golden outputs: set REACTFACE_GOLDEN to their folder")
        return [pytest.param(None, marks=reason, id="absent")]
    every = json.loads((found / "cases.json").read_text())
    return [pytest.param(case, id=case["name"]) for case in every if case["kind"] == kind]


def arrays(case):
    """The arrays of a case by name."""
    with np.load(folder() / f"{case['name']}.npz") as stored:
        return dict(stored)


def tensor_names(model):
    """{name: shape} of the released checkpoint, wav2vec 2.0 apart."""
    return json.loads((folder() / "checkpoint_tensors.json").read_text())[model]


def seeded(shapes):
    """{name: shape} -> {name: float32 tensor}, made from the name alone."""
    return {name: torch.from_numpy(_seeded(name, tuple(shape))) for name, shape in shapes.items()}


def _seeded(name, shape):
    x = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if x.ndim >= 2:
        x = x / math.sqrt(math.prod(shape[1:]))
    elif name.endswith(".weight"):
        x = 1 + 0.1 * x
    elif "token" not in name:
        x = 0.02 * x
    return x.astype(np.float32)

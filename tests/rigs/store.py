"""Helpers of ``test_store``, for other tests too."""

import numpy as np

from reactface_node.research.data.plan import Plan
from reactface_node.research.data.source import Clip
from reactface_node.research.data.store import write_clip


def plan(names=("a", "b", "c"), frames=4, listeners=2, faces=False):
    return Plan("train", names, frames, listeners, faces, {"kind": "test"})


def clip(seed, frames=4, listeners=2, faces=False):
    rng = np.random.default_rng(seed)
    return Clip(
        rng.random((frames, 58), np.float32),
        rng.integers(-99, 99, frames * 640, np.int16),
        rng.random((listeners, frames, 58), np.float32),
        rng.integers(0, 255, (frames, 224, 224, 3), np.uint8) if faces else None,
    )


def write_all(writer, clips):
    for index, one in enumerate(clips):
        write_clip(writer.unfinished, writer.plan, index, one)


def own(count, listeners=2):
    return tuple(np.arange(count * listeners).reshape(count, listeners))

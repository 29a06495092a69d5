"""Helpers of ``test_store``, for other tests too."""

import json

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


def one_file_split(folder, plan, clips):
    """A split in the form of version 1: one file an array. The clips are of full length."""
    path = folder / plan.split
    path.mkdir(parents=True)
    count, listeners = len(clips), plan.listeners
    arrays = {
        "frames": np.full(count, plan.frames),
        "speaker": np.stack([one.speaker for one in clips]),
        "audio": np.stack([one.audio for one in clips]),
        "reactions": np.concatenate([one.reactions for one in clips]),
        "appropriate": np.arange(count * listeners),
        "appropriate_ends": np.arange(1, count + 1) * listeners,
    }
    if plan.facts.get("nods"):
        arrays["nods"] = np.concatenate([one.nods for one in clips])
    for name, array in arrays.items():
        np.save(path / f"{name}.npy", array)
    (path / "manifest.json").write_text(json.dumps({**plan.to_json(), "version": 1}))
    return path

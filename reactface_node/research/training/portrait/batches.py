"""Pairs of frames of the same person: a source and a target."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from reactface_node.engine.pixels import bytes_to_pixels
from reactface_node.render.portrait.generator import frames_around
from reactface_node.research.training.portrait.clips import PortraitClip


@dataclass(frozen=True, eq=False)
class Pairs:
    """source, target: (B, 3, H, W) in [-1, 1]; coefficients: (B, 58, 27) around the target."""

    source: Tensor
    target: Tensor
    coefficients: Tensor

    def to(self, device: str) -> "Pairs":
        return Pairs(*(one.to(device) for one in vars(self).values()))


def draw(clips: Sequence[PortraitClip], random: np.random.Generator, size: int) -> Pairs:
    """``size`` pairs of two different frames; clips are equally likely, however long."""
    sources, targets, windows = [], [], []
    for _ in range(size):
        clip = clips[random.integers(len(clips))]
        source, target = random.choice(clip.shown, 2, replace=False)
        sources.append(clip.pictures[source])
        targets.append(clip.pictures[target])
        windows.append(frames_around(clip.coefficients, np.array([target]))[0])
    coefficients = torch.from_numpy(np.stack(windows))
    return Pairs(_pictures(sources), _pictures(targets), coefficients)


def digest_of(clips: Sequence[PortraitClip]) -> str:
    """A hash that identifies the clips: of names, all coefficients, and each clip's first
    picture."""
    digest = hashlib.sha256()
    for clip in clips:
        digest.update(f"{clip.name} {clip.pictures.shape}".encode())
        digest.update(np.ascontiguousarray(clip.coefficients).tobytes())
        digest.update(np.ascontiguousarray(clip.pictures[0]).tobytes())
    return digest.hexdigest()


def _pictures(rgb: list[np.ndarray]) -> Tensor:
    return bytes_to_pixels(torch.from_numpy(np.stack(rgb)).permute(0, 3, 1, 2))

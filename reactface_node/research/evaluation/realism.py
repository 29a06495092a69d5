"""FRRea: distance of generated videos from real ones in the features of an action recogniser."""

from collections.abc import Sequence
from typing import overload

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from reactface_node.config import RenderConfig
from reactface_node.engine.pixels import bytes_to_pixels
from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.render import make_renderer
from reactface_node.research.evaluation.i3d import I3D, SHORTEST, SIDE

RELEASED_PAIRS = 100


class RenderedClips(Sequence[np.ndarray]):
    """Reactions (N, T, 58) as N videos (T, 224, 224, 3) uint8 RGB, each drawn on access."""

    def __init__(self, reactions: np.ndarray):
        self._reactions = reactions
        self._draw = make_renderer(RenderConfig(width=SIDE, height=SIDE)).render

    def __len__(self) -> int:
        return len(self._reactions)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[np.ndarray]: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | Sequence[np.ndarray]:
        if isinstance(index, slice):
            return RenderedClips(self._reactions[index])
        return np.stack([self._draw(frame) for frame in self._reactions[index]])  # type: ignore[misc]


def frrea(
    real: Sequence[np.ndarray],
    made: Sequence[np.ndarray],
    net: I3D,
    pairs: int = 0,
    seed: int = 0,
    released: bool = False,
) -> float:
    """FRRea, down, 0 and up: Frechet video distance (Unterthiner et al. 2018) of two sets.

    real, made: N videos each, (T, H, W, 3) uint8 RGB, accessed one by one, so that a sequence may
    read or draw them. pairs: most pairs, drawn by the seed; 0 for all. released: logits of BGR
    frames and at most 100 pairs, as in the released code (which draws them without a seed), instead
    of features of RGB frames. UserError if a video cannot be used.
    """
    if len(real) != len(made) or len(real) < 2:
        raise UserError(
            f"FRRea needs two or more videos of each kind, real and generated: "
            f"{len(real)} and {len(made)} are given"
        )
    most = min(pairs or RELEASED_PAIRS, RELEASED_PAIRS) if released else pairs or len(real)
    order = np.random.default_rng(seed).permutation(len(real))
    chosen = np.sort(order[:most]).tolist()
    return frechet_distance(see(real, chosen, net, released), see(made, chosen, net, released))


@torch.inference_mode()
def see(
    videos: Sequence[np.ndarray], chosen: Sequence[int], net: I3D, released: bool = False
) -> np.ndarray:
    """The network's output for the chosen videos: (K, 1024) features, or (K, classes) logits."""
    device = next(net.parameters()).device
    found = []
    for index in ProgressBar(chosen, "FRRea", unit="video", leave=False):
        video = _prepare(videos[index], index, released).to(device)
        found.append((net(video) if released else net.features(video))[0].cpu())
    return torch.stack(found).double().numpy()


def frechet_distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """|mu1 - mu2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) of two sets (N, F)."""
    apart = ours.mean(0) - theirs.mean(0)
    first, second = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (ours, theirs))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    # tr (S1 S2)^(1/2) = tr (R S2 R)^(1/2) with R = S1^(1/2): symmetric, so its roots are real.
    shared = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(min=0)).sum()
    return float(max(0.0, apart @ apart + np.trace(first) + np.trace(second) - 2.0 * shared))


def _prepare(video: np.ndarray, index: int, bgr: bool) -> Tensor:
    """(T, H, W, 3) uint8 -> (1, 3, T, 224, 224) in -1..1."""
    if video.dtype != np.uint8 or video.ndim != 4 or video.shape[3] != 3:
        raise UserError(f"video {index} is no (T, H, W, 3) of bytes but {video.shape}")
    if len(video) < SHORTEST:
        raise UserError(f"video {index} has {len(video)} frames, I3D needs {SHORTEST}")
    pixels = torch.from_numpy(video[..., ::-1].copy() if bgr else video).permute(0, 3, 1, 2)
    side = (SIDE, SIDE)
    scaled = F.interpolate(pixels.float(), side, mode="bilinear", antialias=True)
    return bytes_to_pixels(scaled).transpose(0, 1)[None]

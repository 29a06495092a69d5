"""Sampling: latents of a window (Eqs 10-11), and smooth transitions between windows."""

import torch
from torch import Tensor


def draw_latent(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """z* = mu + sigma * noise, sigma = exp(log_variance / 2); all (..., D)."""
    return mean + torch.exp(0.5 * log_variance) * noise


def follow_latent(drawn: Tensor, last: Tensor | None, momentum: float) -> Tensor:
    """Eq. 10: z_t = a z_(t-w) + (1 - a) z*, for each window in turn; z* and z (B, M, W, D).

    last: (B, M, D), z of the window before; None at the start: the first z is then its z*.
    """
    followed = []
    for star in drawn.unbind(2):
        last = star if last is None else momentum * last + (1.0 - momentum) * star
        followed.append(last)
    return torch.stack(followed, dim=2)


def interpolate_latent(last: Tensor | None, latent: Tensor, window: int) -> Tensor:
    """Eq. 11: linear from z_(t-w) to z_t with weights 1/w .. 1; (B, M, W, D) -> (B, M, W*w, D)."""
    first = latent[:, :, :1] if last is None else last[:, :, None]
    start = torch.cat([first, latent[:, :, :-1]], dim=2)
    weights = torch.arange(1, window + 1, device=latent.device, dtype=latent.dtype) / window
    frames = start[:, :, :, None] + weights[:, None] * (latent - start)[:, :, :, None]
    return frames.flatten(2, 3)


def join_windows(
    edge: Tensor | None, reaction: Tensor, window: int
) -> tuple[Tensor, Tensor | None]:
    """Make windows continuous: reaction (B, M, W*w, 58) -> the same shape, and the new edge.

    Each window starts at the linear continuation of the two frames before it. The gap to its
    decoded frames is closed linearly, down to 1/(w+1) at its last frame (inertialization: Bollo,
    GDC 2018). edge (B, M, 2, 58): the frames before the first window; None if there are none.
    """
    fade, joined = fading(window, reaction), []
    for decoded in reaction.unflatten(2, (-1, window)).unbind(2):
        shown, edge, _ = join_frames(edge, None, decoded, fade)
        joined.append(shown)
    return torch.cat(joined, dim=2), edge


def fading(window: int, like: Tensor) -> Tensor:
    """(w,): share of the gap that is left at each frame of a window, w/(w+1) .. 1/(w+1)."""
    steps = torch.arange(1, window + 1, device=like.device, dtype=like.dtype)
    return 1.0 - steps / (window + 1)


def join_frames(
    edge: Tensor | None, gap: Tensor | None, decoded: Tensor, fade: Tensor
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The step of ``join_windows`` for the next n frames of a window.

    decoded (B, M, n, 58); fade (n,): their part of ``fading``; gap (B, M, 1, 58): gap of the
    window, None at its first frame. Returns the joined frames, the new edge and the gap.
    """
    before = decoded[:, :, :1] if edge is None else edge
    if gap is None and edge is not None:
        gap = (2.0 * edge[:, :, 1] - edge[:, :, 0] - decoded[:, :, 0])[:, :, None]
    if gap is not None:
        decoded = decoded + fade[:, None] * gap
    return decoded, torch.cat([before, decoded], dim=2)[:, :, -2:], gap

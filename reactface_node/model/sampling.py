"""From a window's distribution to its latents (Eqs 10-11), and from window to window."""

import torch
from torch import Tensor


def draw_latent(mean: Tensor, log_variance: Tensor, noise: Tensor) -> Tensor:
    """z* = mu + sigma * noise; all (..., D)."""
    return mean + torch.exp(0.5 * log_variance) * noise


def follow_latent(drawn: Tensor, last: Tensor | None, momentum: float) -> Tensor:
    """Eq. 10: z_t = a z_(t-w) + (1 - a) z*, window after window; (B, M, W, D).

    last (B, M, D) is the z before; the first window has no past: its z is its own draw.
    """
    followed = []
    for star in drawn.unbind(2):
        last = star if last is None else momentum * last + (1.0 - momentum) * star
        followed.append(last)
    return torch.stack(followed, dim=2)


def interpolate_latent(last: Tensor | None, latent: Tensor, window: int) -> Tensor:
    """Eq. 11: weights 1/w .. 1 from z_(t-w) to z_t; (B, M, W, D) -> (B, M, W*w, D)."""
    first = latent[:, :, :1] if last is None else last[:, :, None]
    start = torch.cat([first, latent[:, :, :-1]], dim=2)
    weights = torch.arange(1, window + 1, device=latent.device, dtype=latent.dtype) / window
    frames = start[:, :, :, None] + weights[:, None] * (latent - start)[:, :, :, None]
    return frames.flatten(2, 3)


def join_windows(
    edge: Tensor | None, reaction: Tensor, window: int
) -> tuple[Tensor, Tensor | None]:
    """Every window of (B, M, W*w, 58) starts where the two frames before it lead; the gap to
    what was decoded is closed evenly over its frames, all but 1/(w+1) of it.

    edge (B, M, 2, 58): the frames before the first window; None = there are none. Returns the
    frames and the new edge. Animators call this inertialization (Bollo, GDC 2018).
    """
    fade, joined = fading(window, reaction), []
    for decoded in reaction.unflatten(2, (-1, window)).unbind(2):
        shown, edge, _ = join_frames(edge, None, decoded, fade)
        joined.append(shown)
    return torch.cat(joined, dim=2), edge


def fading(window: int, like: Tensor) -> Tensor:
    """(w,): how much of a gap is still open at the frames of a window."""
    steps = torch.arange(1, window + 1, device=like.device, dtype=like.dtype)
    return 1.0 - steps / (window + 1)


def join_frames(
    edge: Tensor | None, gap: Tensor | None, decoded: Tensor, fade: Tensor
) -> tuple[Tensor, Tensor, Tensor | None]:
    """The next n frames (B, M, n, 58) of a window, and their (n,) of its ``fading``.

    gap (B, M, 1, 58): of this window, None at its first frame. Returns the frames, the new edge
    and the gap.
    """
    before = decoded[:, :, :1] if edge is None else edge
    if gap is None and edge is not None:
        gap = (2.0 * edge[:, :, 1] - edge[:, :, 0] - decoded[:, :, 0])[:, :, None]
    if gap is not None:
        decoded = decoded + fade[:, None] * gap
    return decoded, torch.cat([before, decoded], dim=2)[:, :, -2:], gap

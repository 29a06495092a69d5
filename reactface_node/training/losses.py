"""The paper's losses (Eqs 19-23) as pure functions on standardised coefficients.

Standardised means divided by each channel's deviation among real listeners: in raw units the
diversity loss explodes into channels that nobody moves and the pose outweighs a smile.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def speaker_loss(predicted: Tensor, speaker: Tensor) -> Tensor:
    """Eq. 19: smooth L1 between (B, T, C) tensors, mean."""
    return F.smooth_l1_loss(predicted, speaker)


def appropriate_loss(listener: Tensor, appropriate: Tensor, temperature: float) -> Tensor:
    """Eq. 20: distance to the nearest appropriate reaction.

    listener (B, M, T, C), appropriate (B, L, T, C). A temperature above 0 makes the minimum soft:
    the hard one favours the listener who moves least.
    """
    pairs = F.smooth_l1_loss(
        listener[:, :, None].expand(-1, -1, appropriate.shape[1], -1, -1),
        appropriate[:, None].expand(-1, listener.shape[1], -1, -1, -1),
        reduction="none",
    ).mean(dim=(-2, -1))
    if temperature == 0:
        return pairs.amin(dim=-1).mean()
    weights = torch.softmax(-pairs.detach() / temperature, dim=-1)
    return (weights * pairs).sum(dim=-1).mean()


def diversity_loss(listener: Tensor, scale: float, active: Tensor) -> Tensor:
    """Eq. 21 over all ordered pairs of the M samples of (B, M, T, C).

    The squared distance is a mean over time and over the ``active`` channels (C,) bool, so that
    ``scale`` means the same for every length of crop and nothing is gained by moving what
    listeners never move.
    """
    samples = listener.shape[1]
    listener = listener[..., active]
    difference = listener[:, :, None] - listener[:, None, :]
    kernel = torch.exp(-difference.square().mean(dim=(-2, -1)) / scale)
    apart = 1.0 - torch.eye(samples, device=listener.device)
    return (kernel * apart).sum(dim=(1, 2)).mean() / (samples * (samples - 1))


def kl_loss(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Eq. 22: KL(N(mu, sigma) || N(0, I)), mean over every latent number."""
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).mean()


def smooth_loss(listener: Tensor) -> Tensor:
    """Eq. 23: smooth L1 between the velocities of neighbouring frames of (..., T, C), mean."""
    velocity = listener.diff(dim=-2)
    return F.smooth_l1_loss(velocity[..., 1:, :], velocity[..., :-1, :])

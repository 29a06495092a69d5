"""The paper's losses (Eqs 19-23) as pure functions on standardised coefficients.

Standardised means divided by each channel's deviation among real listeners: in raw units the
diversity loss grows in channels without motion, and the pose outweighs a smile.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from reactface_node.config import TrainingConfig
from reactface_node.schema import COEFFICIENT_NAMES, EXPRESSION, NUM_EXPRESSION

PARTS = (
    ("mouthSmile", "mouthDimple", "cheekSquint", "eyeSquint"),
    ("brow", "eyeWide"),
    ("mouth", "jaw", "tongue", "nose", "cheek"),
    ("eye",),
    ("rotation", "translation"),
)
"""Parts whose channels move together, by the beginnings of their names: smile, brows, mouth, eyes,
head. A channel belongs to the first part that names it."""


def channels_of_parts() -> tuple[list[int], ...]:
    """The indices of the 58 channels in each of ``PARTS``."""
    first = [
        next(part for part, names in enumerate(PARTS) if channel.startswith(names))
        for channel in COEFFICIENT_NAMES
    ]
    return tuple([c for c, part in enumerate(first) if part == p] for p in range(len(PARTS)))


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
    ``scale`` means the same for every length of crop and motion of unused channels brings no
    gain.
    """
    samples = listener.shape[1]
    listener = listener[..., active]
    difference = listener[:, :, None] - listener[:, None, :]
    kernel = torch.exp(-difference.square().mean(dim=(-2, -1)) / scale)
    apart = 1.0 - torch.eye(samples, device=listener.device)
    return (kernel * apart).sum(dim=(1, 2)).mean() / (samples * (samples - 1))


def energy_score(listener: Tensor, real: Tensor, window: int) -> Tensor:
    """Energy score of every window's M >= 2 samples (Gneiting and Raftery 2007, Eq. 22), mean.

    listener (B, M, T, C), real (B, L, T, C), T a multiple of ``window``. Over windows as vectors:
    the mean distance |x - y| of samples x to real reactions y, less half the mean distance of two
    samples. Lower is better. The score is strictly proper: its expectation is lowest if the samples
    have the distribution of the real reactions, so neither the mean reaction nor too much diversity
    is best.
    """
    ours, theirs = (part.unflatten(2, (-1, window)).flatten(3) for part in (listener, real))
    one, other = torch.triu_indices(ours.shape[1], ours.shape[1], 1, device=ours.device)
    near = _distance(ours[:, :, None], theirs[:, None]).mean()
    return near - 0.5 * _distance(ours[:, one], ours[:, other]).mean()


def energy_loss(listener: Tensor, real: Tensor, window: int) -> Tensor:
    """``energy_score`` with root mean squares as distances, of the same size for any window."""
    result: Tensor = energy_score(listener, real, window) / (window * listener.shape[-1]) ** 0.5
    return result


def energy_loss_of_parts(listener: Tensor, real: Tensor, window: int) -> Tensor:
    """The mean of ``energy_loss`` of each of ``PARTS`` alone. It is a proper score of each part:
    a part that cannot be predicted does not hide how far another one is off."""
    scores = [
        energy_loss(listener[..., part], real[..., part], window) for part in channels_of_parts()
    ]
    return torch.stack(scores).mean()


def kl_loss(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Eq. 22: KL(N(mu, sigma) || N(0, I)), mean over every latent number."""
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).mean()


def smooth_loss(listener: Tensor) -> Tensor:
    """Eq. 23: smooth L1 between the velocities of neighbouring frames of (..., T, C), mean."""
    velocity = listener.diff(dim=-2)
    return F.smooth_l1_loss(velocity[..., 1:, :], velocity[..., :-1, :])


def reaction_terms(
    listener: Tensor, appropriate: Tensor, settings: TrainingConfig, active: Tensor
) -> dict[str, Tensor]:
    """Eqs 20, 21 and 23, weighted, in the form of ``settings.loss_form``.

    listener (B, M, T, 58), appropriate (B, L, T, 58); active (58,) bool.
    """
    if settings.loss_form == "standardised":
        near = appropriate_loss(listener, appropriate, settings.neighbour_temperature)
        smooth = smooth_loss(listener)
        apart = diversity_loss(listener, settings.diversity_scale, active)
    elif settings.loss_form == "paper":
        # Algorithm 1: only the first sample is compared with the data; the others only add
        # diversity.
        near = appropriate_loss(listener[:, :1], appropriate, 0.0)
        smooth = smooth_loss(listener[:, :1])
        apart = summed_diversity_loss(listener, settings.diversity_scale) / _pairs(listener)
    else:
        near = released_appropriate_loss(listener[:, :1], appropriate)
        smooth = released_smooth_loss(listener[:, :1])
        apart = summed_diversity_loss(listener, settings.diversity_scale)
    return {
        "appropriate": settings.appropriate_weight * near,
        "smooth": settings.smooth_weight * smooth,
        "diversity": settings.diversity_weight * apart,
    }


def summed_diversity_loss(listener: Tensor, scale: float) -> Tensor:
    """Eq. 21's kernel of the squared L2 distance over time and channels, summed over the
    unordered pairs of (B, M, T, C), mean over the batch."""
    samples = listener.shape[1]
    flat = listener.flatten(2)
    first, second = torch.triu_indices(samples, samples, 1, device=listener.device)
    distance = (flat[:, first] - flat[:, second]).square().sum(dim=-1)
    return torch.exp(-distance / scale).sum(dim=1).mean()


def released_appropriate_loss(listener: Tensor, appropriate: Tensor) -> Tensor:
    """Eq. 20 as in the released code: the nearest expression and the nearest pose are searched
    separately, and the pose has ten times the weight."""
    expression = appropriate_loss(listener[..., EXPRESSION], appropriate[..., EXPRESSION], 0.0)
    pose = appropriate_loss(listener[..., NUM_EXPRESSION:], appropriate[..., NUM_EXPRESSION:], 0.0)
    return expression + 10.0 * pose


def released_smooth_loss(listener: Tensor) -> Tensor:
    """Eq. 23 as in the released code: pose plus a tenth of the expression."""
    pose, expression = listener[..., NUM_EXPRESSION:], listener[..., EXPRESSION]
    return smooth_loss(pose) + 0.1 * smooth_loss(expression)


def _distance(one: Tensor, other: Tensor) -> Tensor:
    # Two samples may be equal, and the norm has no gradient there.
    return (one - other).square().sum(-1).add(1e-12).sqrt()


def _pairs(listener: Tensor) -> float:
    samples = listener.shape[1]
    return samples * (samples - 1) / 2

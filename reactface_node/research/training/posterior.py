"""Encoders of real reactions into latents, used in training only.

The paper trains its distribution through samples only; trained so, the latents are not used. Here
each window's latent is inferred from the listener's own frames, and CIE's distribution learns to
predict it: a conditional variational autoencoder (Sohn et al. 2015).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.schema import NUM_COEFFICIENTS

KERNEL = 5
NARROW = -3.0  # initial log-variance of a disposition: a wide one is ignored from the start


@dataclass(frozen=True)
class Gaussian:
    """mean and log_variance of the same shape."""

    mean: Tensor
    log_variance: Tensor

    def draw(self, noise: Tensor) -> Tensor:
        """mean + sigma * noise."""
        return self.mean + torch.exp(0.5 * self.log_variance) * noise


def divergence(ours: Gaussian, theirs: Gaussian) -> Tensor:
    """KL(ours || theirs) in nats, element by element."""
    ratio = ours.log_variance - theirs.log_variance
    distance = (ours.mean - theirs.mean).square() * torch.exp(-theirs.log_variance)
    return 0.5 * (distance + ratio.exp() - 1.0 - ratio)


class Posterior(nn.Module):
    """q(latent | the listener's motion in the window), and q(disposition | the whole crop)."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        width, self.window = config.width, config.window
        self.first = nn.Conv1d(NUM_COEFFICIENTS, width, KERNEL, padding=KERNEL // 2)
        self.second = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2)
        self.narrow = nn.Linear(width, width // 4)
        self.join = nn.Linear(config.window * (width // 4) + 2 * width, 2 * width)
        self.change = nn.Linear(2 * width, 2 * width)
        if config.disposition:
            self.who = nn.Sequential(
                nn.Linear(2 * NUM_COEFFICIENTS + width, width),
                nn.GELU(),
                nn.Linear(width, 2 * config.disposition),
            )
        self.has_disposition = config.disposition > 0

    def encode(self, listener: Tensor) -> Tensor:
        """(B, M, T, 58) standardised -> features (B, M, T, D)."""
        x = F.gelu(self.first(listener.flatten(0, 1).transpose(1, 2)))
        x = x + F.gelu(self.second(x))
        result: Tensor = x.transpose(1, 2).unflatten(0, listener.shape[:2])
        return result

    def disposition(self, listener: Tensor, features: Tensor) -> Gaussian:
        """(B, M, S): from the crop's mean, deviation and features, independent of time."""
        if not self.has_disposition:
            empty = features.new_zeros(*features.shape[:2], 0)
            return Gaussian(empty, empty)
        summary = [listener.mean(2), listener.std(2), features.mean(2)]
        mean, log_variance = self.who(torch.cat(summary, dim=-1)).chunk(2, dim=-1)
        return Gaussian(mean, (log_variance + NARROW).clamp(-10, 4))

    def latents(self, features: Tensor, prior: Gaussian) -> Gaussian:
        """(B, M, T/w, D), as a change of CIE's prediction."""
        frames = self.narrow(features).unflatten(2, (-1, self.window)).flatten(3)
        known = torch.cat([frames, prior.mean, prior.log_variance], dim=-1)
        shift, scale = self.change(F.gelu(self.join(known))).chunk(2, dim=-1)
        spread = torch.exp(0.5 * prior.log_variance)
        return Gaussian(prior.mean + spread * shift, prior.log_variance + scale.clamp(-8, 4))

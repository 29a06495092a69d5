"""Diffusion in the form of Karras et al. 2022 (EDM), and the solver that ReactDiff samples with.

A noisy value is ``x + sigma * noise``. A network F is turned into a denoiser
D(x, sigma) = c_skip * x + c_out * F(c_in * x, sigma), so that F's input and target have variance 1
at every sigma where the data's deviation is ``DATA_STD``.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

DATA_STD = 1.0  # coefficients are standardised
SIGMA_MIN, SIGMA_MAX, RHO = 0.01, 80.0, 7.0
STEPS = 50


class Scalings(NamedTuple):
    """Factors of the noisy value, of the network's output, and of its input."""

    skip: Tensor
    out: Tensor
    into: Tensor


def scalings(sigma: Tensor) -> Scalings:
    """The preconditioning of Karras et al. (Table 1), with the shape of sigma."""
    total = sigma.square() + DATA_STD**2
    return Scalings(DATA_STD**2 / total, sigma * DATA_STD / total.sqrt(), 1.0 / total.sqrt())


def training_sigmas(uniform: Tensor) -> Tensor:
    """Uniform numbers in [0, 1) -> sigmas between SIGMA_MIN and SIGMA_MAX of the cosine schedule:
    sigma / DATA_STD is the tangent of a uniform angle."""
    low, high = (math.atan(limit / DATA_STD) for limit in (SIGMA_MIN, SIGMA_MAX))
    return DATA_STD * torch.tan(low + (high - low) * uniform)


def sampling_sigmas(steps: int = STEPS) -> Tensor:
    """(steps + 1,) from SIGMA_MAX to SIGMA_MIN, then 0 (Karras et al., Eq. 5)."""
    top, bottom = (limit ** (1.0 / RHO) for limit in (SIGMA_MAX, SIGMA_MIN))
    sigmas = (top + torch.linspace(0.0, 1.0, steps) * (bottom - top)) ** RHO
    return torch.cat([sigmas, sigmas.new_zeros(1)])


def sample(denoise: Callable[[Tensor, Tensor], Tensor], noise: Tensor, sigmas: Tensor) -> Tensor:
    """A draw by the stochastic DPM-Solver++(2M) (Lu et al. 2022), one call of ``denoise`` a step.

    denoise(x, sigma): x with noise (N, ...), sigma a scalar -> its estimate of the clean x. noise:
    (steps, N, ...) standard normal: the start, and what is added between the steps. sigmas:
    (steps + 1,), the last one 0.
    """
    x = sigmas[0] * noise[0]
    clean = before = denoise(x, sigmas[0])
    stride = torch.zeros(())
    for index in range(1, len(sigmas) - 1):
        sigma, previous = sigmas[index], sigmas[index - 1]
        last, stride = stride, previous.log() - sigma.log()
        kept = (-2.0 * stride).exp()
        # The second-order term: how the estimate changed over the last stride.
        turn = 0.5 * (stride / last) * (clean - before) if index > 1 else 0.0
        x = kept * x + (1.0 - kept) * (clean + turn)
        x = x + sigma * (1.0 - kept).sqrt() * noise[index]
        before, clean = clean, denoise(x, sigma)
    return clean

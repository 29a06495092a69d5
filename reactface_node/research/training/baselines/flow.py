"""A conditional normalising flow after Glow (Kingma and Dhariwal 2018): exact, invertible.

Variables are (N, P, C): P positions that share the 1x1 convolutions over C channels; contexts
are (N, D). ``forward`` goes from data to noise and also returns log|det J| (N,), in nats.
"""

import torch
from torch import Tensor, nn

from reactface_node.research.training.distributed import mean_of_all

LARGEST_LOG_SCALE = 2.0
SMALLEST_STD = 1e-3


class RunningScale(nn.Module):
    """Standardises every number by running statistics of the training data.

    Glow instead initialises its actnorm from one batch. Running statistics (as in RealNVP's batch
    norm) come from more data, and are saved with the weights.
    """

    mean: Tensor
    variance: Tensor
    batches: Tensor
    memory = 200

    def __init__(self, positions: int, channels: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(positions, channels))
        self.register_buffer("variance", torch.ones(positions, channels))
        self.register_buffer("batches", torch.zeros(()))

    @torch.no_grad()
    def learn(self, x: Tensor) -> None:
        """Update the statistics with a training batch (N, P, C), of which every training process
        has an equal part."""
        self.batches.add_(1.0)
        share = 1.0 / self.batches.clamp(max=self.memory)
        shift = mean_of_all(x.mean(0)) - self.mean
        self.mean.add_(share * shift)
        spread = mean_of_all((x - self.mean).square().mean(0))
        self.variance.add_(share * (spread - self.variance))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        std = self._std()
        return (x - self.mean) / std, -std.log().sum().expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        return y * self._std() + self.mean

    def without_noise(self, x: Tensor, noise_std: float) -> Tensor:
        """x (N, P, C) scaled to the variance of the data before white noise was added."""
        variance = self.variance.clamp(min=SMALLEST_STD**2)
        share = (1.0 - noise_std**2 / variance).clamp(min=0.0)
        return self.mean + share.sqrt() * (x - self.mean)

    def _std(self) -> Tensor:
        return self.variance.sqrt().clamp(min=SMALLEST_STD)


class ActNorm(nn.Module):
    """A learned scale and offset per channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(channels))
        self.offset = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_det = x.shape[1] * self.log_scale.sum()
        return (x + self.offset) * self.log_scale.exp(), log_det.expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        return y * (-self.log_scale).exp() - self.offset


class Convolution1x1(nn.Module):
    """Glow's invertible 1x1 convolution, factored as P L (U + diag(s)), so that log|det| is a
    sum."""

    permutation: Tensor
    sign: Tensor

    def __init__(self, channels: int):
        super().__init__()
        rotation, _ = torch.linalg.qr(torch.randn(channels, channels))
        permutation, lower, upper = torch.linalg.lu(rotation)
        diagonal = upper.diagonal()
        self.register_buffer("permutation", permutation)
        self.register_buffer("sign", diagonal.sign())
        self.log_diagonal = nn.Parameter(diagonal.abs().log())
        self.lower = nn.Parameter(lower.tril(-1))
        self.upper = nn.Parameter(upper.triu(1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_det = x.shape[1] * self.log_diagonal.sum()
        return x @ self._weight().T, log_det.expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        lower, upper = self._factors()
        # Two axes: a triangular solve over a broadcast batch is many small ones.
        rotated = y.flatten(0, 1) @ self.permutation
        rotated = torch.linalg.solve_triangular(
            lower.T, rotated, upper=True, left=False, unitriangular=True
        )
        x = torch.linalg.solve_triangular(upper.T, rotated, upper=False, left=False)
        result: Tensor = x.view_as(y)
        return result

    def _factors(self) -> tuple[Tensor, Tensor]:
        unit = torch.eye(len(self.sign), device=self.sign.device)
        diagonal = torch.diag(self.sign * self.log_diagonal.exp())
        return self.lower.tril(-1) + unit, self.upper.triu(1) + diagonal

    def _weight(self) -> Tensor:
        lower, upper = self._factors()
        return self.permutation @ lower @ upper


class AffineCoupling(nn.Module):
    """Scale and offset of half of the channels are computed from the other half and the context."""

    def __init__(self, positions: int, channels: int, context: int, hidden: int):
        super().__init__()
        self.kept = channels // 2
        self.positions, self.moved = positions, channels - self.kept
        self.net = nn.Sequential(
            nn.Linear(positions * self.kept + context, hidden),
            nn.GELU(),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Linear(hidden, 2 * positions * self.moved),
        )
        last = self.net[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        kept, moved = x.tensor_split([self.kept], dim=-1)
        log_scale, shift = self._change(kept, context)
        moved = (moved + shift) * log_scale.exp()
        return torch.cat([kept, moved], dim=-1), log_scale.sum(dim=(1, 2))

    def inverse(self, y: Tensor, context: Tensor) -> Tensor:
        kept, moved = y.tensor_split([self.kept], dim=-1)
        log_scale, shift = self._change(kept, context)
        return torch.cat([kept, moved * (-log_scale).exp() - shift], dim=-1)

    def _change(self, kept: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        change = self.net(torch.cat([kept.flatten(1), context], dim=-1))
        raw, shift = change.unflatten(1, (self.positions, 2 * self.moved)).chunk(2, dim=-1)
        # Bounded: an outlier could otherwise give a scale at which samples diverge.
        return LARGEST_LOG_SCALE * torch.tanh(raw / LARGEST_LOG_SCALE), shift


class FlowStep(nn.Module):
    """Actnorm, 1x1 convolution, coupling: one step of Glow."""

    def __init__(self, positions: int, channels: int, context: int, hidden: int):
        super().__init__()
        self.norm = ActNorm(channels)
        self.mix = Convolution1x1(channels)
        self.couple = AffineCoupling(positions, channels, context, hidden)

    def forward(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        x, of_norm = self.norm(x)
        x, of_mix = self.mix(x)
        x, of_coupling = self.couple(x, context)
        return x, of_norm + of_mix + of_coupling

    def inverse(self, y: Tensor, context: Tensor) -> Tensor:
        inverted: Tensor = self.norm.inverse(self.mix.inverse(self.couple.inverse(y, context)))
        return inverted


class ConditionalFlow(nn.Module):
    """Running scale, then ``steps`` flow steps."""

    def __init__(self, positions: int, channels: int, context: int, hidden: int, steps: int):
        super().__init__()
        self.scale = RunningScale(positions, channels)
        self.steps = nn.ModuleList(
            [FlowStep(positions, channels, context, hidden) for _ in range(steps)]
        )

    def forward(self, x: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """x (N, P, C), context (N, D) -> noise (N, P, C) and log|det| (N,)."""
        if self.training:
            self.scale.learn(x)
        x, log_det = self.scale(x)
        for step in self.steps:
            x, of_step = step(x, context)
            log_det = log_det + of_step
        return x, log_det

    def inverse(self, noise: Tensor, context: Tensor) -> Tensor:
        """noise (N, P, C), context (N, D) -> x (N, P, C)."""
        x = noise
        for step in reversed(list(self.steps)):
            assert isinstance(step, FlowStep)
            x = step.inverse(x, context)
        return self.scale.inverse(x)

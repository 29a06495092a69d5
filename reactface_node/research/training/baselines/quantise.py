"""Vector quantisation of listener motion: one code per window (van den Oord et al. 2017)."""

import math
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.layers import CausalTransformer, history_frames
from reactface_node.research.training.distributed import mean_of_all
from reactface_node.schema import NUM_COEFFICIENTS

CODE_SIZE = 32
LAYERS = 2
KERNEL = 9
SOFTNESS = 0.05  # temperature of the cosine similarities in the usage loss


class Quantised(NamedTuple):
    """codes (..., CODE_SIZE): the nearest entries, with the gradient of the input; indices (...)
    int64; codebook, commitment, usage: losses, scalars."""

    codes: Tensor
    indices: Tensor
    codebook: Tensor
    commitment: Tensor
    usage: Tensor


class Codebook(nn.Module):
    """Entries on the unit sphere (Yu et al. 2022, 'Improved VQGAN').

    The usage loss is the entropy, in nats, by which the mean soft assignment is below a uniform one
    (Yu et al. 2024, 'Language model beats diffusion'): without it only few entries are used.
    """

    def __init__(self, entries: int):
        super().__init__()
        self.table = nn.Parameter(torch.randn(entries, CODE_SIZE))

    def forward(self, x: Tensor) -> Quantised:
        """x (..., CODE_SIZE)."""
        x, table = F.normalize(x, dim=-1), F.normalize(self.table, dim=-1)
        similarity = x @ table.T
        indices = similarity.argmax(dim=-1)
        share = torch.softmax(similarity / SOFTNESS, dim=-1).flatten(0, -2).mean(0)
        # The value is that of all processes, the gradient that of this one; the mean of the
        # processes' gradients is the whole gradient.
        share = share + (mean_of_all(share) - share.detach())
        nearest = table[indices]
        return Quantised(
            x + (nearest - x).detach(),
            indices,
            (nearest - x.detach()).square().sum(-1).mean(),
            (nearest.detach() - x).square().sum(-1).mean(),
            math.log(len(table)) + (share * (share + 1e-9).log()).sum(),
        )

    def look_up(self, indices: Tensor) -> Tensor:
        """(...) -> (..., CODE_SIZE)."""
        return F.normalize(self.table, dim=-1)[indices]


class MotionCoder(nn.Module):
    """Listener windows to codes and back; window k is decoded from codes 0 .. k only."""

    def __init__(self, config: ModelConfig, entries: int):
        super().__init__()
        width, self.window = config.width, config.window
        self.encode_in = nn.Linear(config.window * NUM_COEFFICIENTS, width)
        self.encoder = token_transformer(config, LAYERS)
        self.encode_out = nn.Linear(width, CODE_SIZE)
        self.codebook = Codebook(entries)
        self.decode_in = nn.Linear(CODE_SIZE, width)
        self.decoder = token_transformer(config, LAYERS)
        self.spread = nn.Linear(width, config.window * width)
        self.join = nn.Conv1d(width, width, KERNEL)
        self.decode_out = nn.Linear(width, NUM_COEFFICIENTS)

    def forward(self, listener: Tensor) -> tuple[Tensor, Quantised]:
        """listener (B, T, 58) standardised -> its reconstruction and its codes (B, T/w)."""
        windows = listener.unflatten(1, (-1, self.window)).flatten(2)
        quantised = self.codebook(self.encode_out(self.encoder(self.encode_in(windows), None)[0]))
        return self.decode(quantised.codes), quantised

    def decode(self, codes: Tensor) -> Tensor:
        """codes (B, W, CODE_SIZE) -> (B, W*w, 58) standardised."""
        tokens = self.decoder(self.decode_in(codes), None)[0]
        frames = self.spread(tokens).unflatten(2, (self.window, -1)).flatten(1, 2).transpose(1, 2)
        # Windows decoded separately would jump at their borders.
        joined = frames + F.gelu(self.join(F.pad(frames, (KERNEL - 1, 0))))
        reaction: Tensor = self.decode_out(joined.transpose(1, 2))
        return reaction


def token_config(config: ModelConfig) -> ModelConfig:
    """The config of layers whose steps are windows: the bias changes with every step."""
    return replace(config, period=1)


def token_history(config: ModelConfig) -> int:
    """Windows in the config's history."""
    return max(1, history_frames(config.history_s) // config.window)


def token_transformer(config: ModelConfig, layers: int) -> CausalTransformer:
    """A causal transformer over windows."""
    return CausalTransformer(token_config(config), layers, token_history(config))

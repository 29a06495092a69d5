"""LFI: 'Let's face it' (Jonell et al. 2020), a flow like MoGlow with the speaker as context.

MoGlow draws one frame after another. Here the variable of the flow is a window of w frames (as
cosine coefficients over its time axis, relative to the frame before it), so that a clip of 750
frames takes 94 sequential draws instead of 750.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.records import SpeakerInput
from reactface_node.research.training.baselines.common import FrameListener, whole_windows
from reactface_node.research.training.baselines.flow import ConditionalFlow
from reactface_node.research.training.corpus import Batch
from reactface_node.research.training.noise import CropNoise
from reactface_node.schema import NUM_COEFFICIENTS

STEPS = 6
NOISE = 0.1  # standardised: a channel that never moves would have an infinite density
TEMPERATURE = 1.0
LARGEST = 12.0  # standardised: bound of drawn values that are fed back
SHOWN, HIDDEN, NONE = 1.0, 0.0, -1.0  # flag of a window's past in the context
POSE_DROPOUT = 0.4  # of whole past windows, as in MoGlow; without it the flow ignores the speaker


class LetsFaceIt(FrameListener):
    """p(window | own past, speaker up to the window's end): an autoregressive flow.

    It is trained on the listener plus a little noise, whose variance is removed from the output.
    Causal by windows: no frame depends on the speaker after the end of its window.
    """

    cosines: Tensor

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        width, self.window = config.width, config.window
        self.register_buffer("cosines", cosine_basis(config.window), persistent=False)
        self.speaker_window = nn.Linear(config.window * width, width)
        self.past_window = nn.Linear(config.window * NUM_COEFFICIENTS + 1, width)
        self.context = nn.GRU(2 * width, width, batch_first=True)
        # A window mostly continues the last one: a flow alone would learn that slowly.
        self.carry = nn.Linear(config.window * NUM_COEFFICIENTS, config.window * NUM_COEFFICIENTS)
        with torch.no_grad():
            stay = torch.eye(NUM_COEFFICIENTS).repeat(config.window, 1)
            self.carry.weight.zero_()[:, -NUM_COEFFICIENTS:] = stay
        self.flow = ConditionalFlow(config.window, NUM_COEFFICIENTS, width, 2 * width, STEPS)

    def losses(self, batch: Batch, generator: torch.Generator, step: int = 0) -> dict[str, Tensor]:
        """Negative log-likelihood of the clip's own listener, in nats per number."""
        listener = self.own_listener(batch)
        chance = CropNoise(generator, batch.position)
        fresh = chance.normal(*listener.shape[1:]).to(listener)
        windows, noise = (x.unflatten(1, (-1, self.window)) for x in (listener, fresh))
        past = torch.cat([torch.zeros_like(windows[:, :1]), windows[:, :-1]], dim=1)
        known = self._dropped(chance.uniform(past.shape[1]).to(past))
        context, _ = self._context(self._speaker_windows(batch.speaker), past, known, None)
        x = self.cosines @ (windows + NOISE * noise - self._carried(past))
        # Half precision is too coarse for a likelihood.
        with torch.autocast(x.device.type, enabled=False):
            latent, log_det = self.flow(x.flatten(0, 1).float(), context.flatten(0, 1).float())
        log_normal = -0.5 * (latent.square() + math.log(2.0 * math.pi)).sum(dim=(1, 2))
        return {"nll": -(log_normal + log_det).mean() / latent[0].numel()}

    @torch.no_grad()
    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58): M draws, window after window."""
        batch, frames = speaker.face.shape[:2]
        windows = whole_windows(frames, self.window)
        shape = (batch * samples, windows, self.window, NUM_COEFFICIENTS)
        noise = TEMPERATURE * torch.randn(shape, generator=generator).to(self.cosines)
        seen = self._speaker_windows(speaker).repeat_interleave(samples, dim=0)
        last, state = torch.zeros_like(noise[:, :1]), None
        drawn = []
        for index in range(windows):
            known = noise.new_full((len(noise), 1), SHOWN if index else NONE)
            context, state = self._context(seen[:, index : index + 1], last, known, state)
            x = self.flow.inverse(noise[:, index], context[:, 0])
            moved = self.cosines.T @ self.flow.scale.without_noise(x, NOISE)[:, None]
            last = (self._carried(last) + moved).clamp(-LARGEST, LARGEST)
            drawn.append(last)
        result: Tensor = self.real_units(torch.cat(drawn, dim=1).flatten(1, 2)).unflatten(
            0, (batch, samples)
        )
        return result

    def _carried(self, past: Tensor) -> Tensor:
        """(N, W, w, 58) previous windows -> their continuation, without the flow."""
        carried: Tensor = self.carry(past.flatten(2)).view_as(past)
        return carried

    def _speaker_windows(self, speaker: SpeakerInput) -> Tensor:
        """(B, T/w, D)."""
        frames = self.speaker_features(speaker).unflatten(1, (-1, self.window))
        return F.gelu(self.speaker_window(frames.flatten(2)))

    def _context(
        self, speaker: Tensor, past: Tensor, known: Tensor, state: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """speaker (N, W, D), past (N, W, w, 58), known (N, W): SHOWN, HIDDEN or NONE."""
        shown = torch.cat([past.flatten(2) * known[..., None], known[..., None]], dim=-1)
        x = torch.cat([speaker, F.gelu(self.past_window(shown))], dim=-1)
        context: tuple[Tensor, Tensor] = self.context(x, state)
        return context

    def _dropped(self, uniform: Tensor) -> Tensor:
        """uniform (B, W) in [0, 1) -> SHOWN, at random HIDDEN in training, or NONE for the first
        window, which has no past."""
        known = torch.full_like(uniform, SHOWN)
        if self.training:
            known[uniform < POSE_DROPOUT] = HIDDEN
        known[:, 0] = NONE
        return known


def cosine_basis(length: int) -> Tensor:
    """(length, length) orthonormal rows of the discrete cosine transform (type 2)."""
    order, time = torch.arange(length)[:, None], torch.arange(length)[None]
    basis = torch.cos(math.pi * order * (time + 0.5) / length) * math.sqrt(2.0 / length)
    basis[0] /= math.sqrt(2.0)
    return basis

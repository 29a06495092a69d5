"""ReactDiff (Luo et al. 2025): a window of the listener's motion by diffusion, 50 steps a window.

As in the released code: EDM diffusion of the coefficients themselves, a window at a time, given the
frame before it and the speaker's voice and face; the stochastic DPM-Solver++(2M). Differences: the
network is smaller; the speaker is read over ``CONTEXT`` frames and not the window alone (windows
are shorter here); of the facial constraints only left-right symmetry is learned; the head is not
smoothed afterwards.
"""

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.records import SpeakerInput
from reactface_node.research.training.baselines.common import CoefficientListener, whole_windows
from reactface_node.research.training.baselines.denoiser import SpeakerReading, WindowDenoiser
from reactface_node.research.training.baselines.diffusion import (
    STEPS,
    sample,
    sampling_sigmas,
    scalings,
    training_sigmas,
)
from reactface_node.research.training.corpus import Batch
from reactface_node.research.training.noise import CropNoise
from reactface_node.schema import ARKIT_NAMES, NUM_COEFFICIENTS, NUM_EXPRESSION

CONTEXT = 64  # frames of the speaker that a window reads, up to its end
VELOCITY_WEIGHT = 10.0  # of the head's velocity
SYMMETRY_WEIGHT = 0.01
LOW_NOISE = 0.1  # share of the windows, those with least noise, in which motion is compared
OWN_PAST = 0.5  # share of the windows that continue the network's own estimate
LARGEST = 12.0  # standardised: bound of drawn values that are fed back


class ReactDiff(CoefficientListener):
    """Causal by windows: a window depends on the speaker up to its end and on the last frame of the
    window before it. A clip of 750 frames takes 94 times 50 calls of the network.
    """

    sides: Tensor

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        self.window, self.context = config.window, max(CONTEXT, config.window)
        self.register_buffer("sides", left_and_right(), persistent=False)
        self.denoiser = WindowDenoiser(config, self.context)

    def losses(self, batch: Batch, generator: torch.Generator, step: int = 0) -> dict[str, Tensor]:
        """Squared error of the network's output; where the noise is low, also errors of the head's
        velocity and of the difference between left and right."""
        windows = self.own_listener(batch).unflatten(1, (-1, self.window))
        clean, count = windows.flatten(0, 1), windows.shape[1]
        chance = CropNoise(generator, batch.position)
        uniform = chance.uniform(count).flatten()[:, None, None].to(clean)
        noise = chance.normal(*windows.shape[1:]).flatten(0, 1).to(clean)
        guessed = chance.uniform(count).to(clean) < OWN_PAST
        sigma = training_sigmas(uniform)
        noisy, last = clean + sigma * noise, last_frames(windows)
        read = self._read(batch.speaker).windows(self.context, self.window)
        with torch.no_grad():
            estimate = self._denoise(noisy, sigma, last.flatten(0, 1), read).view_as(windows)
        last = torch.where(guessed[..., None], last_frames(estimate), last).flatten(0, 1)
        scale = scalings(sigma)
        output = self.denoiser(scale.into * noisy, sigma, last, read)
        error = output - (clean - scale.skip * noisy) / scale.out
        quiet = (uniform < LOW_NOISE).to(error)
        left, right = self.sides
        velocity = quiet * _smooth_l1(error.diff(dim=1)[..., NUM_EXPRESSION:])
        uneven = quiet * _smooth_l1(error[..., left] - error[..., right])
        return {
            "denoising": error.square().mean(),
            # A window of one frame has no velocity.
            "velocity": VELOCITY_WEIGHT * velocity.sum() / max(1, velocity.numel()),
            "symmetry": SYMMETRY_WEIGHT * uneven.sum(dim=-1).mean(),
        }

    @torch.no_grad()
    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58): M draws, window after window."""
        batch, frames = speaker.face.shape[:2]
        windows, read = whole_windows(frames, self.window), self._read(speaker)
        sigmas = sampling_sigmas().to(self.listener_mean)
        last = self.listener_mean.new_zeros(batch * samples, NUM_COEFFICIENTS)
        drawn = []
        for index in range(windows):
            shape = (STEPS, len(last), self.window, NUM_COEFFICIENTS)
            noise = torch.randn(shape, generator=generator).to(last)
            seen = read.part(index * self.window, self.context, samples)
            drawn.append(sample(partial(self._denoise, last=last, read=seen), noise, sigmas))
            last = drawn[-1][:, -1]
        reaction = self.real_units(torch.cat(drawn, dim=1))
        result: Tensor = reaction.unflatten(0, (batch, samples))
        return result

    def _read(self, speaker: SpeakerInput) -> SpeakerReading:
        """What the network reads of the speaker; the window that starts at frame k sees ``context``
        frames from k on, since zeros are put before the clip."""
        heard = self.hear(speaker).unflatten(1, (-1, self.speech_encoder.ratio)).amax(dim=2)
        missing = (0, 0, self.context - self.window, 0)
        return self.denoiser.read(F.pad(heard, missing), F.pad(self.see(speaker), missing))

    def _denoise(self, noisy: Tensor, sigma: Tensor, last: Tensor, read: SpeakerReading) -> Tensor:
        """noisy (N, w, 58), sigma (N, 1, 1) or a scalar, last (N, 58) -> the estimate of the clean
        window, bounded, since it is fed back."""
        scale = scalings(sigma)
        output = self.denoiser(scale.into * noisy, sigma.view(-1, 1, 1), last, read)
        clean: Tensor = scale.skip * noisy + scale.out * output
        return clean.clamp(-LARGEST, LARGEST)


def last_frames(windows: Tensor) -> Tensor:
    """(B, W, w, 58) -> (B, W, 58): the frame before each window, the mean face before the first."""
    return F.pad(windows[:, :-1, -1], (0, 0, 1, 0))


def left_and_right() -> Tensor:
    """(2, 20) int64: the channels of the left side, and those of the right side beside them."""
    left = [name for name in ARKIT_NAMES if name.endswith("Left")]
    right = [name.removesuffix("Left") + "Right" for name in left]
    return torch.tensor([[ARKIT_NAMES.index(name) for name in side] for side in (left, right)])


def _smooth_l1(error: Tensor) -> Tensor:
    return F.smooth_l1_loss(error, torch.zeros_like(error), reduction="none")

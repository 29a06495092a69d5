"""The released model for sessions: streaming input, output in our coefficients."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from reactface_node.faceverse import Space
from reactface_node.model.official.model import MOST_FRAMES, OfficialReactFace
from reactface_node.model.records import Output, SpeakerInput
from reactface_node.model.speech import Loudness
from reactface_node.schema import NUM_COEFFICIENTS, NUM_EXPRESSION, SAMPLES_PER_FRAME


@dataclass(frozen=True)
class OfficialState:
    """The state between windows.

    video (B, n, 3, S, S), audio (B, n*640): past input that is encoded again with the next window;
    None and empty if ``official_past`` is window. picture (B, 3, S, S): the last face, None before
    the first. past (B*M, w, 58): last reaction, FaceVerse minus the mean face. latent (B*M, D): its
    z, None at the start.
    """

    video: Tensor | None
    audio: Tensor
    loudness: Loudness
    picture: Tensor | None
    past: Tensor
    latent: Tensor | None


class OfficialListener(nn.Module):
    """Runs the released model window by window for M samples, in our coefficients.

    mean_face: (58,), FaceVerse's mean face, which the released code adds to its output. Only its
    expression is added here, as our poses are relative to the mean; None = no expression.
    """

    listener_mean: Tensor
    scale: Tensor

    def __init__(self, net: OfficialReactFace, mean_face: np.ndarray | None = None):
        super().__init__()
        self.net, self.config = net, net.config
        mean, scale = np.zeros(NUM_COEFFICIENTS), Space.of().scale
        if mean_face is not None:
            mean[:NUM_EXPRESSION] = mean_face[:NUM_EXPRESSION]
        self.register_buffer("listener_mean", torch.from_numpy(mean).float(), persistent=False)
        self.register_buffer("scale", torch.from_numpy(scale).float(), persistent=False)

    @property
    def noise_width(self) -> int:
        """Standard normal numbers per window and sample."""
        return self.config.width

    def initial_state(
        self,
        batch: int = 1,
        samples: int = 1,
        disposition: Tensor | None = None,
        streaming: bool = True,
    ) -> OfficialState:
        """The state of a new session; disposition and streaming are ignored."""
        del disposition, streaming  # The released model has no dispositions and one kind of state.
        zeros = self.listener_mean.new_zeros
        past = zeros(batch * samples, self.config.window, NUM_COEFFICIENTS)
        silence = Loudness.unheard(batch, past)
        return OfficialState(None, zeros(batch, 0), silence, None, past, None)

    def forward(
        self, speaker: SpeakerInput, noise: Tensor, state: OfficialState
    ) -> tuple[Output, OfficialState]:
        """One window of w frames of pixels, noise (B, M, 1, D) -> the reactions, the next state.

        The audio is normalised with the statistics so far, as a stream has no whole file. A frame
        without a face uses the picture of the last face. ValueError if it is not one window.
        """
        batch, samples = noise.shape[:2]
        w = self.config.window
        if speaker.face.shape[1] != w or noise.shape[2] != 1:
            raise ValueError(f"a window is {w} frames, not {speaker.face.shape[1]}")
        video, picture = _held(speaker, state.picture)
        audio, kept = torch.cat([state.audio, speaker.audio], 1), video
        if state.video is not None:
            kept = torch.cat([state.video, video], 1)
        loudness = state.loudness.hear(speaker.audio, speaker.audio_valid)
        seen = self.net.encode(kept, loudness.normalise(audio))
        fresh = self.config.temperature * noise[:, :, 0].flatten(0, 1)
        step = self.net.step(seen.repeated(samples), state.past, state.latent, fresh)
        again = MOST_FRAMES - w if self.config.official_past == "history" else 0
        first = max(0, kept.shape[1] - again)
        after = OfficialState(
            kept[:, first:] if again else None,
            audio[:, first * SAMPLES_PER_FRAME :],
            loudness,
            picture,
            step.listener,
            step.latent,
        )
        split = (batch, samples)
        own = self.net.reconstruct(seen)[:, -w:] * self.scale + self.listener_mean
        gain = self.config.gain * self.scale
        listener = (gain * step.listener + self.listener_mean).unflatten(0, split)
        mean, latent = (x.unflatten(0, split)[:, :, None] for x in (step.mean, step.latent))
        log_variance = 2.0 * step.std.log().unflatten(0, split)[:, :, None]
        still = torch.zeros_like(listener)
        return Output(listener, own, mean, log_variance, latent, None, None, still), after

    def step(
        self, speaker: SpeakerInput, noise: Tensor, state: OfficialState
    ) -> tuple[Output, OfficialState]:
        """The next window of a session; noise (B, M, D)."""
        after: tuple[Output, OfficialState] = self(speaker, noise[:, :, None], state)
        return after

    @torch.no_grad()
    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """M reactions to each speaker, (B, M, T, 58), window by window as in a session."""
        batch, frames = speaker.face.shape[:2]
        w, device = self.config.window, self.listener_mean.device
        state, shown = self.initial_state(batch, samples), []
        for first in range(0, frames, w):
            noise = torch.randn(batch, samples, 1, self.noise_width, generator=generator)
            output, state = self(speaker.frames(first, first + w), noise.to(device), state)
            shown.append(output.listener)
        return torch.cat(shown, dim=2)


def _held(speaker: SpeakerInput, picture: Tensor | None) -> tuple[Tensor, Tensor]:
    """The pictures of a window with missing faces replaced by the last one, and the last face."""
    frames = []
    for shown, valid in zip(speaker.face.unbind(1), speaker.face_valid.unbind(1), strict=True):
        before = torch.zeros_like(shown) if picture is None else picture
        picture = torch.where(valid[:, None, None, None], shown, before)
        frames.append(picture)
    assert picture is not None
    return torch.stack(frames, 1), picture

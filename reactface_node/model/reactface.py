"""ReactFace, causal: speaker behaviour in, distributions of appropriate reactions out.

``forward`` takes any number of whole windows. Training gives it a clip and streaming one window
at a time, with the state that the call before returned; the numbers are the same.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from reactface_node.config import ModelConfig
from reactface_node.model.face import CoefficientEncoder, CoefficientState, PixelEncoder, PixelState
from reactface_node.model.modules import (
    CIEState,
    ConditionalInteractionEncoder,
    ListenerReactionDecoder,
    PointToPointAlignment,
    SLBSState,
    Synchroniser,
    interpolate_latent,
    sample_latent,
)
from reactface_node.model.speech import (
    LogMelEncoder,
    LogMelState,
    Wav2Vec2Encoder,
    Wav2Vec2State,
)
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME


@dataclass(frozen=True)
class SpeakerInput:
    """T frames of the speaker, T a multiple of w.

    face: (B, T, 58) coefficients, or (B, T, 3, 224, 224) pixels in [-1, 1].
    face_valid: bool, (B, T, 58) or, for pixels, (B, T).
    audio: (B, T*640) 16 kHz mono in [-1, 1]; audio_valid: (B, T) bool.
    """

    face: Tensor
    face_valid: Tensor
    audio: Tensor
    audio_valid: Tensor


@dataclass(frozen=True)
class ModelState:
    """Everything a session carries from window to window; its size is bounded."""

    speech: LogMelState | Wav2Vec2State
    face: CoefficientState | PixelState
    cie: CIEState
    slbs: SLBSState
    last_reaction: Tensor  # (B, M, w, 58) standardised: the window before
    last_speech: Tensor  # (B, w*k, D)
    last_face: Tensor  # (B, w, D)
    latent: Tensor | None  # (B, M, D): z_(t-w); None before the first window
    frame: Tensor  # (B,) int64: position of the next frame


@dataclass(frozen=True)
class Output:
    """listener (B, M, T, 58) and speaker (B, T, 58) coefficients (Eqs 9 and 19, in real units);
    mean, log_variance, latent (B, M, T/w, D): the distribution of every window and its z."""

    listener: Tensor
    speaker: Tensor
    mean: Tensor
    log_variance: Tensor
    latent: Tensor


class ReactFace(nn.Module):
    """MSBEA -> AFRG -> SLBS (Fig. 2 of the paper)."""

    listener_mean: Tensor
    listener_std: Tensor
    speaker_std: Tensor

    def __init__(self, config: ModelConfig, wav2vec2: nn.Module | None = None):
        super().__init__()
        self.config = config
        self.speech_encoder = (
            LogMelEncoder(config)
            if config.speech_encoder == "log_mel"
            else Wav2Vec2Encoder(config, wav2vec2)
        )
        self.face_encoder = (
            CoefficientEncoder(config)
            if config.face_encoder == "coefficients"
            else PixelEncoder(config)
        )
        ratio = self.speech_encoder.ratio
        self.alignment = PointToPointAlignment(config, ratio)
        self.speaker_head = nn.Linear(config.width, NUM_COEFFICIENTS)
        self.interaction = ConditionalInteractionEncoder(config, ratio)
        self.decoder = ListenerReactionDecoder(config)
        self.synchroniser = Synchroniser(config, ratio)
        self.head = nn.Sequential(
            nn.LayerNorm(config.width), nn.Linear(config.width, NUM_COEFFICIENTS)
        )
        # Standardised targets: in raw units the pose outweighs a smile many times over.
        self.register_buffer("listener_mean", torch.zeros(NUM_COEFFICIENTS))
        self.register_buffer("listener_std", torch.ones(NUM_COEFFICIENTS))
        self.register_buffer("speaker_std", torch.ones(NUM_COEFFICIENTS))

    def initial_state(self, batch: int = 1, samples: int = 1) -> ModelState:
        """A new session: silence, no face, w zero frames as past reactions, frame 0."""
        window, width = self.config.window, self.config.width
        zeros = self.listener_mean.new_zeros
        return ModelState(
            self.speech_encoder.initial_state(batch),
            self.face_encoder.initial_state(batch),
            self.interaction.initial_state(),
            SLBSState(None, None),
            zeros(batch, samples, window, NUM_COEFFICIENTS),
            zeros(batch, window * self.speech_encoder.ratio, width),
            zeros(batch, window, width),
            None,
            torch.zeros(batch, dtype=torch.long, device=self.listener_mean.device),
        )

    def forward(
        self, speaker: SpeakerInput, noise: Tensor, state: ModelState | None = None
    ) -> tuple[Output, ModelState]:
        """noise (B, M, T/w, D) standard normal -> reactions of T frames and the next state.

        ValueError where T is not a multiple of w or the shapes disagree.
        """
        batch, frames = speaker.face.shape[:2]
        self._check(speaker, noise)
        state = state or self.initial_state(batch, noise.shape[1])
        speech, speech_state = self.speech_encoder(speaker.audio, speaker.audio_valid, state.speech)
        face, face_state = self.face_encoder(speaker.face, speaker.face_valid, state.face)
        aligned = self.alignment(face, speech)
        windows = []
        for index in range(frames // self.config.window):
            window, state = self._react(aligned, speech, noise[:, :, index], index, state)
            windows.append(window)
        reaction, mean, log_variance, latent = (
            torch.stack(part, dim=2) for part in zip(*windows, strict=True)
        )
        listener = reaction.flatten(2, 3) * self.listener_std + self.listener_mean
        output = Output(
            listener, self.speaker_head(aligned) * self.speaker_std, mean, log_variance, latent
        )
        return output, ModelState(**{**vars(state), "speech": speech_state, "face": face_state})

    def _react(
        self, aligned: Tensor, speech: Tensor, noise: Tensor, index: int, state: ModelState
    ) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], ModelState]:
        """One window: predict from the past (AFRG), then synchronise with now (SLBS)."""
        w, k = self.config.window, self.speech_encoder.ratio
        now_face = aligned[:, index * w : (index + 1) * w]
        now_speech = speech[:, index * w * k : (index + 1) * w * k]
        mean, log_variance, cie = self.interaction(
            state.last_reaction, state.last_speech, state.last_face, state.cie
        )
        latent = sample_latent(mean, log_variance, noise, state.latent, self.config.momentum)
        latents = interpolate_latent(state.latent, latent, w)
        raw = self.decoder(latents, state.frame)
        synchronised, slbs = self.synchroniser(raw, now_face, now_speech, state.slbs)
        reaction = self.head(synchronised)
        following = ModelState(
            state.speech, state.face, cie, slbs, reaction, now_speech, now_face, latent,
            # Kept small: only its remainder matters, and a float loses large counts.
            (state.frame + w) % self.decoder.cycle,
        )  # fmt: skip
        return (reaction, mean, log_variance, latent), following

    def _check(self, speaker: SpeakerInput, noise: Tensor) -> None:
        batch, frames = speaker.face.shape[:2]
        windows, rest = divmod(frames, self.config.window)
        if rest or not windows:
            raise ValueError(f"{frames} frames are not whole windows of {self.config.window}")
        if speaker.audio.shape != (batch, frames * SAMPLES_PER_FRAME):
            raise ValueError(f"{frames} frames need audio (B, {frames * SAMPLES_PER_FRAME})")
        if noise.shape[0] != batch or noise.shape[2:] != (windows, self.config.width):
            raise ValueError(f"noise must be (B, M, {windows}, {self.config.width})")

"""ReactFace, causal: speaker behaviour in, distributions of appropriate reactions out.

``forward`` takes any number of whole windows. Training gives it a clip and streaming one window
at a time, with the state that the call before returned; the numbers are the same.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from reactface_node.config import ModelConfig
from reactface_node.model.face import CoefficientEncoder, PixelEncoder
from reactface_node.model.modules import (
    CIEState,
    ConditionalInteractionEncoder,
    ListenerReactionDecoder,
    PointToPointAlignment,
    SLBSState,
    Synchroniser,
    draw_latent,
    follow_latent,
    interpolate_latent,
    join_windows,
    spread_apart,
)
from reactface_node.model.nods import NodHead, NodPrediction
from reactface_node.model.records import ModelState, Output, SpeakerInput
from reactface_node.model.speech import LogMelEncoder, Wav2Vec2Encoder
from reactface_node.schema import NUM_COEFFICIENTS, ROTATION, SAMPLES_PER_FRAME

PITCH = ROTATION.start


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
        self.nods = NodHead(config, ratio) if config.nods else None
        # Standardised targets: in raw units the pose outweighs a smile many times over.
        self.register_buffer("listener_mean", torch.zeros(NUM_COEFFICIENTS))
        self.register_buffer("listener_std", torch.ones(NUM_COEFFICIENTS))
        self.register_buffer("speaker_std", torch.ones(NUM_COEFFICIENTS))

    @property
    def noise_width(self) -> int:
        """Standard normal numbers that a window of a sample takes: for its latent, for a nod."""
        return self.config.width + (self.nods.noise_width if self.nods is not None else 0)

    def initial_state(
        self, batch: int = 1, samples: int = 1, disposition: Tensor | None = None
    ) -> ModelState:
        """A new session: silence, no face, w zero frames as past reactions, frame 0. Where
        windows are joined, the first one starts from the mean face.

        disposition: (B, M, S) standard normal, who the M listeners are; None = the mean one.
        """
        window, width = self.config.window, self.config.width
        zeros = self.listener_mean.new_zeros
        if disposition is None:
            disposition = zeros(batch, samples, self.config.disposition)
        return ModelState(
            self.speech_encoder.initial_state(batch),
            self.face_encoder.initial_state(batch),
            self.interaction.initial_state(),
            SLBSState(None, None),
            zeros(batch, samples, window, NUM_COEFFICIENTS),
            zeros(batch, window * self.speech_encoder.ratio, width),
            zeros(batch, window, width),
            None,
            zeros(batch, samples, 2, NUM_COEFFICIENTS),
            disposition,
            torch.zeros(batch, dtype=torch.long, device=self.listener_mean.device),
            self.nods.initial_state(batch, samples) if self.nods else zeros(batch, samples, 0),
            zeros(batch, width),
        )

    def forward(
        self, speaker: SpeakerInput, noise: Tensor, state: ModelState | None = None
    ) -> tuple[Output, ModelState]:
        """noise (B, M, T/w, noise_width) standard normal -> reactions of T frames, next state.

        ValueError where T is not a multiple of w or the shapes disagree.
        """
        self._check(speaker, noise)
        state = state or self.initial_state(len(noise), noise.shape[1])
        aligned, speech, state = self._encode(speaker, state)
        nods, state = self._predict_nods(aligned, speech, state)
        w, k, width = self.config.window, self.speech_encoder.ratio, self.config.width
        windows = []
        for index in range(noise.shape[2]):
            fresh = self.config.temperature * noise[:, :, index : index + 1, :width]
            window, state = self._react(
                aligned[:, index * w : (index + 1) * w],
                speech[:, index * w * k : (index + 1) * w * k],
                self._predict(state),
                partial(draw_latent, noise=fresh),
                state,
            )
            pitch, state = self._nod(nods, index, noise[:, :, index, width:], state)
            windows.append((*window, pitch))
        parts = [torch.cat(part, dim=2) for part in zip(*windows, strict=True)]
        return self._output(aligned, parts, nods), state

    def teach(
        self,
        speaker: SpeakerInput,
        listener: Tensor,
        draw: Callable[[Tensor, Tensor], Tensor],
        state: ModelState,
    ) -> Output:
        """All windows at once, given what the listeners really did (teacher forcing).

        listener: (B, M, T, 58) in real units: the past reactions of every window; given what
        ``forward`` returned and its noise, this returns the same. draw: mu and log-variance
        (B, M, T/w, D) -> z*. state: a fresh one, as ``initial_state`` makes it.
        """
        aligned, speech, state = self._encode(speaker, state)
        w, k = self.config.window, self.speech_encoder.ratio
        shown = (listener - self.listener_mean) / self.listener_std
        before = replace(
            state,
            last_reaction=torch.cat([state.last_reaction, shown[:, :, :-w]], dim=2),
            last_speech=torch.cat([state.last_speech, speech[:, : -w * k]], dim=1),
            last_face=torch.cat([state.last_face, aligned[:, :-w]], dim=1),
        )
        nods, _ = self._predict_nods(aligned, speech, state)
        parts, _ = self._react(aligned, speech, self._predict(before), draw, state)
        return self._output(aligned, [*parts, torch.zeros_like(listener[..., 0])], nods)

    @torch.no_grad()
    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58): M reactions to each speaker, everything random from the generator."""
        batch, frames = speaker.face.shape[:2]
        config, device = self.config, self.listener_mean.device
        windows = frames // config.window
        noise = torch.randn(batch, samples, windows, self.noise_width, generator=generator)
        who = torch.randn(batch, samples, config.disposition, generator=generator)
        state = self.initial_state(batch, samples, spread_apart(who).to(device))
        return self(speaker, noise.to(device), state)[0].listener

    def without_nods(self, listener: Tensor, pitch: Tensor) -> Tensor:
        """(B, M, T, 58) without what nods, (B, M, T) rad, add to it, if nods are events here."""
        if self.nods is None:
            return listener
        return torch.cat(
            [
                listener[..., :PITCH],
                (listener[..., PITCH] - pitch)[..., None],
                listener[..., PITCH + 1 :],
            ],
            dim=-1,
        )

    def _encode(
        self, speaker: SpeakerInput, state: ModelState
    ) -> tuple[Tensor, Tensor, ModelState]:
        """MSBEA: the aligned face (B, T, D) and the speech (B, T*k, D)."""
        hear = speaker.audio_valid & self.config.use_speech
        see = speaker.face_valid & self.config.use_face
        speech, heard = self.speech_encoder(speaker.audio, hear, state.speech)
        face, seen = self.face_encoder(speaker.face, see, state.face)
        return self.alignment(face, speech), speech, replace(state, speech=heard, face=seen)

    def _predict(self, state: ModelState) -> tuple[Tensor, Tensor, CIEState]:
        """AFRG's first half: the distributions of the windows after those in the state."""
        prediction: tuple[Tensor, Tensor, CIEState] = self.interaction(
            state.last_reaction, state.last_speech, state.last_face, state.disposition, state.cie
        )
        return prediction

    def _react(
        self,
        face: Tensor,
        speech: Tensor,
        prediction: tuple[Tensor, Tensor, CIEState],
        draw: Callable[[Tensor, Tensor], Tensor],
        state: ModelState,
    ) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], ModelState]:
        """Draw and decode one window or more (AFRG), then synchronise with now (SLBS)."""
        mean, log_variance, cie = prediction
        drawn = draw(mean, log_variance)
        latent = follow_latent(drawn, state.latent, self.config.momentum)
        latents = interpolate_latent(state.latent, latent, self.config.window)
        raw = self.decoder(latents, state.disposition, state.frame)
        synchronised, slbs = self.synchroniser(raw, face, speech, state.slbs)
        reaction = self.head(synchronised)
        edge = state.edge
        if self.config.continuity:
            reaction, edge = join_windows(edge, reaction, self.config.window)
        following = replace(
            state,
            cie=cie,
            slbs=slbs,
            last_reaction=reaction,
            last_speech=speech,
            last_face=face,
            latent=latent[:, :, -1],
            edge=edge,
            # Kept small: only its remainder matters, and a float loses large counts.
            frame=(state.frame + face.shape[1]) % self.decoder.cycle,
        )
        return (reaction, mean, log_variance, latent), following

    def _predict_nods(
        self, aligned: Tensor, speech: Tensor, state: ModelState
    ) -> tuple[NodPrediction | None, ModelState]:
        """Where nods may start in the frames of the speaker that are given."""
        if self.nods is None:
            return None, state
        nods, memory = self.nods(aligned, speech, state.disposition, state.nod_memory)
        return nods, replace(state, nod_memory=memory)

    def _nod(
        self, nods: NodPrediction | None, index: int, noise: Tensor, state: ModelState
    ) -> tuple[Tensor, ModelState]:
        """The pitch (B, M, w) of nods in a window, which later windows see as past reactions."""
        if self.nods is None or nods is None:
            return torch.zeros_like(state.last_reaction[..., 0]), state
        predicted = nods.window(index, self.config.window)
        pitch, nod = self.nods.play(predicted, noise, state.nod)
        shown = state.last_reaction.clone()
        shown[..., PITCH] += pitch / self.listener_std[PITCH]
        return pitch, replace(state, nod=nod, last_reaction=shown)

    def _output(self, aligned: Tensor, parts: list[Tensor], nods: NodPrediction | None) -> Output:
        """parts: reaction, mean, log-variance, latent and the pitch of nods."""
        reaction, mean, log_variance, latent, pitch = parts
        listener = self.config.gain * reaction * self.listener_std + self.listener_mean
        nodding = torch.zeros_like(listener)
        nodding[..., PITCH] = pitch
        speaker = self.speaker_head(aligned) * self.speaker_std
        return Output(listener + nodding, speaker, mean, log_variance, latent, nods, pitch)

    def _check(self, speaker: SpeakerInput, noise: Tensor) -> None:
        batch, frames = speaker.face.shape[:2]
        windows, rest = divmod(frames, self.config.window)
        if rest or not windows:
            raise ValueError(f"{frames} frames are not whole windows of {self.config.window}")
        if speaker.audio.shape != (batch, frames * SAMPLES_PER_FRAME):
            raise ValueError(f"{frames} frames need audio (B, {frames * SAMPLES_PER_FRAME})")
        if noise.shape[0] != batch or noise.shape[2:] != (windows, self.noise_width):
            raise ValueError(f"noise must be (B, M, {windows}, {self.noise_width})")

"""ReactFace, causal: speaker behaviour in, distributions of appropriate reactions out.

``forward`` takes any number of whole windows of a clip. ``step`` takes a session's next frames, a
window or a single one at a time, with the state that the call before returned. Both go through
the same modules; the numbers are the same.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from reactface_node.config import ModelConfig
from reactface_node.model.dispositions import spread_apart
from reactface_node.model.face import CoefficientEncoder, PixelEncoder
from reactface_node.model.modules import (
    CIEState,
    ConditionalInteractionEncoder,
    ListenerReactionDecoder,
    PointToPointAlignment,
    Synchroniser,
)
from reactface_node.model.nods import NodHead, NodPrediction
from reactface_node.model.records import ModelState, Output, Part, Seen, SpeakerInput, WindowPlan
from reactface_node.model.rings import RingClock
from reactface_node.model.sampling import (
    draw_latent,
    fading,
    follow_latent,
    interpolate_latent,
    join_frames,
    join_windows,
)
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
        self,
        batch: int = 1,
        samples: int = 1,
        disposition: Tensor | None = None,
        streaming: bool = False,
    ) -> ModelState:
        """A new session: silence, no face, w zero frames as past reactions, frame 0. Where
        windows are joined, the first one starts from the mean face.

        disposition: (B, M, S) standard normal, who the M listeners are; None = the mean one.
        streaming: for ``step``; everything that it keeps is allocated here.
        """
        config = self.config
        window, width = config.window, config.width
        zeros, device = self.listener_mean.new_zeros, self.listener_mean.device
        if disposition is None:
            disposition = zeros(batch, samples, config.disposition)
        frame = torch.zeros(batch, dtype=torch.long, device=device)
        clock = RingClock(frame.clone(), window) if streaming else None
        return ModelState(
            self.speech_encoder.initial_state(batch),
            self.face_encoder.initial_state(batch, clock),
            self.interaction.initial_state(samples, clock),
            self.synchroniser.initial_state(clock),
            zeros(batch, samples, window, NUM_COEFFICIENTS),
            zeros(batch, window * self.speech_encoder.ratio, width),
            zeros(batch, window, width),
            zeros(batch, samples, width).fill_(float("nan")) if streaming else None,
            zeros(batch, samples, 2, NUM_COEFFICIENTS),
            disposition,
            frame,
            self.nods.initial_state(batch, samples) if self.nods else zeros(batch, samples, 0),
            zeros(batch, width),
            clock=clock,
        )

    def forward(
        self, speaker: SpeakerInput, noise: Tensor, state: ModelState | None = None
    ) -> tuple[Output, ModelState]:
        """noise (B, M, T/w, noise_width) standard normal -> reactions of T frames, next state.

        ValueError where T is not a multiple of w or the shapes disagree.
        """
        self._check(speaker, noise)
        state = state or self.initial_state(len(noise), noise.shape[1])
        seen, state = self._encode(speaker, state)
        parts = []
        for index in range(noise.shape[2]):
            state = self.begin_window(noise[:, :, index], state)
            part, state = self._follow(seen.window(index, self.config.window), state)
            parts.append(part)
        return self._output(seen, parts), state

    def step(
        self, speaker: SpeakerInput, noise: Tensor, state: ModelState
    ) -> tuple[Output, ModelState]:
        """The next n frames of sessions, n a divisor of w; uses up their ``streaming`` state.

        noise (B, M, noise_width) standard normal, taken at the first frame of a window.
        ValueError where the state is another one or the frames do not end with the window.
        """
        frames = speaker.face.shape[1]
        if state.clock is None or state.phase + frames > self.config.window:
            raise ValueError("a step takes a streaming state and frames of a single window")
        clock = state.clock
        if state.phase == 0:
            state = self.begin_window(noise, state)
        output, state = self.advance(speaker, state)
        clock.advance(frames)
        return output, state

    def advance(self, speaker: SpeakerInput, state: ModelState) -> tuple[Output, ModelState]:
        """The rest of a step, in a window that has begun; the clock stands still."""
        seen, state = self._encode(speaker, state)
        part, state = self._follow(seen, state)
        return self._output(seen, [part]), state

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
        seen, state = self._encode(speaker, state)
        w, k = self.config.window, self.speech_encoder.ratio
        shown = (listener - self.listener_mean) / self.listener_std
        before = replace(
            state,
            last_reaction=torch.cat([state.last_reaction, shown[:, :, :-w]], dim=2),
            last_speech=torch.cat([state.last_speech, seen.speech[:, : -w * k]], dim=1),
            last_face=torch.cat([state.last_face, seen.face[:, :-w]], dim=1),
        )
        mean, log_variance, _ = self._predict(before)
        latent, raw = self._decode(draw(mean, log_variance), state)
        synchronised, _ = self.synchroniser(raw, seen.face, seen.speech, state.slbs)
        reaction = self.head(synchronised)
        if self.config.continuity:
            reaction, _ = join_windows(state.edge, reaction, w)
        still = torch.zeros_like(reaction[..., 0])
        plan = WindowPlan(mean, log_variance, latent, raw, still, still, still)
        return self._output(seen, [Part(reaction, still, plan)])

    @torch.no_grad()
    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58): M reactions to each speaker, everything random from the generator."""
        batch, frames = speaker.face.shape[:2]
        config, device = self.config, self.listener_mean.device
        windows = frames // config.window
        noise = torch.randn(batch, samples, windows, self.noise_width, generator=generator)
        drawn = torch.randn(batch, samples, config.disposition, generator=generator)
        who = torch.from_numpy(spread_apart(drawn.numpy())).to(device)
        state = self.initial_state(batch, samples, who)
        return self(speaker, noise.to(device), state)[0].listener

    def without_nods(self, listener: Tensor, pitch: Tensor) -> Tensor:
        """(B, M, T, 58) without what nods, (B, M, T) rad, add to it, if nods are events here."""
        if self.nods is None:
            return listener
        calm = listener.clone()
        calm[..., PITCH] -= pitch
        return calm

    def _encode(self, speaker: SpeakerInput, state: ModelState) -> tuple[Seen, ModelState]:
        """MSBEA, and where nods may start."""
        hear = speaker.audio_valid & self.config.use_speech
        see = speaker.face_valid & self.config.use_face
        speech, heard = self.speech_encoder(speaker.audio, hear, state.speech)
        face, looked = self.face_encoder(speaker.face, see, state.face)
        aligned = self.alignment(face, speech)
        state, nods = replace(state, speech=heard, face=looked), None
        if self.nods is not None:
            nods, memory = self.nods(aligned, speech, state.disposition, state.nod_memory)
            state = replace(state, nod_memory=memory)
        return Seen(aligned, speech, nods), state

    def _predict(self, state: ModelState) -> tuple[Tensor, Tensor, CIEState]:
        """AFRG's first half: the distributions of the windows after those in the state."""
        prediction: tuple[Tensor, Tensor, CIEState] = self.interaction(
            state.last_reaction, state.last_speech, state.last_face, state.disposition, state.cie
        )
        return prediction

    def _decode(self, drawn: Tensor, state: ModelState) -> tuple[Tensor, Tensor]:
        """z* (B, M, W, D) of the windows from the state's frame on -> their z, and the decoded
        (B, M, W*w, D)."""
        last = state.latent
        if state.clock is not None and last is not None:
            last = torch.where(last.isnan(), drawn[:, :, 0], last)
        latent = follow_latent(drawn, last, self.config.momentum)
        latents = interpolate_latent(last, latent, self.config.window)
        return latent, self.decoder(latents, state.disposition, state.frame)

    def begin_window(self, noise: Tensor, state: ModelState) -> ModelState:
        """AFRG: everything of a window that the frames before it settle. noise (B, M, ...)."""
        mean, log_variance, cie = self._predict(state)
        w, width = self.config.window, self.config.width
        fresh = self.config.temperature * noise[:, :, None, :width]
        latent, raw = self._decode(draw_latent(mean, log_variance, fresh), state)
        onset, nod = noise[:, :, width : width + w], noise[:, :, width + w :]
        plan = WindowPlan(mean, log_variance, latent, raw, onset, nod, fading(w, raw))
        return replace(state, cie=cie, plan=plan, latent=latent[:, :, -1])

    def _follow(self, seen: Seen, state: ModelState) -> tuple[Part, ModelState]:
        """SLBS: the next n frames of the window under way, synchronised with the speaker's."""
        phase, frames = state.phase, seen.face.shape[1]
        assert state.plan is not None
        plan = state.plan.frames(phase, phase + frames)
        synchronised, slbs = self.synchroniser(plan.raw, seen.face, seen.speech, state.slbs)
        reaction, edge, gap = self.head(synchronised), state.edge, None
        if self.config.continuity:
            reaction, edge, gap = join_frames(edge, plan.gap, reaction, plan.fade)
        pitch, nod, shown = self._nod(seen.nods, reaction, plan, state.nod)
        following = replace(
            state,
            slbs=slbs,
            last_reaction=torch.cat([state.last_reaction[:, :, frames:], shown], dim=2),
            last_speech=torch.cat([state.last_speech[:, seen.speech.shape[1] :], seen.speech], 1),
            last_face=torch.cat([state.last_face[:, frames:], seen.face], dim=1),
            edge=edge,
            # Kept small: only its remainder matters, and a float loses large counts.
            frame=(state.frame + frames) % self.decoder.cycle,
            nod=nod,
            phase=(phase + frames) % self.config.window,
            plan=replace(state.plan, gap=gap),
        )
        return Part(reaction, pitch, plan), following

    def _nod(
        self, nods: NodPrediction | None, reaction: Tensor, plan: WindowPlan, last: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The pitch (B, M, n) of nods, their state, and the reaction with them, which is what
        later windows see as the past."""
        if self.nods is None or nods is None:
            return torch.zeros_like(reaction[..., 0]), last, reaction
        pitch, nod = self.nods.play(nods, plan.onset, plan.nod, last)
        shown = reaction.clone()
        shown[..., PITCH] += pitch / self.listener_std[PITCH]
        return pitch, nod, shown

    def _output(self, seen: Seen, parts: list[Part]) -> Output:
        reaction = torch.cat([part.reaction for part in parts], dim=2)
        pitch = torch.cat([part.pitch for part in parts], dim=2)
        drawn = ((part.plan.mean, part.plan.log_variance, part.plan.latent) for part in parts)
        mean, log_variance, latent = (torch.cat(x, dim=2) for x in zip(*drawn, strict=True))
        listener = self.config.gain * reaction * self.listener_std + self.listener_mean
        nodding = torch.zeros_like(listener)
        nodding[..., PITCH] = pitch
        speaker = self.speaker_head(seen.face) * self.speaker_std
        return Output(listener + nodding, speaker, mean, log_variance, latent, seen.nods, pitch)

    def _check(self, speaker: SpeakerInput, noise: Tensor) -> None:
        batch, frames = speaker.face.shape[:2]
        windows, rest = divmod(frames, self.config.window)
        if rest or not windows:
            raise ValueError(f"{frames} frames are not whole windows of {self.config.window}")
        if speaker.audio.shape != (batch, frames * SAMPLES_PER_FRAME):
            raise ValueError(f"{frames} frames need audio (B, {frames * SAMPLES_PER_FRAME})")
        if noise.shape[0] != batch or noise.shape[2:] != (windows, self.noise_width):
            raise ValueError(f"noise must be (B, M, {windows}, {self.noise_width})")

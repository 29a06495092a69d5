"""ReactFace, the causal model: from speaker behaviour to distributions of appropriate reactions.

``forward`` takes any number of whole windows of a clip. ``step`` takes the next frames of a
session, a window or a single frame at a time, with the state that the last call returned. Both use
the same modules and give the same numbers.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from reactface_node.config import ModelConfig
from reactface_node.model.dispositions import spread_apart
from reactface_node.model.face import CoefficientEncoder, PixelEncoder
from reactface_node.model.laughs import LaughHead
from reactface_node.model.modules import (
    CIEState,
    ConditionalInteractionEncoder,
    ListenerReactionDecoder,
    PointToPointAlignment,
    Synchroniser,
)
from reactface_node.model.nods import NodHead
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
    """The network: MSBEA -> AFRG -> SLBS (Fig. 2 of the paper).

    wav2vec2: backbone of the speech encoder; None = the one that the config names.
    """

    listener_mean: Tensor
    listener_std: Tensor
    speaker_std: Tensor
    is_pitch: Tensor

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
        self.laughs = LaughHead(config.width) if config.nods else None
        # Targets are standardised: in raw units the pose outweighs a smile many times.
        self.register_buffer("listener_mean", torch.zeros(NUM_COEFFICIENTS))
        self.register_buffer("listener_std", torch.ones(NUM_COEFFICIENTS))
        self.register_buffer("speaker_std", torch.ones(NUM_COEFFICIENTS))
        is_pitch = torch.arange(NUM_COEFFICIENTS) == PITCH
        self.register_buffer("is_pitch", is_pitch, persistent=False)

    @property
    def noise_width(self) -> int:
        """Standard normal numbers per window and sample: for the latent, and for events."""
        return self.config.width + (self.nods.noise_width if self.nods is not None else 0)

    def initial_state(
        self,
        batch: int = 1,
        samples: int = 1,
        disposition: Tensor | None = None,
        streaming: bool = False,
    ) -> ModelState:
        """The state of a new session: silence, no face, w zero frames as past reactions.

        With ``continuity`` the first window starts from the neutral face. disposition: (B, M, S)
        standard normal vectors of the M listeners; None = zeros, the mean listener. streaming: make
        a state for ``step``, with all memory allocated.
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
            (-self.listener_mean / self.listener_std).repeat(batch, samples, 2, 1),
            disposition,
            frame,
            self.nods.initial_state(batch, samples) if self.nods else zeros(batch, samples, 0),
            zeros(batch, width),
            self.laughs.initial_state(batch, samples) if self.laughs else zeros(batch, samples, 0),
            clock=clock,
        )

    def forward(
        self, speaker: SpeakerInput, noise: Tensor, state: ModelState | None = None
    ) -> tuple[Output, ModelState]:
        """The reactions to T frames, and the next state; noise (B, M, T/w, noise_width) normal.

        ValueError if T is not a multiple of w or the shapes do not match.
        """
        self._check(speaker, noise)
        state = state or self.initial_state(len(noise), noise.shape[1])
        seen, state = self.encode(speaker, state)
        parts = []
        for index in range(noise.shape[2]):
            state = self.begin_window(noise[:, :, index], state)
            part, state = self._follow(seen.window(index, self.config.window), state)
            parts.append(part)
        return self._output(seen, parts), state

    def step(
        self, speaker: SpeakerInput, noise: Tensor, state: ModelState
    ) -> tuple[Output, ModelState]:
        """The reactions to the next n frames of B sessions, n a divisor of w, and the next state.

        noise (B, M, noise_width) standard normal, used at the first frame of a window. The given
        state must not be used again. ValueError if it is not a ``streaming`` state, or if the
        frames go beyond the window.
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
        """A step in a window that has begun, without advancing the clock."""
        seen, state = self.encode(speaker, state)
        part, state = self._follow(seen, state)
        return self._output(seen, [part]), state

    def teach(
        self,
        speaker: SpeakerInput,
        listener: Tensor,
        draw: Callable[[Tensor, Tensor], Tensor],
        state: ModelState,
    ) -> Output:
        """All windows at once, with real past reactions (teacher forcing).

        listener: (B, M, T, 58) in real units, the past reactions for every window. With those that
        ``forward`` returned and the same noise, the result is the same. draw: mu and log-variance
        (B, M, T/w, D) -> z*. state: a new one of ``initial_state``.
        """
        seen, state = self.encode(speaker, state)
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
        still = torch.zeros_like(reaction)
        plan = WindowPlan(mean, log_variance, latent, raw, still, still, still)
        return self._output(seen, [Part(reaction, still, plan)])

    @torch.no_grad()
    def react(
        self,
        speaker: SpeakerInput,
        samples: int,
        generator: torch.Generator,
        alike: bool = False,
    ) -> Tensor:
        """M reactions to each speaker, (B, M, T, 58); all randomness comes from the generator.

        alike: the same M listeners with the same noise react to each speaker."""
        batch, frames = speaker.face.shape[:2]
        config, device = self.config, self.listener_mean.device
        windows, draws = frames // config.window, 1 if alike else batch
        noise = torch.randn(draws, samples, windows, self.noise_width, generator=generator)
        drawn = torch.randn(draws, samples, config.disposition, generator=generator)
        who = torch.from_numpy(spread_apart(drawn.numpy())).to(device)
        if alike:
            noise, who = noise.expand(batch, -1, -1, -1), who.expand(batch, -1, -1)
        state = self.initial_state(batch, samples, who)
        output: Output = self(speaker, noise.to(device), state)[0]
        return output.listener

    def encode(self, speaker: SpeakerInput, state: ModelState) -> tuple[Seen, ModelState]:
        """MSBEA: the encoded speaker, and the prediction of nods and laughs."""
        hear = speaker.audio_valid & self.config.use_speech
        see = speaker.face_valid & self.config.use_face
        speech, heard = self.speech_encoder(speaker.audio, hear, state.speech)
        face, looked = self.face_encoder(speaker.face, see, state.face)
        aligned = self.alignment(face, speech)
        unseen = ~see.flatten(2).any(2) if see.ndim > 2 else ~see
        state = replace(state, speech=heard, face=looked)
        if self.nods is None or self.laughs is None:
            return Seen(aligned, speech, None, None, unseen), state
        samples = state.disposition.shape[1]
        nods, remembered, memory = self.nods(aligned, speech, samples, state.nod_memory)
        seen = Seen(aligned, speech, nods, self.laughs(remembered), unseen)
        return seen, replace(state, nod_memory=memory)

    def _predict(self, state: ModelState) -> tuple[Tensor, Tensor, CIEState]:
        """First half of AFRG: the distributions of the windows after those in the state."""
        prediction: tuple[Tensor, Tensor, CIEState] = self.interaction(
            state.last_reaction, state.last_speech, state.last_face, state.disposition, state.cie
        )
        return prediction

    def _decode(self, drawn: Tensor, state: ModelState) -> tuple[Tensor, Tensor]:
        """Second half of AFRG: z* (B, M, W, D) -> z after momentum, decoded (B, M, W*w, D)."""
        last = state.latent
        if state.clock is not None and last is not None:
            last = torch.where(last.isnan(), drawn[:, :, 0], last)
        latent = follow_latent(drawn, last, self.config.momentum)
        latents = interpolate_latent(last, latent, self.config.window)
        return latent, self.decoder(latents, state.disposition, state.frame)

    def begin_window(self, noise: Tensor, state: ModelState) -> ModelState:
        """AFRG: compute what a window takes from the past alone. noise (B, M, noise_width)."""
        mean, log_variance, cie = self._predict(state)
        w, width = self.config.window, self.config.width
        fresh = self.config.temperature * noise[:, :, None, :width]
        latent, raw = self._decode(draw_latent(mean, log_variance, fresh), state)
        onset, nod = noise[:, :, width : width + w], noise[:, :, width + w :]
        plan = WindowPlan(mean, log_variance, latent, raw, onset, nod, fading(w, raw))
        return replace(state, cie=cie, plan=plan, latent=latent[:, :, -1])

    def _follow(self, seen: Seen, state: ModelState) -> tuple[Part, ModelState]:
        """SLBS: the next n frames of the current window, synchronised with the speaker."""
        phase, frames = state.phase, seen.face.shape[1]
        assert state.plan is not None
        begun, plan = state.plan, state.plan.frames(phase, phase + frames)
        synchronised, slbs = self.synchroniser(plan.raw, seen.face, seen.speech, state.slbs)
        reaction, edge, gap = self.head(synchronised), state.edge, None
        if self.config.continuity:
            reaction, edge, gap = join_frames(edge, plan.gap, reaction, plan.fade)
        events, state = self._play(seen, reaction, plan, state)
        shown = reaction + events / self.listener_std
        following = replace(
            state,
            slbs=slbs,
            last_reaction=torch.cat([state.last_reaction[:, :, frames:], shown], dim=2),
            last_speech=torch.cat([state.last_speech[:, seen.speech.shape[1] :], seen.speech], 1),
            last_face=torch.cat([state.last_face[:, frames:], seen.face], dim=1),
            edge=edge,
            # Only the remainder matters, and float positions would lose large counts.
            frame=(state.frame + frames) % self.decoder.cycle,
            phase=(phase + frames) % self.config.window,
            plan=replace(begun, gap=gap),
        )
        return Part(reaction, events, plan), following

    def _play(
        self, seen: Seen, reaction: Tensor, plan: WindowPlan, state: ModelState
    ) -> tuple[Tensor, ModelState]:
        """Motion (B, M, n, 58) of drawn nods and laughs in real units, and the state after it."""
        events = torch.zeros_like(reaction)
        if self.nods is None or seen.nods is None or self.laughs is None or seen.laughs is None:
            return events, state
        noise, who = (plan.onset, plan.nod), state.disposition
        level, age, laugh = self.laughs.play(seen.laughs, seen.unseen, noise, state.laugh, who)
        face = reaction * self.listener_std + self.listener_mean
        events = self.laughs.motion(face.detach(), level, age)
        pitch, nod = self.nods.play(seen.nods, *noise, state.nod, who)
        events[..., PITCH] += pitch
        return events, replace(state, nod=nod, laugh=laugh)

    def _output(self, seen: Seen, parts: list[Part]) -> Output:
        reaction = torch.cat([part.reaction for part in parts], dim=2)
        events = torch.cat([part.events for part in parts], dim=2)
        latents = ((part.plan.mean, part.plan.log_variance, part.plan.latent) for part in parts)
        mean, log_variance, latent = (torch.cat(x, dim=2) for x in zip(*latents, strict=True))
        # The other pitch is not tied to the speaker's, and small nods would be seen in it.
        ones = torch.ones_like(self.listener_std)
        gain = self.config.gain * torch.where(self.is_pitch, self.config.pitch_gain * ones, ones)
        listener = gain * reaction * self.listener_std + self.listener_mean
        speaker = self.speaker_head(seen.face) * self.speaker_std
        listener = listener + events
        laughs = seen.laughs
        return Output(listener, speaker, mean, log_variance, latent, seen.nods, laughs, events)

    def _check(self, speaker: SpeakerInput, noise: Tensor) -> None:
        batch, frames = speaker.face.shape[:2]
        windows, rest = divmod(frames, self.config.window)
        if rest or not windows:
            raise ValueError(f"{frames} frames are not whole windows of {self.config.window}")
        if speaker.audio.shape != (batch, frames * SAMPLES_PER_FRAME):
            raise ValueError(f"{frames} frames need audio (B, {frames * SAMPLES_PER_FRAME})")
        if noise.shape[0] != batch or noise.shape[2:] != (windows, self.noise_width):
            raise ValueError(f"noise must be (B, M, {windows}, {self.noise_width})")

"""The released code of ReactFace with the same numbers: ``forward`` of training, and one window.

Checkpoints that were trained with the released code run here. Shapes: B batch, T frames, w window,
D width; speech has two features per frame. Modules and tensors have the names of the released
checkpoints. Differences from the paper: the speaker's encoders see the whole input in both
directions; speech is fused before the face; the synchronisation sees the current window only.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.layers import sinusoidal_positions
from reactface_node.model.official.layers import (
    HEADS,
    SPEECH_RATIO,
    ClipReaction,
    FewRowsLinear,
    InteractionEncoder,
    SpeakerEncoding,
    VideoConvolutions,
    WindowReaction,
    decoder_layers,
)
from reactface_node.model.rings import alibi_slopes, alignment_bias
from reactface_node.model.wav2vec2 import untrained_wav2vec2
from reactface_node.schema import NUM_COEFFICIENTS, SAMPLES_PER_FRAME

MOST_FRAMES = 800
"""``max_seq_len`` of the released code, the length of its position codes and masks."""


class OfficialReactFace(nn.Module):
    """The released model for evaluation; wav2vec2: backbone, None = the base model."""

    slopes: Tensor

    def __init__(self, config: ModelConfig, wav2vec2: nn.Module | None = None):
        super().__init__()
        width, self.config = config.width, config
        backbone: Any = wav2vec2 or untrained_wav2vec2()
        for module in backbone.modules():
            if type(module) is nn.Linear:
                module.__class__ = FewRowsLinear
        hidden = backbone.config.hidden_size
        self.register_buffer("slopes", alibi_slopes(HEADS), persistent=False)
        self.video_encoder = nn.ModuleDict(
            {"Conv3D": VideoConvolutions(width), "fc": nn.Linear(width, width)}
        )
        # Checkpoints also hold the last layer of a CTC model and two layers that are never used.
        ctc = nn.ModuleDict({"wav2vec2": backbone, "lm_head": nn.Linear(hidden, 32)})
        self.speaker_reaction_decoder = nn.ModuleDict(
            {
                "audio_encoder": ctc,
                "audio_feature_map": nn.Linear(hidden, width),
                **{f"speaker_transformer_decoder{n}": decoder_layers(width) for n in (1, 2, 3)},
            }
        )
        self.speaker_decoder = decoder_layers(width)
        self.speaker_vector_map_layer = nn.Linear(width, NUM_COEFFICIENTS)
        self.past_motion_linear = nn.Linear(NUM_COEFFICIENTS, width)
        self.transformer_fusion_plm2sm = decoder_layers(width)
        self.transformer_fusion_plm2sa = decoder_layers(width)
        self.interaction_VAE = InteractionEncoder(width)
        self.transformer_listener_vectors = decoder_layers(width, 2)
        self.listener_reaction_decoder = nn.ModuleDict(
            {
                "transformer_decoder": decoder_layers(width, 2),
                "transformer_fusion_decode1": decoder_layers(width),
                "transformer_fusion_decode2": decoder_layers(width),
                "listener_reaction_3dmm_map_layer": nn.Linear(width, NUM_COEFFICIENTS),
            }
        )

    def encode(self, video: Tensor, audio: Tensor) -> SpeakerEncoding:
        """Encode video (B, T, 3, 224, 224) in [-1, 1] and audio (B, T*640), normalised.

        The audio must have zero mean and unit variance. Every frame sees the whole input.
        ValueError if T is above 800 or the lengths do not match.
        """
        frames = video.shape[1]
        if frames > MOST_FRAMES or audio.shape[1] != frames * SAMPLES_PER_FRAME:
            raise ValueError(f"{frames} frames (at most {MOST_FRAMES}), audio {audio.shape}")
        seen = self.video_encoder["fc"](self.video_encoder["Conv3D"](video))
        speech = self._speech(audio, frames)
        layers = self.speaker_reaction_decoder
        own = torch.arange(SPEECH_RATIO * frames, device=video.device) // SPEECH_RATIO
        apart = own != torch.arange(frames, device=video.device)[:, None]
        point = torch.zeros_like(apart, dtype=seen.dtype).masked_fill(apart, -math.inf)
        x = seen + self._periodic(frames)
        x = self._decode(layers["speaker_transformer_decoder1"], x, x, None)
        vector = self._decode(layers["speaker_transformer_decoder2"], x, speech, point)
        motion = self._decode(layers["speaker_transformer_decoder3"], vector, speech, point)
        return SpeakerEncoding(seen, speech, vector, motion)

    def forward(self, video: Tensor, audio: Tensor, noise: Tensor) -> ClipReaction:
        """The reaction to a whole clip, as in training; noise (B, ceil(T/w), D) standard normal.

        If T is not a multiple of w, the last window is decoded for the last w frames of the clip,
        and its first frames are used. ValueError if T < w or the noise has another length.
        """
        w, frames = self.config.window, video.shape[1]
        if frames < w or noise.shape[1] != math.ceil(frames / w):
            raise ValueError(f"{frames} frames, windows of {w}, noise for {noise.shape[1]}")
        speaker = self.encode(video, audio)
        shown: list[Tensor] = []
        latents: list[Tensor] = []
        means: list[Tensor] = []
        stds: list[Tensor] = []
        for index, fresh in enumerate(noise.unbind(1)):
            past = torch.cat(shown, 1) if shown else self._no_past(len(video))
            mean, std = self._distribution(past, speaker.window(0, past.shape[1]))
            last = latents[-1] if latents else None
            latents.append(self._follow(mean + std * fresh, last))
            means.append(mean)
            stds.append(std)
            stop = min(frames, (index + 1) * w)
            now = speaker.window(stop - w, stop)
            shown.append(self._decode_window(last, latents[-1], now, stop))
        listener = torch.cat(shown, 1)[:, :frames]
        latent, mean, std = (torch.stack(values, 1) for values in (latents, means, stds))
        return ClipReaction(listener, self.reconstruct(speaker), latent, mean, std, speaker)

    def step(
        self, speaker: SpeakerEncoding, past: Tensor, latent: Tensor | None, noise: Tensor
    ) -> WindowReaction:
        """The reaction of the next window.

        speaker: encoding of the current window (``official_past`` = window) or of all frames so far
        (= history). past (B, w, 58): reaction of the last window, zeros at the start. latent (B,
        D): its z, None at the start. noise (B, D): standard normal.
        """
        w, frames = self.config.window, speaker.motion.shape[1]
        now = speaker.window(frames - w, frames)
        mean, std = self._distribution(past, now)
        followed = self._follow(mean + std * noise, latent)
        # The positions of the queries start at 0 in every window.
        listener = self._decode_window(latent, followed, now, w)
        return WindowReaction(listener, followed, mean, std, speaker)

    def reconstruct(self, speaker: SpeakerEncoding) -> Tensor:
        """Reconstruct the speaker's coefficients (B, T, 58), FaceVerse minus the mean face."""
        decoded = self.speaker_decoder(speaker.vector, speaker.vector)
        coefficients: Tensor = self.speaker_vector_map_layer(decoded)
        return coefficients

    @property
    def wav2vec2(self) -> nn.Module:
        """The backbone of A-Enc."""
        return self.speaker_reaction_decoder.get_submodule("audio_encoder.wav2vec2")

    def _speech(self, audio: Tensor, frames: int) -> Tensor:
        """audio (B, T*640) -> (B, 2T, D); wav2vec 2.0 gives one feature less, replaced by zeros."""
        layers = self.speaker_reaction_decoder
        hidden = self.wav2vec2(audio).last_hidden_state
        hidden = F.pad(hidden, (0, 0, 0, hidden.shape[1] % SPEECH_RATIO))
        features: Tensor = layers["audio_feature_map"](hidden[:, : SPEECH_RATIO * frames])
        return features

    def _distribution(self, past: Tensor, speaker: SpeakerEncoding) -> tuple[Tensor, Tensor]:
        """Past reactions (B, n, 58) and n frames of the speaker -> mean, std (B, D)."""
        x = self.past_motion_linear(past)
        x = 2.0 * x + self._periodic(past.shape[1])
        for layer, memory in (
            (self.transformer_fusion_plm2sa, speaker.speech),
            (self.transformer_fusion_plm2sm, speaker.motion),
        ):
            x = self._decode(layer, x, memory, self._bias(x.shape[1], memory.shape[1], len(x)))
        mean, std = self.interaction_VAE(x)
        return mean, std

    def _follow(self, drawn: Tensor, last: Tensor | None) -> Tensor:
        """Eq. 10 for one window; the first z is its z*."""
        a = self.config.momentum
        return drawn if last is None else a * last + (1.0 - a) * drawn

    def _decode_window(
        self, last: Tensor | None, latent: Tensor, speaker: SpeakerEncoding, stop: int
    ) -> Tensor:
        """LRD and SLBS: z of the last and of this window (B, D) and the speaker -> (B, w, 58).

        stop: position after the window's last frame.
        """
        w, layers = self.config.window, self.listener_reaction_decoder
        memory = latent[:, None]
        if last is not None:
            both = torch.stack([last, latent], dim=-1)
            memory = F.interpolate(both, w, mode="linear").transpose(1, 2)
        positions = torch.arange(stop - w, stop, device=latent.device)
        query = sinusoidal_positions(positions, self.config.width).to(latent.dtype)
        x = layers["transformer_decoder"](query.expand(len(latent), -1, -1), memory)
        for name, seen in (("1", speaker.speech), ("2", speaker.motion)):
            bias = self._bias(w, seen.shape[1], len(x))
            x = self._decode(layers[f"transformer_fusion_decode{name}"], x, seen, bias)
        listener: Tensor = layers["listener_reaction_3dmm_map_layer"](x)
        return listener

    def _decode(self, layer: nn.Module, x: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
        """Apply a decoder layer with the biased causal mask in its self-attention."""
        own = self._bias(x.shape[1], x.shape[1], len(x))
        decoded: Tensor = layer(x, memory, tgt_mask=own, memory_mask=mask)
        return decoded

    def _bias(self, frames: int, keys: int, batch: int) -> Tensor:
        """Bias (B*heads, frames, keys), aligned at the ends: a frame sees up to w - 1 steps of
        speech ahead of it."""
        bias = alignment_bias(frames, keys, self.config.period, 1, keys, self.slopes)
        return bias.repeat(batch, 1, 1)

    def _periodic(self, frames: int) -> Tensor:
        """Position codes (T, D) that repeat every p frames."""
        index = torch.arange(frames, device=self.slopes.device) % self.config.period
        return sinusoidal_positions(index, self.config.width)

    def _no_past(self, batch: int) -> Tensor:
        return self.slopes.new_zeros(batch, self.config.window, NUM_COEFFICIENTS)

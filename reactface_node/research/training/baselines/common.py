"""Common parts of the trained baselines: statistics, the speaker's features, copies."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.errors import UserError
from reactface_node.model.records import SpeakerInput
from reactface_node.model.speech import LogMelEncoder
from reactface_node.research.training.corpus import Batch
from reactface_node.schema import NUM_COEFFICIENTS


class Baseline(nn.Module, ABC):
    """A ``Learner`` on standardised coefficients, as ReactFace.

    The three buffers, (58,) each, are the training set's; the training code sets them.
    """

    listener_mean: Tensor
    listener_std: Tensor
    speaker_std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("listener_mean", torch.zeros(NUM_COEFFICIENTS))
        self.register_buffer("listener_std", torch.ones(NUM_COEFFICIENTS))
        self.register_buffer("speaker_std", torch.ones(NUM_COEFFICIENTS))

    @abstractmethod
    def losses(self, batch: Batch, generator: torch.Generator, step: int = 0) -> dict[str, Tensor]:
        """Weighted scalar terms by name; the same at every step."""

    @abstractmethod
    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58) in real units."""

    def own_listener(self, batch: Batch) -> Tensor:
        """(B, T, 58) standardised: the clip's own listener, the only label that these methods
        use; the mean listener (0) in channels that its data set does not have."""
        standardised = (batch.listeners[:, 0] - self.listener_mean) / self.listener_std
        return standardised * batch.known[:, None]

    def real_units(self, standardised: Tensor) -> Tensor:
        """(..., 58) -> (..., 58)."""
        return standardised * self.listener_std + self.listener_mean


class CoefficientListener(Baseline):
    """A listener that reads the speaker's coefficients and log-mel speech, frame by frame.

    UserError if the config asks for pixels: these methods read coefficients only.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        if config.face_encoder != "coefficients":
            raise UserError("this baseline reads coefficients: set model.face_encoder=coefficients")
        self.speech_encoder = LogMelEncoder(config)
        self.face_embed = nn.Linear(NUM_COEFFICIENTS + 1, config.width)

    def hear(self, speaker: SpeakerInput) -> Tensor:
        """(B, T*k, D) speech features; feature j depends on no audio after its own 10 ms."""
        state = self.speech_encoder.initial_state(len(speaker.audio))
        features: Tensor = self.speech_encoder(speaker.audio, speaker.audio_valid, state)[0]
        return features

    def see(self, speaker: SpeakerInput) -> Tensor:
        """(B, T, D) of each frame's coefficients, zero where not valid, and a face flag."""
        face = visible_face(speaker) / self.speaker_std
        flag = speaker.face_valid.any(dim=-1, keepdim=True).to(face.dtype)
        embedded: Tensor = self.face_embed(torch.cat([face, flag], dim=-1))
        return embedded


class FrameListener(CoefficientListener):
    """A ``CoefficientListener`` that fuses face and speech features of each frame."""

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        self.speech_embed = nn.Linear(self.speech_encoder.ratio * config.width, config.width)

    def speaker_features(self, speaker: SpeakerInput) -> Tensor:
        """(B, T, D), causal."""
        heard = self.hear(speaker).unflatten(1, (-1, self.speech_encoder.ratio)).flatten(2)
        return F.gelu(self.see(speaker) + self.speech_embed(heard))


def visible_face(speaker: SpeakerInput) -> Tensor:
    """(B, T, 58) coefficients, zero (neutral) where not valid; UserError for pixels."""
    if speaker.face.shape[2:] != (NUM_COEFFICIENTS,):
        raise UserError("this baseline needs coefficients of the speaker, not pixels")
    return torch.where(speaker.face_valid, speaker.face, torch.zeros_like(speaker.face))


def copies(reaction: Tensor, samples: int) -> Tensor:
    """(B, T, 58) -> (B, M, T, 58), all the same: the method is deterministic."""
    return reaction[:, None].repeat(1, samples, 1, 1)


def whole_windows(frames: int, window: int) -> int:
    """The number of windows in ``frames``; ValueError if it is not whole."""
    windows, rest = divmod(frames, window)
    if rest or not windows:
        raise ValueError(f"{frames} frames are not whole windows of {window}")
    return windows

"""Trans-AE: ReactFace's encoders and alignment with a plain transformer decoder (5.2.2)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.face import CoefficientEncoder, PixelEncoder
from reactface_node.model.layers import CausalTransformer, history_frames
from reactface_node.model.modules import PointToPointAlignment
from reactface_node.model.records import SpeakerInput
from reactface_node.model.speech import LogMelEncoder, Wav2Vec2Encoder
from reactface_node.research.training.baselines.common import Baseline, copies
from reactface_node.research.training.corpus import Batch
from reactface_node.research.training.losses import speaker_loss
from reactface_node.schema import NUM_COEFFICIENTS

SPEAKER_WEIGHT = 0.5


class TransAE(Baseline):
    """Speaker behaviour in, one reaction out; deterministic and causal frame by frame.

    The decoder is ``cie_layers`` causal transformer layers over the aligned features.
    wav2vec2: a backbone instead of the one that the config names.
    """

    def __init__(self, config: ModelConfig, wav2vec2: nn.Module | None = None):
        super().__init__()
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
        self.alignment = PointToPointAlignment(config, self.speech_encoder.ratio)
        self.decoder = CausalTransformer(
            config, config.cie_layers, history_frames(config.history_s)
        )
        self.speaker_head = nn.Linear(config.width, NUM_COEFFICIENTS)
        self.head = nn.Linear(config.width, NUM_COEFFICIENTS)

    def losses(self, batch: Batch, generator: torch.Generator, step: int = 0) -> dict[str, Tensor]:
        """Smooth L1 to the clip's own listener, and Eq. 19; nothing is random."""
        aligned = self._encode(batch.speaker)
        reaction = self.head(self.decoder(aligned, None)[0])
        return {
            "reaction": F.smooth_l1_loss(reaction, self.own_listener(batch)),
            "speaker": SPEAKER_WEIGHT
            * speaker_loss(self.speaker_head(aligned), batch.truth / self.speaker_std),
        }

    @torch.no_grad()
    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58): M copies of the one reaction."""
        reaction = self.head(self.decoder(self._encode(speaker), None)[0])
        return copies(self.real_units(reaction), samples)

    def _encode(self, speaker: SpeakerInput) -> Tensor:
        batch = len(speaker.audio)
        speech, _ = self.speech_encoder(
            speaker.audio, speaker.audio_valid, self.speech_encoder.initial_state(batch)
        )
        face, _ = self.face_encoder(
            speaker.face, speaker.face_valid, self.face_encoder.initial_state(batch)
        )
        aligned: Tensor = self.alignment(face, speech)
        return aligned

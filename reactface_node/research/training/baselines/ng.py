"""Ng et al. 2022, 'Learning to listen': VQ-VAE codes of listener motion, and a transformer with
motion-audio cross-attention that draws the next code."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reactface_node.config import ModelConfig
from reactface_node.model.attention import KVCache
from reactface_node.model.layers import CrossLayer, history_frames
from reactface_node.model.records import SpeakerInput
from reactface_node.research.training.baselines.common import CoefficientListener, whole_windows
from reactface_node.research.training.baselines.quantise import (
    MotionCoder,
    token_config,
    token_history,
    token_transformer,
)
from reactface_node.research.training.corpus import Batch

ENTRIES = 256
MOTION_WEIGHT = 1.0
COMMITMENT_WEIGHT = 0.25
USAGE_WEIGHT = 0.1
PREDICTION_WEIGHT = 0.1
TEMPERATURE = 1.0
TOP_K = 64


class LearningToListen(CoefficientListener):
    """Both of the paper's stages, trained together: the prediction's gradient does not reach the
    codes. Causal by windows: a window's code is drawn given the codes before it and the speaker up
    to its end.
    """

    def __init__(self, config: ModelConfig):
        super().__init__(config)
        width, self.window = config.width, config.window
        self.coder = MotionCoder(config, ENTRIES)
        self.motion_audio = CrossLayer(
            config, history_frames(config.history_s), self.speech_encoder.ratio
        )
        self.speaker_window = nn.Linear(config.window * width, width)
        self.token = nn.Embedding(ENTRIES + 1, width)  # the last one starts a session
        self.to_speaker = CrossLayer(token_config(config), token_history(config))
        self.predictor = token_transformer(config, config.cie_layers)
        self.head = nn.Linear(width, ENTRIES)

    def losses(self, batch: Batch, generator: torch.Generator, step: int = 0) -> dict[str, Tensor]:
        """The VQ-VAE's terms and the predictor's cross-entropy."""
        listener = self.own_listener(batch)
        rebuilt, quantised = self.coder(listener)
        codes = quantised.indices
        start = codes.new_full((len(codes), 1), ENTRIES)
        before = torch.cat([start, codes[:, :-1]], dim=1)
        logits, _ = self._predict(before[:, None], self._speaker_windows(batch.speaker), None)
        return {
            "reconstruction": F.smooth_l1_loss(rebuilt, listener),
            "motion": MOTION_WEIGHT * F.smooth_l1_loss(rebuilt.diff(dim=1), listener.diff(dim=1)),
            "codebook": quantised.codebook,
            "commitment": COMMITMENT_WEIGHT * quantised.commitment,
            "usage": USAGE_WEIGHT * quantised.usage,
            "prediction": PREDICTION_WEIGHT
            * F.cross_entropy(logits[:, 0].flatten(0, 1), codes.flatten()),
        }

    @torch.no_grad()
    def react(self, speaker: SpeakerInput, samples: int, generator: torch.Generator) -> Tensor:
        """(B, M, T, 58): M sequences of codes, each drawn among the ``TOP_K`` likeliest."""
        batch, frames = speaker.face.shape[:2]
        windows = whole_windows(frames, self.window)
        uniform = torch.rand(batch, samples, windows, ENTRIES, generator=generator)
        # The largest of logits plus Gumbel noise is a draw from their softmax.
        gumbel = -torch.log(-torch.log(uniform.clamp(1e-6, 1.0 - 1e-6))).to(self.head.weight)
        seen = self._speaker_windows(speaker)
        token = torch.full((batch, samples, 1), ENTRIES, device=seen.device)
        state, drawn = None, []
        for index in range(windows):
            logits, state = self._predict(token, seen[:, index : index + 1], state)
            least = logits.topk(TOP_K, dim=-1).values[..., -1:]
            logits = (logits / TEMPERATURE).masked_fill(logits < least, float("-inf"))
            token = (logits[:, :, 0] + gumbel[:, :, index]).argmax(dim=-1, keepdim=True)
            drawn.append(token)
        codes = self.coder.codebook.look_up(torch.cat(drawn, dim=2).flatten(0, 1))
        result: Tensor = self.real_units(self.coder.decode(codes)).unflatten(0, (batch, samples))
        return result

    def _speaker_windows(self, speaker: SpeakerInput) -> Tensor:
        """(B, T/w, D): motion after cross-attention to the audio, window by window."""
        fused, _ = self.motion_audio(self.see(speaker)[:, None], self.hear(speaker), None)
        return F.gelu(self.speaker_window(fused[:, 0].unflatten(1, (-1, self.window)).flatten(2)))

    def _predict(
        self,
        before: Tensor,
        speaker: Tensor,
        state: tuple[KVCache | None, tuple[KVCache | None, ...]] | None,
    ) -> tuple[Tensor, tuple[KVCache | None, tuple[KVCache | None, ...]]]:
        """before (B, M, W) the codes one window earlier, speaker (B, W, D)
        -> logits (B, M, W, ENTRIES) and the state for the windows that follow."""
        crossed, layers = state or (None, None)
        x, crossed = self.to_speaker(self.token(before), speaker, crossed)
        x, layers = self.predictor(x.flatten(0, 1), layers)
        return self.head(x).unflatten(0, before.shape[:2]), (crossed, layers)

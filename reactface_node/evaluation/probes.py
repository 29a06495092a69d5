"""First measurements of what a model has learned; each is a plain number with its unit."""

from typing import TYPE_CHECKING

import numpy as np
import torch

from reactface_node.model.reactface import ReactFace, SpeakerInput
from reactface_node.schema import (
    FRAME_RATE_HZ,
    NUM_COEFFICIENTS,
    SAMPLES_PER_FRAME,
    indices_of,
)

if TYPE_CHECKING:
    from reactface_node.config import TrainingConfig
    from reactface_node.training.corpus import Corpus

PROBE_SAMPLES = 10
SMILE = indices_of("mouthSmile")


def evaluate(model: ReactFace, corpus: "Corpus", settings: "TrainingConfig") -> dict[str, float]:
    """Validation metrics of a model in evaluation mode; see the functions below."""
    clips = min(len(corpus.speaker), 16)
    frames = corpus.speaker.shape[1] // model.config.window * model.config.window
    device = model.listener_mean.device
    speaker = SpeakerInput(
        torch.from_numpy(corpus.speaker[:clips, :frames]).to(device),
        torch.ones(clips, frames, NUM_COEFFICIENTS, dtype=torch.bool, device=device),
        torch.from_numpy(
            corpus.audio[:clips, : frames * SAMPLES_PER_FRAME].astype(np.float32) / 32768
        ).to(device),
        torch.ones(clips, frames, dtype=torch.bool, device=device),
    )
    predicted = draw(model, speaker, PROBE_SAMPLES, settings.seed)
    real = corpus.listeners[:clips, :, :frames]
    smile = smile_response(model, settings.seed)
    return {
        "variance_ratio": float(variance(predicted) / variance(real)),
        "diversity_ratio": float(diversity(predicted) / diversity(real)),
        "smile_correlation": smile_correlation(predicted, real),
        "smile_response": smile[0],
        "smile_after": smile[1],
        "border_jump_ratio": border_jump_ratio(predicted, model.config.window),
    }


def draw(model: ReactFace, speaker: SpeakerInput, samples: int, seed: int) -> np.ndarray:
    """(B, M, T, 58) reactions to the speaker."""
    batch, frames = speaker.face.shape[:2]
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, samples, frames // model.config.window, model.config.width)
    noise = torch.randn(shape, generator=generator).to(speaker.face.device)
    with torch.inference_mode():
        return model(speaker, noise)[0].listener.cpu().numpy()


def variance(reactions: np.ndarray) -> float:
    """Mean over everything else of the variance over time of (B, M, T, C) (Eq. 26)."""
    return float(reactions.var(axis=2, ddof=1).mean())


def diversity(reactions: np.ndarray) -> float:
    """Mean squared distance between the samples of one speaker, (B, M, T, C) (after Eq. 25)."""
    return float(2.0 * reactions.var(axis=1, ddof=1).mean())


def smile_correlation(predicted: np.ndarray, real: np.ndarray) -> float:
    """Pearson correlation over time of the mean predicted and the mean real smile."""
    ours = predicted[..., SMILE].mean(axis=(1, 3))
    theirs = real[..., SMILE].mean(axis=(1, 3))
    ours = ours - ours.mean(axis=1, keepdims=True)
    theirs = theirs - theirs.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(((ours * theirs).sum(axis=1) / np.maximum(norm, 1e-9)).mean())


def smile_response(model: ReactFace, seed: int) -> tuple[float, float]:
    """A silent speaker smiles from 4 s to 6 s. Returns how far the listener's smile rises within
    1.5 s of its onset, and what is left of that 3 s after it has ended (weight units)."""
    frames, device = 10 * FRAME_RATE_HZ // 8 * 8, model.listener_mean.device
    time_s = np.arange(frames) / FRAME_RATE_HZ
    strength = np.interp(time_s, [4.0, 4.3, 6.0, 6.4], [0, 0.8, 0.8, 0]).astype(np.float32)
    face = np.zeros((1, frames, NUM_COEFFICIENTS), np.float32)
    face[0, :, SMILE] = strength
    face[0, :, indices_of("cheekSquint")] = 0.6 * strength
    speaker = SpeakerInput(
        torch.from_numpy(face).to(device),
        torch.ones(face.shape, dtype=torch.bool, device=device),
        torch.zeros(1, frames * SAMPLES_PER_FRAME, device=device),
        torch.ones(1, frames, dtype=torch.bool, device=device),
    )
    smile = draw(model, speaker, 2 * PROBE_SAMPLES, seed)[0][..., SMILE].mean(axis=(0, 2))
    before = smile[75:100].mean()
    return float(smile[100:138].max() - before), float(smile[225:].mean() - before)


def border_jump_ratio(reactions: np.ndarray, window: int) -> float:
    """Mean frame-to-frame step across window borders over the mean step inside windows."""
    steps = np.abs(np.diff(reactions, axis=2)).mean(axis=(0, 1, 3))
    at_border = np.arange(1, reactions.shape[2]) % window == 0
    return float(steps[at_border].mean() / max(steps[~at_border].mean(), 1e-12))

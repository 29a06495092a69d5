"""Validation during training: few clips, quick metrics, a picture."""

import numpy as np
import torch
from torch import nn

from reactface_node.config import Config, RenderConfig
from reactface_node.render import make_renderer
from reactface_node.research.data.clips import Clips
from reactface_node.research.training.corpus import speaker_input
from reactface_node.research.training.losses import energy_score
from reactface_node.research.training.report import TrainingReport
from reactface_node.research.training.splits import long_enough
from reactface_node.schema import FRAME_RATE_HZ, indices_of

CLIPS, SAMPLES = 12, 6
SECONDS = 20
SMILE = indices_of("mouthSmile")


def validation_clips(clips: Clips, window: int) -> tuple[Clips, str]:
    """The clips for validation, and a line on those that are too short; UserError if none
    remain. They need one second for the energy score, and two windows for a border."""
    chosen, _, note = long_enough(clips, max(FRAME_RATE_HZ, 2 * window), window, CLIPS)
    return chosen, f"validation: {note}" if note else ""


def validate(
    learner: nn.Module, clips: Clips, config: Config, report: TrainingReport, step: int
) -> dict[str, float]:
    """Ratios to real listeners, the mean smile's correlation, and steps across window borders."""
    window = config.model.window
    frames = min(SECONDS * FRAME_RATE_HZ, int(clips.frames.min())) // window * window
    device = next(learner.parameters()).device
    pixels = config.model.face_encoder == "pixels"
    speaker = speaker_input(clips, slice(None), frames, pixels).to(device)
    generator = torch.Generator().manual_seed(config.training.seed)
    react = learner.react
    drawn = react(speaker, SAMPLES, generator).cpu().numpy()  # type: ignore[operator]
    real = [clips.reactions[rows, :frames] for rows in clips.lasting(frames)]
    scale = getattr(learner, "model", learner).get_buffer("listener_std").cpu().numpy()
    metrics = quick_metrics(drawn, real, window)
    metrics["energy_score"] = score_of_seconds(drawn, real, scale)
    report.picture(step, "samples", _strip(drawn[0], real[0]))
    return metrics


def quick_metrics(drawn: np.ndarray, real: list[np.ndarray], window: int) -> dict[str, float]:
    """drawn (N, M, T, 58) against N arrays (L, T, 58) of appropriate reactions; NaN for a metric
    that cannot be computed."""
    spread = np.mean([one.var(axis=1, ddof=1).mean() for one in real])
    apart = np.mean([one.var(axis=0, ddof=1).mean() for one in real if len(one) > 1] or [np.nan])
    smiles = [
        np.corrcoef(ours[..., SMILE].mean((0, 2)), one[..., SMILE].mean((0, 2)))[0, 1]
        for ours, one in zip(drawn, real, strict=True)
        if np.ptp(one[..., SMILE]) > 0.05 and np.ptp(ours[..., SMILE]) > 1e-4
    ]
    steps = np.abs(np.diff(drawn, axis=2)).mean(axis=(0, 1, 3))
    border = np.arange(1, drawn.shape[2]) % window == 0
    return {
        "variance_ratio": float(drawn.var(axis=2, ddof=1).mean() / spread),
        "diversity_ratio": float(drawn.var(axis=1, ddof=1).mean() / apart),
        "smile_correlation": float(np.mean(smiles)) if smiles else 0.0,
        "border_jump_ratio": float(steps[border].mean() / max(steps[~border].mean(), 1e-12)),
    }


def score_of_seconds(drawn: np.ndarray, real: list[np.ndarray], scale: np.ndarray) -> float:
    """``losses.energy_score`` over seconds of motion divided by ``scale`` (58,), mean over the
    clips. Shapes as ``quick_metrics``."""
    frames = drawn.shape[2] // FRAME_RATE_HZ * FRAME_RATE_HZ
    scores = []
    for pair in zip(drawn, real, strict=True):
        ours, theirs = (torch.from_numpy(part[None, :, :frames] / scale) for part in pair)
        scores.append(energy_score(ours, theirs, FRAME_RATE_HZ))
    return float(torch.stack(scores).mean())


def _strip(drawn: np.ndarray, real: np.ndarray) -> np.ndarray:
    """A picture of a real listener above two samples, one frame per second."""
    rows = [real[0], drawn[0], drawn[1]]
    draw = make_renderer(RenderConfig(width=96, height=96)).render
    frames = range(0, len(real[0]), FRAME_RATE_HZ)
    return np.vstack([np.hstack([draw(row[t]) for t in frames]) for row in rows])  # type: ignore[misc]

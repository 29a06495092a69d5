"""Training, top to bottom: data, model, optimiser, loop, evaluation, save."""

import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from reactface_node.config import Config, TrainingConfig
from reactface_node.evaluation.probes import evaluate
from reactface_node.model.checkpoint import (
    find_weights,
    load_checkpoint,
    resolve_device,
    save_checkpoint,
)
from reactface_node.model.reactface import Output, ReactFace, SpeakerInput
from reactface_node.model.speech import LogMelEncoder
from reactface_node.training import losses
from reactface_node.training.corpus import SMALLEST_STD, Batch, Corpus, make_corpus

TRAINING_STREAM, VALIDATION_STREAM = 0, 1
WARM_UP_STEPS = 100
SAVE_EVERY = 250


def train(config: Config, out: Path) -> dict[str, float]:
    """Train on synthetic dyads and write the checkpoint; returns the validation metrics.

    The same seed on the same machine gives the same weights.
    """
    settings = config.training
    device = resolve_device(config.device)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(settings.seed)
    workers = os.cpu_count() or 1
    metrics: dict[str, float] = {}
    corpus = make_corpus(settings, settings.clips, TRAINING_STREAM, workers)
    held_out = make_corpus(settings, max(2, settings.clips // 20), VALIDATION_STREAM, workers)

    model = ReactFace(config.model).to(device)
    standardise(model, corpus)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda n: learning_rate(n, settings))
    noise = torch.Generator().manual_seed(settings.seed)
    rng = np.random.default_rng([settings.seed, 2])

    for step in (bar := tqdm(range(settings.steps), "training", unit="step")):
        model.train()
        batch = corpus.batch(rng, settings.batch, settings.crop_frames, settings.channel_dropout)
        parts = batch_losses(model, to_device(batch, device), settings, noise)
        loss = total_loss(parts, settings)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
        optimiser.step()
        schedule.step()
        bar.set_postfix({name: f"{value.item():.3f}" for name, value in parts.items()})
        # Saved on the way too, so that an interrupted run leaves something to look at.
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == settings.steps:
            model.eval()
            metrics = {"step": step + 1} | evaluate(model, held_out, settings)
            save_checkpoint(out, model, config, metrics, corpus.data_hash)
            tqdm.write(json.dumps(metrics), file=sys.stderr)
    return metrics


def learning_rate(step: int, settings: TrainingConfig) -> float:
    """Share of the peak: linear warm-up, then a cosine to zero."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return warm * 0.5 * (1.0 + math.cos(math.pi * step / settings.steps))


def standardise(model: ReactFace, corpus: Corpus) -> None:
    """Put the corpus' statistics into the model's buffers."""
    numbers = corpus.statistics()
    model.listener_mean.copy_(torch.from_numpy(numbers.listener_mean))
    model.listener_std.copy_(torch.from_numpy(numbers.listener_std))
    model.speaker_std.copy_(torch.from_numpy(numbers.speaker_std))
    if hasattr(model.face_encoder, "scale"):
        model.face_encoder.get_buffer("scale").copy_(model.speaker_std)
    if isinstance(encoder := model.speech_encoder, LogMelEncoder):
        audio = torch.from_numpy(corpus.audio[:64].astype(np.float32) / 32768)
        audio = audio.to(encoder.mel_mean.device)
        mel = encoder.log_mel.forward(audio, audio.new_zeros(len(audio), 240)).flatten(0, 1)
        encoder.mel_mean.copy_(mel.mean(0))
        encoder.mel_std.copy_(mel.std(0))


def batch_losses(
    model: ReactFace, batch: Batch, settings: TrainingConfig, generator: torch.Generator
) -> dict[str, Tensor]:
    """The terms of Eq. 18 on one batch, unweighted, in standardised units."""
    size, frames = batch.truth.shape[:2]
    windows = frames // model.config.window
    shape = (size, settings.samples, windows, model.config.width)
    device = batch.truth.device
    noise = torch.randn(shape, generator=generator).to(device)
    # Anywhere in the history's cycle, so that minute 60 looks like minute 1.
    cycle = model.decoder.cycle
    offset = torch.randint(cycle, (size,), generator=generator).to(device)
    state = model.initial_state(size, settings.samples)
    state = type(state)(**{**vars(state), "frame": offset})
    output, _ = model(batch.speaker, noise, state)
    return losses_of(model, output, batch, settings)


def losses_of(
    model: ReactFace, output: Output, batch: Batch, settings: TrainingConfig
) -> dict[str, Tensor]:
    """Eqs 19-23 of an output."""
    listener = (output.listener - model.listener_mean) / model.listener_std
    appropriate = (batch.listeners - model.listener_mean) / model.listener_std
    return {
        "appropriate": losses.appropriate_loss(
            listener, appropriate, settings.neighbour_temperature
        ),
        "speaker": losses.speaker_loss(
            output.speaker / model.speaker_std, batch.truth / model.speaker_std
        ),
        "kl": losses.kl_loss(output.mean, output.log_variance),
        "smooth": losses.smooth_loss(listener),
        "diversity": losses.diversity_loss(
            listener, settings.diversity_scale, active_channels(model.listener_std)
        ),
    }


def active_channels(listener_std: Tensor) -> Tensor:
    """(58,) bool: the channels that real listeners move by more than the smallest deviation."""
    smallest = torch.from_numpy(SMALLEST_STD).to(listener_std)
    return listener_std > 1.01 * smallest


def total_loss(parts: dict[str, Tensor], settings: TrainingConfig) -> Tensor:
    """Eq. 18."""
    return (
        parts["appropriate"]
        + settings.speaker_weight * parts["speaker"]
        + settings.kl_weight * parts["kl"]
        + settings.smooth_weight * parts["smooth"]
        + settings.diversity_weight * parts["diversity"]
    )


def to_device(batch: Batch, device: str) -> Batch:
    """All tensors of a batch on the device."""
    speaker = SpeakerInput(*(part.to(device) for part in vars(batch.speaker).values()))
    return Batch(speaker, batch.truth.to(device), batch.listeners.to(device))


def evaluate_checkpoint(config: Config, clips: int) -> dict[str, float]:
    """Metrics of the config's checkpoint on ``clips`` held-out dyads; UserError without one."""
    device = resolve_device(config.device)
    model = load_checkpoint(find_weights(config.weights), config.model, device).model
    held_out = make_corpus(config.training, clips, VALIDATION_STREAM, os.cpu_count() or 1)
    return evaluate(model, held_out, config.training)

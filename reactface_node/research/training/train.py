"""Training, top to bottom: data, model, optimiser, loop, validation, save."""

import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reactface_node.config import Config, TrainingConfig
from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.files.whole import make_folder
from reactface_node.media.audio import integers_to_float
from reactface_node.model.checkpoint import (
    add_history,
    read_checkpoint,
    resolve_device,
    save_checkpoint,
)
from reactface_node.model.speech import LogMelEncoder
from reactface_node.research.data.clips import Clips
from reactface_node.research.training.checks import check_settings
from reactface_node.research.training.corpus import Batch, Corpus
from reactface_node.research.training.dataset import prepare_data
from reactface_node.research.training.distributed import Processes
from reactface_node.research.training.events import train_events
from reactface_node.research.training.learner import Learner
from reactface_node.research.training.mixture import Mixture, open_data
from reactface_node.research.training.networks import build_learner
from reactface_node.research.training.objective import ReactFaceLearner
from reactface_node.research.training.proportion import train_proportion
from reactface_node.research.training.report import TrainingReport
from reactface_node.research.training.resume import Progress, load_state, save_state
from reactface_node.research.training.validate import validate
from reactface_node.schema import FRAME_RATE_HZ

WARM_UP_STEPS = 100
NOT_HEARD = 1e4
"""Scale of the speaker's channels that no clip has: a tracker gives them later, and their weights
have learned nothing."""
VOICES = 64  # of which log-mel features are standardised
SAVE_PERIOD_S = 600.0
"""The state is saved at least so often, besides at validations."""
DATA = "data"  # in the metrics of weights: the data sets, with their shares
# The weights with the best energy score in validation, the newest ones, and the state to resume
# from.
FINISHED = "last_phases"  # in the metrics of weights that went through them
WEIGHTS, LAST, STATE = "weights.safetensors", "last.safetensors", "state.safetensors"


@dataclass
class Run:
    """The objects and measurements of a training run."""

    config: Config
    out: Path
    corpus: Mixture
    validation: list[Clips]
    learner: nn.Module
    optimiser: torch.optim.Optimizer
    average: dict[str, Tensor]
    progress: Progress

    @property
    def data_hash(self) -> str:
        return self.corpus.digest

    @property
    def about(self) -> dict[str, Any]:
        """Settings that a resumed run must share with this one."""
        settings = self.config.to_dict()
        # Other threads change the last bits only.
        training = {n: v for n, v in settings["training"].items() if n != "threads"}
        return {"model": settings["model"], "training": training, "data": self.data_hash}


def train(
    config: Config, out: Path, clock: Callable[[], float] = time.monotonic
) -> dict[str, float | None]:
    """Train as ``config.training`` says and write to the folder ``out``; returns the last
    validation's metrics, None for NaN (no metrics in processes that do not validate).

    out: data (synthetic dyads, if no data set is named), the best and the last weights,
    TensorBoard's events, and the state from which the same command continues. The same seed on the
    same machine gives the same weights, interrupted or not. clock: seconds, for the times at which
    the state is saved. UserError for an unusable data set, another config, or a full disk; earlier
    files then stay.
    """
    settings = config.training
    with Processes(config.device) as processes:
        run = start(config, out, processes)
        losses = processes.share(_Losses(run.learner))
        with closing(TrainingReport(out, processes.first, run.progress.step)) as report:
            bar = ProgressBar(
                range(run.progress.step, settings.steps),
                "training",
                unit="step",
                initial=run.progress.step,
                total=settings.steps,
                disable=not processes.first,
            )
            saved_s = clock()
            for step in bar:
                parts = take_step(run, losses, step, processes, report)
                bar.set_postfix({name: f"{value:.3f}" for name, value in parts.items()})
                last = step + 1 == settings.steps
                if not processes.first:
                    continue
                if last or (step + 1) % settings.validate_every == 0:
                    save(run, step + 1, report)
                    saved_s = clock()
                elif clock() - saved_s >= SAVE_PERIOD_S:
                    save_progress(run, Progress(step + 1, run.progress.history))
                    saved_s = clock()
        if processes.first:
            finish(run)
    return run.progress.history[-1] if run.progress.history else {}


def take_step(
    run: Run, losses: nn.Module, step: int, processes: Processes, report: TrainingReport
) -> dict[str, float]:
    """Draw a batch and learn from it; returns the weighted terms of the loss."""
    settings, started = run.config.training, time.perf_counter()
    batch = run.corpus.batch(
        np.random.default_rng([settings.seed, 2, step]),
        settings.batch,
        settings.crop_frames,
        settings.listeners,
        settings.channel_dropout,
        settings.begins_share,
    )
    batch = processes.part(batch).to(processes.device)
    parts = optimise(losses, run.optimiser, batch, step, settings)
    follow(run.average, run.learner, step, settings.average)
    clip_s = settings.batch * settings.crop_frames / FRAME_RATE_HZ
    report.step(step + 1, parts, clip_s, time.perf_counter() - started)
    return parts


def start(config: Config, out: Path, processes: Processes) -> Run:
    """Prepare data, network and optimiser; resume the run in ``out`` if there is one."""
    settings = config.training
    check_settings(config)
    device = resolve_device(processes.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    make_folder(out)
    corpus, validation, notes = open_data(config, prepare_data(settings, out, processes))
    for note in notes if processes.first else ():
        print(note, file=sys.stderr)
    learner = build_learner(config).to(device)
    standardise(learner, corpus)
    optimiser = torch.optim.AdamW(
        learner.parameters(),
        lr=settings.learning_rate,
        betas=(0.9, settings.beta2),
        weight_decay=settings.weight_decay,
    )
    average = {n: t.clone() for n, t in learner.state_dict().items() if t.is_floating_point()}
    run = Run(config, out, corpus, validation, learner, optimiser, average, Progress(0, []))
    if (out / STATE).exists():
        run.progress = load_state(out / STATE, learner, optimiser, average, run.about)
    return run


def save(run: Run, step: int, report: TrainingReport) -> None:
    """Validate the averaged weights, export them, and save the state to resume from."""
    kept = {name: value.clone() for name, value in run.learner.state_dict().items()}
    run.learner.load_state_dict({**kept, **run.average})
    run.learner.eval()
    found = validate_all(run, report, step)
    score = found["energy_score"]
    best = all(score <= _score(past) for past in run.progress.history)
    numbers = {name: value if math.isfinite(value) else None for name, value in found.items()}
    report.metrics(step, numbers)
    history: list[dict[str, float | None]] = [*run.progress.history, {"step": step} | numbers]
    data = [domain.card() for domain in run.corpus.domains]
    metrics = history[-1] | {"history": history, DATA: data}
    for name in (LAST, WEIGHTS) if best else (LAST,):
        save_checkpoint(run.out / name, exported(run.learner), run.config, metrics, run.data_hash)
    if not best:
        add_history(run.out / WEIGHTS, history)
    run.learner.load_state_dict(kept)
    run.learner.train()
    save_progress(run, Progress(step, history))
    ProgressBar.write(f"{json.dumps(history[-1])}\n{report.throughput()}", file=sys.stderr)


def validate_all(run: Run, report: TrainingReport, step: int) -> dict[str, float]:
    """``validate`` on the clips of each data set, and the mean by their shares; of several data
    sets, each one's energy score too."""
    found, total = {}, dict[str, float]()
    for domain, clips in zip(run.corpus.domains, run.validation, strict=True):
        measured = validate(run.learner, clips, run.config, report, step)
        if len(run.validation) == 1:
            return measured
        found[f"energy_score/{domain.name}"] = measured["energy_score"]
        for name, value in measured.items():
            total[name] = total.get(name, 0.0) + domain.share * value
    return total | found


def finish(run: Run) -> None:
    """The last phases, on the best weights: nods and laughs, then proportion. Nothing where that is
    done already, or where the network has no nods."""
    if not isinstance(run.learner, ReactFaceLearner) or run.learner.model.nods is None:
        return
    path, settings = run.out / WEIGHTS, run.config.training
    stored = read_checkpoint(path, "cpu")
    if FINISHED in stored.metrics or not settings.event_steps + settings.proportion_steps:
        return
    learner = ReactFaceLearner(run.config).to(run.config.device).eval()
    stored.fill(learner.model)
    learner.leave_out(torch.from_numpy(~run.corpus.known))
    found = {
        "events": train_events(learner, run.corpus, settings),
        "proportion": train_proportion(learner, run.corpus, settings),
    }
    metrics = {**stored.metrics, FINISHED: found}
    save_checkpoint(path, learner.model, run.config, metrics, run.data_hash)


def save_progress(run: Run, progress: Progress) -> None:
    """Save the state to resume from."""
    run.progress = progress
    save_state(run.out / STATE, run.learner, run.optimiser, run.average, progress, run.about)


def _score(measured: dict[str, float | None]) -> float:
    score = measured["energy_score"]
    return math.inf if score is None else score


class _Losses(nn.Module):
    """The learner's losses as a forward pass, since gradients are averaged around ``forward``."""

    def __init__(self, learner: nn.Module):
        super().__init__()
        self.learner = learner

    def forward(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        learner: Learner = self.learner  # type: ignore[assignment]
        return learner.losses(batch, generator, step)


def optimise(
    losses: nn.Module,
    optimiser: torch.optim.Optimizer,
    batch: Batch,
    step: int,
    settings: TrainingConfig,
) -> dict[str, float]:
    """One step; its randomness depends on seed and step only. Returns the weighted terms."""
    torch.manual_seed(settings.seed * 1_000_003 + step)
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
    for group in optimiser.param_groups:
        group["lr"] = settings.learning_rate * learning_rate(step, settings)
    device = batch.truth.device.type
    with torch.autocast(device, torch.bfloat16, enabled=settings.precision == "bfloat16"):
        parts = losses(batch, generator, step)
        loss = torch.stack(list(parts.values())).sum()
    if not torch.isfinite(loss):
        raise UserError(f"the loss is no number in step {step}: lower training.learning_rate")
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(losses.parameters(), settings.clip_norm)
    optimiser.step()
    return {name: value.item() for name, value in parts.items()}


def learning_rate(step: int, settings: TrainingConfig) -> float:
    """Share of the peak: a constant, or a linear warm-up and a cosine to zero."""
    if settings.schedule == "constant":
        return 1.0
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return warm * 0.5 * (1.0 + math.cos(math.pi * step / settings.steps))


@torch.no_grad()
def follow(average: dict[str, Tensor], learner: nn.Module, step: int, decay: float) -> None:
    """Exponential moving average of the weights, with a smaller decay in early steps."""
    decay = min(decay, (1 + step) / (10 + step))
    for name, value in learner.state_dict().items():
        if name in average:
            average[name].lerp_(value, 1.0 - decay)


def standardise(learner: nn.Module, corpus: Corpus | Mixture) -> None:
    """Copy the corpus' statistics to the buffers of those modules of the learner that have them."""
    numbers = corpus.statistics()
    unknown = torch.from_numpy(~numbers.known)
    if isinstance(learner, ReactFaceLearner):
        learner.leave_out(unknown)
    sounds = corpus.sounds(VOICES)
    for module in learner.modules():
        for name in ("listener_mean", "listener_std", "speaker_std"):
            if name in dict(module.named_buffers(recurse=False)):
                module.get_buffer(name).copy_(torch.from_numpy(getattr(numbers, name)))
        if "scale" in dict(module.named_buffers(recurse=False)):
            scale = torch.from_numpy(numbers.speaker_std).masked_fill(unknown, NOT_HEARD)
            module.get_buffer("scale").copy_(scale)
        if isinstance(module, LogMelEncoder):
            mel = torch.cat([_mel(module, *part) for part in sounds])
            module.mel_mean.copy_(mel.mean(0))
            module.mel_std.copy_(mel.std(0))


def _mel(module: LogMelEncoder, audio: np.ndarray, frames: np.ndarray) -> Tensor:
    """(n, F) the features of all frames of some voices, (N, T * 640) int16."""
    heard = torch.from_numpy(integers_to_float(audio)).to(module.mel_mean.device)
    mel = module.log_mel.forward(heard, heard.new_zeros(len(heard), 240))
    inside = torch.arange(mel.shape[1]) < module.ratio * torch.from_numpy(frames)[:, None]
    return mel[inside.to(mel.device)]


def exported(learner: nn.Module) -> nn.Module:
    """The network to save: ReactFace without its training parts, a baseline unchanged."""
    return getattr(learner, "model", learner)

"""The two stages in which PIRender is trained (Ren et al., ICCV 2021)."""

import copy
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.files.whole import make_folder
from reactface_node.render.portrait.generator import FaceGenerator
from reactface_node.render.portrait.weights import CoefficientSpace, LoadedGenerator, save_generator
from reactface_node.research.training.portrait.batches import Pairs, digest_of, draw
from reactface_node.research.training.portrait.clips import PortraitClip
from reactface_node.research.training.portrait.losses import EDIT_WEIGHT, WARP_WEIGHT, PictureLoss
from reactface_node.research.training.portrait.losses import digest_of as digest_of_tensors
from reactface_node.research.training.portrait.sheet import save_sheet
from reactface_node.research.training.resume import Progress, load_state, save_state
from reactface_node.research.training.train import follow

BETAS = (0.5, 0.999)
AVERAGE = 0.5 ** (32 / 10_000)
"""Decay of the averaged weights, which are the ones that are used; both as released."""
SHOWN_PAIRS = 4
WEIGHTS, STATE = "pirender.safetensors", "state.safetensors"


@dataclass(frozen=True)
class Stages:
    """The numbers of optimiser steps that train the flow alone and then everything, and their
    settings."""

    warp_steps: int
    edit_steps: int
    batch: int
    learning_rate: float
    seed: int
    save_every: int

    @property
    def steps(self) -> int:
        return self.warp_steps + self.edit_steps


@dataclass
class PortraitRun:
    """The objects of a portrait training run."""

    net: FaceGenerator
    space: CoefficientSpace
    average: FaceGenerator
    optimiser: torch.optim.Optimizer
    clips: Sequence[PortraitClip]
    loss: PictureLoss
    stages: Stages
    about: dict[str, Any]
    device: str
    progress: Progress


def tune(
    begin: LoadedGenerator,
    clips: Sequence[PortraitClip],
    loss: PictureLoss,
    stages: Stages,
    out: Path,
    device: str,
) -> dict[str, float | None]:
    """Train the net of ``begin``, which is changed, and write to the folder ``out``; returns the
    last measurement.

    out: the averaged weights, a sheet of pictures for every measurement, and the state from which
    the same call continues, with the same numbers as without the interruption; more ``edit_steps``
    prolong a run. UserError if ``out`` holds a run with other data or settings, or if the disk is
    full.
    """
    run = start(begin, clips, loss, stages, out, device)
    bar = ProgressBar(
        range(run.progress.step, stages.steps),
        "portrait",
        unit="step",
        initial=run.progress.step,
        total=stages.steps,
    )
    for step in bar:
        pairs = draw(clips, np.random.default_rng([stages.seed, 0, step]), stages.batch).to(device)
        parts = optimise(run, pairs, step)
        follow(run.average.state_dict(), run.net, step, AVERAGE)
        bar.set_postfix({name: f"{value:.3f}" for name, value in parts.items()})
        if step + 1 == stages.steps or (step + 1) % stages.save_every == 0:
            save(run, step + 1, out)
    return run.progress.history[-1] if run.progress.history else {}


def start(
    begin: LoadedGenerator,
    clips: Sequence[PortraitClip],
    loss: PictureLoss,
    stages: Stages,
    out: Path,
    device: str,
) -> PortraitRun:
    """Begin a new run, or resume the one in ``out``."""
    if len({clip.pictures.shape[1:] for clip in clips}) != 1:
        raise UserError("the clips' pictures differ in size")
    make_folder(out)
    free = ("edit_steps", "save_every")
    about = {
        "training": {name: value for name, value in asdict(stages).items() if name not in free},
        "space": begin.space,
        "loss": loss.digest,
        "starting net": digest_of_tensors(begin.net.state_dict()),
        "set of clips": digest_of(clips),
    }
    net = begin.net.to(device).train().requires_grad_(True)
    optimiser = torch.optim.Adam(net.parameters(), lr=stages.learning_rate, betas=BETAS)
    average = copy.deepcopy(net).eval().requires_grad_(False)
    progress = Progress(0, [])
    if (out / STATE).exists():
        progress = load_state(out / STATE, net, optimiser, average.state_dict(), about)
    return PortraitRun(
        net, begin.space, average, optimiser, clips, loss, stages, about, device, progress
    )


def optimise(run: PortraitRun, pairs: Pairs, step: int) -> dict[str, float]:
    """One step; its weighted loss terms."""
    losses = terms(run.net, run.loss, pairs, warping=step < run.stages.warp_steps)
    total = torch.stack(list(losses.values())).sum()
    if not torch.isfinite(total):
        raise UserError(f"the loss is no number in step {step}: lower the learning rate")
    run.optimiser.zero_grad(set_to_none=True)
    total.backward()
    run.optimiser.step()
    return {name: value.item() for name, value in losses.items()}


def terms(net: FaceGenerator, loss: PictureLoss, pairs: Pairs, warping: bool) -> dict[str, Tensor]:
    """The warp stage's loss, 2.5 L(warped), or the edit stage's, 2.5 L(warped) + 4 L(edited) with
    style; in the warp stage the editing net is not run."""
    if warping:
        warped = net.warp(pairs.source, pairs.coefficients)
        return {"warp": WARP_WEIGHT * loss(warped, pairs.target, style=False)}
    drawn = net(pairs.source, pairs.coefficients)
    return {
        "warp": WARP_WEIGHT * loss(drawn.warped, pairs.target, style=False),
        "edit": EDIT_WEIGHT * loss(drawn.edited, pairs.target, style=True),
    }


def save(run: PortraitRun, step: int, out: Path) -> None:
    """Measure the averaged weights, write their sheet of pictures, export them, and save the state
    to resume from."""
    random = np.random.default_rng([run.stages.seed, 1])
    pairs = draw(run.clips, random, SHOWN_PAIRS).to(run.device)
    with torch.inference_mode():
        drawn = run.average(pairs.source, pairs.coefficients)
    shown = {"source": pairs.source, "warped": drawn.warped, "edited": drawn.edited}
    found = {name: (one - pairs.target).abs().mean().item() / 2 for name, one in shown.items()}
    history: list[dict[str, float | None]] = [*run.progress.history, {"step": step, **found}]
    save_sheet(out / f"sheet_{step:06d}.png", {**shown, "target": pairs.target})
    save_generator(out / WEIGHTS, run.average, run.space)
    run.progress = Progress(step, history)
    average = dict(run.average.state_dict())
    save_state(out / STATE, run.net, run.optimiser, average, run.progress, run.about)
    ProgressBar.write(json.dumps(history[-1]), file=sys.stderr)

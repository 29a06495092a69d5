"""The state to resume a training run exactly, in one safetensors file.

The randomness of a step depends on the seed and its number only, so no generator is stored.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reactface_node.errors import UserError
from reactface_node.files.tensors import read_safetensors, write_safetensors
from reactface_node.files.text import parse_json, shown


@dataclass(frozen=True)
class Progress:
    """step: optimiser steps done. history: the measurements so far; None for NaN."""

    step: int
    history: list[dict[str, float | None]]


def save_state(
    path: Path,
    learner: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: dict[str, Tensor],
    progress: Progress,
    about: dict[str, Any],
) -> None:
    """Write the state atomically. about: settings that must be the same in a resumed run. UserError
    if
    it cannot be written."""
    tensors = {f"learner.{name}": value for name, value in learner.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.items()}
    for name, parameter in learner.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"optimiser.{key}.{name}"] = value
    metadata = {
        "step": str(progress.step),
        "history": json.dumps(progress.history),
        "about": json.dumps(about, sort_keys=True),
    }
    write_safetensors(path, tensors, metadata)


def load_state(
    path: Path,
    learner: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: dict[str, Tensor],
    about: dict[str, Any],
) -> Progress:
    """Inverse of ``save_state``; UserError if the file is damaged or of another config."""
    metadata, tensors = read_safetensors(path, "cpu")
    said = parse_json(metadata.get("about", "{}"), f"{path} is damaged: what it says of itself")
    _same(path, said, json.loads(json.dumps(about)))
    try:
        _fill(learner, optimiser, average, tensors)
        return Progress(int(metadata["step"]), json.loads(metadata["history"]))
    except (KeyError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} is damaged: {shown(str(error))}") from error


def _fill(
    learner: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: dict[str, Tensor],
    tensors: dict[str, Tensor],
) -> None:
    def part(prefix: str) -> dict[str, Tensor]:
        return {n[len(prefix) :]: t for n, t in tensors.items() if n.startswith(prefix)}

    learner.load_state_dict(part("learner."))
    for name, value in part("average.").items():
        average[name].copy_(value)
    moments = {key: part(f"optimiser.{key}.") for key in ("step", "exp_avg", "exp_avg_sq")}
    for name, parameter in learner.named_parameters():
        if name in moments["exp_avg"]:
            optimiser.state[parameter] = {
                key: values[name].clone() if key == "step" else values[name].to(parameter.device)
                for key, values in moments.items()
            }


def _same(path: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """UserError that names the first setting in which they differ."""
    for section in sorted(before.keys() | now.keys()):
        was, wanted = before.get(section), now.get(section)
        if isinstance(was, dict) and isinstance(wanted, dict):
            for name in sorted(was.keys() | wanted.keys()):
                if was.get(name) != wanted.get(name):
                    raise UserError(
                        f"{path} was made with {section}.{name} = {was.get(name)}, "
                        f"the config says {wanted.get(name)}: choose another folder"
                    )
        elif was != wanted:
            raise UserError(f"{path} was made with another {section}: choose another folder")

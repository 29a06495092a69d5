"""Checkpoints: one safetensors file with weights, and config, metrics and data hash as metadata."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reactface_node.config import Config, ModelConfig
from reactface_node.errors import NoDevice, UserError
from reactface_node.files.tensors import (
    check_tensors,
    check_values,
    read_safetensors,
    write_safetensors,
)
from reactface_node.model.architecture import (
    FORMAT,
    VERSION,
    check_same,
    stored_config,
    stored_json,
)
from reactface_node.model.reactface import ReactFace
from reactface_node.model.speech import Wav2Vec2Encoder
from reactface_node.model.wav2vec2 import untrained_wav2vec2


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint: the model in evaluation mode, without gradients, and its metadata."""

    model: ReactFace
    config: dict[str, Any]
    metrics: dict[str, Any]
    data_hash: str


def save_checkpoint(
    path: Path, model: nn.Module, config: Config, metrics: dict[str, Any], data_hash: str
) -> None:
    """Write a checkpoint atomically: a reader sees the old file or the whole new one.

    UserError if the disk is full or the file cannot be written.
    """
    metadata = {
        "format": FORMAT,
        "version": str(VERSION),
        "config": json.dumps(config.to_dict()),
        "metrics": json.dumps(metrics),
        "data_hash": data_hash,
    }
    if isinstance(encoder := getattr(model, "speech_encoder", None), Wav2Vec2Encoder):
        metadata["wav2vec2"] = json.dumps(encoder.architecture())
    write_safetensors(path, model.state_dict(), metadata)


def add_history(path: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Add the history of validation to a checkpoint's metrics; the rest stays as it is."""
    metadata, tensors = read_safetensors(path, "cpu")
    metrics = stored_json(path, metadata, "metrics") | {"history": history}
    write_safetensors(path, tensors, metadata | {"metrics": json.dumps(metrics)})


@dataclass(frozen=True)
class Stored:
    """The contents of a checkpoint's file: metadata, and tensors by name.

    wav2vec2: architecture of the wav2vec 2.0 backbone; None if it has none.
    """

    path: Path
    config: Config
    metrics: dict[str, Any]
    data_hash: str
    tensors: dict[str, torch.Tensor]
    wav2vec2: dict[str, Any] | None

    def fill(self, net: nn.Module) -> None:
        """Load the tensors into ``net``; UserError that names the first one that does not fit."""
        load_tensors(self.path, net, self.tensors)


def read_checkpoint(path: Path, device: str) -> Stored:
    """Read a checkpoint's file without building the model.

    UserError if the file is truncated, of another kind, or newer than this package, or if the
    device is missing.
    """
    resolve_device(device)
    metadata, tensors = read_safetensors(path, device)
    config = stored_config(path, metadata)
    metrics = stored_json(path, metadata, "metrics")
    wav2vec2 = stored_json(path, metadata, "wav2vec2") if "wav2vec2" in metadata else None
    return Stored(path, config, metrics, metadata.get("data_hash", ""), tensors, wav2vec2)


def load_checkpoint(path: Path, model: ModelConfig, device: str) -> Checkpoint:
    """Load a checkpoint as the model that the config asks for, on a device.

    UserError if the file is truncated, of another kind, newer than this package, or of another
    architecture.
    """
    stored = read_checkpoint(path, device)
    check_same(path, stored.config, model)
    if _may_be_far_larger(stored):
        with torch.device("meta"):
            # Tensors of the meta device use no memory: check the shapes before allocating.
            check_tensors(path, _untrained(stored, model).state_dict(), stored.tensors)
    net = _untrained(stored, model)
    stored.fill(net)
    return Checkpoint(
        net.to(device).eval().requires_grad_(False),
        stored.config.to_dict(),
        stored.metrics,
        stored.data_hash,
    )


def _may_be_far_larger(stored: Stored) -> bool:
    """Whether a network of the file's architecture could use far more memory than the file.

    Only then are shapes checked on torch's meta device first, as that loads 60 MB of modules.
    """
    config = stored.config.model
    numbers = sum(tensor.numel() for tensor in stored.tensors.values())
    return stored.wav2vec2 is not None or config.width**2 * config.cie_layers > numbers


def _untrained(stored: Stored, model: ModelConfig) -> ReactFace:
    if model.speech_encoder != "wav2vec2":
        return ReactFace(model)
    if stored.wav2vec2 is None:
        raise UserError(f"{stored.path} is damaged: it does not say which wav2vec 2.0 it has")
    return ReactFace(model, untrained_wav2vec2(stored.wav2vec2, str(stored.path)))


def load_tensors(path: Path, net: nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    """Load tensors read from ``path`` into ``net``.

    UserError as in ``check_tensors``, and if weights are NaN or all values of a matrix are equal.
    """
    check_tensors(path, net.state_dict(), tensors)
    for name, tensor in tensors.items():
        check_values(path, name, tensor)
    net.load_state_dict(tensors)


def resolve_device(name: str) -> str:
    """The device's name for torch; UserError for an unknown name, NoDevice if it cannot be used."""
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise UserError(f"there is no device '{name}': it is cpu, cuda or cuda:N")
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].partition(", ipu")[0]
        raise NoDevice(f"device '{name}' cannot be used here: {reason}") from error
    return name

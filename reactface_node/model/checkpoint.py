"""Checkpoints: one safetensors file with weights, and config, metrics and data hash as metadata."""

import dataclasses
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
from reactface_node.files import resources
from reactface_node.files.tensors import (
    check_format,
    check_tensors,
    check_values,
    read_safetensors,
    write_safetensors,
)
from reactface_node.files.text import parse_json
from reactface_node.model.reactface import ReactFace
from reactface_node.model.speech import Wav2Vec2Encoder
from reactface_node.model.wav2vec2 import untrained_wav2vec2

FORMAT = "reactface"
VERSION = 1
HISTORIES = ("history_s", "sync_history_s")
"""Settings that a model can play with a smaller value of than it was trained with."""
WEIGHTS_HELP = "train some with `reactface train`, or set `weights` to a checkpoint that you have"


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
    metrics = _told(path, metadata, "metrics") | {"history": history}
    write_safetensors(path, tensors, metadata | {"metrics": json.dumps(metrics)})


def find_weights(name: str) -> Path:
    """The file for a path or a name in weights/; UserError with advice if there is none."""
    path = resources.weights_file(name)
    if path is None:
        raise UserError(f"no weights '{name}': {WEIGHTS_HELP}")
    return path


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
    check_format(path, metadata, FORMAT, VERSION, "is no checkpoint of reactface_node")
    # Only these sections belong to the weights; the others are settings of the training session.
    settings = _told(path, metadata, "config")
    try:
        config = Config.from_dict({name: settings[name] for name in ("model", "training")})
    except KeyError as error:
        raise UserError(f"{path} is damaged: its config has no {error}") from error
    except UserError as error:
        raise UserError(f"{path} is damaged or of another version: {error}") from error
    metrics = _told(path, metadata, "metrics")
    wav2vec2 = _told(path, metadata, "wav2vec2") if "wav2vec2" in metadata else None
    return Stored(path, config, metrics, metadata.get("data_hash", ""), tensors, wav2vec2)


def _told(path: Path, metadata: Mapping[str, str], name: str) -> dict[str, Any]:
    """One entry of a file's metadata, parsed from JSON; UserError if it is damaged."""
    return parse_json(metadata.get(name, ""), f"{path} is damaged: its {name}")


def load_checkpoint(path: Path, model: ModelConfig, device: str) -> Checkpoint:
    """Load a checkpoint as the model that the config asks for, on a device.

    UserError if the file is truncated, of another kind, newer than this package, or of another
    architecture.
    """
    stored = read_checkpoint(path, device)
    network = stored.config.training.network
    if network != "reactface":
        raise UserError(f"{path} holds the baseline {network}, not ReactFace")
    _check_same(path, stored.config.model, model)
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


def _check_same(path: Path, trained: ModelConfig, wanted: ModelConfig) -> None:
    """UserError if the architectures differ; settings of sampling may, and a history may be shorter
    than in training."""
    free = {"momentum", "temperature", "gain", "dropout", "wav2vec2", "wav2vec2_context_s"}
    for item in dataclasses.fields(ModelConfig):
        have, want = getattr(trained, item.name), getattr(wanted, item.name)
        fits = have == want or (item.name in HISTORIES and 0 < want <= have)
        if item.name not in free and not fits:
            raise UserError(
                f"{path} was trained with model.{item.name} = {have}, the config says {want}"
            )

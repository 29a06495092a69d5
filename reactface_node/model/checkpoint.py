"""A checkpoint is one safetensors file: weights, and as metadata config, metrics, data hash."""

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
WEIGHTS_HELP = "train some with `reactface train`, or set `weights` to a checkpoint that you have"


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds: the model in evaluation mode, and what it says of itself."""

    model: ReactFace
    config: dict[str, Any]
    metrics: dict[str, Any]
    data_hash: str


def save_checkpoint(
    path: Path, model: nn.Module, config: Config, metrics: dict[str, Any], data_hash: str
) -> None:
    """Write atomically: a reader sees the old file or the whole new one. UserError where the
    disk is full or it cannot be written."""
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
    """Tell a checkpoint what validation found after it was saved; all else stays as it is."""
    metadata, tensors = read_safetensors(path, "cpu")
    metrics = _told(path, metadata, "metrics") | {"history": history}
    write_safetensors(path, tensors, metadata | {"metrics": json.dumps(metrics)})


def find_weights(name: str) -> Path:
    """A path as given, or a name in weights/; UserError that says how to get some."""
    path = resources.weights_file(name)
    if path is None:
        raise UserError(f"no weights '{name}': {WEIGHTS_HELP}")
    return path


@dataclass(frozen=True)
class Stored:
    """A checkpoint's file as it was read: what it says of itself, and its tensors by name.
    wav2vec2: the architecture of its backbone, None where it has none."""

    path: Path
    config: Config
    metrics: dict[str, Any]
    data_hash: str
    tensors: dict[str, torch.Tensor]
    wav2vec2: dict[str, Any] | None

    def fill(self, net: nn.Module) -> None:
        """Load the tensors; UserError that names the first one that does not fit."""
        load_tensors(self.path, net, self.tensors)


def read_checkpoint(path: Path, device: str) -> Stored:
    """UserError where the file is truncated, not ours, or newer than this package, or where the
    device is not there."""
    resolve_device(device)
    metadata, tensors = read_safetensors(path, device)
    check_format(path, metadata, FORMAT, VERSION, "is no checkpoint of reactface_node")
    # How the session that trained it played, rendered or named topics is no property of weights.
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
    """One entry of a file's metadata, which is JSON."""
    return parse_json(metadata.get(name, ""), f"{path} is damaged: its {name}")


def load_checkpoint(path: Path, model: ModelConfig, device: str) -> Checkpoint:
    """Read a checkpoint for the model that the config asks for.

    UserError where the file is truncated, not ours, newer, or of another shape or kind.
    """
    stored = read_checkpoint(path, device)
    network = stored.config.training.network
    if network != "reactface":
        raise UserError(f"{path} holds the baseline {network}, not ReactFace")
    _check_same(path, stored.config.model, model)
    # Trained with its own architecture; sampling settings such as momentum are the user's.
    if _may_be_far_larger(stored):
        with torch.device("meta"):
            # Its tensors have no memory: first it is seen whether those of the file fit at all.
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
    """Whether a network that is made as the file says could take far more memory than the file.

    Torch's meta device, which tells, loads 60 MB of modules: a robot's start does without it.
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
    """Load what ``path`` holds; UserError as ``check_tensors``, and where weights are no numbers
    or those of a matrix all alike."""
    check_tensors(path, net.state_dict(), tensors)
    for name, tensor in tensors.items():
        check_values(path, name, tensor)
    net.load_state_dict(tensors)


def resolve_device(name: str) -> str:
    """The device as torch knows it; UserError where it has another name, NoDevice where it
    cannot be used."""
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise UserError(f"there is no device '{name}': it is cpu, cuda or cuda:N")
    try:
        torch.empty(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].partition(", ipu")[0]
        raise NoDevice(f"device '{name}' cannot be used here: {reason}") from error
    return name


def _check_same(path: Path, trained: ModelConfig, wanted: ModelConfig) -> None:
    free = {"momentum", "temperature", "gain", "dropout", "wav2vec2", "wav2vec2_context_s"}
    for item in dataclasses.fields(ModelConfig):
        have, want = getattr(trained, item.name), getattr(wanted, item.name)
        if item.name not in free and have != want:
            raise UserError(
                f"{path} was trained with model.{item.name} = {have}, the config says {want}"
            )

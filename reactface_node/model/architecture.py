"""What a checkpoint's file says of its model, and whether that is the model of a config."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reactface_node.config import Config, ModelConfig
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.stored_arrays import check_format
from reactface_node.files.text import parse_json

FORMAT = "reactface"
VERSION = 1
LIVE = ("temperature", "momentum", "gain", "pitch_gain")
"""Settings of sampling: any value suits any weights."""
WEIGHTS_HELP = "train some with `reactface train`, or set `weights` to a checkpoint that you have"
HISTORIES = ("history_s", "sync_history_s")
"""Settings that a model can play with a smaller value of than it was trained with."""
_FREE = frozenset({*LIVE, "dropout", "wav2vec2", "wav2vec2_context_s"})


def find_weights(name: str) -> Path:
    """The file for a path or a name in weights/; UserError with advice if there is none."""
    path = resources.weights_file(name)
    if path is None:
        raise UserError(f"no weights '{name}': {WEIGHTS_HELP}")
    return path


def architecture(model: ModelConfig) -> dict[str, Any]:
    """The settings that decide the network, by name."""
    values = dataclasses.asdict(model)
    return {name: value for name, value in values.items() if name not in _FREE}


def stored_config(path: Path, metadata: Mapping[str, str]) -> Config:
    """The config of a checkpoint's metadata; UserError if the file is of another kind, newer than
    this package, or damaged."""
    check_format(path, metadata, FORMAT, VERSION, "is no checkpoint of reactface_node")
    # Only these sections belong to the weights; the others are settings of the training session.
    settings = stored_json(path, metadata, "config")
    try:
        return Config.from_dict({name: settings[name] for name in ("model", "training")})
    except KeyError as error:
        raise UserError(f"{path} is damaged: its config has no {error}") from error
    except UserError as error:
        raise UserError(f"{path} is damaged or of another version: {error}") from error


def stored_json(path: Path, metadata: Mapping[str, str], name: str) -> dict[str, Any]:
    """One entry of a file's metadata, parsed from JSON; UserError if it is damaged."""
    return parse_json(metadata.get(name, ""), f"{path} is damaged: its {name}")


def check_same(path: Path, trained: Config, wanted: ModelConfig) -> None:
    """UserError if the weights are a baseline's, or if the architectures differ; a history may be
    shorter than in training."""
    if trained.training.network != "reactface":
        raise UserError(f"{path} holds the baseline {trained.training.network}, not ReactFace")
    have = architecture(trained.model)
    for name, want in architecture(wanted).items():
        fits = have[name] == want or (name in HISTORIES and 0 < want <= have[name])
        if not fits:
            raise UserError(
                f"{path} was trained with model.{name} = {have[name]}, the config says {want}"
            )

"""Weights for the benchmark: trained ones if they exist, else random ones of the same networks.

The time of a network does not depend on its weights. Random ones are written to a file and
loaded like any checkpoint, so that changes at loading are included.
"""

from pathlib import Path
from typing import Any

import cv2
import torch

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.tensors import write_safetensors
from reactface_node.model.architecture import WEIGHTS_HELP
from reactface_node.model.checkpoint import save_checkpoint
from reactface_node.model.official.checkpoint import FORMAT, VERSION
from reactface_node.model.official.model import OfficialReactFace
from reactface_node.model.reactface import ReactFace
from reactface_node.model.wav2vec2 import untrained_wav2vec2
from reactface_node.render.portrait.generator import FaceGenerator
from reactface_node.render.portrait.weights import save_generator
from reactface_node.tools.bench.recording import BenchRecording

RANDOM = "random, seeded"
SEED = 0


def complete(config: Config, folder: Path, untrained: bool) -> tuple[Config, dict[str, str]]:
    """The config with existing weights, and a text on their origin.

    folder: for random weights. untrained: always use random ones. UserError if weights named by
    the user are missing.
    """
    exported = resources.exported_model(config.weights)
    if exported is not None and not untrained:
        return config, {"weights": f"{exported.name}, exported"}
    found = resources.weights_file(config.weights)
    if found is not None and not untrained:
        return config, {"weights": found.name}
    if not untrained and config.weights != Config.load(config.profile).weights:
        raise UserError(f"no weights '{config.weights}': {WEIGHTS_HELP}")
    path = folder / "random.safetensors"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        _write_random(config, path)
    return config.replace(weights=str(path)), {"weights": RANDOM}


def complete_portrait(
    config: Config, recording: BenchRecording, folder: Path
) -> tuple[Config, dict[str, str]]:
    """The same for the portrait renderer; without a picture, the recording's speaker is used."""
    if config.render.renderer != "portrait":
        return config, {}
    said = {"portrait": config.render.portrait, "pirender": config.render.pirender}
    changes: dict[str, Any] = {}
    if not config.render.portrait:
        picture = cv2.cvtColor(next(recording.pictures()), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / "speaker.png"), picture)
        changes = {"render.portraits": str(folder), "render.portrait": "speaker.png"}
        said["portrait"] = "the recording's first picture"
    if resources.weights_file(config.render.pirender) is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            save_generator(folder / "pirender.safetensors", FaceGenerator(), "ours")
        changes["render.pirender"] = str(folder / "pirender.safetensors")
        said["pirender"] = RANDOM
    return config.replace(**changes), said


def _write_random(config: Config, path: Path) -> None:
    if config.model.behaviour == "official":
        tensors = OfficialReactFace(config.model, untrained_wav2vec2()).state_dict()
        write_safetensors(path, tensors, {"format": FORMAT, "version": str(VERSION)})
        return
    heard = untrained_wav2vec2() if config.model.speech_encoder == "wav2vec2" else None
    save_checkpoint(path, ReactFace(config.model, heard), config, {}, "")

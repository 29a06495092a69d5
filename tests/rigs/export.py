"""A model of the default profile's size with random weights, and the folder of its export."""

import json
import shutil

import torch

from reactface_node.config import Config
from reactface_node.files.download import file_sha256
from reactface_node.files.resources import folder as installed
from reactface_node.model.checkpoint import save_checkpoint
from reactface_node.model.reactface import ReactFace

SETTINGS = {"playout.samples": 2, "playout.playout_delay_s": 0.06, "playout.seed": 0}


def options(config, checkpoint):
    """The command line's for the config."""
    changed = SETTINGS | {"weights": str(checkpoint), "mode": config.mode}
    return [part for n, v in changed.items() for part in ("--set", f"{n}={v}")]


def make_export(target):
    """(config that plays the folder, the model, its checkpoint), for two samples. What
    ``weights --export`` would write, from the graphs that come with the package."""
    config = Config.load(overrides=SETTINGS)
    torch.manual_seed(0)
    model = ReactFace(config.model).eval().requires_grad_(False)
    # Statistics as after training: the neutral face is not their mean.
    model.listener_mean.uniform_(-0.3, 0.3)
    model.listener_std.uniform_(0.1, 0.5)
    model.speaker_std.uniform_(0.5, 2.0)
    checkpoint = target / "random.safetensors"
    save_checkpoint(checkpoint, model, config, {}, "none")
    folder = target / "exported"
    shutil.copytree(installed("weights") / "graphs", folder)
    shutil.copyfile(checkpoint, folder / "weights.safetensors")
    about = json.loads((folder / "model.json").read_text())
    about["weights"] = file_sha256(checkpoint)
    (folder / "model.json").write_text(json.dumps(about))
    return config.replace(weights=str(folder)), model, checkpoint

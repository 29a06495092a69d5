"""Every network that can be trained, by its name in ``training.network``."""

from pathlib import Path

import torch
from torch import nn

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files.tensors import check_tensors
from reactface_node.model.checkpoint import load_checkpoint, read_checkpoint
from reactface_node.model.official.checkpoint import is_official, load_official
from reactface_node.research.training import baselines
from reactface_node.research.training.objective import ReactFaceLearner


def build_learner(config: Config) -> nn.Module:
    """An untrained ``Learner`` for the config."""
    if config.training.network == "reactface":
        return ReactFaceLearner(config)
    return baselines.build(config.training.network, config.model)


def load_network(path: Path, config: Config) -> tuple[nn.Module, str]:
    """A trained ``Reactor`` and its ``training.network``; ReactFace is the one that the config
    asks for, with its temperature and momentum. UserError as checkpoints are read."""
    if config.model.behaviour == "official" and is_official(path):
        return load_official(path, config.model, config.device), "reactface"
    stored = read_checkpoint(path, config.device)
    name = stored.config.training.network
    if name == "reactface":
        return load_checkpoint(path, config.model, config.device).model, name
    trained, asked = stored.config.model.window, config.model.window
    if trained != asked:
        raise UserError(
            f"{path} was trained with model.window = {trained}, the config says {asked}"
        )
    with torch.device("meta"):
        # On the meta device, without memory: first check whether the file's tensors fit.
        like = baselines.build(name, stored.config.model)
    check_tensors(path, like.state_dict(), stored.tensors)
    net = baselines.build(name, stored.config.model)
    stored.fill(net)
    return net.to(config.device).eval().requires_grad_(False), name

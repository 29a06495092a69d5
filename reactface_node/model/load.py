"""The listener that a config asks for, whichever of the behaviours it has."""

import copy
from dataclasses import replace

from reactface_node.config import Config, ModelConfig
from reactface_node.errors import UserError
from reactface_node.model.checkpoint import find_weights, load_checkpoint
from reactface_node.model.official_checkpoint import is_official, load_official
from reactface_node.model.official_session import OfficialListener
from reactface_node.model.reactface import ReactFace


def load_listener(config: Config, device: str) -> ReactFace | OfficialListener:
    """The model with its weights; UserError if they are missing or do not fit."""
    path = find_weights(config.weights)
    if config.model.behaviour == "official":
        return load_official(path, config.model, device)
    if is_official(path):
        raise UserError(f"{path} is not ours; for the released code's take --profile official")
    return load_checkpoint(path, config.model, device).model


def sampled_as(
    model: ReactFace | OfficialListener, config: ModelConfig
) -> ReactFace | OfficialListener:
    """The same weights, shared, drawn from with the temperature and momentum of ``config``."""
    # Shallow copies: the parameters and buffers stay the very same tensors.
    drawn = copy.copy(model)
    drawn.config = replace(model.config, temperature=config.temperature, momentum=config.momentum)
    if isinstance(drawn, OfficialListener):
        net = copy.copy(drawn.net)
        net.config = drawn.config
        drawn._modules = {**drawn._modules, "net": net}
    return drawn

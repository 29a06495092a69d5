"""Engines for as many sessions as are measured, all of them on one set of weights."""

import torch

from reactface_node.config import Config
from reactface_node.engine import Engine, frames_at_once
from reactface_node.model.checkpoint import resolve_device
from reactface_node.model.load import TorchStepper, load_listener


class Engines:
    """The weights of a config, loaded once; UserError as ``load_listener`` and
    ``frames_at_once``. Sets torch's thread count for the process, as loading a session does."""

    def __init__(self, config: Config) -> None:
        device = resolve_device(config.device)
        self._frames = frames_at_once(config)
        if config.threads:
            torch.set_num_threads(config.threads)
        self.model = load_listener(config, device)

    def start(self) -> Engine:
        """One for a new session."""
        return Engine(TorchStepper(self.model), self._frames)

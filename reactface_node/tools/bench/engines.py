"""Engines for several sessions that share one set of weights."""

from reactface_node.config import Config
from reactface_node.engine.engine import Engine, frames_at_once, load_engine
from reactface_node.engine.torch_stepper import TorchStepper, load_model
from reactface_node.files import resources
from reactface_node.model.official.session import OfficialListener
from reactface_node.model.reactface import ReactFace


class Engines:
    """The weights of a config, loaded once; UserError as ``load_engine``. Sets torch's thread
    count for the process, as loading a session does.

    model: the torch model; None for an exported model, which each engine loads for itself.
    """

    model: ReactFace | OfficialListener | None = None

    def __init__(self, config: Config) -> None:
        self._config, self._frames = config, frames_at_once(config)
        if resources.exported_model(config.weights) is None:
            self.model = load_model(config)

    def start(self) -> Engine:
        """An engine for a new session."""
        if self.model is None:
            return load_engine(self._config)
        return Engine(TorchStepper(self.model), self._frames)

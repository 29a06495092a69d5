"""Engines for several sessions that share one set of weights."""

from reactface_node.config import Config
from reactface_node.engine.engine import Engine, frames_at_once, graphs_of
from reactface_node.engine.onnx_stepper import OnnxStepper, load_graphs
from reactface_node.model.official.session import OfficialListener
from reactface_node.model.reactface import ReactFace


class Engines:
    """The weights of a config, loaded once; UserError as ``load_engine``.

    model: the torch model; None if onnxruntime runs it.
    """

    model: ReactFace | OfficialListener | None = None

    def __init__(self, config: Config) -> None:
        self._config, self._frames = config, frames_at_once(config)
        files = graphs_of(config)
        if files is not None:
            self._graphs = load_graphs(*files, config)
            return
        # Sets torch's thread count for the process.
        from reactface_node.engine.torch_stepper import load_model

        self.model = load_model(config)

    def start(self) -> Engine:
        """An engine for a new session."""
        if self.model is None:
            return Engine(OnnxStepper(self._graphs, self._config), self._frames)
        from reactface_node.engine.torch_stepper import TorchStepper

        return Engine(TorchStepper(self.model), self._frames)

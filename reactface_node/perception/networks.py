"""Runs TensorFlow Lite networks, such as those in the Face Landmarker's model file, by LiteRT."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.media.quiet import quiet_stderr, quiet_warnings


class Network:
    """One network with one input; it keeps nothing between runs.

    shape: of the input, with the batch of 1 in front.
    """

    def __init__(self, content: bytes):
        """content: a .tflite file. ValueError or RuntimeError if it is none."""
        interpreter = _import_interpreter()
        # One thread: it is fastest for networks as small as these.
        with quiet_stderr():
            self._run: Any = interpreter(model_content=content, num_threads=1)
            self._run.allocate_tensors()
        (given,) = self._run.get_input_details()
        self._input = given["index"]
        self._outputs = [output["index"] for output in self._run.get_output_details()]
        self.shape: Sequence[int] = tuple(int(side) for side in given["shape"])

    @property
    def output_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the outputs."""
        return [tuple(map(int, d["shape"])) for d in self._run.get_output_details()]

    def run(self, values: np.ndarray) -> list[np.ndarray]:
        """Input of ``shape``, of any type -> the outputs, float32. ValueError for another shape."""
        self._fill(values, 1.0, 0.0)
        return self._outcome()

    def run_picture(self, rgb: np.ndarray, low: float) -> list[np.ndarray]:
        """A picture (H, W, channels) uint8 as large as ``shape`` -> the outputs, float32; the
        network is given values from ``low`` to 1."""
        self._fill(rgb[None], (1.0 - low) / 255.0, low)
        return self._outcome()

    def _fill(self, values: np.ndarray, factor: float, offset: float) -> None:
        if values.shape != self.shape:
            raise ValueError(f"a network takes {self.shape}, not {values.shape}")
        # Written into the network's own memory: no copy. A view that is kept would stop the run.
        place = self._run.tensor(self._input)()
        np.multiply(values, np.float32(factor), out=place, casting="unsafe")
        if offset:
            place += np.float32(offset)

    def _outcome(self) -> list[np.ndarray]:
        self._run.invoke()
        return [self._run.get_tensor(index) for index in self._outputs]


def _import_interpreter() -> Any:
    try:
        with quiet_warnings():
            from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise UserError(
            f"face tracking needs ai-edge-litert ({error}): pip install ai-edge-litert"
        ) from error
    return Interpreter

"""Emotion classifier: a small network that looks at the face's pixels.

Landmarks do not tell crying from smiling: both lift the corners of the mouth. The pixels do, by the
folds between the brows and around eyes and nose. The network is a mini-Xception (Arriaga et al.
2017, arXiv:1710.07557) of 93 KB, trained on FER2013; ``weights --download expression_classifier``
gets it.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reactface_node.errors import UserError
from reactface_node.media.quiet import quiet_stderr, quiet_warnings

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""The classes of the network, in its order."""
SIDE_PX = 64
LEFT_EYE, RIGHT_EYE = 263, 33


class EmotionClassifier:
    """Runs the network in MediaPipe's own interpreter, so that no other one has to be installed.

    It keeps nothing between images. Only the versions of mediapipe that carry FaceMesh offer this.
    """

    def __init__(self, model: Path):
        """UserError if the file is not such a network."""
        import mediapipe
        from mediapipe.python import packet_creator, packet_getter
        from mediapipe.python._framework_bindings import task_runner

        self._mediapipe, self._creator, self._getter = mediapipe, packet_creator, packet_getter
        try:
            with quiet_stderr(), quiet_warnings():
                self._runner = task_runner.TaskRunner.create(_graph(model))
                found = self._run(np.zeros((SIDE_PX, SIDE_PX), np.uint8))
        except (OSError, RuntimeError, ValueError) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(f"{model} is no expression classifier ({why})") from error
        if found.shape != (len(EMOTIONS),):
            raise UserError(f"{model} is no expression classifier ({found.size} classes)")

    def read(self, rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Image (H, W, 3) uint8 and a face's landmarks (n, 3), x and y in image widths and heights
        -> probabilities of ``EMOTIONS`` (7,)."""
        return self._run(upright_grey(rgb, landmarks))

    def close(self) -> None:
        """Free the network."""
        self._runner.close()

    def _run(self, grey: np.ndarray) -> np.ndarray:
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.GRAY8, data=grey)
        found = self._runner.process({"image": self._creator.create_image(image)})
        return np.array(self._getter.get_float_list(found["probabilities"]))


def upright_grey(rgb: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Image and landmarks as ``EmotionClassifier.read`` -> the face alone (64, 64) uint8, upright,
    as large as its landmarks reach; black outside the image."""
    size = np.array([rgb.shape[1], rgb.shape[0]])
    places = landmarks[:, :2] * size
    across, down = places[LEFT_EYE] - places[RIGHT_EYE]
    length = max(float(np.hypot(across, down)), 1e-6)
    upright = np.array([[across, down], [-down, across]]) / length
    turned = places @ upright.T
    low, high = turned.min(0), turned.max(0)
    zoom = SIDE_PX / max(float((high - low).max()), 1.0)
    middle = (low + high) / 2
    corner = np.floor(places.min(0)).astype(int).clip(0, size - 1)
    end = np.ceil(places.max(0)).astype(int).clip(corner + 1, size)
    face = cv2.cvtColor(rgb[corner[1] : end[1], corner[0] : end[0]], cv2.COLOR_RGB2GRAY)
    # warpAffine has no area sampling, which a face larger than the result needs.
    shrink = min(zoom, 1.0)
    small = cv2.resize(face, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    shrunk = np.array([small.shape[1], small.shape[0]]) / [face.shape[1], face.shape[0]]
    matrix = zoom * upright / shrunk
    shift = SIDE_PX / 2 - zoom * (middle - upright @ corner)
    return cv2.warpAffine(small, np.column_stack([matrix, shift]), (SIDE_PX, SIDE_PX))


def _graph(model: Path) -> Any:
    """MediaPipe's graph: a grey image, scaled to [-1, 1] -> probabilities."""
    from mediapipe.calculators.tensor import (
        inference_calculator_pb2,
        tensor_converter_calculator_pb2,
    )
    from mediapipe.framework.calculator_pb2 import CalculatorGraphConfig

    graph = CalculatorGraphConfig(
        input_stream=["IMAGE:image"], output_stream=["FLOATS:probabilities"]
    )

    def add(calculator: str, taken: str, given: str) -> Any:
        return graph.node.add(
            calculator=calculator, input_stream=[taken], output_stream=[given]
        ).options

    add("FromImageCalculator", "IMAGE:image", "IMAGE_CPU:pixels")
    scale = add("TensorConverterCalculator", "IMAGE:pixels", "TENSORS:scaled").Extensions[
        tensor_converter_calculator_pb2.TensorConverterCalculatorOptions.ext
    ]
    scale.zero_center, scale.max_num_channels = True, 1
    network = add("InferenceCalculator", "TENSORS:scaled", "TENSORS:classes").Extensions[
        inference_calculator_pb2.InferenceCalculatorOptions.ext
    ]
    network.model_path = str(model)
    network.delegate.xnnpack.num_threads = 1
    add("TensorsToFloatsCalculator", "TENSORS:classes", "FLOATS:probabilities")
    return graph

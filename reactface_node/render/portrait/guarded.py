"""A portrait whose device may fail: it is painted on the CPU, or it is said why it is not."""

from collections.abc import Callable

import numpy as np
from torch import Tensor

from reactface_node.engine.devices import go_without
from reactface_node.render.portrait.painter import Painter


class GuardedPainter:
    """See ``Painter``: another one, until its device fails; then a UserError, or one on the CPU
    that paints the same pictures, by ``on_device_failure``."""

    def __init__(self, load: Callable[[str], Painter], device: str, on_device_failure: str):
        """load: the painter on a device."""
        self._load, self._device, self._failing = load, device, on_device_failure
        try:
            self._painter = load(device)
        except Exception as error:
            self._painter = self._instead(error)

    def paint(self, picture: Tensor, around: np.ndarray) -> np.ndarray:
        """As ``Painter.paint``."""
        try:
            return self._painter.paint(picture, around)
        except Exception as error:
            self._painter = self._instead(error)
            return self._painter.paint(picture, around)

    def _instead(self, error: Exception) -> Painter:
        """On the CPU, if that is wanted."""
        go_without(error, "the portrait", "render.device", self._device, self._failing)
        self._device = "cpu"
        return self._load("cpu")

"""Runs PIRender on its device: coefficients in, pictures out."""

import numpy as np
import torch
from torch import Tensor

from reactface_node.engine.pixels import pixels_to_bytes
from reactface_node.errors import UserError
from reactface_node.faceverse import Space
from reactface_node.render.portrait.generator import Prepared
from reactface_node.render.portrait.weights import LoadedGenerator


def precision_of(name: str, device: str) -> torch.dtype:
    """``render.precision`` on a device; UserError if the device does not support it."""
    kind = torch.device(device).type
    if name == "auto":
        return torch.float16 if kind == "cuda" else torch.float32
    if name == "float16" and kind == "cpu":
        raise UserError(
            "render.precision float16 is for a GPU: set render.device to cuda, or render.precision "
            "to auto"
        )
    return {
        "float32": torch.float32,
        "float16": torch.float16,
        "bfloat16": torch.bfloat16,
    }[name]


class Painter:
    """A net on its device, in its precision (of ``precision_of``)."""

    def __init__(self, loaded: LoadedGenerator, device: str, precision: torch.dtype):
        self.device = torch.device(device)
        self._net = loaded.net.lowered(precision)
        self._shown: tuple[Tensor, Prepared] | None = None
        self._space = Space.of() if loaded.space == "faceverse" else None

    @property
    def batched(self) -> bool:
        """Whether several frames are drawn as one batch. On a CPU a batch saves no time, and its
        first frame would wait for the last one."""
        return self.device.type != "cpu"

    def paint(self, picture: Tensor, around: np.ndarray) -> np.ndarray:
        """Draw the first k of the frames: as many as one batch holds, at least one.

        picture (1, 3, H, W) in [-1, 1]; around (n, 58, 27) in our space -> (k, H, W, 3) uint8 RGB,
        1 <= k <= n.
        """
        around = around if self.batched else around[:1]
        if self._space is not None:
            around = self._space.to_faceverse(around.transpose(0, 2, 1)).transpose(0, 2, 1)
        coefficients = torch.from_numpy(np.ascontiguousarray(around, np.float32))
        with torch.inference_mode():
            prepared = self._prepare(picture)
            there = coefficients.to(self.device, non_blocking=True)
            edited = self._net.draw(prepared, there).edited
            pixels = pixels_to_bytes(edited)
            # The only wait for the GPU, once per batch. No pinned memory is used: to free it torch
            # calls the GPU (at::CachingHostAllocator), which ends the process if the GPU is lost.
            return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def _prepare(self, picture: Tensor) -> Prepared:
        """The prepared portrait; computed again only for another picture."""
        if self._shown is None or self._shown[0] is not picture:
            self._shown = picture, self._net.prepare(picture.to(self.device))
        return self._shown[1]

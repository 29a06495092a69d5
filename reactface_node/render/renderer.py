"""What every renderer offers, and the one that draws nothing."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from reactface_node.config import RenderConfig

Draw = Callable[[int], np.ndarray | None]
"""Frame i of a window -> (H, W, 3) uint8 RGB; None where nothing is drawn."""


class Renderer(Protocol):
    """size: (width, height) in pixels."""

    size: tuple[int, int]

    def render(self, coefficients: np.ndarray) -> np.ndarray | None:
        """(58,) coefficients of a face held still -> (H, W, 3) uint8 RGB, or None."""

    def begin(self, faces: np.ndarray) -> Draw:
        """(w, 58): the window that is played next. Nothing is drawn before ``Draw`` is called."""

    def check(self, config: RenderConfig) -> None:
        """UserError where ``configure`` would refuse it. It is quick."""

    def configure(self, config: RenderConfig) -> None:
        """Take over live settings; UserError leaves everything as it was. What takes long is done
        on another thread and shown once it is ready."""

    def settle(self) -> tuple[str, RenderConfig] | None:
        """Shows what ``configure`` began, once it is ready; to be called at every turn, and quick.
        Where it could not be had: why, told once, and the settings that hold instead."""

    def reset(self) -> None:
        """Forget the windows that were played."""


class StillRenderer:
    """What a renderer does that needs one frame alone and has no live settings."""

    def begin(self: Renderer, faces: np.ndarray) -> Draw:
        return lambda frame: self.render(faces[frame])

    def check(self, config: RenderConfig) -> None:
        del config

    def configure(self, config: RenderConfig) -> None:
        del config

    def settle(self) -> tuple[str, RenderConfig] | None:
        return None

    def reset(self) -> None:
        pass


class NoRenderer(StillRenderer):
    """The null object: nothing is drawn."""

    size = (0, 0)

    def render(self, coefficients: np.ndarray) -> None:
        del coefficients

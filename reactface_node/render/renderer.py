"""The interface of renderers, and a renderer that draws nothing."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from reactface_node.config import RenderConfig

Draw = Callable[[int], np.ndarray | None]
"""Frame i of a window -> (H, W, 3) uint8 RGB; None if nothing is drawn."""


class Renderer(Protocol):
    """size: (width, height) in pixels."""

    size: tuple[int, int]

    def render(self, coefficients: np.ndarray) -> np.ndarray | None:
        """(58,) coefficients of a face held still -> (H, W, 3) uint8 RGB, or None."""

    def begin(self, faces: np.ndarray) -> Draw:
        """(w, 58): the window to be played next. A frame is drawn only when the result is
        called."""

    def check(self, config: RenderConfig) -> None:
        """UserError if ``configure`` would refuse these settings. Returns quickly."""

    def configure(self, config: RenderConfig) -> None:
        """Apply live settings; after a UserError nothing is changed. Slow work is done on another
        thread, and its result is used once it is ready."""

    def settle(self) -> tuple[str, RenderConfig] | None:
        """Use the result of the slow work of ``configure`` once it is ready; call it regularly, it
        returns quickly. After a failure it returns, once, the reason and the settings that are used
        instead."""

    def reset(self) -> None:
        """Forget the windows that were played."""


class StillRenderer:
    """Base of renderers that need only one frame at a time and have no live settings."""

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

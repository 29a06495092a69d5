"""Renderers behind one protocol: the avatar (default) or none."""

from typing import Protocol

import numpy as np

from reactface_node.config import RenderConfig


class Renderer(Protocol):
    """size: (width, height) in pixels."""

    size: tuple[int, int]

    def render(self, coefficients: np.ndarray) -> np.ndarray | None:
        """(58,) coefficients -> (H, W, 3) uint8 RGB; None where nothing is drawn."""


class NoRenderer:
    """The null object: nothing is drawn."""

    size = (0, 0)

    def render(self, coefficients: np.ndarray) -> None:
        del coefficients


def make_renderer(config: RenderConfig) -> Renderer:
    """The renderer that the config names; UserError for an unknown theme."""
    if config.renderer == "none":
        return NoRenderer()
    # Here, because the drawing library is not needed without pictures.
    from reactface_node.render.avatar import Avatar
    from reactface_node.render.theme import load_theme

    return Avatar(load_theme(config.theme), config.width, config.height)

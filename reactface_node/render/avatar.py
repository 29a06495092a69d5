"""The embedded default renderer: a stylised face, drawn with skia as ``scene`` describes it."""

import cv2
import numpy as np
import skia

from reactface_node.config import RenderConfig
from reactface_node.render.brush import Brush, Controls, clean
from reactface_node.render.renderer import StillRenderer
from reactface_node.render.scene import draw_head, draw_still
from reactface_node.render.skia_canvas import SkiaCanvas
from reactface_node.render.theme import Theme, Themes
from reactface_node.schema import NUM_COEFFICIENTS


class Avatar(StillRenderer):
    """Draws faces of one size; the same coefficients and theme give the same pixels."""

    def __init__(self, theme: Theme, width: int, height: int):
        self.size = (width, height)
        self._pixels = np.zeros((height, width, 4), np.uint8)
        self._surface = skia.Surface(self._pixels, colorType=skia.kRGBA_8888_ColorType)
        self._canvas = SkiaCanvas(self._surface.getCanvas())
        self._themes = Themes()
        self._set_theme(theme)

    def check(self, config: RenderConfig) -> None:
        """UserError for an unknown or wrong theme."""
        self._themes.load(config.theme)

    def configure(self, config: RenderConfig) -> None:
        """Use another theme; after a UserError the old one stays."""
        theme = self._themes.load(config.theme)
        if theme != self._theme:
            self._set_theme(theme)

    def _set_theme(self, theme: Theme) -> None:
        self._theme = theme
        # Drawn once: a gradient over the whole picture costs milliseconds.
        draw_still(self._brush(np.zeros(NUM_COEFFICIENTS)), *self.size)
        self._surface.flushAndSubmit()
        self._still = self._pixels.copy()
        self._drawn: np.ndarray | None = None

    def render(self, coefficients: np.ndarray) -> np.ndarray:
        """(58,) -> a new (H, W, 3) uint8 RGB; coefficients are limited as by ``clean``."""
        numbers = clean(coefficients)
        if self._drawn is None or not np.array_equal(numbers, self._drawn):
            self._pixels[:] = self._still
            draw_head(self._brush(numbers), *self.size)
            self._surface.flushAndSubmit()
            self._drawn = numbers
        return cv2.cvtColor(self._pixels, cv2.COLOR_RGBA2RGB)

    def _brush(self, numbers: np.ndarray) -> Brush:
        return Brush(self._canvas, self._theme, Controls(numbers.tolist()))

"""The embedded default renderer: a stylised face drawn with skia.

web/page/avatar/*.js draw the same in a browser, module for module; test_web_avatar.py compares.
"""

from types import ModuleType

import cv2
import numpy as np
import skia

from reactface_node.config import RenderConfig
from reactface_node.render import hair, screen, shell
from reactface_node.render.body import draw_background, draw_body
from reactface_node.render.brows import draw_brows
from reactface_node.render.brush import Brush, Controls
from reactface_node.render.eyes import draw_eyes
from reactface_node.render.face import draw_cheeks, draw_nose
from reactface_node.render.mouth import draw_mouth
from reactface_node.render.renderer import StillRenderer
from reactface_node.render.theme import Theme, Themes

UNITS = 1000.0  # of the picture's shorter side
CENTRE_Y = 26.0  # units that the face sits below the picture's middle
# Each draws what is around the features, by the theme's head.
HEADS: dict[str, ModuleType] = {"shell": shell, "hair": hair, "screen": screen}


class Avatar(StillRenderer):
    """Draws faces of one size; the same coefficients and theme give the same pixels."""

    def __init__(self, theme: Theme, width: int, height: int):
        self.size = (width, height)
        self._pixels = np.zeros((height, width, 4), np.uint8)
        self._surface = skia.Surface(self._pixels, colorType=skia.kRGBA_8888_ColorType)
        self._themes = Themes()
        self._wear(theme)

    def check(self, config: RenderConfig) -> None:
        """UserError for an unknown or wrong theme."""
        self._themes.load(config.theme)

    def configure(self, config: RenderConfig) -> None:
        """Another theme; UserError leaves the old one."""
        theme = self._themes.load(config.theme)
        if theme != self._theme:
            self._wear(theme)

    def _wear(self, theme: Theme) -> None:
        self._theme = theme
        self._head = HEADS[theme.head]
        self._still = self._paint_still()

    def render(self, coefficients: np.ndarray) -> np.ndarray:
        """(58,) -> (H, W, 3) uint8 RGB, the caller's own; NaN and wild values are cleaned."""
        brush = Brush(self._surface.getCanvas(), self._theme, Controls(coefficients))
        canvas = brush.canvas
        self._pixels[:] = self._still
        canvas.save()
        self._to_units(canvas)
        with brush.head():
            self._head.draw_behind(brush)
            self._head.draw_face(brush)
            draw_cheeks(brush)
            draw_mouth(brush)
            draw_eyes(brush)
            draw_nose(brush)
            draw_brows(brush)
            self._head.draw_over(brush)
        canvas.restore()
        self._surface.flushAndSubmit()
        return cv2.cvtColor(self._pixels, cv2.COLOR_RGBA2RGB)

    def _to_units(self, canvas: skia.Canvas) -> None:
        width, height = self.size
        canvas.translate(width / 2, height / 2)
        scale = min(width, height) / UNITS
        canvas.scale(scale, scale)
        canvas.translate(0, CENTRE_Y)

    def _paint_still(self) -> np.ndarray:
        """Drawn once: a gradient over the whole picture costs milliseconds."""
        canvas = self._surface.getCanvas()
        canvas.save()
        self._to_units(canvas)
        width, height = self.size
        reach = UNITS * 0.5 * (width**2 + height**2) ** 0.5 / min(width, height)
        draw_background(canvas, self._theme, reach)
        draw_body(canvas, self._theme)
        canvas.restore()
        self._surface.flushAndSubmit()
        return self._pixels.copy()

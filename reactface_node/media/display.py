"""Shows pictures on this machine's display by SDL (pygame), also without a window manager."""

import os
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.media.fitting import fitted
from reactface_node.media.quiet import quiet_stderr

TITLE = "reactface"
WINDOW = (512, 512)


class Display:
    """The whole screen, or a resizable window; UserError without a display."""

    def __init__(self, full_screen: bool) -> None:
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        try:
            import pygame
        except ImportError as error:
            raise UserError(
                "showing pictures needs pygame: pip install 'reactface_node[display]'"
            ) from error
        self._pygame: Any = pygame
        try:
            with quiet_stderr():  # SDL's log messages about the desktop
                pygame.display.init()
            if full_screen:
                self._surface = pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
                pygame.mouse.set_visible(False)
            else:
                self._surface = pygame.display.set_mode(WINDOW, pygame.RESIZABLE)
        except pygame.error as error:
            raise UserError(f"there is no display to show pictures on ({error})") from error
        pygame.display.set_caption(TITLE)

    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        width, height = self._pygame.display.get_surface().get_size()
        return width, height

    def show(self, rgb: np.ndarray) -> None:
        """Show (H, W, 3) uint8 as large as fits."""
        page = fitted(rgb, *self.size())
        image = self._pygame.image.frombuffer(page.tobytes(), page.shape[1::-1], "RGB")
        self._pygame.display.get_surface().blit(image, (0, 0))
        self._pygame.display.flip()

    def is_left(self) -> bool:
        """Whether Escape or q was pressed or the window closed; call it regularly."""
        keys = (self._pygame.K_ESCAPE, self._pygame.K_q)
        return any(
            event.type == self._pygame.QUIT
            or (event.type == self._pygame.KEYDOWN and event.key in keys)
            for event in self._pygame.event.get()
        )

    def close(self) -> None:
        self._pygame.display.quit()

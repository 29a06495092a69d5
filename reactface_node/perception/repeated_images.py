"""Repeated images: notices a camera that delivers the same image again and again."""

import logging

import cv2
import numpy as np

from reactface_node.media.pictures import thinned

FROZEN_S = 10.0
"""After this long with the same image the camera counts as frozen. A drawn or simulated face may
hold still for some seconds."""
SAME_LEVELS = 3
"""Images are the same if no compared value differs by more, of 255: a frozen stream that is
compressed again differs a little. In real clips two pairs in a row were never so alike."""
COMPARED_PX = 160
"""About this many pixels of each row are compared, and as many rows in proportion."""


class RepeatedImages:
    """Tells whether a camera is frozen. Keeps a part of one image."""

    def __init__(self) -> None:
        self._first: np.ndarray | None = None
        self._since_s = 0.0
        self._warned = False

    def frozen(self, stamp_s: float, rgb: np.ndarray) -> bool:
        """Whether this image (H, W, 3) uint8 has been the same for ``FROZEN_S``; warns once for
        each time that the camera freezes."""
        is_rgb = rgb.ndim == 3 and rgb.shape[2] == 3 and rgb.dtype == np.uint8
        part = thinned(rgb, max(1, rgb.shape[1] // COMPARED_PX)) if is_rgb else rgb
        if not _same(part, self._first) or stamp_s < self._since_s:
            # A copy: the caller may use the image's memory again.
            self._first, self._since_s, self._warned = part.copy(), stamp_s, False
            return False
        frozen_s = stamp_s - self._since_s
        if frozen_s < FROZEN_S:
            return False
        if not self._warned:
            self._warned = True
            logging.getLogger(__name__).warning(
                "the camera has delivered the same image for %.0f s: is it frozen? Until a new one "
                "comes, nobody counts as seen",
                frozen_s,
            )
        return True

    def reset(self) -> None:
        """Forget the images; stamps may start anew."""
        self._first = None


def _same(part: np.ndarray, first: np.ndarray | None) -> bool:
    if first is None or part.shape != first.shape or part.dtype != np.uint8 or not part.size:
        return False
    return cv2.norm(np.ascontiguousarray(part), first, cv2.NORM_INF) <= SAME_LEVELS

"""A sheet of generated pictures beside their targets."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

from reactface_node.engine.pixels import pixels_to_bytes
from reactface_node.files.whole import written_whole

TITLE_PX = 20
COLUMNS = ("source", "target", "warped", "edited")


def save_sheet(path: Path, pictures: Mapping[str, Tensor]) -> None:
    """Write a PNG with one row per pair and a titled column for each of ``COLUMNS``, (B, 3, H, W)
    in [-1, 1]. UserError if it cannot be written."""
    page = np.hstack([_column(name, pictures[name]) for name in COLUMNS])
    _, encoded = cv2.imencode(".png", cv2.cvtColor(page, cv2.COLOR_RGB2BGR))
    with written_whole(path) as unfinished:
        unfinished.write_bytes(encoded.tobytes())


def _column(name: str, pictures: Tensor) -> np.ndarray:
    scaled = pixels_to_bytes(pictures).cpu()
    rows = np.vstack(list(scaled.permute(0, 2, 3, 1).numpy()))
    title = np.full((TITLE_PX, rows.shape[1], 3), 255, np.uint8)
    cv2.putText(title, name, (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([title, rows])

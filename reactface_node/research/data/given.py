"""Coefficients that a data set gives for whole clips: frames of zeros hold no face."""

from pathlib import Path

import numpy as np

from reactface_node.errors import UserError
from reactface_node.research.data.check import read_coefficients
from reactface_node.research.data.decode import SEEN_SHARE
from reactface_node.research.data.pairs import interpolated


def seen_coefficients(path: Path) -> np.ndarray:
    """(t, 58) float32 as ``check.read_coefficients``; frames without a face are interpolated.

    UserError also if less than half of the frames hold a face.
    """
    values = read_coefficients(path)
    found = values.any(axis=1)
    if found.mean() < SEEN_SHARE:
        raise UserError(f"{path}: only {found.mean():.0%} of the frames hold a face, not zeros")
    return interpolated(values, found)


def seen_frames(path: Path) -> int:
    """Their number; UserError as ``seen_coefficients``."""
    return len(seen_coefficients(path))

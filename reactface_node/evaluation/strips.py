"""Figs 7-8: frames of several faces under one another, time from left to right."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from reactface_node.config import RenderConfig
from reactface_node.evaluation.figures import new_figure, save_figure
from reactface_node.render import make_renderer
from reactface_node.schema import FRAME_RATE_HZ, NUM_COEFFICIENTS

SPEAKER = "Speaker"
SPEAKER_THEME = "person"
FACE_PX, GAP_PX = 144, 4
LETTER_PX, AXIS_PX, EDGE_PX = 10, 48, 12
DPI = 100


def strip_frames(rows: Mapping[str, np.ndarray], every_s: float) -> np.ndarray:
    """Indices of the frames shown: every ``every_s`` seconds from the first, to the end of the
    shortest row. ValueError unless the rows are (T, 58) with T > 0 and ``every_s`` is a frame
    or more."""
    if not rows:
        raise ValueError("there is no row to draw")
    for name, face in rows.items():
        if face.ndim != 2 or face.shape[1] != NUM_COEFFICIENTS or not len(face):
            raise ValueError(f"{name}: (T, {NUM_COEFFICIENTS}) expected, got {face.shape}")
    step = every_s * FRAME_RATE_HZ
    if not step >= 1.0:
        raise ValueError(f"every {every_s} s is less than a frame")
    frames = min(len(face) for face in rows.values())
    return np.round(np.arange(0, frames - 0.5, step)).astype(int)


def strip(rows: Mapping[str, np.ndarray], shown: np.ndarray, face_px: int = FACE_PX) -> np.ndarray:
    """rows (T, 58), shown frame indices -> uint8 RGB, a square face a row and frame.

    (R*(face + gap) - gap, F*(face + gap) - gap, 3) pixels; the speaker has a look of its own.
    """
    pitch = face_px + GAP_PX
    page = np.full((len(rows) * pitch - GAP_PX, len(shown) * pitch - GAP_PX, 3), 255, np.uint8)
    for down, (name, face) in enumerate(rows.items()):
        theme = SPEAKER_THEME if name == SPEAKER else RenderConfig().theme
        draw = make_renderer(
            replace(RenderConfig(), theme=theme, width=face_px, height=face_px)
        ).render
        for across, frame in enumerate(shown):
            top, left = down * pitch, across * pitch
            page[top : top + face_px, left : left + face_px] = draw(face[frame])
    return page


def draw_strip(
    rows: Mapping[str, np.ndarray], path: Path, every_s: float, face_px: int = FACE_PX
) -> None:
    """``strip`` as PNG with the rows' names, (T, 58) each, and a time axis in seconds."""
    shown = strip_frames(rows, every_s)
    page = strip(rows, shown, face_px)
    height, width = page.shape[:2]
    label = LETTER_PX * max(map(len, rows)) + EDGE_PX
    whole = (width + label + EDGE_PX, height + AXIS_PX + EDGE_PX)
    figure = new_figure(whole[0] / DPI, whole[1] / DPI, DPI)
    # The picture takes exactly its own pixels, so that nothing is resampled.
    axes = figure.add_axes(
        (label / whole[0], AXIS_PX / whole[1], width / whole[0], height / whole[1])
    )
    axes.imshow(page, interpolation="nearest", aspect="auto")
    middle, pitch = face_px / 2, face_px + GAP_PX
    axes.set_xticks(
        middle + pitch * np.arange(len(shown)), [f"{frame / FRAME_RATE_HZ:g}" for frame in shown]
    )
    axes.set_yticks(middle + pitch * np.arange(len(rows)), list(rows))
    axes.tick_params(length=0, labelsize=11)
    axes.set_xlabel("time, s", fontsize=11)
    for spine in axes.spines.values():
        spine.set_visible(False)
    save_figure(figure, path)

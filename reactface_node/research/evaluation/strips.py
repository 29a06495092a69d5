"""Figs 7-8: rows of frames, one for each face, with time from left to right."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from reactface_node.config import RenderConfig
from reactface_node.files.figures import new_figure, save_figure
from reactface_node.render import make_renderer
from reactface_node.render.renderer import Renderer
from reactface_node.schema import EXPRESSION, FRAME_RATE_HZ, NUM_COEFFICIENTS

SPEAKER = "Speaker"
SPEAKER_THEME = "person"
# The most frames on a page's width with faces that are large enough.
COLUMNS, EVERY_S = 8, 1.6
SMOOTH_FRAMES = 25
FACE_PX, GAP_PX = 144, 4
LETTER_PX, AXIS_PX, EDGE_PX = 12, 36, 12
DPI, LABEL_PT = 100, 13
Line = tuple[str, np.ndarray, Renderer]
"""Label, (T, 58) coefficients, and a function that draws a frame."""


def strip_frames(
    rows: Mapping[str, np.ndarray], every_s: float = EVERY_S, columns: int = COLUMNS
) -> np.ndarray:
    """Indices of at most ``columns`` frames, ``every_s`` seconds apart, rounded to whole frames.

    They cover the part in which the expression of the speaker, or without one of the first row,
    changes most. ValueError unless the rows are (T, 58) with T > 0 and ``every_s`` is a frame or
    more.
    """
    if not rows:
        raise ValueError("there is no row to draw")
    for name, face in rows.items():
        if face.ndim != 2 or face.shape[1] != NUM_COEFFICIENTS or not len(face):
            raise ValueError(f"{name}: (T, {NUM_COEFFICIENTS}) expected, got {face.shape}")
    if not every_s * FRAME_RATE_HZ >= 1.0:
        raise ValueError(f"every {every_s} s is less than a frame")
    step, frames = round(every_s * FRAME_RATE_HZ), min(len(face) for face in rows.values())
    span = (min(columns, -(-frames // step)) - 1) * step
    change = _change(rows.get(SPEAKER, next(iter(rows.values())))[:frames])
    starts = np.arange(0, frames - span, step)
    start = starts[int(np.argmax([change[at : at + span].sum() for at in starts]))]
    return np.arange(start, start + span + 1, step)


def _change(face: np.ndarray) -> np.ndarray:
    """(T, 58) -> (T,): change of the expression from frame to frame, after smoothing. Smoothing
    removes blinks and the lips' motion in speech, which are fast and occur everywhere."""
    width = min(len(face), SMOOTH_FRAMES)
    padded = np.pad(face[:, EXPRESSION], ((width, width), (0, 0)), mode="edge").cumsum(axis=0)
    smooth = (padded[width:] - padded[:-width]) / width
    result: np.ndarray = np.abs(np.diff(smooth, axis=0)).sum(axis=1)[
        width // 2 : width // 2 + len(face)
    ]
    return result


def mesh_view(config: RenderConfig, face_px: int = FACE_PX) -> Renderer | None:
    """The renderer of the 3D rows, with ``render.mesh``; None if none is set. UserError if it
    cannot be used."""
    if not config.mesh:
        return None
    return make_renderer(replace(config, renderer="mesh", width=face_px, height=face_px))


def strip(
    rows: Mapping[str, np.ndarray],
    shown: np.ndarray,
    face_px: int = FACE_PX,
    on_mesh: Renderer | None = None,
) -> np.ndarray:
    """rows (T, 58), shown frame indices -> uint8 RGB with a square face for each row and frame.

    (L*(face + gap) - gap, F*(face + gap) - gap, 3) pixels; L is the number of lines: one per row,
    and with ``on_mesh`` another one above it in 3D for every listener. The speaker is drawn in
    another theme.
    """
    return _page(_lines(rows, face_px, on_mesh), shown, face_px)


def _lines(rows: Mapping[str, np.ndarray], face_px: int, on_mesh: Renderer | None) -> list[Line]:
    lines: list[Line] = []
    for name, face in rows.items():
        if on_mesh is not None and name != SPEAKER:
            lines.append((f"{name} 3D", face, on_mesh))
        theme = SPEAKER_THEME if name == SPEAKER else RenderConfig().theme
        config = replace(RenderConfig(), theme=theme, width=face_px, height=face_px)
        lines.append((name, face, make_renderer(config)))
    return lines


def _page(lines: list[Line], shown: np.ndarray, face_px: int) -> np.ndarray:
    pitch = face_px + GAP_PX
    page = np.full((len(lines) * pitch - GAP_PX, len(shown) * pitch - GAP_PX, 3), 255, np.uint8)
    for down, (_, face, renderer) in enumerate(lines):
        for across, frame in enumerate(shown):
            top, left = down * pitch, across * pitch
            page[top : top + face_px, left : left + face_px] = renderer.render(face[frame])
    return page


def draw_strip(
    rows: Mapping[str, np.ndarray],
    path: Path,
    every_s: float = EVERY_S,
    face_px: int = FACE_PX,
    on_mesh: Renderer | None = None,
) -> None:
    """``strip`` of the ``strip_frames`` as PNG, with the rows' names, (T, 58) each, and the time
    of every column."""
    shown = strip_frames(rows, every_s)
    lines = _lines(rows, face_px, on_mesh)
    labels, page = [label for label, _, _ in lines], _page(lines, shown, face_px)
    height, width = page.shape[:2]
    label = LETTER_PX * max(map(len, labels)) + EDGE_PX
    whole = (width + label + EDGE_PX, height + AXIS_PX + EDGE_PX)
    figure = new_figure(whole[0] / DPI, whole[1] / DPI, DPI)
    # The axes have exactly the size of the picture in pixels, so that it is not resampled.
    axes = figure.add_axes(
        (label / whole[0], AXIS_PX / whole[1], width / whole[0], height / whole[1])
    )
    axes.imshow(page, interpolation="nearest", aspect="auto")
    middle, pitch = face_px / 2, face_px + GAP_PX
    axes.set_xticks(
        middle + pitch * np.arange(len(shown)),
        [f"{frame / FRAME_RATE_HZ:.1f} s" for frame in shown],
    )
    axes.set_yticks(middle + pitch * np.arange(len(labels)), labels)
    axes.tick_params(length=0, labelsize=LABEL_PT)
    for spine in axes.spines.values():
        spine.set_visible(False)
    save_figure(figure, path)

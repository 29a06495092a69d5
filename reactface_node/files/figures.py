"""Figures of matplotlib as PNG files, whole or not there."""

from pathlib import Path

from matplotlib.figure import Figure

from reactface_node.files.whole import written_whole

DPI = 150


def new_figure(width: float, height: float, dpi: int = DPI) -> Figure:
    """An empty figure of that many inches, which belongs to no window and no global state."""
    return Figure(figsize=(width, height), dpi=dpi, facecolor="white")


def save_figure(figure: Figure, path: Path) -> None:
    """The figure as PNG, at its own size and whole or not at all; UserError where it cannot
    be written."""
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=figure.dpi)

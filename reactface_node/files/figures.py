"""Figures of matplotlib, written atomically as PNG files."""

from pathlib import Path

from matplotlib.figure import Figure

from reactface_node.files.whole import written_whole

DPI = 150


def new_figure(width: float, height: float, dpi: int = DPI) -> Figure:
    """An empty figure, size in inches, without a window and without pyplot's global state."""
    return Figure(figsize=(width, height), dpi=dpi, facecolor="white")


def save_figure(figure: Figure, path: Path) -> None:
    """Write the figure as PNG at its own size, atomically; UserError if it cannot be written."""
    with written_whole(path) as unfinished:
        figure.savefig(unfinished, format="png", dpi=figure.dpi)

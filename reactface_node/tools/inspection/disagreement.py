"""Where finders disagree most: the moments, and contact sheets of their pictures as PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from reactface_node.errors import UserError

TILE_PX, COLUMNS, ROWS = 240, 4, 3
PICTURES = COLUMNS * ROWS
APART_S = 0.5
"""Moments of one clip on one sheet are at least so far apart."""
FEWEST_A_CLIP = 3
LINE_PX, TITLE_PX, EDGE_PX = 18, 30, 6
GREY_LINES = 2
"""Clip and labels; values stand below them."""
FACE_MARGIN = 0.15
"""Of the face's larger side, added on every side."""
WHITE, BLACK, GREY = (255, 255, 255), (0, 0, 0), (110, 110, 110)


@dataclass(frozen=True)
class Disagreement:
    """A moment: image ``index`` of a clip. spread: highest less lowest value of the finders."""

    clip: str
    index: int
    time_s: float
    spread: float


def strongest(
    clip: str, times_s: np.ndarray, spread: np.ndarray, least: float, count: int
) -> list[Disagreement]:
    """At most ``count`` moments of a clip, the strongest first, at least 0.5 s apart.

    times_s, spread: (n,), NaN where there is nothing to compare. Those under ``least`` are left
    out.
    """
    chosen: list[Disagreement] = []
    known = np.where(np.isfinite(spread), spread, -np.inf)
    for index in np.argsort(-known, kind="stable"):
        if known[index] < least or len(chosen) == count:
            break
        time_s = float(times_s[index])
        if all(abs(time_s - other.time_s) >= APART_S for other in chosen):
            chosen.append(Disagreement(clip, int(index), time_s, float(known[index])))
    return chosen


def for_a_sheet(by_clip: Sequence[list[Disagreement]]) -> list[Disagreement]:
    """The strongest of all clips. No clip fills the sheet while others have moments too."""
    clips = max(1, sum(bool(moments) for moments in by_clip))
    most = max(FEWEST_A_CLIP, -(-PICTURES // clips))
    chosen = [moment for moments in by_clip for moment in moments[:most]]
    return sorted(chosen, key=lambda one: -one.spread)[:PICTURES]


def face_picture(rgb: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The face with a margin, (240, 240, 3), of an image (H, W, 3); box: (4,) left, top, right,
    bottom in image widths and heights. What lies outside the image is black."""
    height, width = rgb.shape[:2]
    left, top, right, bottom = box * [width, height, width, height]
    half = (0.5 + FACE_MARGIN) * max(right - left, bottom - top, 2.0)
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    scale = TILE_PX / (2 * half)
    shift = TILE_PX / 2 - scale * middle
    turn = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.warpAffine(rgb, turn, (TILE_PX, TILE_PX), flags=flags)


def draw_sheet(title: str, tiles: Sequence[tuple[np.ndarray, Sequence[str]]]) -> np.ndarray:
    """Contact sheet (H, W, 3) uint8 RGB. tiles: pictures (240, 240, 3) and lines of text, as many
    lines each."""
    lines = max(len(text) for _, text in tiles)
    tile_height = TILE_PX + lines * LINE_PX + 2 * EDGE_PX
    rows = -(-len(tiles) // COLUMNS)
    width = COLUMNS * (TILE_PX + EDGE_PX) + EDGE_PX
    sheet = np.full((TITLE_PX + rows * tile_height, width, 3), 255, np.uint8)
    _write(sheet, title, EDGE_PX, TITLE_PX - 10, 0.6, BLACK)
    for number, (picture, text) in enumerate(tiles):
        row, column = divmod(number, COLUMNS)
        x, y = EDGE_PX + column * (TILE_PX + EDGE_PX), TITLE_PX + row * tile_height
        sheet[y : y + TILE_PX, x : x + TILE_PX] = picture
        for line, words in enumerate(text):
            colour = GREY if line < GREY_LINES else BLACK
            _write(sheet, words, x, y + TILE_PX + (line + 1) * LINE_PX - 3, 0.45, colour)
    return sheet


def write_png(path: Path, rgb: np.ndarray) -> None:
    """(H, W, 3) uint8 RGB as PNG."""
    is_made, data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not is_made:
        raise UserError(f"{path.name} cannot be encoded as PNG")
    path.write_bytes(data.tobytes())


def _write(
    sheet: np.ndarray, words: str, x: int, y: int, size: float, colour: tuple[int, int, int]
) -> None:
    # OpenCV's letters are ASCII.
    plain = words.encode("ascii", "replace").decode()
    most_px = TILE_PX if y > TITLE_PX else sheet.shape[1]
    while plain and cv2.getTextSize(plain, cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0] > most_px:
        plain = plain[:-1]
    cv2.putText(sheet, plain, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)

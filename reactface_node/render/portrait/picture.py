"""Whose face is drawn: a picture file of the configured folder, and of nowhere else."""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from reactface_node.errors import UserError
from reactface_node.files import home_path
from reactface_node.perception.portrait import crop_portrait

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
MOST_BYTES = 32 << 20


def read_portrait(folder: str, name: str) -> Tensor:
    """(1, 3, 224, 224) in [-1, 1], cropped and upright, of the picture ``name`` in the folder.

    UserError where there is no such picture, where it lies elsewhere, or where it does not show
    one face.
    """
    path = _inside(home_path(folder), name)
    if path.stat().st_size > MOST_BYTES:
        raise UserError(f"{path} is larger than {MOST_BYTES >> 20} MB; make it smaller")
    data = np.frombuffer(path.read_bytes(), np.uint8)
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if bgr is None:
        raise UserError(f"{path} is no picture that can be read")
    try:
        crop = crop_portrait(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return torch.from_numpy(crop).permute(2, 0, 1)[None].float() / 127.5 - 1.0


def _inside(folder: Path, name: str) -> Path:
    """The file; whatever leads out of the folder, links too, is not there."""
    if not folder.is_dir():
        raise UserError(
            f"there is no folder '{folder}' of portraits: give --portrait FILE, or set "
            "render.portraits and render.portrait, or render.renderer to avatar"
        )
    home = folder.resolve()
    known = sorted(p.name for p in home.iterdir() if p.suffix.lower() in SUFFIXES)
    listed = f"there are: {', '.join(known)}" if known else "it holds no picture"
    if not name:
        raise UserError(f"render.portrait names no picture of {folder}; {listed}")
    path = (home / name).resolve()
    if not path.is_relative_to(home) or not path.is_file():
        raise UserError(f"no portrait '{name}' in {folder}; {listed}")
    return path

"""Finds and reads the portrait's picture, which must lie in the configured folder."""

from pathlib import Path

import torch
from torch import Tensor

from reactface_node.config import PerceptionConfig
from reactface_node.engine.pixels import bytes_to_pixels
from reactface_node.errors import UserError
from reactface_node.files.whole import home_path, is_file_within
from reactface_node.media.pictures import MOST_FILE_BYTES, read_picture_file
from reactface_node.perception.portrait_face import crop_portrait

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


def read_portrait(folder: str, name: str, landmarker: str = PerceptionConfig.landmarker) -> Tensor:
    """(1, 3, 224, 224) in [-1, 1], cropped and upright, of the picture ``name`` in the folder.
    landmarker: as in ``crop_portrait``.

    UserError as in ``find_portrait``, and if it cannot be decoded or does not show exactly one
    face.
    """
    path = find_portrait(folder, name)
    rgb = read_picture_file(path)
    try:
        crop = crop_portrait(rgb, landmarker)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    return bytes_to_pixels(torch.from_numpy(crop).permute(2, 0, 1)[None])


def find_portrait(folder: str, name: str) -> Path:
    """The file of the picture ``name``; UserError if there is none, if it lies outside of the
    folder, or if it is too large."""
    path = _inside(home_path(folder), name)
    if path.stat().st_size > MOST_FILE_BYTES:
        raise UserError(f"{path} is larger than {MOST_FILE_BYTES >> 20} MB; make it smaller")
    return path


def _inside(folder: Path, name: str) -> Path:
    """The file; UserError if it does not exist or lies outside of the folder, also by a link."""
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
    if not is_file_within(home, name):
        raise UserError(f"no portrait '{name}' in {folder}; {listed}")
    return (home / name).resolve()

"""Pictures of drawn people for portraits, and a generator that shows what it was given."""

from dataclasses import replace

import cv2
import numpy as np
import torch

from reactface_node.config import RenderConfig
from reactface_node.render import make_renderer
from reactface_node.render.portrait.generator import Prepared, Rendered
from reactface_node.render.sheet import face


def person(width=480, height=480, **weights):
    """RGB, found as one face by the tracker."""
    config = replace(RenderConfig(), theme="person", width=width, height=height)
    return make_renderer(config).render(face(weights))


def save(path, rgb):
    path.parent.mkdir(exist_ok=True)
    assert cv2.imwrite(str(path), rgb[:, :, ::-1])


def folder_of_portraits(folder):
    """one.png, two.png (two faces), none.png, text.png, and secret.png beside the folder."""
    save(folder / "one.png", person())
    save(folder / "smile.png", person(mouthSmileLeft=0.8, mouthSmileRight=0.8))
    save(folder / "two.png", np.hstack([person(), person()]))
    save(folder / "none.png", np.full((300, 300, 3), 90, np.uint8))
    (folder / "text.png").write_text("no picture")
    save(folder.parent / "secret.png", person())
    (folder / "link.png").symlink_to(folder.parent / "secret.png")


def config(portraits, tmp_path, **changes):
    """Settings of a portrait in that folder; its weights are to lie in the other."""
    values = {
        "renderer": "portrait",
        "portraits": str(portraits),
        "portrait": "one.png",
        "width": 224,
        "height": 224,
        "pirender": str(tmp_path / "pirender.pth"),
    }
    return replace(RenderConfig(), **values | changes)


class Showing(torch.nn.Module):
    """Writes the coefficients into the upper left corner and the portrait's colour beside them."""

    def __init__(self):
        super().__init__()
        self.batches = []
        self.prepared = 0

    def lowered(self, precision):
        self.precision = precision
        return self

    def prepare(self, portrait):
        self.prepared += 1
        return Prepared(portrait, portrait, portrait)

    def draw(self, prepared, coefficients):
        self.batches.append(len(coefficients))
        portrait = prepared.picture.expand(len(coefficients), -1, -1, -1)
        edited = portrait.mean((2, 3), keepdim=True).expand_as(portrait).clone()
        edited[:, :, :58, :27] = coefficients[:, None]
        return Rendered(edited[:, :2], edited, edited)

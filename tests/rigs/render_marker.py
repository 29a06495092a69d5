"""A marker theme: the whole picture grey and some parts green, so that a test can ask where the
brows, the lips or the eyeballs are without knowing how they are drawn."""

import dataclasses

import numpy as np

from reactface_node.config import RenderConfig
from reactface_node.render.avatar import Avatar
from reactface_node.render.sheet import face
from reactface_node.render.theme import Theme, load_theme, parse_theme

SIZE = 256
MIDDLE = SIZE / 2
EYEBALL = ("sclera", "iris", "iris_edge", "pupil")
LIPS = ("lip", "lip_light")
INSIDE = ("mouth", "teeth", "tongue")
SKIN = ("skin", "skin_light", "skin_shade")


def config(**values) -> RenderConfig:
    return dataclasses.replace(RenderConfig(), **{"width": SIZE, "height": SIZE, **values})


def marker(*parts: str, theme: str = "default") -> Avatar:
    colours = {
        item.name: "#00ff00" if item.name in parts else "#808080"
        for item in dataclasses.fields(Theme)
        if item.default is dataclasses.MISSING
    }
    return Avatar(
        parse_theme("marker", {**dataclasses.asdict(load_theme(theme)), **colours}), SIZE, SIZE
    )


def seen(avatar: Avatar, **weights: float) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the green pixels."""
    rgb = avatar.render(face(weights)).astype(int)
    y, x = np.nonzero(rgb[:, :, 1] - rgb[:, :, 0] > 60)
    return x, y


def area(avatar: Avatar, half: int = 0, **weights: float) -> int:
    """Green pixels: all, or those of the picture's right (1) or left (-1) half."""
    x, _ = seen(avatar, **weights)
    return int(((x - MIDDLE) * half >= 0).sum())


def centre(avatar: Avatar, half: int = 0, **weights: float) -> np.ndarray:
    """(x, y) of the green part's middle, of one half or of both."""
    x, y = seen(avatar, **weights)
    kept = (x - MIDDLE) * half >= 0
    return np.array([x[kept].mean(), y[kept].mean()])

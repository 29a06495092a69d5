"""Contact sheets of the avatar: ``python -m reactface_node.render.sheet OUT.png``."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import skia

from reactface_node.config import RenderConfig
from reactface_node.render import make_renderer
from reactface_node.render.theme import theme_names
from reactface_node.schema import (
    ARKIT_NAMES,
    COEFFICIENT_NAMES,
    NUM_COEFFICIENTS,
    index_of,
    indices_of,
)

# Ekman's six with the action units usually given for them (EMFACS), as ARKit shapes.
EMOTIONS: Mapping[str, Mapping[str, float]] = {
    "neutral": {},
    "joy": {
        "mouthSmile": 0.9,
        "cheekSquint": 0.7,
        "jawOpen": 0.25,
        "mouthUpperUp": 0.25,
        "browOuterUp": 0.2,
    },
    "sadness": {
        "browInnerUp": 0.9,
        "mouthFrown": 0.7,
        "mouthShrugLower": 0.3,
        "eyeLookDown": 0.35,
        "eyeSquint": 0.2,
        "rotationX": 0.12,
    },
    "anger": {
        "browDown": 1.0,
        "eyeSquint": 0.35,
        "eyeWide": 0.2,
        "mouthPress": 0.7,
        "noseSneer": 0.3,
        "mouthFrown": 0.35,
        "rotationX": 0.08,
    },
    "fear": {
        "browInnerUp": 0.9,
        "browDown": 0.35,
        "browOuterUp": 0.4,
        "eyeWide": 0.9,
        "mouthStretch": 0.7,
        "jawOpen": 0.3,
    },
    "surprise": {
        "browInnerUp": 0.9,
        "browOuterUp": 0.9,
        "eyeWide": 0.8,
        "jawOpen": 0.6,
        "mouthFunnel": 0.2,
    },
    "disgust": {
        "noseSneer": 0.9,
        "mouthUpperUp": 0.6,
        "browDown": 0.6,
        "eyeSquint": 0.5,
        "mouthFrown": 0.4,
        "cheekSquint": 0.4,
    },
}
POSES: Mapping[str, Mapping[str, float]] = {
    "nod (+x)": {"rotationX": 0.30, "mouthSmile": 0.3},
    "turn to its left (+y)": {"rotationY": 0.40, "mouthSmile": 0.3},
    "left side up (+z)": {"rotationZ": 0.25, "mouthSmile": 0.3},
}
TURNED = {"turned away": {"rotationY": 0.40, "rotationX": -0.1, "mouthSmile": 0.4}}
LABEL_PX, GAP_PX = 20, 4
CLOSE = 0.76  # share of the picture that a tile of one shape shows
CLOSE_TOP = 0.19


def face(weights: Mapping[str, float]) -> np.ndarray:
    """Weights by name (a stem such as mouthSmile means both sides) -> (58,) coefficients."""
    coefficients = np.zeros(NUM_COEFFICIENTS, np.float32)
    for name, weight in weights.items():
        places = [index_of(name)] if name in COEFFICIENT_NAMES else indices_of(name)
        coefficients[places] = weight
    return coefficients


def painter(theme: str, size: int) -> Callable[[Mapping[str, float]], np.ndarray]:
    """A function that draws weights by name as a square picture of that many pixels."""
    renderer = make_renderer(replace(RenderConfig(), theme=theme, width=size, height=size))

    def draw(weights: Mapping[str, float]) -> np.ndarray:
        picture = renderer.render(face(weights))
        assert picture is not None
        return picture

    return draw


def sheet(tiles: list[tuple[str, np.ndarray]], columns: int) -> np.ndarray:
    """Labelled (H, W, 3) pictures of one size in rows -> one picture."""
    height, width = tiles[0][1].shape[:2]
    down, aside = height + LABEL_PX, width + GAP_PX
    page = np.full((-(-len(tiles) // columns) * down, columns * aside, 4), 255, np.uint8)
    surface = skia.Surface(page, colorType=skia.kRGBA_8888_ColorType)
    font, ink = skia.Font(skia.Typeface(""), 12), skia.Paint(AntiAlias=True, Color=skia.ColorBLACK)
    for index, (label, picture) in enumerate(tiles):
        top, left = index // columns * down, index % columns * aside
        page[top : top + height, left : left + width, :3] = picture
        surface.getCanvas().drawString(label, left + 3, top + height + 14, font, ink)
    surface.flushAndSubmit()
    return page[:, :, :3]


def blendshapes(theme: str, size: int) -> np.ndarray:
    """Neutral and the 52 shapes at full weight, enlarged."""
    whole = round(size / CLOSE)
    left, top = (whole - size) // 2, round(CLOSE_TOP * whole)
    draw = painter(theme, whole)
    shapes = {"neutral": {}, **{name: {name: 1.0} for name in ARKIT_NAMES}}
    tiles = [
        (name, draw(weights)[top : top + size, left : left + size])
        for name, weights in shapes.items()
    ]
    return sheet(tiles, 9)


def emotions(theme: str, size: int) -> np.ndarray:
    """Neutral, six emotions and three poses."""
    draw = painter(theme, size)
    return sheet([(name, draw(weights)) for name, weights in {**EMOTIONS, **POSES}.items()], 5)


def themes(size: int) -> np.ndarray:
    """Every theme, neutral, happy and surprised."""
    tiles = []
    for theme in theme_names():
        draw = painter(theme, size)
        shown = {**{name: EMOTIONS[name] for name in ("neutral", "joy", "surprise")}, **TURNED}
        tiles += [(f"{theme}: {name}", draw(weights)) for name, weights in shown.items()]
    return sheet(tiles, 4)


def save(path: Path, picture: np.ndarray) -> None:
    """(H, W, 3) uint8 RGB -> PNG."""
    opaque = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    image = skia.Image.fromarray(np.ascontiguousarray(opaque), colorType=skia.kRGBA_8888_ColorType)
    image.save(str(path), skia.kPNG)


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a contact sheet of the avatar.")
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--kind", choices=("blendshapes", "emotions", "themes"), default="blendshapes"
    )
    parser.add_argument("--theme", default="default")
    parser.add_argument("--size", type=int, default=200, help="pixels of a tile")
    options = parser.parse_args()
    if options.kind == "themes":
        picture = themes(options.size)
    else:
        draw = blendshapes if options.kind == "blendshapes" else emotions
        picture = draw(options.theme, options.size)
    save(options.out, picture)


if __name__ == "__main__":
    main()

"""Contact sheets of the avatar: ``python -m reactface_node.render.sheet OUT.png --kind KIND``."""

import argparse
from collections.abc import Mapping
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
    indices_of,
)

# Ekman's six with the action units usually given for them (EMFACS), as ARKit shapes.
EMOTIONS: Mapping[str, Mapping[str, float]] = {
    "neutral": {},
    "joy": {"mouthSmile": 0.9, "cheekSquint": 0.7, "jawOpen": 0.25, "mouthUpperUp": 0.25,
            "browOuterUp": 0.2},
    "sadness": {"browInnerUp": 0.9, "mouthFrown": 0.7, "mouthShrugLower": 0.3,
                "eyeLookDown": 0.35, "eyeSquint": 0.2, "rotationX": 0.12},
    "anger": {"browDown": 1.0, "eyeSquint": 0.35, "eyeWide": 0.2, "mouthPress": 0.7,
              "noseSneer": 0.3, "mouthFrown": 0.35, "rotationX": 0.08},
    "fear": {"browInnerUp": 0.9, "browDown": 0.35, "browOuterUp": 0.4, "eyeWide": 0.9,
             "mouthStretch": 0.7, "jawOpen": 0.3},
    "surprise": {"browInnerUp": 0.9, "browOuterUp": 0.9, "eyeWide": 0.8, "jawOpen": 0.6,
                 "mouthFunnel": 0.2},
    "disgust": {"noseSneer": 0.9, "mouthUpperUp": 0.6, "browDown": 0.6, "eyeSquint": 0.5,
                "mouthFrown": 0.4, "cheekSquint": 0.4},
}  # fmt: skip
POSES: Mapping[str, Mapping[str, float]] = {
    "nod (+x)": {"rotationX": 0.30, "mouthSmile": 0.3},
    "turn to its left (+y)": {"rotationY": 0.40, "mouthSmile": 0.3},
    "left side up (+z)": {"rotationZ": 0.25, "mouthSmile": 0.3},
}
LABEL_PX = 20


def face(weights: Mapping[str, float]) -> np.ndarray:
    """Weights by name (a stem such as mouthSmile means both sides) -> (58,) coefficients."""
    coefficients = np.zeros(NUM_COEFFICIENTS, np.float32)
    for name, weight in weights.items():
        coefficients[[COEFFICIENT_NAMES.index(name)] if name in COEFFICIENT_NAMES
                     else indices_of(name)] = weight  # fmt: skip
    return coefficients


def sheet(tiles: list[tuple[str, np.ndarray]], columns: int) -> np.ndarray:
    """Labelled (H, W, 3) pictures of one size in rows -> one picture."""
    height, width = tiles[0][1].shape[:2]
    rows = -(-len(tiles) // columns)
    page = np.full((rows * (height + LABEL_PX), columns * width, 4), 255, np.uint8)
    surface = skia.Surface(page, colorType=skia.kRGBA_8888_ColorType)
    font, ink = skia.Font(skia.Typeface(""), 13), skia.Paint(AntiAlias=True, Color=skia.ColorBLACK)
    for index, (label, picture) in enumerate(tiles):
        top, left = index // columns * (height + LABEL_PX), index % columns * width
        page[top : top + height, left : left + width, :3] = picture
        surface.getCanvas().drawString(label, left + 4, top + height + 14, font, ink)
    surface.flushAndSubmit()
    return page[:, :, :3]


def blendshapes(theme: str, size: int) -> np.ndarray:
    """Neutral and the 52 shapes at full weight."""
    renderer = make_renderer(replace(RenderConfig(), theme=theme, width=size, height=size))
    tiles = [("neutral", renderer.render(face({})))]
    tiles += [(name, renderer.render(face({name: 1.0}))) for name in ARKIT_NAMES]
    return sheet([(label, picture) for label, picture in tiles if picture is not None], 9)


def emotions(theme: str, size: int) -> np.ndarray:
    """Neutral, six emotions and three poses."""
    renderer = make_renderer(replace(RenderConfig(), theme=theme, width=size, height=size))
    tiles = [(name, renderer.render(face(w))) for name, w in {**EMOTIONS, **POSES}.items()]
    return sheet([(label, picture) for label, picture in tiles if picture is not None], 5)


def themes(size: int) -> np.ndarray:
    """Every theme, neutral, happy and surprised."""
    tiles = []
    for theme in theme_names():
        renderer = make_renderer(replace(RenderConfig(), theme=theme, width=size, height=size))
        for name in ("neutral", "joy", "surprise"):
            picture = renderer.render(face(EMOTIONS[name]))
            if picture is not None:
                tiles.append((f"{theme}: {name}", picture))
    return sheet(tiles, 3)


def save(path: Path, picture: np.ndarray) -> None:
    """(H, W, 3) uint8 RGB -> PNG."""
    opaque = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    image = skia.Image.fromarray(np.ascontiguousarray(opaque), colorType=skia.kRGBA_8888_ColorType)
    image.save(str(path), skia.kPNG)


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw a contact sheet of the avatar.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--kind", choices=("blendshapes", "emotions", "themes"), required=True)
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

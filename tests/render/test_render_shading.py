"""Large gradients are kept as images, and a picture that is there is not drawn again."""

import dataclasses

import numpy as np
import pytest
import skia

from reactface_node.config import RenderConfig
from reactface_node.config.config import Config
from reactface_node.errors import UserError
from reactface_node.render import avatar as avatar_module
from reactface_node.render import make_renderer, shading
from reactface_node.render.avatar import Avatar
from reactface_node.render.canvas import closed, radial
from reactface_node.render.sheet import face
from reactface_node.render.skia_canvas import SkiaCanvas
from reactface_node.render.theme import load_theme, theme_names

SIDE = 240
LIGHT = radial(10, -20, 130, [("#ffdcbc", 1.0), ("#f2b38a", 1.0), ("#d8875f", 1.0)], (0, 0.4, 1))
HEART = closed(
    (0.0, 90.0), (-160.0, -40.0, -60.0, -110.0, 0.0, -50.0), (60.0, -110.0, 160.0, -40.0, 0.0, 90.0)
)


def drawn(largest: int, monkeypatch, paint=LIGHT) -> np.ndarray:
    """A heart on black, with images for gradients of up to so many pixels."""
    monkeypatch.setattr(shading, "LARGEST", largest)
    pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
    surface = skia.Surface(pixels, colorType=skia.kRGBA_8888_ColorType)
    canvas = SkiaCanvas(surface.getCanvas())
    canvas.transform((0.98, 0.17, -0.17, 0.98, 120.3, 119.6))
    canvas.draw(HEART, paint)
    return pixels[:, :, :3].astype(int)


def test_a_kept_gradient_has_the_colours_of_a_computed_one(monkeypatch):
    kept, computed = drawn(1 << 22, monkeypatch), drawn(0, monkeypatch)
    covered = computed.max(axis=2) > 0
    inside = covered.copy()
    for axis, step in ((0, 2), (0, -2), (1, 2), (1, -2)):
        inside &= np.roll(covered, step, axis)
    difference = np.abs(kept - computed)
    assert inside.sum() > 8000 and np.array_equal(kept.max(axis=2) > 0, covered)
    assert difference[inside].max() <= 2 and difference.max() <= 60
    assert difference.max() > 0  # the two ways were taken


def test_only_opaque_gradients_are_kept(monkeypatch):
    glass = LIGHT._replace(stops=tuple((text, 0.5) for text, _ in LIGHT.stops))
    assert np.array_equal(drawn(1 << 22, monkeypatch, glass), drawn(0, monkeypatch, glass))


@pytest.mark.parametrize("theme", theme_names())
def test_a_picture_does_not_depend_on_those_before_it(theme):
    about = load_theme(theme)
    busy, fresh = Avatar(about, 320, 200), Avatar(about, 320, 200)
    for near in np.linspace(-0.2, 0.2, 30):
        busy.render(face({"translationZ": near, "translationX": near, "rotationY": near}))
    last = face({"translationZ": 0.013, "rotationZ": 0.1, "mouthSmile": 0.5})
    assert np.array_equal(busy.render(last), fresh.render(last))


def test_a_bounded_number_of_images_is_kept():
    renderer = Avatar(load_theme("default"), 128, 128)
    for near in np.linspace(-0.2, 0.2, 60):
        renderer.render(face({"translationZ": near}))
    assert len(renderer._canvas._shading._images) <= shading.KEPT


def test_an_equal_face_is_not_drawn_again(monkeypatch):
    calls = []
    draw = avatar_module.draw_head
    monkeypatch.setattr(avatar_module, "draw_head", lambda *of: calls.append(of) or draw(*of))
    renderer = make_renderer(dataclasses.replace(RenderConfig(), width=64, height=64))
    smile = face({"mouthSmile": 0.5})
    first = renderer.render(smile)
    kept = first.copy()
    first[:] = 0  # a picture is the caller's own
    assert np.array_equal(renderer.render(smile), kept) and len(calls) == 1
    smile[0] = 0.3  # the caller's array is not remembered, but what it held
    assert not np.array_equal(renderer.render(smile), kept) and len(calls) == 2
    renderer.configure(dataclasses.replace(RenderConfig(), theme="night"))
    assert renderer.render(smile).mean() < 0.5 * kept.mean() and len(calls) == 3


@pytest.mark.parametrize("size", [(1, 1), (1, 4096), (4096, 1), (4096, 4096)])
def test_the_smallest_and_the_largest_picture_are_drawn(size):
    picture = Avatar(load_theme("default"), *size).render(face({"rotationY": 0.3}))
    assert picture.shape == (size[1], size[0], 3) and picture.mean() > 100


@pytest.mark.parametrize("side", [1, 4097])
def test_a_display_of_another_size_is_one_line(side):
    with pytest.raises(UserError, match=rf"render\.width.*{side}") as said:
        Config.load(overrides={"render.width": side})
    assert "\n" not in str(said.value)

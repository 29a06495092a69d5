"""The page's avatar: a browser draws the same picture as the avatar in Python."""

import base64
import dataclasses
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from rigs.browser import Browser, find_chromium, served

import reactface_node
from reactface_node import schema
from reactface_node.config import RenderConfig
from reactface_node.render import make_renderer
from reactface_node.render.program import record
from reactface_node.render.sheet import EMOTIONS, face
from reactface_node.render.theme import load_theme, theme_names

pytestmark = pytest.mark.slow

PAGE = Path(reactface_node.__file__).parent / "web" / "page"
SQUARE, WIDE = (512, 512), (800, 480)
# Both draw the same curves, each with a version of skia and an antialiasing of its own.
LARGEST_MEAN = 0.5  # of 255, over the picture
FAR_OFF, LARGEST_SHARE = 40, 0.002  # a pixel differs by more than that; share of such pixels
BLOCK, LARGEST_BLOCK = 8, 4.0  # in the mean of so many pixels squared, no noise hides a tint


def random_face() -> np.ndarray:
    """Every weight at work at once, on a head that is turned every way."""
    random = np.random.default_rng(5)
    weights = random.uniform(0, 1, schema.NUM_EXPRESSION) ** 2
    pose = random.uniform(-0.4, 0.4, 3), random.uniform(-0.03, 0.03, 3)
    return np.concatenate((weights, *pose)).astype(np.float32)


FACES = {
    **{name: face(weights) for name, weights in EMOTIONS.items()},
    "blink": face({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 0.6}),
    "gaze": face({"eyeLookOutLeft": 0.9, "eyeLookInRight": 0.9, "eyeLookUp": 0.7}),
    "jaw": face({"jawOpen": 1.0, "mouthLowerDown": 0.6, "jawLeft": 0.5}),
    "pucker": face({"mouthPucker": 1.0, "cheekPuff": 0.8, "jawForward": 0.6}),
    "tongue": face({"jawOpen": 0.4, "tongueOut": 0.9, "mouthShrugLower": 0.7}),
    "nodded": face({"rotationX": 0.35, "rotationY": -0.2}),
    "turned": face({"rotationY": 0.5, "mouthSmile": 0.4, "cheekSquintLeft": 1.0}),
    "tilted": face({"rotationZ": -0.3, "translationX": 0.03, "translationY": -0.02}),
    "near": face({"translationZ": 0.15, "mouthDimple": 0.6, "mouthPress": 0.5}),
    "random": random_face(),
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """With the modules loaded."""
    program = find_chromium()
    if program is None:
        pytest.skip("no chromium: install it or name it in CHROMIUM")
    opened = Browser(program, tmp_path_factory.mktemp("chromium") / "browser")
    try:
        with served(PAGE) as address:
            opened.open(f"{address}/avatar/names.js")
            opened.do(f"""import("{address}/avatar/avatar.js").then((module) => {{
                globalThis.Avatar = module.Avatar; }})""")
            yield opened
    finally:
        opened.close()


def begin(browser: Browser, theme: str) -> None:
    """A new avatar on a new canvas."""
    browser.do(f"""globalThis.canvas = document.createElement("canvas");
        globalThis.avatar = new Avatar(canvas, {record(load_theme(theme))}); null""")
    resize(browser, SQUARE)


def resize(browser: Browser, size: tuple[int, int]) -> None:
    browser.do(f"[canvas.width, canvas.height] = {list(size)}")


def drawn(browser: Browser, coefficients: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 RGB of what the browser draws."""
    numbers = ", ".join("NaN" if np.isnan(v) else repr(float(v)) for v in coefficients)
    numbers = numbers.replace("inf", "Infinity")
    url = browser.do(f"avatar.draw([{numbers}]); canvas.toDataURL()")
    data = np.frombuffer(base64.b64decode(url.split(",")[1]), np.uint8)
    return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def differences(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float, float]:
    """Mean over the picture, share of pixels far off in some channel, largest of a block."""
    assert ours.shape == theirs.shape
    apart = ours.astype(np.float32) - theirs
    height, width = ours.shape[:2]
    blocks = cv2.resize(apart, (width // BLOCK, height // BLOCK), interpolation=cv2.INTER_AREA)
    far_off = np.abs(apart).max(axis=2) > FAR_OFF
    return float(np.abs(apart).mean()), float(far_off.mean()), float(np.abs(blocks).max())


@pytest.mark.parametrize("theme", theme_names())
def test_the_browser_draws_what_python_draws(browser, theme):
    begin(browser, theme)
    # The same canvas in another size, and back: the background is painted anew.
    for size, faces in ((WIDE, ("joy", "turned")), (SQUARE, FACES)):
        resize(browser, size)
        renderer = make_renderer(
            dataclasses.replace(RenderConfig(), theme=theme, width=size[0], height=size[1])
        )
        for name in faces:
            found = differences(renderer.render(FACES[name]), drawn(browser, FACES[name]))
            mean, share, block = found
            assert mean < LARGEST_MEAN and share < LARGEST_SHARE, (name, size, found)
            assert block < LARGEST_BLOCK, (name, size, found)
    # A folder of modules has no icon that a browser could show.
    assert [error for error in browser.errors if "favicon" not in error] == []


def test_not_a_number_and_wild_values_are_cleaned(browser):
    begin(browser, "default")
    neutral = drawn(browser, face({}))
    everything = np.ones(schema.NUM_COEFFICIENTS)
    for wild in (np.nan, np.inf, -np.inf):
        assert np.array_equal(drawn(browser, wild * everything), neutral)
    assert not np.array_equal(drawn(browser, 9 * face({"jawOpen": 1.0})), neutral)
    clamped = drawn(browser, face({"jawOpen": 1.0, "rotationY": np.pi / 4}))
    assert np.array_equal(drawn(browser, face({"jawOpen": 9.0, "rotationY": 1e30})), clamped)


def test_another_number_of_coefficients_is_refused(browser):
    begin(browser, "default")
    with pytest.raises(RuntimeError, match="58 coefficients, not 52"):
        drawn(browser, np.zeros(schema.NUM_EXPRESSION))


def test_names_are_the_schemas():
    text = (PAGE / "avatar" / "names.js").read_text()
    assert tuple(re.findall(r'"(\w+)"', text)) == schema.ARKIT_NAMES

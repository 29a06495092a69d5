"""Every coefficient changes the avatar, in the right place and on the right side."""

import itertools

import numpy as np
import pytest
from rigs.render_marker import (
    EYEBALL,
    INSIDE,
    LIPS,
    MIDDLE,
    SIZE,
    SKIN,
    area,
    centre,
    config,
    marker,
    seen,
)

from reactface_node.render import make_renderer
from reactface_node.render.avatar import Avatar
from reactface_node.render.sheet import face
from reactface_node.render.theme import theme_names
from reactface_node.schema import ARKIT_NAMES

# Shapes of one side that leave the other side alone; the rest pull the whole mouth a little.
LOCAL = ("brow", "eye", "cheekSquint", "mouthDimple", "mouthFrown", "mouthSmile", "mouthStretch")
SHIFTS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
SIDED = [name for name in ARKIT_NAMES if name.endswith(("Left", "Right")) and name not in SHIFTS]


@pytest.fixture(scope="module")
def avatar():
    return make_renderer(config())


@pytest.fixture(scope="module")
def neutral(avatar):
    return avatar.render(face({}))


@pytest.fixture(scope="module")
def eyeballs():
    return marker(*EYEBALL)


@pytest.fixture(scope="module")
def brows():
    return marker("brow")


@pytest.fixture(scope="module")
def lips():
    return marker(*LIPS)


@pytest.fixture(scope="module")
def inside():
    return marker(*INSIDE)


@pytest.fixture(scope="module")
def skin():
    return marker(*SKIN)


def changed(avatar, neutral, name: str) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the pixels that a shape at full weight changes by more than a little."""
    difference = np.abs(avatar.render(face({name: 1.0})).astype(int) - neutral.astype(int))
    y, x = np.nonzero(difference.max(axis=2) > 24)
    return x, y


@pytest.mark.parametrize("name", ARKIT_NAMES)
def test_every_shape_shows_in_its_part_of_the_face(avatar, neutral, name):
    x, y = changed(avatar, neutral, name)
    assert len(x) >= 40
    upper, lower = (0.2, 0.66) if name.startswith(("brow", "eye", "cheekSq")) else (0.44, 1.0)
    if name.startswith("brow"):
        lower = 0.46
    assert upper * SIZE <= y.min() and y.max() <= lower * SIZE
    assert x.min() > 0.15 * SIZE and x.max() < 0.85 * SIZE


@pytest.mark.parametrize("name", SIDED)
def test_left_and_right_are_the_subjects_own(avatar, neutral, name):
    x, _ = changed(avatar, neutral, name)
    # The subject's left lies on the right of the picture.
    outwards = (x - MIDDLE) * (1 if name.endswith("Left") else -1)
    assert outwards.mean() > 0.5
    if name.startswith(LOCAL):
        # A lip is one path: skia smooths the far edge anew, which moves a pixel or two.
        assert np.quantile(outwards, 0.02) >= 0


@pytest.mark.parametrize("theme", theme_names())
def test_every_shape_shows_in_every_theme(theme):
    renderer = make_renderer(config(theme=theme))
    rest = renderer.render(face({}))
    assert all(len(changed(renderer, rest, name)[0]) >= 40 for name in ARKIT_NAMES)


@pytest.mark.parametrize("half, side", [(1, "Left"), (-1, "Right")])
def test_the_eyes_look_where_the_weights_say(half, side):
    iris = marker("iris", "iris_edge", "pupil")
    rest = centre(iris, half)
    moved = {
        way: centre(iris, half, **{f"eyeLook{way}{side}": 0.7}) - rest
        for way in ("Out", "In", "Up", "Down")
    }
    assert moved["Out"][0] * half > 3 and moved["In"][0] * half < -3
    assert moved["Up"][1] < -1 and moved["Down"][1] > 1


@pytest.mark.parametrize("half, side", [(1, "Left"), (-1, "Right")])
@pytest.mark.parametrize(
    "others",
    [
        (),
        ("eyeSquint",),
        ("eyeWide",),
        ("cheekSquint", "eyeSquint", "mouthSmile"),
        ("eyeLookUp", "eyeWide"),
        ("eyeLookDown", "eyeSquint", "cheekSquint"),
    ],
)
def test_a_blink_closes_the_eye_whatever_else_it_does(eyeballs, half, side, others):
    rest = area(eyeballs, half)
    assert rest > 200
    assert area(eyeballs, half, **dict.fromkeys(others, 1.0), **{f"eyeBlink{side}": 1.0}) == 0


def test_a_blink_closes_steadily_and_leaves_the_other_eye_open(eyeballs):
    steps = [area(eyeballs, 1, eyeBlinkLeft=weight) for weight in np.linspace(0, 1, 9)]
    assert all(after < before for before, after in itertools.pairwise(steps))
    assert area(eyeballs, -1, eyeBlinkLeft=1.0) == area(eyeballs, -1)


def test_lids_narrow_and_widen(eyeballs):
    rest = area(eyeballs)
    assert area(eyeballs, eyeSquint=1.0) < 0.75 * rest
    assert area(eyeballs, cheekSquint=1.0) < 0.95 * rest
    assert area(eyeballs, eyeWide=1.0) > 1.1 * rest
    # Squint without a blink never closes the eye.
    assert area(eyeballs, eyeSquint=1.0, cheekSquint=1.0, mouthSmile=1.0, eyeLookDown=1.0) > 40


def test_brows_move_up_and_down(brows):
    rest = centre(brows, 1)[1]
    assert centre(brows, 1, browDownLeft=1.0)[1] > rest + 2
    assert centre(brows, 1, browOuterUpLeft=1.0)[1] < rest - 2
    assert centre(brows, 1, browInnerUp=1.0)[1] < rest - 2
    assert centre(brows, 1, browDownRight=1.0)[1] == rest


def slope_of_brow(brows: Avatar, **weights: float) -> float:
    """How much higher the left brow's upper edge is near the nose than outside; + is worried."""
    x, y = seen(brows, **weights)
    inner, outer = x[x > MIDDLE].min() + 3, x.max() - 8

    def edge(start: int) -> float:
        return float(np.mean([y[x == column].min() for column in range(start, start + 6)]))

    return edge(outer) - edge(inner)


def test_brows_tell_worry_from_anger(brows):
    rest, angry = slope_of_brow(brows), slope_of_brow(brows, browDown=1.0)
    worried = slope_of_brow(brows, browInnerUp=1.0)
    both = slope_of_brow(brows, browDown=1.0, browInnerUp=1.0)
    assert angry < rest - 2 and worried > rest + 2
    assert both > angry + 2


def test_the_jaw_opens_the_mouth_and_mouth_close_shuts_it(inside, skin):
    closed = area(inside)
    opened = area(inside, jawOpen=1.0)
    assert opened > closed + 300
    assert closed < area(inside, jawOpen=0.5) < opened
    assert area(inside, jawOpen=1.0, mouthClose=1.0) < closed + 0.2 * (opened - closed)
    # The chin goes down with it: where the neck was, there is chin.
    assert face_width(skin, 0.9, jawOpen=1.0) > face_width(skin, 0.9) + 10


def face_width(skin: Avatar, height: float, **weights: float) -> int:
    """Pixels of skin from side to side at a height, 0 = top and 1 = bottom of the picture."""
    x, y = seen(skin, **weights)
    row = x[y == int(height * SIZE)]
    return int(np.ptp(row)) if len(row) else 0


def corners(lips: Avatar, **weights: float) -> tuple[float, float, float]:
    """Heights of the right and left mouth corner, and the width between them."""
    x, y = seen(lips, **weights)
    right, left = x.min(), x.max()
    return float(y[x <= right + 2].mean()), float(y[x >= left - 2].mean()), float(left - right)


def test_corners_of_the_mouth(lips):
    rest = corners(lips)
    smile, frown = corners(lips, mouthSmile=1.0), corners(lips, mouthFrown=1.0)
    assert smile[0] < rest[0] - 4 and smile[1] < rest[1] - 4 and smile[2] > rest[2] + 6
    assert frown[0] > rest[0] + 4 and frown[1] > rest[1] + 4
    one = corners(lips, mouthSmileLeft=1.0)
    assert one[1] < rest[1] - 4 and abs(one[0] - rest[0]) < 2
    assert corners(lips, mouthStretch=1.0)[2] > rest[2] + 6
    assert corners(lips, mouthDimple=1.0)[2] > rest[2] + 2
    assert corners(lips, mouthPucker=1.0)[2] < rest[2] - 10
    assert corners(lips, mouthFunnel=1.0)[2] < rest[2] - 8


def test_lips_roll_press_raise_and_lower(lips, inside):
    rest = area(lips)
    for name in ("mouthRollUpper", "mouthRollLower", "mouthPress", "mouthClose"):
        assert area(lips, **{name: 1.0}) < 0.9 * rest, name
    for name in ("mouthPucker", "mouthFunnel", "mouthShrugLower"):
        assert np.ptp(seen(lips, **{name: 1.0})[1]) > np.ptp(seen(lips)[1]), name
    assert seen(lips, mouthUpperUp=1.0)[1].min() < seen(lips)[1].min() - 2
    assert seen(lips, mouthShrugUpper=1.0)[1].min() < seen(lips)[1].min() - 2
    assert seen(lips, mouthLowerDown=1.0)[1].max() > seen(lips)[1].max() + 2
    for name in ("mouthUpperUp", "mouthLowerDown", "mouthFunnel"):
        assert area(inside, **{name: 1.0}) > area(inside) + 30, name


def test_a_laugh_shows_teeth_under_raised_corners(lips):
    teeth, weights = marker("teeth"), {"jawOpen": 0.6, "mouthSmile": 1.0}
    assert area(teeth, **weights) > area(teeth) + 60
    right, left, _ = corners(lips, **weights)
    assert max(right, left) < centre(lips, **weights)[1]
    assert max(right, left) < min(corners(lips, jawOpen=0.6)[:2])


def test_the_tongue_comes_out_over_the_lower_lip(lips):
    tongue = marker("tongue")
    assert area(tongue) < 20 < 100 < area(tongue, tongueOut=1.0)
    assert seen(tongue, tongueOut=1.0)[1].max() > seen(lips)[1].max() + 8


@pytest.mark.parametrize("stem", ["mouth", "jaw"])
def test_sideways_shapes_go_to_the_subjects_own_side(lips, stem):
    rest = centre(lips)[0]
    assert centre(lips, **{f"{stem}Left": 1.0})[0] > rest + 0.8
    assert centre(lips, **{f"{stem}Right": 1.0})[0] < rest - 0.8


def test_puffed_cheeks_widen_the_face():
    skin = marker(*SKIN, theme="person")
    assert face_width(skin, 0.68, cheekPuff=1.0) > face_width(skin, 0.68) + 6

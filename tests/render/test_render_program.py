"""The program for the page: it draws with the same numbers as the avatar in Python."""

import dataclasses
import json
import math
import operator
import subprocess
import sys

import numpy as np
import pytest

from reactface_node.render.brush import Brush, Controls, clean
from reactface_node.render.canvas import Box, Oval, Path
from reactface_node.render.formula import Formula, larger, smaller
from reactface_node.render.program import record
from reactface_node.render.scene import draw_head, draw_still
from reactface_node.render.sheet import EMOTIONS, face
from reactface_node.render.theme import Theme, load_theme, theme_names
from reactface_node.schema import NUM_COEFFICIENTS

WIDTH, HEIGHT = 800.0, 480.0
OPERATIONS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "<": operator.lt,
    "<=": operator.le,
    "larger": max,
    "smaller": min,
    "power": operator.pow,
    "root": math.sqrt,
    "sine": math.sin,
    "cosine": math.cos,
}


class Listing:
    """A canvas that lists what is asked of it: (step, numbers, texts) each."""

    def __init__(self):
        self.steps = []

    def add(self, name, numbers=(), *texts):
        self.steps.append((name, [float(number) for number in numbers], texts))

    def save(self):
        self.add("save")

    def restore(self):
        self.add("restore")

    def transform(self, matrix):
        self.add("transform", matrix)

    def rotate(self, angle, x, y):
        sin, cos = math.sin(angle), math.cos(angle)
        self.transform((cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y))

    def clip(self, path):
        self.add("clip")
        self.shape(path)

    def draw(self, shape, *paints):
        self.add("draw")
        self.shape(shape)
        for paint in paints:
            self.paint(paint)

    def cover(self, paint):
        self.add("cover")
        self.paint(paint)

    def shape(self, shape):
        if isinstance(shape, Path):
            for line in shape.lines:
                self.add("line", [number for curve in line for number in curve], shape.closed)
        else:
            self.add({Box: "box", Oval: "oval"}[type(shape)], shape)

    def paint(self, paint):
        for text, alpha in paint.stops:
            self.add("stop", [alpha], text)
        self.add("at", paint.at or ())
        self.add("gradient", [*(paint.linear or ()), *(paint.radial or ())])
        self.add("width", [] if paint.width is None else [paint.width], paint.rounded)


class Player:
    """Does in Python what the page's program.js does, into the same list."""

    def __init__(self, text, coefficients):
        program = json.loads(text)
        numbers = np.clip(coefficients, program["low"], program["high"])
        self.program, self.row = program, [*numbers.tolist(), WIDTH, HEIGHT]
        for value in program["values"]:
            if isinstance(value, list):
                name, *places = value
                assert max(places) < len(self.row)
                value = OPERATIONS[name](*(self.row[place] for place in places))
            self.row.append(value)
        self.listing = Listing()

    def numbers(self, places):
        return [self.row[place] for place in places]

    def play(self, steps):
        skipped = 0
        for name, *places in steps:
            if skipped:
                skipped -= 1
            elif name == "when":
                skipped = 0 if self.row[places[0]] else places[1]
            elif name in ("save", "restore", "transform"):
                self.listing.add(name, self.numbers(places))
            else:
                self.listing.add(name)
                if name != "cover":
                    self.shape(*self.program["shapes"][places.pop(0)])
                for place in places:
                    self.paint(**self.program["paints"][place])

    def shape(self, kind, *about):
        if kind != "path":
            self.listing.add(kind, self.numbers(about))
            return
        closed, lines = about
        for line in lines:
            places = [place for curve in line for place in curve]
            self.listing.add("line", self.numbers(places), closed)

    def paint(self, stops, at=(), linear=(), radial=(), width=None, rounded=False):
        for colour, alpha in stops:
            self.listing.add("stop", self.numbers([alpha]), self.program["colours"][colour])
        self.listing.add("at", at)
        self.listing.add("gradient", self.numbers([*linear, *radial]))
        self.listing.add("width", [] if width is None else self.numbers([width]), rounded)


def drawn(theme: str, coefficients: np.ndarray) -> list:
    """What the description asks of a canvas, with floats."""
    listing = Listing()
    brush = Brush(listing, load_theme(theme), Controls(clean(coefficients).tolist()))
    draw_still(brush, WIDTH, HEIGHT)
    draw_head(brush, WIDTH, HEIGHT)
    return listing.steps


def played(theme: str, coefficients: np.ndarray) -> list:
    """What the program asks of a canvas."""
    return steps_of(load_theme(theme), coefficients)


def steps_of(theme: Theme, coefficients: np.ndarray) -> list:
    player = Player(record(theme), coefficients)
    player.play(player.program["still"])
    player.play(player.program["head"])
    return player.listing.steps


def faces() -> list[np.ndarray]:
    """Emotions, one with everything beyond its limits, and some with all weights at work."""
    random = np.random.default_rng(8)
    found = [face(weights) for weights in EMOTIONS.values()]
    found.append(np.full(NUM_COEFFICIENTS, 9.0))
    for power in (1, 2, 4, 8):
        weights = random.uniform(0, 1, NUM_COEFFICIENTS - 6) ** power
        found.append(np.concatenate([weights, random.uniform(-0.5, 0.5, 6)]))
    return found


@pytest.mark.parametrize("theme", theme_names())
def test_the_program_asks_for_what_the_description_asks_for(theme):
    for coefficients in faces():
        ours, theirs = drawn(theme, coefficients), played(theme, coefficients)
        assert [step[::2] for step in ours] == [step[::2] for step in theirs]
        for (_, numbers, _), (_, others, _) in zip(ours, theirs, strict=True):
            assert others == pytest.approx(numbers, rel=1e-6, abs=1e-6)


def test_what_is_not_to_be_seen_is_left_out():
    shut, opened = (len(played("default", face({"jawOpen": jaw}))) for jaw in (0.0, 1.0))
    assert shut < opened
    assert shut < len(played("default", face({"tongueOut": 1.0})))


@pytest.mark.parametrize("theme", theme_names())
def test_a_program_is_small_and_always_the_same(theme):
    text = record(load_theme(theme))
    assert len(text) < 64_000
    record.cache_clear()
    assert record(load_theme(theme)) == text


@pytest.mark.parametrize("value", [0, 3.0])
@pytest.mark.parametrize("name", ["eye_size", "iris_size", "mouth_size", "nose_size", "jaw_width"])
def test_the_ends_of_a_proportions_range_have_a_program(name, value):
    theme = dataclasses.replace(load_theme("default"), **{name: value})
    numbers = [number for _, found, _ in steps_of(theme, face({})) for number in found]
    assert np.isfinite(numbers).all()


def test_a_formula_is_no_condition():
    number = Formula("input")
    for condition in (number > 0.5, number < 0.5, number >= 0.5, number <= 0.5, number):
        with pytest.raises(TypeError, match="no value yet"):
            bool(condition)


def test_a_program_needs_no_drawing_library():
    code = """import sys
sys.modules["skia"] = sys.modules["cv2"] = None
from reactface_node.render.program import record
from reactface_node.render.theme import load_theme
sys.stdout.write(record(load_theme("night")))"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == record(load_theme("night"))


def test_floats_stay_floats():
    assert larger(1.0, 2.0) == larger(2.0, 1.0) == 2.0
    assert smaller(1.0, 2.0) == smaller(2.0, 1.0) == 1.0
    number = Formula("input")
    assert number * 0 == 0.0 and number * 1 is number and number + 0 is number

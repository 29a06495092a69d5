"""Draws docs/rooms.svg and docs/path.svg from the code: ``python docs/scripts/figures.py``.

The rooms and their imports come from ``tests/test_house.py``, which defines the order. The steps of
the path name functions; ``tests/test_docs.py`` checks that they exist.
"""

import runpy
from collections.abc import Iterable
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent
HOUSE = DOCS.parent / "tests" / "test_house.py"

ROOMS = {
    "schema": "the 58 coefficients, units, records",
    "errors": "UserError: a user's mistake",
    "faceverse": "FaceVerse's coefficients, and ours",
    "files": "whole-or-nothing files, downloads",
    "config": "one frozen Config, profiles, settings",
    "media": "audio and video in and out, windows on a screen",
    "perception": "an image to faces, landmarks, coefficients",
    "model": "the networks alone; model.official: the released code's",
    "engine": "what runs a model: torch, onnxruntime, slots",
    "session": "inputs in, reactions out: timeline, tracking, playout",
    "render": "what draws: avatar, portrait, mesh, none",
    "outputs": "motors, Live Link, VMC, FACS",
    "web": "the page in a browser",
    "ros.messages": "message types, conversion",
    "ros.node": "the node's logic, the same under every transport",
    "ros.rclpy": "under ROS 2",
    "ros.dds": "without ROS",
    "ros.bags": "bags, replay",
    "research.data": "data sets, synthetic conversations",
    "research.training": "losses, baselines, the training loop",
    "research.evaluation": "metrics, tables, probes, survey",
    "tools.bench": "reactface bench",
    "tools.inspection": "reactface inspect",
    "tools.doctor": "reactface doctor",
    "cli": "one file a command",
}
IMAGE = (
    ("a message becomes RGB pixels", "ros.messages.images.image_to_rgb"),
    ("pushed with its stamp", "session.session.ReactionSession.push_image"),
    ("laid on frames of 1/25 s", "session.timeline.Timeline.push_image"),
    ("which images are tracked", "session.tracking.TrackingScheduler"),
    ("face, landmarks, coefficients", "perception.tracker.LandmarkTracker.track"),
)
SOUND = (
    ("a message becomes samples", "ros.messages.audio.audio_to_samples"),
    ("pushed with its stamp", "session.session.ReactionSession.push_audio"),
    ("to 16 kHz mono on the same frames", "session.timeline.Timeline.push_audio"),
    ("a window closes", "session.timeline.Timeline.poll"),
    ("the robot's own speech is left out", "session.own_speech.OwnSpeech.listen"),
)
REACTION = (
    ("the model, frame by frame or a window", "engine.engine.Engine.step"),
    ("gains, blinks, idle motion, fades", "session.playout.Playout.finish"),
    ("when its time has come", "ros.node.playback.Playback.publish_due"),
)
SHOWN = (
    ("messages", "ros.messages.convert.blendshapes"),
    ("a drawn face", "render.renderer.Renderer.begin"),
    ("robots, avatars", "ros.node.adapters.Adapters.send"),
    ("the page", "web.WebFace.show"),
)

FONT = "font-family='system-ui, sans-serif'"
INK, SOFT, LINE, PAPER = "#263238", "#546e7a", "#90a4ae", "#ffffff"
FILLS = ("#e0f2f1", "#e3f2fd", "#fff8e1", "#f3e5f5")


def rooms() -> str:
    """A row for each level, the lowest at the bottom; an arc from a row to each row that it
    imports."""
    house = runpy.run_path(str(HOUSE))
    levels = house["LEVELS"]
    high, width, left = 44, 620, 16
    top = {level: 16 + high * (len(levels) - 1 - level) for level in range(len(levels))}
    parts = []
    for level, names in enumerate(levels):
        each = (width - 8 * (len(names) - 1)) / len(names)
        for place, name in enumerate(names):
            x = left + place * (each + 8)
            parts.append(box(x, top[level], each, high - 8, fill(name), name, ROOMS[name]))
    for source, target in sorted(arcs(house)):
        y, end, edge = (top[n] + (high - 8) / 2 for n in (source, target, target))
        bulge = left + width + 18 + 16 * (source - target)
        start = left + width
        path = f"M {start} {y} C {bulge} {y}, {bulge} {end}, {start + 7} {edge}"
        parts.append(f"<path d='{path}' fill='none' stroke='{LINE}' stroke-width='1.3'/>")
        tip = f"{start},{end} {start + 8},{end - 4} {start + 8},{end + 4}"
        parts.append(f"<polygon points='{tip}' fill='{SOFT}'/>")
    return drawing(760, 24 + high * len(levels), parts)


def arcs(house: dict) -> set[tuple[int, int]]:
    """(importing level, imported level), without arcs that follow from others."""
    level_of = house["level_of"]
    modules = (arrow for arrow in house["ARROWS"] if arrow.source not in house["OUTSIDE"])
    pairs = {(level_of(arrow.source), level_of(arrow.target)) for arrow in modules}
    direct: dict[int, set[int]] = {}
    for source, target in pairs:
        if source != target:
            direct.setdefault(source, set()).add(target)
    reached: dict[int, set[int]] = {}
    for source in range(len(house["LEVELS"])):  # From the ground up: what is below is known.
        below = direct.get(source, set())
        reached[source] = below.union(*(reached[target] for target in below))
    return {
        (source, target)
        for source, below in direct.items()
        for target in below
        if not any(target in reached[other] for other in below)
    }


def path() -> str:
    """Two columns, image and sound, that join at the model; below it the output."""
    high, gap, width = 46, 16, 330
    columns = ((16, "camera, bag, video", IMAGE), (374, "microphone, bag, video", SOUND))
    parts = []
    for x, start, steps in columns:
        parts.append(text(x + width / 2, 30, start, 15, "600"))
        parts.append(arrow(x + width / 2, 36, 48))
        for row, (what, name) in enumerate(steps):
            y = 50 + row * (high + gap)
            parts.append(box(x, y, width, high, fill(name), what, name))
            parts.append(arrow(x + width / 2, y + high, y + high + gap - 2))
    y = 50 + len(IMAGE) * (high + gap)
    for what, name in REACTION:
        parts.append(box(16, y, 688, high, fill(name), what, name))
        parts.append(arrow(360, y + high, y + high + gap - 2))
        y += high + gap
    for place, (what, name) in enumerate(SHOWN):
        x, each = 16 + 348 * (place % 2), 340
        parts.append(box(x, y + place // 2 * (high + 8), each, high, fill(name), what, name))
    return drawing(720, y + 2 * (high + 8) + 12, parts)


def fill(name: str) -> str:
    """A colour for each part of the house."""
    first = name.split(".")[0]
    if first in ("ros", "outputs", "web", "render"):
        return FILLS[1]
    if first in ("research", "tools", "cli"):
        return FILLS[3]
    return FILLS[2] if first in ("model", "engine", "session", "perception") else FILLS[0]


def box(x: float, y: float, width: float, high: float, colour: str, title: str, under: str) -> str:
    shape = f"x='{x:g}' y='{y:g}' width='{width:g}' height='{high:g}' rx='6'"
    middle = x + width / 2
    return (
        f"<rect {shape} fill='{colour}' stroke='{LINE}'/>"
        + text(middle, y + high / 2 - 3, title, 14, "600")
        + text(middle, y + high / 2 + 13, under, 12, "400", SOFT)
    )


def text(x: float, y: float, words: str, size: int, weight: str, colour: str = INK) -> str:
    look = f"font-size='{size}' font-weight='{weight}' fill='{colour}' text-anchor='middle'"
    return f"<text x='{x:g}' y='{y:g}' {FONT} {look}>{words}</text>"


def arrow(x: float, y: float, end: float) -> str:
    tip = f"{x:g},{end:g} {x - 4:g},{end - 7:g} {x + 4:g},{end - 7:g}"
    line = f"<line x1='{x:g}' y1='{y:g}' x2='{x:g}' y2='{end - 5:g}' stroke='{SOFT}'/>"
    return f"{line}<polygon points='{tip}' fill='{SOFT}'/>"


def drawing(width: int, height: int, parts: Iterable[str]) -> str:
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
    body = "\n".join([f"<rect width='100%' height='100%' fill='{PAPER}'/>", *parts])
    return f"{head}width='{width}' height='{height}'>\n{body}\n</svg>\n"


if __name__ == "__main__":
    (DOCS / "rooms.svg").write_text(rooms(), "utf-8")
    (DOCS / "path.svg").write_text(path(), "utf-8")

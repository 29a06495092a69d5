"""Writes docs/parameters.md from the Config: ``python docs/scripts/parameters.py``."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from reactface_node.config import Config, profile_names
from reactface_node.config.settings import Scalar, Setting, settings
from reactface_node.ros.rclpy.robot_settings import declared

PAGE = Path(__file__).resolve().parent.parent / "parameters.md"
INTRODUCTION = """\
# Parameters

<!-- Written by docs/scripts/parameters.py from the Config; change the descriptions there. -->

One frozen `Config` holds every setting. A setting has the same dotted name everywhere:

| where | how |
| --- | --- |
| command line | `--set playout.gain=1.2`, on every command but `survey`; repeat it for more |
| YAML file | `--config FILE`; sections or dotted names, also in a ROS parameter file |
| ROS 2 launch | `params_file:=FILE` (parameters), `config:=FILE` (any setting), or an argument |
| ROS 2, running | `ros2 param set /reactface playout.gain 1.2` |
| Python | `Config.load(overrides={"playout.gain": 1.2})` |

The order is: profile, file, then what is given by name. A wrong name, type or value is refused with
one line.

- **live**: the setting may change while the node is active. Without ROS installed only these can be
  set on a running node. Under rclpy the others can be set while the node is unconfigured:
  `ros2 lifecycle set /reactface cleanup`, `ros2 param set ...`, `ros2 lifecycle set /reactface
  configure`, `activate`. The profile is that of the start.
- **ROS**: the rclpy node declares it as a parameter, with this description and range. The others
  belong to the weights or to training; only a file given with `config:=FILE` (`--config FILE`) sets
  them.
- **default**: what the `default` profile has. [The last table](#what-the-profiles-set) says where
  `paper` and `official` differ.
"""
MORE = {
    "on_device_failure": "`stop` says so in the log and in `/diagnostics`, and the process "
    "ends with an error, upon which the launch file starts it again; `cpu` goes on without the GPU",
    "threads": "0 takes all cores; one is fastest for the `default` profile",
    "timeline.max_wait_s": "A stream that gave nothing in the window is not waited for at all",
    "timeline.camera_to_microphone_offset_s": "Below 0 the images are too early, and wait",
    "perception.rate_hz": "25, 12.5, 8.33 and so on",
    "playout.playout_delay_s": "In frame mode counted from the end of the frame; it grows by "
    "itself where sound comes in larger chunks",
    "playout.eye_contact": "On a flat display less may be right: see [Eye contact](eye_contact.md)",
    "playout.seed": "Offline commands such as `reactface replay` take 0 unless a seed is given; "
    "YAML files, ROS parameter files and `--set` take the word, a running node the number alone",
    "render.precision": "`float16` is not for a CPU",
}
SECTIONS = {
    "": ("General", "Which model runs, and where."),
    "timeline": ("timeline", "How images and sound become frames of 1/25 s."),
    "perception": ("perception", "How the speaker's face is found and followed."),
    "model": ("model", "The network. What is not live belongs to the weights."),
    "playout": ("playout", "How reactions become the shown face."),
    "render": ("render", "How the face is drawn."),
    "ros": ("ros", "Topics, message types and QoS."),
    "outputs": ("outputs", "What is sent besides the node's own topics; all are off by default."),
    "web": ("web", "The page in a browser; off by default."),
    "training": ("training", "`reactface train`; no part of the running node."),
}
UNITS = {"_s": "s", "_hz": "Hz", "_px": "px", "_per_min": "1/min", "_m": "m", "_deg": "deg"}
KINDS = {bool: "bool", int: "int", float: "float", str: "string"}


def page() -> str:
    """The whole page."""
    profiles = {name: list(settings(Config.load(name))) for name in ordered(profile_names())}
    found = profiles["default"]
    robots = {item.name for item in declared(Config.load())}
    parts = [INTRODUCTION]
    for section, (title, about) in SECTIONS.items():
        rows = [row(item, robots) for item in found if section_of(item.name) == section]
        parts.append(f"## {title}\n\n{about}\n\n" + table(HEAD, rows))
    rows = list(differences(profiles))
    parts.append(
        "## What the profiles set\n\n"
        "Settings whose value is not the same in all profiles (`config/profiles/`).\n\n"
        + table(["name", *profiles], rows)
    )
    return "\n".join(parts)


HEAD = ["name", "description", "type", "range or choices", "unit", "default", "live", "ROS"]


def row(item: Setting, robots: Iterable[str]) -> list[str]:
    return [
        f"`{item.name}`",
        f"{item.help}. {MORE[item.name]}" if item.name in MORE else item.help,
        KINDS[type(item.value)],
        limits(item),
        next((unit for suffix, unit in UNITS.items() if item.name.endswith(suffix)), ""),
        shown(item.value),
        "yes" if item.live else "",
        "yes" if item.name in robots else "",
    ]


def limits(item: Setting) -> str:
    """ "0 .. 2", or the choices; consecutive numbers are abbreviated to the first and the last."""
    if item.low is not None:
        words = "".join(f", `{word}` = {value}" for word, value in item.words.items())
        return f"{number(item.low)} .. {number(item.high)}{words}"
    numbers = [choice for choice in item.choices if choice.isdigit()]
    words = [f"`{choice}`" for choice in item.choices if not choice.isdigit()]
    if numbers:
        words.append(f"{numbers[0]} .. {numbers[-1]}")
    return ", ".join(words)


def number(value: float | None) -> str:
    """A number in short form: not "2.14748e+09", not "1.0"."""
    return str(int(value)) if float(value or 0).is_integer() else f"{value:g}"


def shown(value: Scalar) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f"`{value}`" if value else "empty"
    return f"`{value}`"


def section_of(name: str) -> str:
    return name.rpartition(".")[0]


def ordered(names: Iterable[str]) -> list[str]:
    """``default`` first."""
    return sorted(names, key=lambda name: name != "default")


def differences(profiles: dict[str, list[Setting]]) -> Iterator[list[str]]:
    for items in zip(*profiles.values(), strict=True):
        values = [item.value for item in items]
        if len(set(values)) > 1:
            yield [f"`{items[0].name}`", *map(shown, values)]


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = ([re.sub(r"\|", r"\\|", cell) for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")

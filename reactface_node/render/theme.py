"""Themes of the avatar: colours and proportions from config/themes.yaml."""

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.text import meaning, read_yaml, shown

HEADS = ("shell", "hair", "screen")


@dataclass(frozen=True)
class Theme:
    """Colours as "#rrggbb"; sizes relative to the standard drawing. themes.yaml describes the
    fields."""

    background: str
    background_edge: str
    skin: str
    skin_light: str
    skin_shade: str
    blush: str
    line: str
    hair: str
    hair_light: str
    hair_shade: str
    accent: str
    brow: str
    lash: str
    sclera: str
    iris: str
    iris_edge: str
    pupil: str
    lip: str
    lip_light: str
    mouth: str
    teeth: str
    tongue: str
    clothes: str
    clothes_light: str
    head: str = "shell"
    eye_size: float = 1.0
    eye_round: float = 1.0
    iris_size: float = 1.0
    brow_size: float = 1.0
    mouth_size: float = 1.0
    lip_size: float = 1.0
    nose_size: float = 1.0
    jaw_width: float = 1.0
    lashes: float = 1.0
    relief: float = 0.0

    @property
    def glows(self) -> bool:
        """Whether the features are lights on a display instead of skin."""
        return self.head == "screen"


class Themes:
    """config/themes.yaml, which is read again only after it has changed: reading takes 3 ms."""

    def __init__(self) -> None:
        self._read: tuple[int, dict[str, Any]] | None = None

    def load(self, name: str) -> Theme:
        """A theme by its name; UserError if it is unknown or a field is missing or wrong."""
        themes = self.all()
        if name not in themes:
            raise UserError(f"unknown theme {shown(name)}; there are: {', '.join(themes)}")
        return parse_theme(name, themes[name])

    def all(self) -> dict[str, Any]:
        """The themes' values by name; UserError if the file cannot be read."""
        path = resources.folder("config") / "themes.yaml"
        changed_ns = path.stat().st_mtime_ns if path.is_file() else 0
        if self._read is None or self._read[0] != changed_ns:
            self._read = changed_ns, dict(read_yaml(path))
        return self._read[1]


def theme_names() -> list[str]:
    """All themes of config/themes.yaml."""
    return list(Themes().all())


def load_theme(name: str) -> Theme:
    """As ``Themes.load``."""
    return Themes().load(name)


def parse_theme(name: str, values: Any) -> Theme:
    """A mapping to a Theme; UserError that names the field."""
    if not isinstance(values, dict):
        raise UserError(f"theme '{name}' must hold names and values")
    known = {item.name: item for item in dataclasses.fields(Theme)}
    values = {key: meaning(value) for key, value in values.items()}
    for key, value in values.items():
        if key not in known:
            raise UserError(f"theme '{name}' has an unknown field {shown(key)}")
        _check(name, key, value, known[key].type)
    missing = [
        key for key, f in known.items() if f.default is dataclasses.MISSING and key not in values
    ]
    if missing:
        raise UserError(f"theme '{name}' lacks the field '{missing[0]}'")
    return Theme(**values)


def _check(theme: str, key: str, value: Any, kind: Any) -> None:
    if key == "head":
        good, wanted = value in HEADS, "one of " + ", ".join(HEADS)
    elif kind is float:
        good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 3
        wanted = "a number within 0 .. 3"
    else:
        good = isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value) is not None
        wanted = 'a colour such as "#a0b1c2"'
    if not good:
        raise UserError(f"theme '{theme}': {key} must be {wanted}, not {shown(value)}")

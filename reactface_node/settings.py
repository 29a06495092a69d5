"""Settings: dataclass fields that know their meaning and range, and how values are merged in.

``config.py`` declares the fields; the YAML files, the CLI options and the ROS parameters are
derived from them here, so that nothing is typed twice.
"""

import dataclasses
import difflib
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from reactface_node.errors import UserError

Scalar = bool | int | float | str


def setting(
    default: Any,
    help: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    live: bool = False,
) -> Any:
    """A config field: its meaning, its closed range or choices, whether it may change live."""
    metadata = {"help": help, "low": low, "high": high, "choices": choices, "live": live}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Setting:
    """One leaf of the Config with what a parameter descriptor or a CLI help line needs."""

    name: str
    value: Scalar
    help: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    live: bool


def settings(config: Any, prefix: str = "") -> Iterator[Setting]:
    """All leaves, in order, by dotted name."""
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if dataclasses.is_dataclass(value):
            yield from settings(value, f"{prefix}{item.name}.")
        else:
            yield Setting(prefix + item.name, value, **item.metadata)


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """["playout.gain=1.2"] -> {"playout.gain": 1.2}; UserError where there is no '='."""
    overrides = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UserError(f"'{pair}' is not NAME=VALUE, such as playout.gain=1.2")
        try:
            overrides[name.strip()] = yaml.safe_load(text) if text else ""
        except yaml.YAMLError as error:
            raise UserError(f"'{pair}': the value cannot be read") from error
    return overrides


def read_yaml(path: Path) -> Mapping[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the config file {path}: {error}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise UserError(f"{path} must hold names and values, not a {type(values).__name__}")
    return values


def merge(section: Any, values: Mapping[str, Any], prefix: str = "") -> Any:
    known = {item.name: item for item in dataclasses.fields(section)}
    types = typing.get_type_hints(type(section))
    changes = {}
    for name, value in values.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"; did you mean {prefix}{near[0]}?" if near else ""
            raise UserError(f"unknown parameter '{prefix}{name}'{hint}")
        current = getattr(section, name)
        if dataclasses.is_dataclass(current):
            if not isinstance(value, Mapping):
                raise UserError(f"'{prefix}{name}' is a section, not a value")
            changes[name] = merge(current, value, f"{prefix}{name}.")
        else:
            changes[name] = _checked(prefix + name, value, types[name], known[name].metadata)
    return dataclasses.replace(section, **changes)


def _checked(name: str, value: Any, kind: Any, about: Mapping[str, Any]) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
        raise UserError(f"parameter '{name}' must be {wanted[kind]}, not {value!r}")
    if about["choices"] and value not in about["choices"]:
        raise UserError(
            f"parameter '{name}' must be one of {', '.join(about['choices'])}, not '{value}'"
        )
    low, high = about["low"], about["high"]
    if low is not None and not (low <= value <= high):
        limits = f"{low} .. {high}" if kind is int else f"{low:g} .. {high:g}"
        raise UserError(f"parameter '{name}' must be within {limits}, not {value}")
    return value

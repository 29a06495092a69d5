"""Settings: dataclass fields with a description and a range, and the merging of new values.

The YAML files, CLI options and ROS parameters are derived from the fields that the Config declares.
"""

import dataclasses
import difflib
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

from reactface_node.errors import UserError
from reactface_node.files.text import SHOWN_CHARACTERS, Plain, is_text, meaning, plain_scalar, shown

Scalar = bool | int | float | str
HUGE = 10**300
"""Larger integers are clipped: no float holds them, and no range reaches so far."""
NO_WORDS: Mapping[str, int] = MappingProxyType({})


def setting(
    default: Any,
    help: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    live: bool = False,
    words: Mapping[str, int] = NO_WORDS,
) -> Any:
    """A field of a Config section.

    help: description for users. low, high: closed range of a number. choices: allowed texts.
    live: may change while a session runs. words: texts that stand for a number.
    """
    metadata = {
        "help": help,
        "low": low,
        "high": high,
        "choices": choices,
        "live": live,
        "words": words,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Setting:
    """One setting with its dotted name and its value, for parameter descriptors and CLI help."""

    name: str
    value: Scalar
    help: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    live: bool
    words: Mapping[str, int]


def settings(config: Any, prefix: str = "") -> Iterator[Setting]:
    """All settings of a Config or a section, in order; prefix: put before each name."""
    for item in dataclasses.fields(config):
        value = getattr(config, item.name)
        if dataclasses.is_dataclass(value):
            yield from settings(value, f"{prefix}{item.name}.")
        else:
            yield Setting(prefix + item.name, value, **item.metadata)


def parse_overrides(pairs: Iterable[str]) -> dict[str, Any]:
    """["playout.gain=1.2"] -> {"playout.gain": Plain("1.2")}; UserError if there is no '='."""
    overrides = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UserError(f"{shown(pair)} is not NAME=VALUE, such as playout.gain=1.2")
        overrides[name.strip()] = plain_scalar(text)
    return overrides


@dataclass(frozen=True)
class _Leaf:
    """The type of a setting and its metadata."""

    kind: Any
    about: Mapping[str, Any]


@cache
def _parts(section: type) -> Mapping[str, Any]:
    """The fields of a section's class by name: a ``_Leaf``, or the class of an inner section."""
    kinds = typing.get_type_hints(section)
    return {
        item.name: kinds[item.name]
        if dataclasses.is_dataclass(kinds[item.name])
        else _Leaf(kinds[item.name], item.metadata)
        for item in dataclasses.fields(section)
    }


def merge(section: Any, values: Mapping[Any, Any], prefix: str = "") -> Any:
    """A copy of the section with new values, given in nested mappings or by dotted names.

    Only the given values are validated. UserError on an unknown or repeated name, a wrong type, or
    a value out of range.
    """
    kind: type = type(section)
    parts = _parts(kind)
    changes: dict[str, Any] = {}
    inside: dict[str, dict[Any, Any]] = {}
    for name, value in values.items():
        first, dot, rest = name.partition(".") if isinstance(name, str) else (name, "", "")
        part = parts.get(first) if isinstance(first, str) else None
        if part is None or (dot and isinstance(part, _Leaf)):
            raise _unknown(name, parts, prefix)
        if isinstance(part, _Leaf):
            changes[first] = _checked(prefix + first, value, part)
        else:
            more = {rest: value} if dot else _section(prefix + first, value)
            known = inside.setdefault(first, {})
            for key in more.keys() & known.keys():
                raise UserError(f"parameter '{prefix}{first}.{key}' is there twice")
            known.update(more)
    for first, more in inside.items():
        changes[first] = merge(getattr(section, first), more, f"{prefix}{first}.")
    return dataclasses.replace(section, **changes)


def _section(name: str, value: Any) -> Mapping[Any, Any]:
    if isinstance(value, Mapping):
        return value
    # A section of a YAML file whose lines are all comments is empty.
    if isinstance(value, Plain) and not value:
        return {}
    raise UserError(f"'{name}' is a section, not a value")


def _unknown(name: object, parts: Mapping[str, Any], prefix: str) -> UserError:
    near: list[str] = []
    if isinstance(name, str) and len(name) <= SHOWN_CHARACTERS:
        near = difflib.get_close_matches(name.partition(".")[0].strip(), parts, 1)
    hint = f"; did you mean {prefix}{near[0]}?" if near else ""
    whole = prefix + name if isinstance(name, str) else name
    return UserError(f"unknown parameter {shown(whole)}{hint}")


def _checked(name: str, value: Any, leaf: _Leaf) -> Scalar:
    """The value in the setting's type; if it is invalid, a UserError that names the setting."""
    kind, about = leaf.kind, leaf.about
    if isinstance(value, str):
        value = about["words"].get(value, value)
    typed = _typed(value, kind)
    if typed is None:
        wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
        allowed = " or ".join((wanted[kind], *about["words"]))
        raise UserError(f"parameter '{name}' must be {allowed}, not {shown(value)}")
    if isinstance(typed, str) and not is_text(typed):
        raise UserError(f"parameter '{name}' must be UTF-8 text, not {shown(typed)}")
    if about["choices"] and typed not in about["choices"]:
        raise UserError(
            f"parameter '{name}' must be one of {', '.join(about['choices'])}, not {shown(typed)}"
        )
    low, high = about["low"], about["high"]
    if low is not None and not (low <= typed <= high):
        limits = f"{low} .. {high}" if kind is int else f"{low:g} .. {high:g}"
        raise UserError(f"parameter '{name}' must be within {limits}, not {shown(typed)}")
    return typed


def _typed(value: Any, kind: type) -> Scalar | None:
    """The value as ``kind``; None if it has another type."""
    if kind is str:
        return str(value) if isinstance(value, str) else None
    written, value = value, meaning(value)
    if kind is bool or isinstance(value, bool):
        return value if kind is bool and isinstance(value, bool) else None
    if kind is float and isinstance(value, int):
        return float(max(-HUGE, min(HUGE, value)))
    if isinstance(written, Plain) and isinstance(value, float) and value.is_integer():
        # 1e5 in a file is a whole number.
        value = kind(value)
    typed: Scalar | None = kind(value) if isinstance(value, kind) else None
    return typed

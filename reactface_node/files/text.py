"""YAML and JSON files of users: any content gives either its values or one UserError, in bounded
time and memory.

Size, nesting and the number of values behind YAML's aliases are limited; only plain data is made.
"""

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from reactface_node.errors import UserError

MOST_YAML_BYTES = 1 << 18
MOST_JSON_BYTES = 1 << 26
MOST_VALUES = 20_000
"""Limit of one YAML file; the values of an alias count each time it is used."""
DEEPEST = 20
LONGEST_NUMBER = 64
SHOWN_CHARACTERS = 60

_INTEGER = re.compile(r"[-+]?[0-9]+(_[0-9]+)*")
_BASED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(_[0-9]+)*(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, Any] = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
    **dict.fromkeys(("null", "~", ""), None),
    **dict.fromkeys((".nan", "nan"), float("nan")),
    **dict.fromkeys((".inf", "+.inf", "inf", "+inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-inf"), float("-inf")),
}
_CORE = "tag:yaml.org,2002:"


class Plain(str):
    """A scalar without quotes, as text; the reader decides what it means (``meaning``).

    So an id such as 0123 or no stays a text if a text is expected.
    """


def meaning(value: Any) -> Any:
    """A Plain as bool, int, float or None if it has that form, else as str; other values
    unchanged. Numbers are those of YAML 1.2, also 1e-3 and .5, and may have underscores."""
    if not isinstance(value, Plain):
        return value
    text = str(value)
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if len(text) > LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    return text


def shown(value: Any) -> str:
    """A value for one line of an error message."""
    if isinstance(value, int) and not isinstance(value, bool):
        # Python raises for a longer one.
        return str(value) if abs(value) < 10**LONGEST_NUMBER else "a huge number"
    text = repr(str(value)) if isinstance(value, str) else " ".join(repr(value).split())
    if isinstance(value, str) and value and not isinstance(meaning(value), str):
        text = text[1:-1]
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def is_text(text: str) -> bool:
    """Whether the text can be encoded as UTF-8 and has no NUL: valid in file names and messages."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; {} if it is empty. Scalars are ``Plain`` or, in quotes,
    str. UserError if it cannot be read or is no mapping."""
    return parse_yaml(_decoded(path, read_bytes(path, MOST_YAML_BYTES)), path)


def parse_yaml(text: str, source: object) -> dict[str, Any]:
    """As ``read_yaml``; errors name ``source``."""
    try:
        values = _Composer(yaml.parse(text, yaml.SafeLoader)).compose()
    except UserError as error:
        raise UserError(f"{source} is not accepted: {error}") from error
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{source} is not valid YAML: {reason[:300]}") from error
    except Exception as error:  # PyYAML's scanner passes on Python's errors for some escapes
        raise UserError(f"{source} is not valid YAML: {shown(str(error))}") from error
    if meaning(values) is None:
        return {}
    if not isinstance(values, dict):
        kind = "list" if isinstance(values, list) else "single value"
        raise UserError(f"{source} must hold names and values, not a {kind}")
    return values


def plain_scalar(text: str) -> str:
    """A value of the command line: a Plain, or the text inside its quotes."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return Plain(text)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; UserError if it cannot be read or holds none."""
    return parse_json(_decoded(path, read_bytes(path, MOST_JSON_BYTES)), path)


def parse_json(text: str, source: object) -> dict[str, Any]:
    """As ``read_json``; errors name ``source``."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{source} is not valid JSON: {reason[:120]}") from error
    if not isinstance(values, dict):
        raise UserError(f"{source} must hold names and values, not {shown(values)}")
    return values


def read_bytes(path: Path, most: int) -> bytes:
    """All bytes of a regular file; UserError if it is none or larger than ``most`` bytes."""
    try:
        # Opening a pipe would wait for its writer.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UserError(f"cannot read {path}: it is no regular file")
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot read {path}: {reason}") from error
    if len(data) > most:
        raise UserError(f"{path} is larger than {most >> 10} KiB, which no such file is")
    return data


def _decoded(path: Path, data: bytes) -> str:
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read {path}: it is not UTF-8 text") from error


class _Composer:
    """Values from YAML events. An alias is the value that it names, not a copy."""

    def __init__(self, events: Iterator[Any]):
        self._events = events
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._values = 0

    def compose(self) -> Any:
        """The only document; None if there is none."""
        next(self._events)
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            return Plain()
        value = self._value(next(self._events), DEEPEST)
        next(self._events)
        if not isinstance(next(self._events), yaml.StreamEndEvent):
            raise UserError("it holds several documents")
        return value

    def _value(self, event: Any, deepest: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            # An anchor has no value while it is read, so no value contains itself.
            if event.anchor not in self._anchors:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise UserError(f"line {line}: no value *{event.anchor} yet")
            value, size = self._anchors[event.anchor]
            self._count(size)
            return value
        before = self._values
        self._count(1)
        if deepest == 0:
            raise UserError(f"line {event.start_mark.line + 1}: it is nested too deeply")
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            _refuse_tag(event, "seq")
            value = [self._value(item, deepest - 1) for item in self._until(yaml.SequenceEndEvent)]
        else:
            _refuse_tag(event, "map")
            value = self._mapping(deepest - 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = value, self._values - before
        return value

    def _mapping(self, deepest: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for event in self._until(yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            name = self._value(event, deepest)
            value = self._value(next(self._events), deepest)
            if not isinstance(name, str):
                raise UserError(f"line {line}: a name must be a text")
            if name == "<<" and isinstance(name, Plain):
                merged = self._merged(value, line) | merged
            elif name in own:
                raise UserError(f"line {line}: {shown(name)} is there twice")
            else:
                own[str(name)] = value
        return merged | own

    def _merged(self, value: Any, line: int) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for part in value if isinstance(value, list) else [value]:
            if not isinstance(part, dict):
                raise UserError(f"line {line}: << takes names and values")
            merged = part | merged
            self._count(len(part))
        return merged

    def _until(self, end: type) -> Iterator[Any]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _count(self, more: int) -> None:
        self._values += more
        if self._values > MOST_VALUES:
            raise UserError(f"it holds more than {MOST_VALUES} values")


def _scalar(event: Any) -> str:
    text: str = event.value
    if event.tag is None:
        return Plain(text) if event.implicit[0] else text
    if event.tag in ("!", f"{_CORE}str"):
        return text
    if event.tag in {f"{_CORE}{kind}" for kind in ("bool", "int", "float", "null")}:
        return Plain(text)
    raise _tag_error(event)


def _refuse_tag(event: Any, known: str) -> None:
    if event.tag not in (None, "!", f"{_CORE}{known}"):
        raise _tag_error(event)


def _tag_error(event: Any) -> UserError:
    tag = event.tag.replace(_CORE, "!!", 1)
    return UserError(f"line {event.start_mark.line + 1}: the tag {shown(tag)} is not read")

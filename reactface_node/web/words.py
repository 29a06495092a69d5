"""JSON messages between the node and its pages."""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from reactface_node.errors import UserError

LARGEST = 1e9
"""Larger numbers are refused: no setting needs them, and JSON's largest do not fit a float."""


def read_command(text: str | bytes, kinds: Mapping[str, type]) -> tuple[str, Any]:
    """A page's command: {"do": "enable", "value": true}, "reset", or "set" with {name: value}.

    kinds: type of each setting that may be set. Returns the command and its value. UserError for
    anything else; ranges are not checked here.
    """
    try:
        command = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError("it is not JSON") from error
    what = command.get("do") if isinstance(command, dict) else None
    value = command.get("value") if isinstance(command, dict) else None
    if what == "reset":
        return "reset", None
    if what == "enable" and isinstance(value, bool):
        return "enable", value
    if what == "set" and isinstance(value, dict) and value:
        return "set", {name: _checked(name, given, kinds) for name, given in value.items()}
    raise UserError("it is neither enable, reset nor set")


def _checked(name: str, value: Any, kinds: Mapping[str, type]) -> Any:
    """The value in the setting's type: JavaScript writes 1.0 as 1, which ROS would refuse."""
    if name not in kinds:
        raise UserError(f"{name!a} cannot be set from the page")
    kind = kinds[name]
    if kind is float and type(value) is int and abs(value) < LARGEST:
        value = float(value)
    if type(value) is not kind or (isinstance(value, int) and abs(value) >= LARGEST):
        raise UserError(f"{name} must be a {kind.__name__}")
    # NUL and lone surrogates are not allowed in file names.
    if isinstance(value, str) and not value.isprintable():
        raise UserError(f"{name} must be a text that can be printed")
    return value


def plain(about: Any) -> Any:
    """Values as JSON allows them: numpy numbers become Python's, NaN and infinity None."""
    if isinstance(about, Mapping):
        return {str(name): plain(value) for name, value in about.items()}
    if isinstance(about, list):
        return [plain(value) for value in about]
    if isinstance(about, np.generic):
        about = about.item()
    if isinstance(about, float) and not math.isfinite(about):
        return None
    return about

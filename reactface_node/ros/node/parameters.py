"""The six parameter services of ROS 2, for a node without rclpy: every setting of the Config."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from reactface_node.config import Config
from reactface_node.config.settings import Scalar, Setting, settings
from reactface_node.errors import UserError
from reactface_node.ros.messages.types import RosbagsTypes
from reactface_node.ros.node.changes import named
from reactface_node.ros.node.descriptors import (
    BOOL,
    DOUBLE,
    INTEGER,
    NOT_SET,
    STRING,
    parameter_descriptor,
    parameter_type,
)
from reactface_node.ros.node.server import Server

Answer = Callable[[Any], Mapping[str, Any]]
Refusal = Callable[[str], Mapping[str, Any]]
"""A reason -> the fields of an answer that says so."""
_FIELDS = {
    BOOL: "bool_value",
    INTEGER: "integer_value",
    DOUBLE: "double_value",
    STRING: "string_value",
}
MOST_NAMES = 1000
"""Most names in a request. There are fewer settings, so no request needs more."""
LONGEST_REASON = 500


class Parameters:
    """Answers requests about settings; live settings can be changed.

    A request with more than MOST_NAMES names is refused as a whole.
    """

    def __init__(self, types: RosbagsTypes, server: Server) -> None:
        self._types, self._server = types, server
        self._known_of: tuple[Config, dict[str, Setting]] | None = None

    def answers(self) -> dict[str, tuple[str, Answer, Refusal]]:
        """{service name: (type, answer, answer if that fails)} of the six services that ROS 2's
        tools wait for."""
        kind = "rcl_interfaces/srv/"
        nothing = self._types.message_type("rcl_interfaces/msg/ListParametersResult")
        return {
            "list_parameters": (
                kind + "ListParameters",
                self.list,
                lambda _: {"result": nothing(names=[], prefixes=[])},
            ),
            "get_parameters": (kind + "GetParameters", self.get, lambda _: {"values": []}),
            "get_parameter_types": (
                kind + "GetParameterTypes",
                self.types,
                lambda _: {"types": np.zeros(0, np.uint8)},
            ),
            "describe_parameters": (
                kind + "DescribeParameters",
                self.describe,
                lambda _: {"descriptors": []},
            ),
            "set_parameters": (
                kind + "SetParameters",
                self.set,
                lambda reason: {"results": [self._result(reason)]},
            ),
            "set_parameters_atomically": (
                kind + "SetParametersAtomically",
                self.set_all,
                lambda reason: {"result": self._result(reason)},
            ),
        }

    def list(self, request: Any) -> Mapping[str, Any]:
        prefixes = _bounded(request.prefixes)
        names = [
            name
            for name in self._known()
            if not prefixes or any(name == p or name.startswith(p + ".") for p in prefixes)
        ]
        sections = sorted({name.rpartition(".")[0] for name in names} - {""})
        build = self._types.message_type("rcl_interfaces/msg/ListParametersResult")
        return {"result": build(names=names, prefixes=sections)}

    def get(self, request: Any) -> Mapping[str, Any]:
        known = self._known()
        values = [known[name].value if name in known else None for name in _bounded(request.names)]
        return {"values": [self._value(value) for value in values]}

    def types(self, request: Any) -> Mapping[str, Any]:
        known = self._known()
        kinds = [
            parameter_type(known[name].value) if name in known else 0
            for name in _bounded(request.names)
        ]
        return {"types": np.array(kinds, np.uint8)}

    def describe(self, request: Any) -> Mapping[str, Any]:
        known = self._known()
        names = _bounded(request.names)
        found = [known[name] for name in names if name in known]
        return {"descriptors": [parameter_descriptor(self._types, item, False) for item in found]}

    def set(self, request: Any) -> Mapping[str, Any]:
        return {"results": [self._change([one]) for one in _bounded(request.parameters)]}

    def set_all(self, request: Any) -> Mapping[str, Any]:
        return {"result": self._change(_bounded(request.parameters))}

    def _change(self, parameters: Sequence[Any]) -> Any:
        try:
            changes = named((one.name, _scalar(one.name, one.value)) for one in parameters)
        except UserError as error:
            return self._result(str(error))
        return self._result(self._server.configure(changes))

    def _result(self, reason: str) -> Any:
        """A result; reason: "" if the change was accepted."""
        build = self._types.message_type("rcl_interfaces/msg/SetParametersResult")
        return build(successful=not reason, reason=reason[:LONGEST_REASON])

    def _known(self) -> dict[str, Setting]:
        config = self._server.config
        if self._known_of is None or self._known_of[0] is not config:
            self._known_of = config, {item.name: item for item in settings(config)}
        return self._known_of[1]

    def _value(self, value: Scalar | None) -> Any:
        kind = parameter_type(value)
        none: dict[str, Any] = {
            "bool_value": False,
            "integer_value": 0,
            "double_value": 0.0,
            "string_value": "",
            "byte_array_value": np.zeros(0, np.uint8),
            "bool_array_value": np.zeros(0, bool),
            "integer_array_value": np.zeros(0, np.int64),
            "double_array_value": np.zeros(0, np.float64),
            "string_array_value": [],
        }
        chosen = {_FIELDS[kind]: value} if kind else {}
        build = self._types.message_type("rcl_interfaces/msg/ParameterValue")
        return build(type=kind, **(none | chosen))


def _scalar(name: str, value: Any) -> Scalar:
    """rcl_interfaces/ParameterValue -> value; UserError for an array or no value."""
    if value.type == NOT_SET:
        raise UserError(f"parameter '{name}' cannot be unset")
    if value.type not in _FIELDS:
        raise UserError(f"parameter '{name}' takes one value, no array")
    scalar: Scalar = getattr(value, _FIELDS[value.type])
    return scalar


def _bounded(several: Sequence[Any]) -> Sequence[Any]:
    """The same list; UserError if it is longer than MOST_NAMES."""
    if len(several) > MOST_NAMES:
        raise UserError(f"{len(several)} at once are too many: {MOST_NAMES} at most")
    return several

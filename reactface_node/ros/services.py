"""Services on the wire as rmw_cyclonedds does them: the node's own and its parameters'.

A service is a request topic "rq/<name>Request" and a reply topic "rr/<name>Reply"; request and
reply begin with the same 16 bytes (definitions.REQUEST_HEADER). Other DDS vendors carry that
identity elsewhere and cannot call these. Cyclone DDS checks every sample against the declared
fields, so the header has to be declared; a ROS 2 newer than Jazzy declares its services without
it and may refuse to match for that reason. Topics are not affected.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from reactface_node.ros.server import Server
from reactface_node.ros.types import RosbagsTypes
from reactface_node.ros.wire import Quality, Wire, new_id
from reactface_node.settings import Scalar, Setting, settings

Answer = Callable[[Any], Mapping[str, Any]]
BOOL, INTEGER, DOUBLE, STRING = 1, 2, 3, 4
_FIELDS = {BOOL: "bool_value", INTEGER: "integer_value", DOUBLE: "double_value",
           STRING: "string_value"}  # fmt: skip
_REPLY_PATIENCE_S = 1.0


class Service:
    """Answers requests on one name; ``answer`` maps a request to the reply's fields."""

    def __init__(
        self, wire: Wire, types: RosbagsTypes, name: str, kind: str, answer: Answer
    ) -> None:
        user_data = f"serviceid={new_id()};"
        self.reader = wire.reader(
            f"rq{name}Request", f"{kind}_Request", types, Quality(), user_data
        )
        self._writer = wire.writer(
            f"rr{name}Reply", f"{kind}_Response", types, Quality(), user_data
        )
        self._build = types.message_type(f"{kind}_Response")
        self._answer = answer
        self._waiting: deque[tuple[float, Any]] = deque()

    def spin(self, now_s: float) -> None:
        """Answers what has come. A reply waits for its client's reader: discovery may be slower
        than the request, and what is written before it is matched is lost."""
        for request in self.reader.take():
            if not isinstance(request, Exception):
                fields = self._answer(request)
                reply = self._build(guid=request.guid, seq=request.seq, **fields)
                self._waiting.append((now_s, reply))
        while self._waiting and (
            self._writer.matched or abs(now_s - self._waiting[0][0]) > _REPLY_PATIENCE_S
        ):
            self._writer.write(self._waiting.popleft()[1])


def make_services(wire: Wire, types: RosbagsTypes, node: str, server: Server) -> list[Service]:
    """All services of the node "/name"."""
    parameters = Parameters(types, server)

    def reset(_request: Any) -> Mapping[str, Any]:
        server.reset()
        return {"success": True, "message": "the conversation starts again"}

    def enable(request: Any) -> Mapping[str, Any]:
        server.enable(bool(request.data))
        return {"success": True, "message": "enabled" if request.data else "disabled"}

    def set_portrait(request: Any) -> Mapping[str, Any]:
        reason = server.configure({"render.portrait": request.file})
        return {"success": not reason, "message": reason or f"{request.file} is shown"}

    switches: dict[str, tuple[str, Answer]] = {
        "reset": ("std_srvs/srv/Trigger", reset),
        "enable": ("std_srvs/srv/SetBool", enable),
        "set_portrait": ("reactface_msgs/srv/SetPortrait", set_portrait),
    }
    return [
        Service(wire, types, f"{node}/{name}", kind, answer)
        for name, (kind, answer) in (switches | parameters.answers()).items()
    ]


class Parameters:
    """The node's parameters: every setting of the Config; the live ones can be changed."""

    def __init__(self, types: RosbagsTypes, server: Server) -> None:
        self._types, self._server = types, server

    def answers(self) -> dict[str, tuple[str, Answer]]:
        """{service name: (type, answer)} of the six services that ROS 2's tools wait for."""
        kind = "rcl_interfaces/srv/"
        return {
            "list_parameters": (kind + "ListParameters", self.list),
            "get_parameters": (kind + "GetParameters", self.get),
            "get_parameter_types": (kind + "GetParameterTypes", self.types),
            "describe_parameters": (kind + "DescribeParameters", self.describe),
            "set_parameters": (kind + "SetParameters", self.set),
            "set_parameters_atomically": (kind + "SetParametersAtomically", self.set_all),
        }

    def list(self, request: Any) -> Mapping[str, Any]:
        prefixes = list(request.prefixes)
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
        values = [known[name].value if name in known else None for name in request.names]
        return {"values": [self._value(value) for value in values]}

    def types(self, request: Any) -> Mapping[str, Any]:
        known = self._known()
        kinds = [_kind(known[name].value) if name in known else 0 for name in request.names]
        return {"types": np.array(kinds, np.uint8)}

    def describe(self, request: Any) -> Mapping[str, Any]:
        known = self._known()
        return {"descriptors": [self._descriptor(known[n]) for n in request.names if n in known]}

    def set(self, request: Any) -> Mapping[str, Any]:
        return {"results": [self._change([parameter]) for parameter in request.parameters]}

    def set_all(self, request: Any) -> Mapping[str, Any]:
        return {"result": self._change(request.parameters)}

    def _change(self, parameters: Sequence[Any]) -> Any:
        reason = self._server.configure({p.name: _scalar(p.value) for p in parameters})
        build = self._types.message_type("rcl_interfaces/msg/SetParametersResult")
        return build(successful=not reason, reason=reason)

    def _known(self) -> dict[str, Setting]:
        return {item.name: item for item in settings(self._server.config)}

    def _value(self, value: Scalar | None) -> Any:
        kind = _kind(value)
        none: dict[str, Any] = {
            "bool_value": False, "integer_value": 0, "double_value": 0.0, "string_value": "",
            "byte_array_value": np.zeros(0, np.uint8), "bool_array_value": np.zeros(0, bool),
            "integer_array_value": np.zeros(0, np.int64),
            "double_array_value": np.zeros(0, np.float64), "string_array_value": [],
        }  # fmt: skip
        chosen = {_FIELDS[kind]: value} if kind else {}
        build = self._types.message_type("rcl_interfaces/msg/ParameterValue")
        return build(type=kind, **(none | chosen))

    def _descriptor(self, item: Setting) -> Any:
        kind, floats, integers = _kind(item.value), [], []
        low, high = item.low, item.high
        if low is not None and high is not None:
            if kind == DOUBLE:
                build = self._types.message_type("rcl_interfaces/msg/FloatingPointRange")
                floats = [build(from_value=float(low), to_value=float(high), step=0.0)]
            elif kind == INTEGER:
                build = self._types.message_type("rcl_interfaces/msg/IntegerRange")
                integers = [build(from_value=math.ceil(low), to_value=math.floor(high), step=1)]
        return self._types.message_type("rcl_interfaces/msg/ParameterDescriptor")(
            name=item.name,
            type=kind,
            description=item.help,
            additional_constraints=f"one of {', '.join(item.choices)}" if item.choices else "",
            read_only=not item.live,
            dynamic_typing=False,
            floating_point_range=floats,
            integer_range=integers,
        )


def _kind(value: Scalar | None) -> int:
    return {bool: BOOL, int: INTEGER, float: DOUBLE, str: STRING}.get(type(value), 0)


def _scalar(value: Any) -> Scalar | None:
    field = _FIELDS.get(value.type)
    return getattr(value, field) if field else None

"""ROS 2's parameter descriptors of our settings, the same under every transport."""

import math
from typing import Any

from reactface_node.config.settings import Scalar, Setting
from reactface_node.ros.messages.types import MessageTypes

NOT_SET, BOOL, INTEGER, DOUBLE, STRING = 0, 1, 2, 3, 4
"""rcl_interfaces/msg/ParameterType."""


def parameter_type(value: Scalar | None) -> int:
    """The ROS 2 type of a setting's value; NOT_SET for None."""
    return {bool: BOOL, int: INTEGER, float: DOUBLE, str: STRING}.get(type(value), NOT_SET)


def parameter_descriptor(types: MessageTypes, item: Setting, has_configure: bool) -> Any:
    """A setting -> rcl_interfaces/msg/ParameterDescriptor.

    has_configure: the node has a lifecycle. Then a setting that is not live may change until
    configure reads it, so it is not declared as read-only.
    """
    constraints = [f"one of {', '.join(item.choices)}"] if item.choices else []
    if has_configure and not item.live:
        constraints.append("read in configure")
    kind = parameter_type(item.value)
    return types.message_type("rcl_interfaces/msg/ParameterDescriptor")(
        name=item.name,
        type=kind,
        description=item.help,
        additional_constraints="; ".join(constraints),
        read_only=not (item.live or has_configure),
        dynamic_typing=False,
        floating_point_range=_float_range(types, item) if kind == DOUBLE else [],
        integer_range=_integer_range(types, item) if kind == INTEGER else [],
    )


def _float_range(types: MessageTypes, item: Setting) -> list[Any]:
    if item.low is None or item.high is None:
        return []
    build = types.message_type("rcl_interfaces/msg/FloatingPointRange")
    return [build(from_value=float(item.low), to_value=float(item.high), step=0.0)]


def _integer_range(types: MessageTypes, item: Setting) -> list[Any]:
    if item.low is None or item.high is None:
        return []
    build = types.message_type("rcl_interfaces/msg/IntegerRange")
    return [build(from_value=math.ceil(item.low), to_value=math.floor(item.high), step=1)]

"""ROS types for cyclonedds: names and fields; rosbags' CDR is passed through unchanged."""

from typing import Any

from reactface_node.ros.messages.types import RosbagsTypes


def ros_type(dds_type: str) -> str:
    """ "sensor_msgs::msg::dds_::Image_" -> "sensor_msgs/msg/Image"."""
    return dds_type.replace("::dds_::", "::").replace("::", "/").rstrip("_")


def sample_class(types: RosbagsTypes, type_name: str) -> Any:
    """A cyclonedds type with ROS's name and fields that passes CDR through unchanged.

    The fields are declared for DDS's description of the type. Serialising them one by one in
    Python would take far longer than rosbags does.
    """
    declared = _idl_struct(types, type_name, {})

    class Sample(declared):  # type: ignore[valid-type, misc]
        def __init__(self, data: bytes) -> None:
            self.data = data

        def serialize(
            self, buffer: Any = None, endianness: Any = None, use_version_2: Any = None
        ) -> bytes:
            return self.data

        @classmethod
        def deserialize(
            cls, data: bytes, has_header: bool = True, use_version_2: Any = None
        ) -> "Sample":
            return cls(data)

        deserialize_key = deserialize

    Sample.__idl_typename__ = declared.__idl_typename__
    Sample.__idl__ = declared.__idl__
    return Sample


def _idl_struct(types: RosbagsTypes, type_name: str, made: dict[str, Any]) -> Any:
    from cyclonedds.idl import make_idl_struct
    from cyclonedds.idl import types as idl_types

    idl: Any = idl_types  # Its generic types are not declared as generic.

    def convert(description: Any) -> Any:
        kind, about = int(description[0]), description[1]
        if kind == 1:  # primitive: (name, bound)
            name = {"byte": "uint8", "char": "uint8"}.get(about[0], about[0])
            return {"string": str, "bool": bool}.get(name) or getattr(idl, name)
        if kind == 2:  # message: its name
            return made.get(about) or _idl_struct(types, about, made)
        inner, size = convert(about[0]), about[1]
        return idl.array[inner, size] if kind == 3 else idl.sequence[inner]

    package, space, leaf = type_name.split("/")
    fields = types.typestore.fielddefs[type_name][1]
    made[type_name] = make_idl_struct(
        f"{leaf}_",
        f"{package}.{space}.dds_.{leaf}_",
        {name: convert(description) for name, description in fields},
    )
    return made[type_name]

"""Message classes by name, for rosbags (bags, and DDS without ROS) and for rclpy.

Both kinds of class take all fields as keyword arguments. They need different values for a sequence
of numbers and for a ``byte``; ``MessageTypes`` hides that.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.ros.messages import definitions

MESSAGE_VERSION = 1

IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
AUDIO_TYPES = (
    "audio_common_msgs/msg/AudioStamped",
    "audio_common_msgs/msg/AudioDataStamped",
    "audio_common_msgs/msg/AudioData",
    "foxglove_msgs/msg/RawAudio",
)
INFO_TYPES = ("audio_common_msgs/msg/AudioInfo",)

LONGEST_DEFINITION = 200_000
"""Most characters of a message definition with the types that it uses."""

AUDIO_VARIANTS = {
    "ros-drivers": definitions.AUDIO_ROS_DRIVERS,
    "mgonzs13": definitions.AUDIO_MGONZS13,
}


class MessageError(Exception):
    """A message that cannot be used; one line says why."""


class MessageTypes(Protocol):
    """What the message builders in ``convert`` need from a ROS binding."""

    def message_type(self, name: str) -> type[Any]:
        """The class of "package/msg/Name"."""

    def sequence(self, values: np.ndarray) -> Any:
        """(n,) array of the field's own type -> the value of a sequence field."""

    def byte(self, value: int) -> Any:
        """0..255 -> the value of a ``byte`` field."""


class RclpyTypes:
    """Classes made by rosidl_generator_py; needs a sourced ROS 2."""

    def message_type(self, name: str) -> type[Any]:
        """Class by "package/msg/Name"; UserError if the workspace lacks the package."""
        package, _, leaf = name.split("/")
        try:
            found: type[Any] = getattr(import_module(f"{package}.msg"), leaf)
        except (ImportError, AttributeError) as error:
            raise UserError(f"this ROS workspace has no {name}; build or source it") from error
        return found

    def has(self, name: str) -> bool:
        """Whether the workspace has "package/msg/Name"."""
        try:
            return bool(self.message_type(name))
        except UserError:
            return False

    def sequence(self, values: np.ndarray) -> bytes:
        """The raw bytes: the constructors give them to ``array.array``, which copies bytes at once
        but an ndarray element by element."""
        return np.ascontiguousarray(values).tobytes()

    def byte(self, value: int) -> bytes:
        return bytes([value])


class RosbagsTypes:
    """rosbags' dataclasses and CDR; one definition of ``audio_common_msgs`` at a time.

    audio: "ros-drivers" (the apt release) or "mgonzs13".
    """

    def __init__(self, audio: str = "ros-drivers") -> None:
        self.typestore = _jazzy()
        self._services = served()
        own, third = own_definitions(), (definitions.FOXGLOVE, definitions.HRI)
        for known in (own, AUDIO_VARIANTS[audio], *third):
            self.register(known)
        self.register(self._services, definitions.REQUEST_HEADER)

    def register(self, known: Mapping[str, str], prefix: str = "") -> None:
        """Add definitions {"package/msg/Name" or "package/srv/Name_Request": text}.

        prefix: is put before each text.
        """
        from rosbags.typesys import get_types_from_msg

        found: dict[str, Any] = {}
        for name, text in known.items():
            # rosbags knows messages only and puts a service's halves into "package/srv/msg".
            parsed = get_types_from_msg(prefix + text, name)
            found |= {key.replace("/srv/msg/", "/srv/"): value for key, value in parsed.items()}
        self.typestore.register(found)

    def trust(self, name: str, form: str, definition: str) -> bool:
        """Use a bag's own definition of ``name`` instead of all of ours; "" changes nothing.

        form: "ros2msg" or "ros2idl". False, and nothing changes, if the definition cannot be
        parsed or lacks a field of ours.
        """
        if not form or not definition.strip():
            return True
        if len(definition) > LONGEST_DEFINITION:
            return False
        try:
            store = _store_of(name, form, definition)
        except Exception:  # A parser may raise anything for a damaged text.
            return False
        ours = [self.typestore, *(RosbagsTypes(audio).typestore for audio in AUDIO_VARIANTS)]
        known = [other for other in ours if name in other.fielddefs]
        if name not in store.fielddefs or (
            known and not any(_has_all(store, other, name) for other in known)
        ):
            return False
        self.typestore = store
        return True

    def message_type(self, name: str) -> type[Any]:
        found: type[Any] = self.typestore.types[name]
        return found

    def sequence(self, values: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(values)

    def byte(self, value: int) -> int:
        return value

    def serialize(self, message: Any) -> memoryview:
        """CDR with its 4-byte header; little-endian."""
        data: memoryview = self.typestore.serialize_cdr(message, message.__msgtype__)
        return data

    def deserialize(self, data: bytes, name: str) -> Any:
        """CDR -> message; MessageError if the bytes do not hold one."""
        try:
            return self.typestore.deserialize_cdr(data, name)
        except Exception as error:  # Generated code may raise anything.
            raise MessageError(f"damaged {name}: {_first_line(error)}") from error

    def type_hash(self, name: str) -> str:
        """REP-2016 hash, "RIHS01_<64 hex digits>"."""
        if name in self._services:
            plain = RosbagsTypes.__new__(RosbagsTypes)
            plain.typestore = _jazzy()
            plain.register({name: self._services[name]})
            return str(plain.typestore.hash_rihs01(name))
        return str(self.typestore.hash_rihs01(name))


def _store_of(name: str, form: str, definition: str) -> Any:
    """A typestore with the types of one definition alone."""
    from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore

    store = get_typestore(Stores.EMPTY)
    if form == "ros2msg":
        store.register(get_types_from_msg(definition, name))
        return store
    for part in definition.split("=" * 80 + "\n"):
        text = part.partition("\n")[2] if part.startswith("IDL: ") else part
        if text.strip():
            store.register(get_types_from_idl(text))
    return store


def _has_all(store: Any, ours: Any, name: str) -> bool:
    """Whether a type has all fields of ours, with the same types."""
    theirs = dict(store.fielddefs[name][1]) if name in store.fielddefs else {}
    return all(
        theirs.get(field) == kind and all(_has_all(store, ours, n) for n in _named(kind))
        for field, kind in ours.fielddefs[name][1]
    )


def _named(kind: Any) -> list[str]:
    """The message types in a field's description of nested tuples."""
    from rosbags.interfaces import Nodetype

    if kind[0] == Nodetype.NAME:
        return [kind[1]]
    return _named(kind[1][0]) if kind[0] in (Nodetype.ARRAY, Nodetype.SEQUENCE) else []


def _jazzy() -> Any:
    from rosbags.typesys import Stores, get_typestore

    return get_typestore(Stores.ROS2_JAZZY)


def own_definitions() -> dict[str, str]:
    """{"reactface_msgs/msg/Name": text} from the .msg files; UserError if not installed."""
    files = sorted(_own_folder("msg").glob("*.msg"))
    return {f"reactface_msgs/msg/{file.stem}": file.read_text("utf-8") for file in files}


def served() -> dict[str, str]:
    """{"package/srv/Name_Request" or "..._Response": text} of all services that we serve."""
    own = {}
    for file in sorted(_own_folder("srv").glob("*.srv")):
        request, response = file.read_text("utf-8").split("\n---\n")
        own[f"reactface_msgs/srv/{file.stem}_Request"] = request
        own[f"reactface_msgs/srv/{file.stem}_Response"] = response
    return definitions.SERVICES | own


def _own_folder(kind: str) -> Path:
    """The folder of reactface_msgs, in a source checkout or installed."""
    try:
        return resources.folder(f"ros2_ws/src/reactface_msgs/{kind}")
    except UserError:
        return resources.folder(kind)


def audio_variant(type_name: str) -> str:
    """The audio_common_msgs package that a type name belongs to, if nothing else tells."""
    return (
        "mgonzs13" if type_name.rpartition("/")[2] in ("Audio", "AudioStamped") else "ros-drivers"
    )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]

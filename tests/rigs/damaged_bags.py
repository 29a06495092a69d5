"""Helpers of ``test_ros_bag_damage``, for other tests too."""

import struct
from binascii import crc32

from rosbags.rosbag2 import StoragePlugin, Writer

from reactface_node.ros.bags.reader import BagReader
from reactface_node.ros.bags.records import CHUNK, HEAD, MESSAGE, MESSAGE_HEAD
from reactface_node.ros.messages.types import RosbagsTypes

TYPES = RosbagsTypes()


MAGIC = b"\x89MCAP0\r\n"


NAME = "std_msgs/msg/String"


COUNT = 200


def text(index, size=500):
    return TYPES.serialize(TYPES.message_type(NAME)(data=f"{index:06d}" + "x" * size))


def write(path, storage=StoragePlugin.MCAP, count=COUNT, start=0):
    """Messages 0.01 s apart that begin with their number."""
    with Writer(path, version=8, storage_plugin=storage) as bag:
        topic = bag.add_connection("/text", NAME, typestore=TYPES.typestore)
        for index in range(start, start + count):
            bag.write(topic, stamp(index), text(index))
    return next(p for p in path.iterdir() if p.suffix in (".mcap", ".db3"))


def stamp(index):
    return 1_700_000_000_000_000_000 + index * 10_000_000


def read(path):
    """The messages' numbers, and what is said to be missing."""
    with BagReader(path) as bag:
        return [int(item.message.data[:6]) for item in bag.messages()], bag.missing


def record(opcode, content):
    return HEAD.pack(opcode, len(content)) + content


def field(data):
    return struct.pack("<I", len(data)) + data


SCHEMA = record(
    3, struct.pack("<H", 1) + field(NAME.encode()) + field(b"ros2msg") + field(b"string data")
)


CHANNEL = record(4, struct.pack("<HH", 1, 1) + field(b"/text") + field(b"cdr") + field(b""))


HEADER = MAGIC + record(1, field(b"ros2") + field(b"test"))


def message(index):
    head = MESSAGE_HEAD.pack(1, index, stamp(index), stamp(index))
    return record(MESSAGE, head + bytes(text(index)))


def chunk(first, count, define=False, compression=b"", crc=None):
    raw = (SCHEMA + CHANNEL if define else b"") + b"".join(
        message(index) for index in range(first, first + count)
    )
    crc = crc32(raw) if crc is None else crc
    head = struct.pack("<QQQI", stamp(first), stamp(first + count - 1), len(raw), crc)
    index = b"".join(struct.pack("<QQ", stamp(first + n), n) for n in range(count))
    return record(CHUNK, head + field(compression) + struct.pack("<Q", len(raw)) + raw) + record(
        7, struct.pack("<H", 1) + field(index)
    )

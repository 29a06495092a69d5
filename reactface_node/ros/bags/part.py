"""What both kinds of rosbag2 files share: channels, losses, decompression."""

import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

if sys.version_info >= (3, 14):
    from compression import zstd as zstd
else:
    from backports import zstd as zstd
from lz4 import frame as lz4

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
PIECE_BYTES = 1 << 14
LARGEST_BYTES = 1 << 29
"""A larger chunk or message counts as damaged, so that memory stays bounded."""


class Unreadable(Exception):
    """A file of which nothing can be read; one line says why."""


@dataclass(frozen=True)
class Channel:
    """A topic in one file. encoding: "cdr" for all that ROS 2 records. form: of the definition,
    "ros2msg" or "ros2idl"; "" if the file does not define the type."""

    id: int
    topic: str
    type: str
    encoding: str
    form: str
    definition: str
    count: int


@dataclass
class Loss:
    """What could not be read of a file. messages: how many are known to be missing."""

    messages: int = 0
    notes: Counter[str] = field(default_factory=Counter)

    def note(self, text: str) -> None:
        self.notes[text] += 1

    def __str__(self) -> str:
        """Parts of a sentence; "" if nothing is missing."""
        told = [
            text if count == 1 else f"{text} ({count} times)" for text, count in self.notes.items()
        ]
        if self.messages:
            told.append(f"{self.messages} messages are lost")
        return ", ".join(told)


class BagPart(Protocol):
    """One file. start_ns, end_ns: stamps of its first and last message, None without messages."""

    path: Path
    channels: list[Channel]
    start_ns: int | None
    end_ns: int | None
    loss: Loss

    def messages(self, wanted: Collection[int]) -> Iterator[tuple[int, int, bytes]]:
        """(stamp_ns, channel id, data) of the messages of these channels, in order of stamps."""


def unpacked(data: bytes, compression: str, size: int) -> bytes:
    """Decompressed data, at most ``size`` bytes; fewer if ``data`` is damaged or cut off.

    compression: "", "zstd" or "lz4".
    """
    if not compression:
        return data[:size]
    unpacker: Any = zstd.ZstdDecompressor() if compression == "zstd" else lz4.LZ4FrameDecompressor()
    found = bytearray()
    try:
        for start in range(0, len(data), PIECE_BYTES):
            if unpacker.eof or len(found) >= size:
                break
            piece = data[start : start + PIECE_BYTES]
            found += unpacker.decompress(piece, size - len(found))
    except (zstd.ZstdError, RuntimeError, ValueError, EOFError, MemoryError):
        pass  # The data before the damage is usable.
    return bytes(found)


def plain(data: bytes) -> bytes:
    """A message that may be compressed by itself. No CDR begins like compressed data."""
    return unpacked(data, "zstd", LARGEST_BYTES) if data.startswith(ZSTD_MAGIC) else data


def printable(text: str) -> str:
    """Text from a file for a log line: at most 80 characters, without control characters."""
    return "".join(c if c.isprintable() else "?" for c in text[:80])

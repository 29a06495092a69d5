"""Iterates over the records of an .mcap file or chunk; skips damaged parts."""

import os
import re
import struct
from collections.abc import Callable, Iterator
from typing import Protocol

FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK = 0x02, 0x03, 0x04, 0x05, 0x06
MESSAGE_INDEX, CHUNK_INDEX, STATISTICS, DATA_END = 0x07, 0x08, 0x0B, 0x0F
OWN_RECORDS = 0x80
"""Opcodes from here on are for private use; those between DATA_END and this are unused."""
HEAD = struct.Struct("<BQ")
MESSAGE_HEAD = struct.Struct("<HIQQ")
"""Channel, sequence number, log time, publish time."""
CHUNK_FIELDS = 40
"""Bytes of a chunk's fields without the name of its compression and its records."""
BLOCK_BYTES = 1 << 20
OVERLAP_BYTES = 8
LONGEST_BYTES = 1 << 40
CANDIDATE = re.compile(rb"[\x03-\x06](?=.{4}\x00{4})", re.DOTALL)


class Bytes(Protocol):
    """Bytes in memory or in a file."""

    size: int

    def at(self, offset: int, length: int) -> bytes:
        """The bytes at an offset; fewer at the end."""


class MemoryBytes:
    def __init__(self, data: bytes) -> None:
        self._data, self.size = data, len(data)

    def at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


class FileBytes:
    """Bytes of an open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def at(self, offset: int, length: int) -> bytes:
        found = os.pread(self._descriptor, length, offset)
        # One call gives at most 2 GiB, and less on some network drives.
        while 0 < len(found) < min(length, self.size - offset):
            more = os.pread(self._descriptor, length - len(found), offset + len(found))
            if not more:
                break
            found += more
        return found


class Fields:
    """Reads the fields of one record in order; struct.error if it ends too early."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, form: str) -> tuple[int, ...]:
        found = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return found

    def uint16(self) -> int:
        return self.take("<H")[0]

    def data(self) -> bytes:
        """A field that begins with its length in 4 bytes."""
        (length,) = self.take("<I")
        if self._at + length > len(self._data):
            raise struct.error("too short")
        self._at += length
        return self._data[self._at - length : self._at]

    def text(self) -> str:
        return self.data().decode("utf-8", "replace")

    @property
    def left(self) -> int:
        return len(self._data) - self._at


class Records:
    """Iterates over (opcode, offset, length) of the records' contents.

    is_channel: whether a channel number is known; None: the iteration ends at a damaged record.
    Otherwise a damaged record is skipped, and the next one is searched after its first byte.
    skipped: bytes skipped so far, without a damaged end. The length of a chunk that is cut off
    reaches beyond the end.
    """

    def __init__(
        self, source: Bytes, is_channel: Callable[[int], bool] | None, start: int = 0
    ) -> None:
        self._source, self._is_channel, self._start = source, is_channel, start
        self.skipped = 0

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        at, size = self._start, self._source.size
        while at + HEAD.size <= size:
            opcode, length = HEAD.unpack(self._source.at(at, HEAD.size))
            end = at + HEAD.size + length
            if self._is_sound(opcode, at + HEAD.size, length):
                yield opcode, at + HEAD.size, length
                if opcode == FOOTER:
                    return
                at = end
                continue
            found = self._search(at + 1)
            known = self._is_known_message(opcode, at + HEAD.size, length)
            if known and (found < size or end <= size):
                # Either the next record is damaged, or this one's length.
                end = min(end, found)
                yield opcode, at + HEAD.size, end - at - HEAD.size
                at = end
            if found < size:
                self.skipped += found - at
            at = found

    def _is_sound(self, opcode: int, at: int, length: int) -> bool:
        if not _is_opcode(opcode):
            return False
        if opcode == CHUNK:
            return self._is_chunk(at, length)
        if at + length > self._source.size:
            return False
        if opcode in (SCHEMA, CHANNEL, MESSAGE_INDEX):
            return self._has_length(opcode, at, length)
        if opcode in (FOOTER, DATA_END):
            return length == (20 if opcode == FOOTER else 4)
        return (opcode != MESSAGE or length >= MESSAGE_HEAD.size) and self._follows(at + length)

    def _is_known_message(self, opcode: int, at: int, length: int) -> bool:
        head = self._source.at(at, MESSAGE_HEAD.size)
        if opcode != MESSAGE or min(length, len(head)) < MESSAGE_HEAD.size:
            return False
        number, *_ = MESSAGE_HEAD.unpack(head)
        return self._is_channel is not None and self._is_channel(number)

    def _is_chunk(self, at: int, length: int) -> bool:
        head = self._source.at(at, CHUNK_FIELDS + 64)
        if len(head) < CHUNK_FIELDS:
            return False
        (named,) = struct.unpack_from("<I", head, 28)
        if named > 64 or 40 + named > len(head):
            return False
        (stored,) = struct.unpack_from("<Q", head, 32 + named)
        return bool(CHUNK_FIELDS + named + stored == length)

    def _has_length(self, opcode: int, at: int, length: int) -> bool:
        """Whether the fields of a record have the length that the record states."""
        fields = Fields(self._source.at(at, length))
        try:
            fields.take({SCHEMA: "<H", CHANNEL: "<HH", MESSAGE_INDEX: "<H"}[opcode])
            for _ in range(1 if opcode == MESSAGE_INDEX else 3):
                fields.data()
        except struct.error:
            return False
        return fields.left == 0

    def _follows(self, at: int) -> bool:
        """Whether a valid record begins there, or only zeros or too few bytes for a record
        follow."""
        head = self._source.at(at, HEAD.size)
        if len(head) < HEAD.size or not any(head):
            return True
        opcode, length = HEAD.unpack(head)
        return _is_opcode(opcode) and length < LONGEST_BYTES

    def _search(self, start: int) -> int:
        """The offset of the next valid record; the end if there is none."""
        size = self._source.size
        if self._is_channel is None:
            return size
        for block in range(start, size, BLOCK_BYTES):
            data = self._source.at(block, BLOCK_BYTES + OVERLAP_BYTES)
            for match in CANDIDATE.finditer(data, 0, BLOCK_BYTES + OVERLAP_BYTES):
                at = block + match.start() + HEAD.size
                opcode, length = HEAD.unpack(self._source.at(at - HEAD.size, HEAD.size))
                known = opcode != MESSAGE or self._is_known_message(opcode, at, length)
                if known and self._is_sound(opcode, at, length):
                    return at - HEAD.size
        return size


def _is_opcode(opcode: int) -> bool:
    return 0 < opcode <= DATA_END or opcode >= OWN_RECORDS

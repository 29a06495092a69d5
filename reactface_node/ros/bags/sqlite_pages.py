"""Reads the rows of a rosbag2's table of messages directly from the pages of a damaged file.

sqlite itself cannot reach the pages below a damaged one. The format:
https://www.sqlite.org/fileformat.html
"""

import struct
from collections.abc import Iterator

from reactface_node.ros.bags.records import FileBytes

LEAF = 0x0D
"""First byte of a table's page that holds rows."""
HEADER_BYTES = 100
PAGES_AT_ONCE = 256
SIZES = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}
"""Size in bytes of a value by its type: NULL, integers, and the constants 0 and 1."""


class SqlitePages:
    """The pages of an open file. ValueError if it does not begin like a database."""

    def __init__(self, source: FileBytes) -> None:
        head = source.at(0, HEADER_BYTES)
        if len(head) < HEADER_BYTES:
            raise ValueError("too short")
        (size,) = struct.unpack_from(">H", head, 16)
        self._size = 65536 if size == 1 else size
        self._usable = self._size - head[20]
        if self._size < 512 or self._size & (self._size - 1) or self._usable < 480:
            raise ValueError("no page size")
        self._source = source

    def messages(self) -> Iterator[tuple[int, int, int, int]]:
        """(place, id, topic, stamp_ns) of all rows that have the form of a message."""
        for first in range(0, self._source.size, self._size * PAGES_AT_ONCE):
            block = self._source.at(first, self._size * PAGES_AT_ONCE)
            for page in range(0, len(block), self._size):
                if block[page] == LEAF:
                    yield from self._messages_of(first + page, block[page : page + self._size])

    def data(self, place: int) -> bytes | None:
        """The message at a place; None if a part of it is lost."""
        cell = self._source.at(place, self._size)
        try:
            size, _, start = _head(cell)
            content = self._content(cell, start, size)
            columns, body = _columns(content)
            _, topic, stamp, blob = columns
            begin = body + SIZES[topic] + SIZES[stamp]
            found = content[begin : begin + (blob - 12) // 2]
            return found if len(found) == (blob - 12) // 2 else None
        except (ValueError, IndexError, KeyError, struct.error):
            return None

    def _messages_of(self, at: int, page: bytes) -> Iterator[tuple[int, int, int, int]]:
        (count,) = struct.unpack_from(">H", page, 3) if len(page) == self._size else (0,)
        for number in range(min(count, self._size // 4)):
            try:
                (begin,) = struct.unpack_from(">H", page, 8 + 2 * number)
                _, row, start = _head(page[begin : begin + 18])
                columns, body = _columns(page[begin + start : begin + start + 64])
                empty, topic, stamp, blob = columns
                if empty == 0 and blob >= 12 and blob % 2 == 0 and 0 not in (topic, stamp):
                    values = page[begin + start + body :]
                    split = SIZES[topic]
                    yield (
                        at + begin,
                        row,
                        _integer(topic, values[:split]),
                        _integer(stamp, values[split : split + SIZES[stamp]]),
                    )
            except (ValueError, IndexError, KeyError, struct.error):
                continue

    def _content(self, cell: bytes, start: int, size: int) -> bytes:
        """The content of a row, with the part on its overflow pages."""
        longest = self._usable - 35
        local = size
        if size > longest:
            least = (self._usable - 12) * 32 // 255 - 23
            local = least + (size - least) % (self._usable - 4)
            local = least if local > longest else local
        found = bytearray(cell[start : start + local])
        more = cell[start + local : start + local + 4]
        while len(found) < size:
            (number,) = struct.unpack(">I", more)
            page = self._source.at((number - 1) * self._size, self._usable) if number else b""
            if len(page) <= 4:
                raise ValueError("a page is missing")
            more = page[:4]
            found += page[4 : 4 + size - len(found)]
        return bytes(found)


def _head(cell: bytes) -> tuple[int, int, int]:
    """(bytes of the content, id of the row, offset of the content)."""
    size, at = _varint(cell, 0)
    row, at = _varint(cell, at)
    return size, row, at


def _columns(content: bytes) -> tuple[list[int], int]:
    """(types of the columns of a row, offset of their values)."""
    end, at = _varint(content, 0)
    columns: list[int] = []
    while at < end and len(columns) < 8:
        column, at = _varint(content, at)
        columns.append(column)
    return columns, end


def _integer(column: int, value: bytes) -> int:
    if len(value) != SIZES[column]:
        raise ValueError("cut off")
    return column - 8 if column in (8, 9) else int.from_bytes(value, "big", signed=True)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """(a number of one to nine bytes, offset of the byte after it)."""
    value = 0
    for place in range(at, at + 8):
        byte = data[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9

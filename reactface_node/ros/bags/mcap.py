"""One .mcap file of a rosbag2, also if its recorder was killed or parts are damaged.

rosbags' reader needs a footer, valid chunks and, without an index, messages in order. This reader
uses the index at the end of the file if it is valid. Otherwise it reads the file record by record,
and searches for the next record after a damaged part. It holds one chunk in memory at a time, or
several if their times overlap. The format: https://mcap.dev/spec
"""

import heapq
import struct
from binascii import crc32
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reactface_node.ros.bags.part import (
    LARGEST_BYTES,
    Channel,
    Loss,
    Unreadable,
    printable,
    unpacked,
)
from reactface_node.ros.bags.records import (
    CHANNEL,
    CHUNK,
    CHUNK_FIELDS,
    CHUNK_INDEX,
    FOOTER,
    HEAD,
    MESSAGE,
    MESSAGE_HEAD,
    MESSAGE_INDEX,
    SCHEMA,
    STATISTICS,
    Fields,
    FileBytes,
    MemoryBytes,
    Records,
)

MAGIC = b"\x89MCAP0\r\n"
CHUNK_HEAD = struct.Struct("<QQQI")
FOOTER_SIZE = 9 + 20 + len(MAGIC)
RUN_BYTES = 1 << 22
COMPRESSIONS = ("", "zstd", "lz4")
DAMAGE = (ValueError, KeyError, IndexError, struct.error, OSError)


@dataclass
class Chunk:
    """Messages that are stored together: a chunk, or consecutive messages outside of chunks.

    offset, size: of its stored records in the file. raw_size: of the decompressed records; crc: of
    them, 0 if unknown. counts: messages by channel; for an indexed chunk 1 for each channel in
    it. expected: number of messages if known. noted: its damage is counted in ``loss``.
    """

    offset: int
    size: int
    compression: str
    raw_size: int
    crc: int = 0
    start_ns: int = 0
    end_ns: int = 0
    counts: Counter[int] = field(default_factory=Counter)
    expected: int = 0
    is_run: bool = False
    noted: bool = False

    def may_hold(self, stamp_ns: int) -> bool:
        """False for a stamp outside of the times that the chunk stated: it is damaged."""
        return not self.noted or self.start_ns <= stamp_ns <= self.end_ns


class McapPart:
    """channels: what it holds. start_ns, end_ns: of its first and last message, None if none.

    loss: what could not be read; of an indexed file it grows while ``messages`` is read.
    Unreadable if it is no .mcap file at all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loss = Loss()
        self._schemas: dict[int, tuple[str, str, str]] = {}
        self._channels: dict[int, tuple[str, int, str]] = {}
        self._chunks: list[Chunk] = []
        self._counts: Counter[int] = Counter()
        self._promised = 0
        self._indexed = False
        with path.open("rb") as file:
            source = FileBytes(file.fileno())
            if not self._read_index(source):
                self._scan(source)
        if source.size <= len(MAGIC) or not (self._channels or self._chunks):
            raise Unreadable("it is empty" if not source.size else "no messages were found in it")
        self.channels = [self._channel(number) for number in sorted(self._channels)]
        held = [chunk for chunk in self._chunks if chunk.counts]
        self.start_ns = min((chunk.start_ns for chunk in held), default=None)
        self.end_ns = max((chunk.end_ns for chunk in held), default=None)

    def messages(self, wanted: Collection[int]) -> Iterator[tuple[int, int, bytes]]:
        """(stamp_ns, channel, data) of the messages of wanted channels, in order of stamps."""
        with self.path.open("rb") as file:
            source = FileBytes(file.fileno())
            chunks = [c for c in self._chunks if any(c.counts[number] for number in wanted)]
            runs = [self._messages_of(source, chunk, wanted) for chunk in chunks]
            read = 0
            for stamp_ns, number, data in heapq.merge(*runs, key=lambda message: message[0]):
                if data is not None:
                    read += 1
                    yield stamp_ns, number, data
        if self._indexed:
            self.loss.messages = max(0, sum(self._counts[number] for number in wanted) - read)

    def _messages_of(
        self, source: FileBytes, chunk: Chunk, wanted: Collection[int]
    ) -> Iterator[tuple[int, int, bytes | None]]:
        """Messages of a chunk, after an item with its start, so that chunks are read in order."""
        yield chunk.start_ns, 0, None
        data = self._unpack(source, chunk)
        found = []
        for opcode, start, length in Records(MemoryBytes(data), self._is_channel):
            if opcode == MESSAGE:
                number, _, stamp_ns, _ = MESSAGE_HEAD.unpack_from(data, start)
                if number in wanted and chunk.may_hold(stamp_ns):
                    found.append((stamp_ns, number, start + MESSAGE_HEAD.size, start + length))
        for stamp_ns, number, start, end in sorted(found, key=lambda one: one[0]):
            yield stamp_ns, number, data[start:end]

    def _unpack(self, source: FileBytes, chunk: Chunk) -> bytes:
        """The records of a chunk as far as they can be read; damage is counted in ``loss`` once."""
        data, problem = b"", ""
        if chunk.compression not in COMPRESSIONS:
            problem = f"a chunk's compression '{printable(chunk.compression)}' is not known"
        elif max(chunk.raw_size, chunk.size) > LARGEST_BYTES:
            problem = "a chunk is too large"
        else:
            data = unpacked(source.at(chunk.offset, chunk.size), chunk.compression, chunk.raw_size)
            if len(data) < chunk.raw_size:
                problem = "a chunk is damaged or cut off"
            elif chunk.crc and crc32(data) != chunk.crc:
                problem = "a chunk's checksum is wrong"
        if problem and not chunk.noted:
            self.loss.note(problem)
            chunk.noted = True
        return data

    def _is_channel(self, number: int) -> bool:
        return number in self._channels

    def _channel(self, number: int) -> Channel:
        topic, schema, encoding = self._channels[number]
        name, form, definition = self._schemas.get(schema, ("", "", ""))
        return Channel(number, topic, name, encoding, form, definition, self._counts[number])

    def _read_index(self, source: FileBytes) -> bool:
        """Read the index at the end of the file -> whether it is valid and lists all messages."""
        with suppress(*DAMAGE):
            start = self._summary_start(source)
            if not start:
                return False
            chunks: list[Chunk] = []
            statistics = None
            for opcode, offset, length in Records(source, None, start):
                fields = Fields(source.at(offset, length))
                if opcode == CHUNK_INDEX:
                    chunks.append(_indexed(source, fields))
                elif opcode == STATISTICS:
                    statistics = _statistics(fields)
                else:
                    self._define(opcode, fields)
                if opcode == FOOTER:
                    break
            if statistics is None:
                return False
            schemas, channels, count, self._counts = statistics
            self._promised = self._counts.total()
            if (len(self._channels), len(chunks)) != (channels, count) or not chunks:
                return False
            self._chunks, self._indexed = chunks, True
            return len(self._schemas) >= min(1, schemas)
        return False

    def _summary_start(self, source: FileBytes) -> int:
        """The offset of the summary; 0 if there is none. ValueError if it is damaged."""
        end = source.at(max(0, source.size - FOOTER_SIZE), FOOTER_SIZE)
        opcode, length, start, _, crc = struct.unpack("<BQQQI", end[: -len(MAGIC)])
        if (opcode, length, end[-len(MAGIC) :]) != (FOOTER, 20, MAGIC):
            raise ValueError("no footer")
        size = source.size - len(MAGIC) - 4 - start
        if start and not 0 < size <= LARGEST_BYTES:
            raise ValueError("no summary")
        if start and crc and crc32(source.at(start, size)) != crc:
            raise ValueError("the summary is damaged")
        return int(start)

    def _define(self, opcode: int, fields: Fields) -> None:
        if opcode == SCHEMA:
            number = fields.uint16()
            self._schemas.setdefault(number, (fields.text(), fields.text(), fields.text()))
        elif opcode == CHANNEL:
            number, schema = fields.uint16(), fields.uint16()
            self._channels.setdefault(number, (fields.text(), schema, fields.text()))

    def _scan(self, source: FileBytes) -> None:
        """Read all records of the file. Definitions of a valid summary are kept."""
        self._chunks, self._counts = [], Counter()
        ended = False
        records = Records(source, self._is_channel, len(MAGIC))
        for opcode, offset, length in records:
            with suppress(*DAMAGE):
                if opcode == CHUNK:
                    self._chunks.append(_chunk_at(source, offset))
                    self._look_into(source, self._chunks[-1])
                elif opcode == MESSAGE:
                    self._add_message(source, offset, length)
                elif opcode == MESSAGE_INDEX and self._chunks:
                    self._chunks[-1].expected += (length - 6) // 16
                elif opcode in (SCHEMA, CHANNEL):
                    self._define(opcode, Fields(source.at(offset, length)))
                ended = ended or opcode == FOOTER
        for chunk in self._chunks:
            self._counts += chunk.counts
            self.loss.messages += max(0, chunk.expected - chunk.counts.total())
        missing = self._promised - self._counts.total()
        self.loss.messages = max(self.loss.messages, missing)
        if records.skipped:
            self.loss.note(f"{records.skipped} bytes are damaged")
        if not ended:
            self.loss.note("it has no end (cut off, or its recorder was killed)")

    def _look_into(self, source: FileBytes, chunk: Chunk) -> None:
        """Count the messages of a chunk and add its channels."""
        data = self._unpack(source, chunk)
        records = Records(MemoryBytes(data), self._is_channel)
        stamps = []
        for opcode, start, length in records:
            if opcode == MESSAGE:
                number, _, stamp_ns, _ = MESSAGE_HEAD.unpack_from(data, start)
                if number in self._channels and chunk.may_hold(stamp_ns):
                    chunk.counts[number] += 1
                    stamps.append(stamp_ns)
            elif opcode in (SCHEMA, CHANNEL):
                self._define(opcode, Fields(data[start : start + length]))
        if stamps:
            chunk.start_ns, chunk.end_ns = min(stamps), max(stamps)

    def _add_message(self, source: FileBytes, offset: int, length: int) -> None:
        """Add a message outside of chunks; consecutive ones are read together later."""
        number, _, stamp_ns, _ = MESSAGE_HEAD.unpack(source.at(offset, MESSAGE_HEAD.size))
        begin = offset - 9
        run = self._chunks[-1] if self._chunks else None
        joins = run is not None and run.is_run and run.offset + run.size == begin
        if run is None or not joins or run.size > RUN_BYTES:
            run = Chunk(begin, 0, "", 0, 0, stamp_ns, stamp_ns, is_run=True)
            self._chunks.append(run)
        run.size = run.raw_size = run.size + 9 + length
        run.start_ns, run.end_ns = min(run.start_ns, stamp_ns), max(run.end_ns, stamp_ns)
        run.counts[number] += 1


def _chunk_at(source: FileBytes, offset: int) -> Chunk:
    """The chunk whose record has its content at ``offset``."""
    head = source.at(offset, CHUNK_HEAD.size + 4 + 64)
    start_ns, end_ns, raw_size, crc = CHUNK_HEAD.unpack_from(head)
    fields = Fields(head[CHUNK_HEAD.size :])
    compression = fields.text()
    begin = offset + CHUNK_FIELDS + len(compression.encode())
    (size,) = struct.unpack("<Q", source.at(begin - 8, 8))
    size = min(size, source.size - begin)
    return Chunk(begin, size, compression, raw_size, crc, start_ns, end_ns)


def _indexed(source: FileBytes, fields: Fields) -> Chunk:
    """A chunk of the index; ValueError if the index does not fit the file."""
    start_ns, end_ns, offset, length = fields.take("<QQQQ")
    numbers = [number for number, _ in struct.iter_unpack("<HQ", fields.data())]
    if HEAD.unpack(source.at(offset, HEAD.size)) != (CHUNK, length - HEAD.size):
        raise ValueError("no chunk there")
    chunk = _chunk_at(source, offset + HEAD.size)
    if not numbers and chunk.raw_size:
        raise ValueError("its channels are not known")
    chunk.start_ns, chunk.end_ns = start_ns, end_ns
    chunk.counts.update(numbers)
    return chunk


def _statistics(fields: Fields) -> tuple[int, int, int, Counter[int]]:
    """The numbers of schemas, channels, chunks, and of messages by channel."""
    _, schemas, channels, _, _, chunks, _, _ = fields.take("<QHIIIIQQ")
    counts = Counter(dict(struct.iter_unpack("<HQ", fields.data())))
    return schemas, channels, chunks, counts

"""One .db3 file of a rosbag2, also if its recorder was killed or pages are damaged.

The file and its folder are never written to. The write-ahead log of a killed recorder
(``.db3-wal``) is read too. All messages are found first and then read one at a time.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

import apsw

from reactface_node.ros.bags.part import Channel, Loss, Unreadable
from reactface_node.ros.bags.records import FileBytes
from reactface_node.ros.bags.sqlite_pages import SqlitePages

WAYS = ("mode=ro&vfs=unix-none", "mode=ro&immutable=1")
"""The first takes no locks and, in exclusive mode, needs no shared memory file for the log. It
cannot read a file with a rollback journal beside it, which the second one ignores."""
LEAST_ROW_BYTES = 8
DAMAGED = "a page is damaged or missing"
Rows = tuple[array, array, array]
DATA = "SELECT CAST(data AS BLOB) FROM messages WHERE id = ?"
ROWS = "SELECT id, topic_id, timestamp FROM messages NOT INDEXED"


class SqlitePart:
    """A ``part.BagPart``. Unreadable without a table of topics or of messages."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.loss = Loss()
        self._places: dict[int, int] = {}
        self._most_rows = path.stat().st_size // LEAST_ROW_BYTES
        with closing(self._connect()) as database:
            topics = self._topics(database)
            self._ids, self._topic_ids, self._stamps = self._rows(database)
            definitions = self._definitions(database)
        counts = Counter(self._topic_ids)
        self.channels = [
            Channel(number, name, kind, encoding, *definitions.get(kind, ("", "")), counts[number])
            for number, name, kind, encoding in topics
        ]
        self.start_ns = min(self._stamps, default=None)
        self.end_ns = max(self._stamps, default=None)

    def messages(self, wanted: Collection[int]) -> Iterator[tuple[int, int, bytes]]:
        """(stamp_ns, channel, data) of the messages of wanted channels, in order of stamps."""
        order = sorted(
            (row for row, topic in enumerate(self._topic_ids) if topic in wanted),
            key=self._stamps.__getitem__,
        )
        with closing(self._connect()) as database, self.path.open("rb") as file:
            pages = SqlitePages(FileBytes(file.fileno())) if self._places else None
            for row in order:
                data = self._data(database, pages, self._ids[row])
                if data is None:
                    if DAMAGED not in self.loss.notes:
                        self.loss.note(DAMAGED)
                    self.loss.messages += 1
                else:
                    yield self._stamps[row], self._topic_ids[row], data

    def _connect(self) -> apsw.Connection:
        """Unreadable, with sqlite's message, if the file is no database."""
        if not self.path.stat().st_size:
            # sqlite would remove the log beside it.
            raise Unreadable("it is empty")
        problem: Exception | None = None
        for way in WAYS:
            uri = f"file:{quote(str(self.path.absolute()))}?{way}"
            try:
                return _opened(uri)
            except apsw.Error as error:
                problem = problem or error
        raise Unreadable(f"{problem}") from problem

    def _topics(self, database: apsw.Connection) -> list[tuple[int, str, str, str]]:
        try:
            found = database.execute(
                "SELECT id, CAST(name AS BLOB), CAST(type AS BLOB), "
                "CAST(serialization_format AS BLOB) FROM topics"
            )
            return [(int(row[0]), *map(_text, row[1:])) for row in found]  # type: ignore[misc]
        except (apsw.Error, TypeError, ValueError) as error:
            raise Unreadable(f"its topics cannot be read ({error})") from error

    def _definitions(self, database: apsw.Connection) -> dict[str, tuple[str, str]]:
        """{type: (form, text)} of the definitions; only newer files have them."""
        with suppress(apsw.Error):
            found = database.execute(
                "SELECT CAST(topic_type AS BLOB), CAST(encoding AS BLOB), "
                "CAST(encoded_message_definition AS BLOB) FROM message_definitions"
            )
            return {_text(row[0]): (_text(row[1]), _text(row[2])) for row in found}
        return {}

    def _rows(self, database: apsw.Connection) -> Rows:
        """(ids, topics, stamps) of all rows that can be found."""
        rows = array("q"), array("q"), array("q")
        if _walk(database, f"{ROWS} ORDER BY id", rows):
            return rows
        self.loss.note(DAMAGED)
        self._add_strays(rows)
        # A recorder numbers its messages from 1 on.
        numbers = [number for number in rows[0] if number <= self._most_rows]
        self.loss.messages = max(numbers, default=0) - len(numbers)
        return rows

    def _add_strays(self, rows: Rows) -> None:
        """Add the rows that sqlite cannot reach, from the pages themselves."""
        known = set(rows[0])
        with self.path.open("rb") as file, suppress(ValueError):
            for place, number, topic, stamp in SqlitePages(FileBytes(file.fileno())).messages():
                if number not in known and number <= self._most_rows and stamp >= 0:
                    known.add(number)
                    self._places[number] = place
                    for column, value in zip(rows, (number, topic, stamp), strict=True):
                        column.append(value)

    def _data(
        self, database: apsw.Connection, pages: SqlitePages | None, number: int
    ) -> bytes | None:
        if pages is not None and number in self._places:
            return pages.data(self._places[number])
        try:
            data: bytes | None = database.execute(DATA, (number,)).get
            return data
        except (apsw.Error, MemoryError, UnicodeDecodeError):
            return None


def _opened(uri: str) -> apsw.Connection:
    database = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    try:
        # On closing, sqlite would remove a log that holds nothing for it.
        database.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        # Without this, sqlite refuses a file that is shorter than its header says.
        database.execute("PRAGMA writable_schema=ON")
        database.execute("SELECT id, topic_id, timestamp, data FROM messages LIMIT 0")
    except BaseException:
        database.close()
        raise
    return database


def _walk(database: apsw.Connection, query: str, rows: Rows) -> bool:
    """Add the rows of a query, by rising ids, up to a damaged page -> whether all were read."""
    before = 0
    try:
        for number, topic, stamp in database.execute(query):
            if number <= before:
                return False  # Damaged pages can form a circle.
            before = number
            if isinstance(topic, int) and isinstance(stamp, int) and stamp >= 0:
                for column, value in zip(rows, (number, topic, stamp), strict=True):
                    column.append(value)
    except (apsw.Error, UnicodeDecodeError):  # A text in a damaged row may be no UTF-8.
        return False
    return True


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")

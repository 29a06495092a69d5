"""Partly damaged bags: undamaged messages are read, and one line says what is missing."""

import re
import shutil
import sqlite3

import numpy as np
import pytest
from rigs.damaged_bags import (
    CHANNEL,
    COUNT,
    HEADER,
    MAGIC,
    NAME,
    SCHEMA,
    TYPES,
    chunk,
    field,
    message,
    read,
    stamp,
    text,
    write,
)
from rigs.paths import ROOT
from rosbags.rosbag2 import StoragePlugin, Writer

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.ros.bags.reader import BagReader
from reactface_node.ros.bags.records import CHUNK, FileBytes, Records

pytestmark = pytest.mark.slow

SAMPLE = ROOT / "sample" / "sample.mcap"


def noise(count):
    return np.random.default_rng(0).bytes(count)


def places(path, opcode):
    """Where the records' contents begin, and how long they are."""
    with path.open("rb") as file:
        found = Records(FileBytes(file.fileno()), None, len(MAGIC))
        return [(offset, length) for kind, offset, length in found if kind == opcode]


def change(path, offset, data):
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def save(tmp_path, *parts):
    path = tmp_path / "bag.mcap"
    path.write_bytes(b"".join(parts))
    return path


def test_an_mcap_whose_recorder_was_killed_between_chunks(tmp_path):
    path = save(tmp_path, HEADER, chunk(0, 50, True), chunk(50, 50))
    numbers, missing = read(path)
    assert numbers == list(range(100))
    assert missing == "bag.mcap: it has no end (cut off, or its recorder was killed)"
    with BagReader(path) as bag:
        assert bag.start_s == stamp(0) * 1e-9 and bag.duration_s == pytest.approx(0.99)
        assert [(t.name, t.type, t.count) for t in bag.topics] == [("/text", NAME, 100)]


def test_an_mcap_that_is_cut_in_the_middle_of_a_chunk(tmp_path):
    whole = HEADER + chunk(0, 50, True)
    last = chunk(50, 50)
    cut = 9 + 40 + 12 * len(message(0)) + 100
    numbers, missing = read(save(tmp_path, whole, last[:cut]))
    assert numbers == list(range(62))
    assert "a chunk is damaged or cut off, it has no end" in missing


@pytest.mark.parametrize("tail", [b"", bytes(100_000), b"\xff" * 1000, message(80)[:200]])
def test_an_mcap_without_chunks_and_without_an_end(tmp_path, tail):
    """As with the storage preset fastwrite; the messages need not be in order."""
    order = [*range(1, 80), 0]
    path = save(tmp_path, HEADER, SCHEMA, CHANNEL, *map(message, order), tail)
    numbers, missing = read(path)
    assert numbers == list(range(80)) and "it has no end" in missing


def test_zeros_behind_the_last_chunk(tmp_path):
    path = save(tmp_path, HEADER, chunk(0, 50, True), bytes(3_000_000))
    assert read(path)[0] == list(range(50))


def test_a_damaged_record_between_sound_ones(tmp_path):
    broken = bytearray(chunk(50, 50))
    broken[1:9] = noise(8)
    path = save(tmp_path, HEADER, chunk(0, 50, True), bytes(broken), chunk(100, 50))
    numbers, missing = read(path)
    # The chunk is not packed: its messages are found without it.
    assert numbers == list(range(150)) and "bytes are damaged" in missing


def test_a_damaged_length_of_a_message_costs_nothing_else(tmp_path):
    broken = bytearray(message(5))
    broken[1:3] = b"\xff\xff"
    rest = [message(index) for index in range(6, 100)]
    path = save(tmp_path, HEADER, SCHEMA, CHANNEL, message(4), bytes(broken), *rest)
    assert read(path)[0] == list(range(4, 100))


def test_a_wrong_checksum_keeps_the_messages_and_is_said(tmp_path):
    path = save(tmp_path, HEADER, chunk(0, 50, True), chunk(50, 50, crc=77), chunk(100, 10))
    numbers, missing = read(path)
    assert numbers == list(range(110)) and "a chunk's checksum is wrong" in missing


def test_an_unknown_compression_costs_its_chunk(tmp_path):
    odd = chunk(50, 50, compression=b"brotli")
    path = save(tmp_path, HEADER, chunk(0, 50, True), odd, chunk(100, 10))
    numbers, missing = read(path)
    assert numbers == [*range(50), *range(100, 110)]
    assert "compression 'brotli' is not known" in missing and "50 messages are lost" in missing


def test_a_damaged_chunk_of_an_indexed_mcap_is_counted(tmp_path):
    path = write(tmp_path / "bag", count=4000)
    (_, second, *_) = places(path, CHUNK)
    change(path, second[0] + 2000, noise(second[1] - 4000))
    numbers, missing = read(path)
    assert 1000 < len(numbers) < 4000 and set(numbers) < set(range(4000))
    odd = re.search(r"; (\d+) messages could not be decoded", missing)
    lost = 4000 - len(numbers) - (int(odd[1]) if odd else 0)
    assert f"{lost} messages are lost" in missing
    assert len(missing) < 200


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.999])
def test_a_packed_mcap_is_read_up_to_where_it_is_cut(tmp_path, part):
    path = tmp_path / "cut.mcap"
    path.write_bytes(SAMPLE.read_bytes()[: int(part * SAMPLE.stat().st_size)])
    with BagReader(path) as bag:
        count = len(list(bag.messages()))
        assert abs(count / 1325 - part) < 0.05
        assert bag.duration_s == pytest.approx(24 * count / 1325, abs=0.2)


def walled(tmp_path):
    """A .db3 as a killed recorder leaves it: most messages are in the log beside it."""
    source = write(tmp_path / "source", StoragePlugin.SQLITE3)
    live, left = tmp_path / "live.db3", tmp_path / "left"
    shutil.copy(source, live)
    with sqlite3.connect(live) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA wal_autocheckpoint=0")
        row = database.execute("SELECT topic_id FROM messages").fetchone()
        for index in range(COUNT, 2 * COUNT):
            values = (*row, stamp(index), bytes(text(index)))
            database.execute(
                "INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)", values
            )
            database.commit()
        left.mkdir()
        for ending in ("", "-wal"):
            shutil.copy(f"{live}{ending}", left / f"live.db3{ending}")
    database.close()
    return left / "live.db3"


def state(folder):
    return {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.iterdir()}


@pytest.mark.parametrize("mode", [0o700, 0o500])
def test_messages_in_sqlites_log_are_read_and_nothing_is_changed(tmp_path, mode):
    path = walled(tmp_path)
    path.parent.chmod(mode)
    before = state(path.parent)
    try:
        assert read(path) == (list(range(2 * COUNT)), "")
        assert state(path.parent) == before
    finally:
        path.parent.chmod(0o700)


def test_a_damaged_log_is_left_alone(tmp_path):
    path = walled(tmp_path)
    log = path.with_name("live.db3-wal")
    change(log, 0, bytes(32))
    before = state(path.parent)
    assert read(path)[0] == list(range(COUNT))
    assert state(path.parent) == before
    path.write_bytes(b"")
    before = state(path.parent)
    with pytest.raises(UserError, match="it is empty"):
        read(path)
    assert state(path.parent) == before


@pytest.mark.parametrize("journal", [b"", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(5000), b"?"])
def test_a_stale_journal_is_ignored(tmp_path, journal):
    path = write(tmp_path / "bag", StoragePlugin.SQLITE3)
    path.with_name(f"{path.name}-journal").write_bytes(journal)
    before = state(path.parent)
    assert read(path) == (list(range(COUNT)), "")
    assert state(path.parent) == before


def test_a_damaged_page_in_the_middle(tmp_path):
    path = write(tmp_path / "bag", StoragePlugin.SQLITE3, 2000)
    pages = path.stat().st_size // 4096
    change(path, pages // 2 * 4096, b"\xaa" * 4096)
    numbers, missing = read(tmp_path / "bag")
    # A page of 4096 bytes holds seven of them.
    assert 1990 <= len(numbers) < 2000 and set(numbers) < set(range(2000))
    lost = 2000 - len(numbers)
    assert missing == f"bag.db3: a page is damaged or missing, {lost} messages are lost"


@pytest.mark.parametrize("part", [0.1, 0.3, 0.8, 0.99])
def test_a_shortened_database(tmp_path, part):
    """Of a short one the pages are gone through which sqlite finds the others."""
    path = write(tmp_path / "bag", StoragePlugin.SQLITE3, 5000)
    path.write_bytes(path.read_bytes()[: int(part * path.stat().st_size)])
    numbers, missing = read(path)
    assert abs(len(numbers) / 5000 - part) < 0.03
    assert set(range(len(numbers) - 50)) <= set(numbers)
    assert "a page is damaged or missing" in missing


def test_the_page_above_all_others(tmp_path):
    path = write(tmp_path / "bag", StoragePlugin.SQLITE3, 5000)
    database = sqlite3.connect(path)
    query = "SELECT rootpage FROM sqlite_master WHERE name = 'messages'"
    (page,) = database.execute(query).fetchone()
    database.close()
    change(path, (page - 1) * 4096, noise(4096))
    assert read(path) == (list(range(5000)), "bag.db3: a page is damaged or missing")


@pytest.mark.parametrize("column", ["timestamp", "topic_id", "data"])
def test_a_damaged_row_that_holds_a_text_which_is_none(tmp_path, column):
    path = write(tmp_path / "bag", StoragePlugin.SQLITE3, 50)
    with sqlite3.connect(path) as database:
        wrong = f"UPDATE messages SET {column} = CAST(X'fbff' AS TEXT) WHERE id = 20"
        database.execute(wrong)
    database.close()
    numbers, missing = read(path)
    assert set(range(50)) - set(numbers) == {19} and missing


def test_a_stray_message_that_flows_over_many_pages(tmp_path):
    with Writer(tmp_path / "bag", version=8, storage_plugin=StoragePlugin.SQLITE3) as bag:
        topic = bag.add_connection("/text", NAME, typestore=TYPES.typestore)
        sizes = [*range(0, 5000, 7), 4050, 4061, 70_000, 1_000_000]
        for index, size in enumerate(sizes):
            bag.write(topic, stamp(index), text(index, size))
    (path,) = (tmp_path / "bag").glob("*.db3")
    database = sqlite3.connect(path)
    query = "SELECT rootpage FROM sqlite_master WHERE name = 'messages'"
    (page,) = database.execute(query).fetchone()
    database.close()
    change(path, (page - 1) * 4096, bytes(4096))
    with BagReader(path) as bag:
        found = [item.message.data for item in bag.messages()]
    assert found == [f"{index:06d}" + "x" * size for index, size in enumerate(sizes)]


def test_messages_that_cannot_be_decoded_are_left_out_and_said(tmp_path):
    with Writer(tmp_path / "bag", version=9) as bag:
        topic = bag.add_connection("/text", NAME, typestore=TYPES.typestore)
        for index, data in enumerate([text(0), b"", b"\x00\x01\x00\x00\xff\xff\xff\xff", text(3)]):
            bag.write(topic, index, data)
    numbers, missing = read(tmp_path / "bag")
    assert numbers == [0, 3] and missing == "2 messages could not be decoded"


def test_what_is_missing_is_logged_once(tmp_path, caplog):
    path = save(tmp_path, HEADER, chunk(0, 50, True))
    with BagReader(path) as bag:
        list(bag.messages())
        list(bag.messages())
    (line,) = caplog.messages
    assert line.startswith(f"{path} is read as far as it goes: bag.mcap: it has no end")


@pytest.mark.parametrize(
    "content", ["string", "uint8[ data", "int32 number", "string data\n" * 2, "x" * 300_000, "\0"]
)
def test_a_definition_that_cannot_be_used_is_replaced_by_ours(tmp_path, content):
    with Writer(tmp_path / "bag", version=9) as bag:
        topic = bag.add_connection("/text", NAME, msgdef=content, rihs01="RIHS01_" + "0" * 64)
        bag.write(topic, 1, text(7))
    numbers, missing = read(tmp_path / "bag")
    assert numbers == [7]
    assert missing in ("", f"its definition of {NAME} cannot be used, ours was")


def test_a_corrupted_type_name_is_listed_and_not_used(tmp_path):
    odd = HEADER + chunk(0, 5, True).replace(b"std_msgs/msg/String", b"std_msgs/m\x1b[\xff/Strg!")
    path = save(tmp_path, odd)
    with BagReader(path) as bag:
        with pytest.raises(UserError, match=r"/text \[std_msgs/m\?\[.*/Strg!\]") as error:
            bag.inputs(RosConfig())
        assert "\x1b" not in str(error.value) and "\n" not in str(error.value)
        assert list(bag.messages()) == [] and bag.damaged == 5


def test_messages_of_another_encoding_are_none_of_ours(tmp_path):
    path = save(tmp_path, HEADER, chunk(0, 5, True).replace(field(b"cdr"), field(b"ros")))
    with BagReader(path) as bag:
        assert [topic.type for topic in bag.topics] == [f"{NAME} as ros"]

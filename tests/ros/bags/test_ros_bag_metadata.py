"""Bags whose metadata.yaml is wrong, damaged or missing: the files themselves are used."""

import os
import re
import shutil

import pytest
import yaml
from backports import zstd
from rigs.damaged_bags import COUNT, NAME, TYPES, read, stamp, text, write
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.ros.bags.reader import BagReader

WHOLE = (list(range(COUNT)), "")
STORAGES = pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])


def rewrite(folder, change):
    """change: is given what is below ``rosbag2_bagfile_information``."""
    path = folder / "metadata.yaml"
    told = yaml.safe_load(path.read_text())
    change(told["rosbag2_bagfile_information"])
    path.write_text(yaml.safe_dump(told))


def split(tmp_path, storage, parts=3):
    """A bag of several files, each with COUNT messages."""
    folder = tmp_path / "bag"
    folder.mkdir()
    told = None
    for number in range(parts):
        file = write(tmp_path / f"p{number}", storage, COUNT, COUNT * number)
        name = f"bag_{number}{file.suffix}"
        shutil.move(file, folder / name)
        one = yaml.safe_load((tmp_path / f"p{number}" / "metadata.yaml").read_text())
        one["rosbag2_bagfile_information"]["files"][0]["path"] = name
        told = told or one
        if number:
            told["rosbag2_bagfile_information"]["files"] += one["rosbag2_bagfile_information"][
                "files"
            ]
    information = told["rosbag2_bagfile_information"]
    information["relative_file_paths"] = [f["path"] for f in information["files"]]
    (folder / "metadata.yaml").write_text(yaml.safe_dump(told))
    return folder


@pytest.mark.slow
@STORAGES
@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "\0",
        "rosbag2_bagfile_information: [1, 2",
        "rosbag2_bagfile_information: 7",
        "- 1",
        "{" * 5000,
        "rosbag2_bagfile_information: {relative_file_paths: 7, files: [1, {}]}",
        "rosbag2_bagfile_information: {relative_file_paths: [[], null, 3, '', '/', '..']}",
        "rosbag2_bagfile_information: !!python/object/apply:os.system [exit]",
        "é".encode("latin1"),
        "rosbag2_bagfile_information: {version: 99, files: {}, relative_file_paths: {a: b}}",
    ],
)
def test_without_usable_metadata_the_files_are_enough(tmp_path, storage, content):
    path = write(tmp_path / "bag", storage).with_name("metadata.yaml")
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert read(tmp_path / "bag") == WHOLE


def test_a_bomb_of_aliases_is_no_work(tmp_path):
    levels = ["a0: &a0 {k: v}"] + [
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 30)
    ]
    lists = ["b0: &b0 [x]"] + [
        f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]" for n in range(1, 30)
    ]
    path = write(tmp_path / "bag").with_name("metadata.yaml")
    for lines in (levels, lists):
        told = "rosbag2_bagfile_information: {relative_file_paths: *b29, files: *b29}"
        path.write_text("\n".join([*lines, told if lines is lists else ""]))
        assert read(tmp_path / "bag") == WHOLE


@pytest.mark.slow
@STORAGES
@pytest.mark.parametrize(
    "changes",
    [
        {"storage_identifier": ""},
        {"storage_identifier": "sqlite3"},
        {"storage_identifier": 7},
        {"version": 10},
        {"version": "new"},
        {"message_count": 3},
        {"message_count": -1},
        {"starting_time": {"nanoseconds_since_epoch": 0}},
        {"starting_time": None},
        {"duration": {"nanoseconds": 10**18}},
        {"topics_with_message_count": []},
        {"topics_with_message_count": None},
        {"compression_mode": "file"},
        {"compression_mode": "message", "compression_format": "zstd"},
        {"compression_format": "brotli", "compression_mode": "FILE"},
    ],
)
def test_wrong_values_are_not_believed(tmp_path, storage, changes):
    write(tmp_path / "bag", storage)
    rewrite(tmp_path / "bag", lambda told: told.update(changes))
    assert read(tmp_path / "bag") == WHOLE
    with BagReader(tmp_path / "bag") as bag:
        assert bag.start_s == stamp(0) * 1e-9
        assert bag.duration_s == pytest.approx((COUNT - 1) * 0.01)
        assert [(t.name, t.type, t.count) for t in bag.topics] == [("/text", NAME, COUNT)]


OLD_QOS = "- history: 3\n  depth: 0\n  reliability: 1\n  durability: 2\n"


@pytest.mark.slow
@STORAGES
@pytest.mark.parametrize("qos", [OLD_QOS, "", "- {history: x}", "[{", "7", [{"depth": "?"}], None])
def test_any_text_of_quality_of_service(tmp_path, storage, qos):
    file = write(tmp_path / "bag", storage)

    def change(told):
        told["topics_with_message_count"][0]["topic_metadata"]["offered_qos_profiles"] = qos

    rewrite(tmp_path / "bag", change)
    assert read(tmp_path / "bag") == WHOLE
    if storage == StoragePlugin.MCAP:
        raw = file.read_bytes()
        assert b"offered_qos_profiles" in raw
        file.write_bytes(raw.replace(b"offered_qos_profiles\x00", b"offered_qos_profiles["))
    assert read(file)[0] == WHOLE[0]


@pytest.mark.slow
@STORAGES
def test_a_split_bag_is_read_in_order(tmp_path, storage):
    folder = split(tmp_path, storage, 11)
    numbers = list(range(11 * COUNT))
    assert read(folder) == (numbers, "")
    (folder / "metadata.yaml").unlink()
    assert read(folder) == (numbers, "")


@STORAGES
def test_a_part_that_is_gone_and_one_that_is_noise(tmp_path, storage):
    folder = split(tmp_path, storage)
    (gone,) = folder.glob("bag_1.*")
    gone.unlink()
    expected = [*range(COUNT), *range(2 * COUNT, 3 * COUNT)]
    assert read(folder) == (expected, f"{gone.name} ({COUNT} messages, 2.0 s) is missing")
    gone.write_bytes(b"noise" * 100)
    numbers, missing = read(folder)
    assert numbers == expected
    assert missing.startswith(f"{gone.name} ({COUNT} messages, 2.0 s) cannot be read: ")


def test_what_metadata_counts_tells_how_much_a_cut_file_has_lost(tmp_path):
    folder = split(tmp_path, StoragePlugin.MCAP)
    path = folder / "bag_2.mcap"
    path.write_bytes(path.read_bytes()[:60_000])
    numbers, missing = read(folder)
    lost = 3 * COUNT - len(numbers)
    assert 0 < lost < COUNT and numbers == list(range(len(numbers)))
    assert missing.startswith("bag_2.mcap: ") and missing.endswith(f"{lost} messages are lost")


def test_many_missing_parts_are_one_short_line(tmp_path):
    folder = split(tmp_path, StoragePlugin.MCAP)

    def add(told):
        told["relative_file_paths"] += [f"bag_{number}.mcap" for number in range(3, 1000)]

    rewrite(folder, add)
    numbers, missing = read(folder)
    assert numbers == list(range(3 * COUNT))
    assert missing.startswith("bag_3.mcap is missing; bag_4.mcap is missing; ")
    assert missing.endswith("; and 992 more")


def test_a_pipe_is_no_bag(tmp_path):
    os.mkfifo(tmp_path / "bag.mcap")
    with pytest.raises(UserError, match="it is no file"):
        read(tmp_path / "bag.mcap")


def test_parts_beside_those_that_are_declared(tmp_path):
    folder = split(tmp_path, StoragePlugin.MCAP)

    def forget(told):
        told["relative_file_paths"].remove("bag_1.mcap")

    rewrite(folder, forget)
    shutil.copy(folder / "bag_0.mcap", folder / "other.mcap")
    (folder / "bag_0.mcap.zstd").write_bytes(zstd.compress((folder / "bag_0.mcap").read_bytes()))
    numbers, missing = read(folder)
    assert numbers == list(range(3 * COUNT))
    assert missing == (
        "bag_1.mcap is not in metadata.yaml, but was read; "
        "other.mcap is of another bag and was left out"
    )


def test_a_renamed_file_is_found(tmp_path):
    file = write(tmp_path / "bag")
    file.rename(file.with_name("what a name? 100%#.mcap"))
    numbers, missing = read(tmp_path / "bag")
    assert numbers == WHOLE[0]
    assert missing == f"bag.mcap ({COUNT} messages, 2.0 s) is missing"


@pytest.mark.parametrize("name", ["a?b", "a%20b", "a#b", "a b", "é\n", "x" * 200, "-wal"])
def test_names_are_no_syntax(tmp_path, name):
    file = write(tmp_path / "bag", StoragePlugin.SQLITE3)
    assert read(file.rename(tmp_path / f"{name}.db3")) == WHOLE


@pytest.mark.slow
@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize("mode", [CompressionMode.MESSAGE, CompressionMode.FILE])
@pytest.mark.parametrize("metadata", [True, False])
def test_packed_messages_and_packed_files_say_what_they_are(tmp_path, storage, mode, metadata):
    writer = Writer(tmp_path / "bag", version=8, storage_plugin=storage)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer as bag:
        topic = bag.add_connection("/text", NAME, typestore=TYPES.typestore)
        for index in range(COUNT):
            bag.write(topic, stamp(index), text(index))
    if not metadata:
        (tmp_path / "bag" / "metadata.yaml").unlink()
    assert read(tmp_path / "bag") == WHOLE
    (file,) = (p for p in (tmp_path / "bag").iterdir() if p.name != "metadata.yaml")
    assert file.name.endswith(".zstd") == (mode == CompressionMode.FILE)
    assert read(file) == WHOLE


def test_a_packed_file_that_is_cut(tmp_path):
    file = write(tmp_path / "bag", count=2000)
    packed = zstd.compress(file.read_bytes(), 1)
    path = tmp_path / "cut.mcap.zstd"
    path.write_bytes(packed[: len(packed) // 2])
    numbers, missing = read(path)
    assert 0 < len(numbers) < 2000 and numbers == list(range(len(numbers)))
    assert re.fullmatch(r"cut.mcap: .*it has no end .*", missing)
    path.write_bytes(packed[:9])
    with pytest.raises(UserError, match="cannot be unpacked"):
        read(path)


def test_a_folder_without_a_bag(tmp_path):
    (tmp_path / "metadata.yaml").write_text("")
    with pytest.raises(UserError, match=r"it has no .*\.mcap or \.db3 file"):
        read(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        read(tmp_path / ("x" * 300))


def test_a_type_hash_that_differs_is_no_reason_to_leave_messages_out(tmp_path):
    file = write(tmp_path / "bag", StoragePlugin.SQLITE3)

    def change(told):
        told["topics_with_message_count"][0]["topic_metadata"]["type_description_hash"] = "RIHS01_0"

    rewrite(file.parent, change)
    assert read(file.parent) == WHOLE
    with BagReader(file.parent) as bag, pytest.raises(UserError, match="no image and no audio"):
        bag.inputs(RosConfig())

"""Bags written by us are read back, by us and by plain rosbags; bad ones give one line."""

import errno
from pathlib import Path

import numpy as np
import pytest

from reactface_node.config import RosConfig
from reactface_node.errors import UserError
from reactface_node.ros.bags.reader import BagReader
from reactface_node.ros.bags.writer import BagWriter
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes

TYPES = RosbagsTypes()
RGB = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def audio_data(samples, types=TYPES):
    build = types.message_type("audio_common_msgs/msg/AudioData")
    return build(data=np.asarray(samples, "<i2").view(np.uint8))


def write_bag(path: Path, storage: str = "mcap") -> Path:
    with BagWriter(path, storage) as bag:
        for index in range(5):
            stamp_s = 100.0 + 0.04 * index
            bag.write("/camera", stamp_s, convert.image(TYPES, stamp_s, "camera", RGB), True)
            bag.write("/microphone", stamp_s + 0.01, audio_data([index, -index]), True)
            face = np.full(58, 0.1 * index, np.float32)
            message = convert.blendshapes(TYPES, stamp_s, "reactface", face)
            bag.write("/reactface/blendshapes", stamp_s + 0.02, message)
    return path


def read_all(path: Path, topics=()):
    with BagReader(path) as bag:
        return list(bag.messages(topics))


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_what_is_written_comes_back_in_time_order(tmp_path, storage):
    messages = read_all(write_bag(tmp_path / "out", storage))
    stamps = [message.stamp_s for message in messages]
    assert len(messages) == 15 and stamps == sorted(stamps)
    assert stamps[0] == pytest.approx(100.0, abs=1e-6)
    np.testing.assert_array_equal(convert.image_to_rgb(messages[0].message), RGB)
    assert messages[1].message.data.view("<i2").tolist() == [0, 0]
    weights = messages[-1].message.weights
    np.testing.assert_allclose(weights, 0.4, rtol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_plain_rosbags_reads_it_with_the_embedded_definitions(tmp_path, storage):
    from rosbags.highlevel import AnyReader

    with AnyReader([write_bag(tmp_path / "out", storage)]) as reader:
        types = {c.topic: c.msgtype for c in reader.connections}
        assert types["/reactface/blendshapes"] == "reactface_msgs/msg/Blendshapes"
        connection, _, raw = next(
            item for item in reader.messages() if item[0].topic == "/reactface/blendshapes"
        )
        message = reader.deserialize(raw, connection.msgtype)
        assert message.names[0] == "browDownLeft" and len(message.weights) == 52
        qos = {c.topic: c.ext.offered_qos_profiles[0] for c in reader.connections}
        assert qos["/camera"].reliability.name == "BEST_EFFORT"
        assert qos["/reactface/blendshapes"].reliability.name == "RELIABLE"


@pytest.mark.parametrize(("storage", "ending"), [("mcap", "mcap"), ("sqlite3", "db3")])
def test_a_single_file_without_its_metadata_is_read(tmp_path, storage, ending):
    folder = write_bag(tmp_path / "out", storage)
    (file,) = folder.glob(f"*.{ending}")
    assert len(read_all(file, ["/camera"])) == 5


def test_the_other_audio_package_is_read_by_its_own_definition(tmp_path):
    types = RosbagsTypes("mgonzs13")
    empty = {
        "float32_data": np.zeros(0, np.float32),
        "int32_data": np.zeros(0, np.int32),
        "int8_data": np.zeros(0, np.int8),
        "uint8_data": np.zeros(0, np.uint8),
    }
    name = "audio_common_msgs/msg/"
    data = types.message_type(name + "AudioData")(int16_data=np.array([1, 2], np.int16), **empty)
    info = types.message_type(name + "AudioInfo")(format=8, channels=2, rate=48000, chunk=512)
    audio = types.message_type(name + "Audio")(audio_data=data, info=info)
    header = convert.header(types, 5.5, "mic")
    with BagWriter(tmp_path / "out", types=types) as bag:
        stamped = types.message_type(name + "AudioStamped")(header=header, audio=audio)
        bag.write("/audio", 5.6, stamped)
    (message,) = read_all(tmp_path / "out")
    audio = convert.audio_to_samples(message.message, convert.AudioFormat(16000, 1))
    assert audio.samples.tolist() == [[1, 2]] and audio.rate_hz == 48000 and audio.stamp_s == 5.5


def test_a_definition_in_the_bag_overrules_ours(tmp_path):
    from rosbags.rosbag2 import Writer
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    name = "foxglove_msgs/msg/RawAudio"
    store = get_typestore(Stores.ROS2_JAZZY)
    text = (
        "builtin_interfaces/Time timestamp\nuint8[] data\nstring format\nuint32 sample_rate\n"
        "uint32 number_of_channels\nstring uuid"
    )
    store.register(get_types_from_msg(text, name))
    with Writer(tmp_path / "bag", version=9) as bag:
        connection = bag.add_connection("/sound", name, typestore=store)
        stamp = store.types["builtin_interfaces/msg/Time"](sec=3, nanosec=500_000_000)
        message = store.types[name](
            timestamp=stamp,
            data=np.array([1, 0, 2, 0], np.uint8),
            format="pcm-s16",
            sample_rate=8000,
            number_of_channels=1,
            uuid="x",
        )
        bag.write(connection, 1, store.serialize_cdr(message, name))
    (read,) = read_all(tmp_path / "bag")
    audio = convert.audio_to_samples(read.message, convert.AudioFormat(16000, 1))
    assert audio.samples.tolist() == [1, 2] and audio.rate_hz == 8000 and audio.stamp_s == 3.5


IDL = f"""{"=" * 80}
IDL: audio_common_msgs/msg/AudioData
module audio_common_msgs {{ module msg {{ struct AudioData {{ sequence<uint8> data; }}; }}; }};
"""


def test_a_definition_in_idl_is_understood(tmp_path):
    from rosbags.rosbag2 import Writer

    with Writer(tmp_path / "bag", version=9) as bag:
        connection = bag.add_connection(
            "/audio", "audio_common_msgs/msg/AudioData", msgdef=IDL, rihs01="RIHS01_0"
        )
        bag.write(connection, 1, TYPES.serialize(audio_data([5, 6])))
    (read,) = read_all(tmp_path / "bag")
    audio = convert.audio_to_samples(read.message, convert.AudioFormat(16000, 1))
    assert audio.samples.tolist() == [5, 6]


def test_the_only_fitting_topics_are_found(tmp_path):
    with BagReader(write_bag(tmp_path / "out")) as bag:
        inputs = bag.inputs(RosConfig())
        assert inputs.image.name == "/camera" and inputs.audio.name == "/microphone"
        assert inputs.audio_info is None and inputs.names == ("/camera", "/microphone")
        assert inputs.image.count == 5
        assert bag.start_s == pytest.approx(100.0) and bag.duration_s == pytest.approx(0.18)


def test_a_named_topic_that_is_not_there_lists_what_is(tmp_path):
    with BagReader(write_bag(tmp_path / "out")) as bag, pytest.raises(UserError) as error:
        bag.inputs(RosConfig(image_topic="/front/image"))
    assert "/front/image" in str(error.value)
    assert "/camera [sensor_msgs/msg/Image]" in str(error.value)


def test_a_named_topic_of_another_type_is_refused(tmp_path):
    with BagReader(write_bag(tmp_path / "out")) as bag:
        with pytest.raises(UserError, match=r"/microphone .*ros\.image_topic"):
            bag.inputs(RosConfig(image_topic="microphone"))
        with pytest.raises(UserError, match="/camera"):
            bag.inputs(RosConfig(image_topic="camera", image_type="CompressedImage"))


def test_several_fitting_topics_ask_for_a_choice(tmp_path):
    with BagWriter(tmp_path / "out") as bag:
        for topic in ("/left", "/right"):
            bag.write(topic, 1.0, convert.image(TYPES, 1.0, "camera", RGB))
    with BagReader(tmp_path / "out") as bag:
        with pytest.raises(UserError, match=r"/left, /right; choose one with ros\.image_topic"):
            bag.inputs(RosConfig())
        assert bag.inputs(RosConfig(image_topic="right")).image.name == "/right"


def test_a_bag_without_camera_and_microphone_lists_its_topics(tmp_path):
    with BagWriter(tmp_path / "out") as bag:
        bag.write("/face", 1.0, convert.blendshapes(TYPES, 1.0, "f", np.zeros(58)))
    with (
        BagReader(tmp_path / "out") as bag,
        pytest.raises(UserError, match=r"/face .reactface_msgs/msg/Blendshapes"),
    ):
        bag.inputs(RosConfig())


def one_line(path: Path) -> str:
    with pytest.raises(UserError) as error:
        read_all(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_an_empty_bag(tmp_path, storage):
    with BagWriter(tmp_path / "out", storage):
        pass
    assert "empty" in one_line(tmp_path / "out")


def test_a_missing_bag_and_a_folder_that_is_none(tmp_path):
    assert "does not exist" in one_line(tmp_path / "nothing")
    assert "metadata.yaml" in one_line(tmp_path)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_an_empty_file_and_one_of_noise(tmp_path, storage):
    folder = write_bag(tmp_path / "out", storage)
    (file,) = (p for p in folder.iterdir() if p.suffix in (".mcap", ".db3"))
    file.write_bytes(b"")
    assert "it is empty" in one_line(folder)
    file.write_bytes(np.random.default_rng(0).bytes(100_000))
    one_line(folder)


def test_a_missing_file_and_one_of_another_kind(tmp_path):
    folder = write_bag(tmp_path / "b")
    next(folder.glob("*.mcap")).unlink()
    assert "b.mcap (15 messages, 0.2 s) is missing" in one_line(folder)
    other = tmp_path / "notes.txt"
    other.write_text("hello")
    assert "neither an .mcap nor a .db3 file" in one_line(other)


def test_a_damaged_message_is_left_out_and_counted(tmp_path):
    from rosbags.rosbag2 import Writer

    with Writer(tmp_path / "bag", version=9) as bag:
        connection = bag.add_connection(
            "/camera", "sensor_msgs/msg/Image", typestore=TYPES.typestore
        )
        good = bytes(TYPES.serialize(convert.image(TYPES, 1.0, "camera", RGB)))
        for stamp, data in enumerate([good, good[:30], b"", good]):
            bag.write(connection, stamp, data)
    with BagReader(tmp_path / "bag") as reader:
        assert len(list(reader.messages())) == 2 and reader.damaged == 2


def test_an_output_that_exists_is_left_alone(tmp_path):
    path = write_bag(tmp_path / "out")
    before = sorted(p.stat().st_mtime_ns for p in path.iterdir())
    with pytest.raises(UserError, match="exists already"):
        write_bag(path)
    assert sorted(p.stat().st_mtime_ns for p in path.iterdir()) == before
    with pytest.raises(UserError, match="cannot write"):
        write_bag(tmp_path / "no" / "such" / "folder")


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_nothing_is_left_after_an_interruption(tmp_path, failure, storage):
    with pytest.raises(failure), BagWriter(tmp_path / "out", storage) as bag:
        bag.write("/camera", 1.0, convert.image(TYPES, 1.0, "camera", RGB))
        raise failure
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["write", "close"])
def test_a_full_disk_is_one_line_and_nothing_is_left(tmp_path, monkeypatch, step):
    from rosbags.rosbag2 import Writer

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Writer, step, full)
    with pytest.raises(UserError, match="the disk is full"):
        write_bag(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_sqlite_says_full_in_its_own_way(tmp_path, monkeypatch):
    import sqlite3

    from rosbags.rosbag2 import Writer

    def full(*_args, **_kwargs):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Writer, "write", full)
    with pytest.raises(UserError, match="the disk is full"):
        write_bag(tmp_path / "out", "sqlite3")
    assert list(tmp_path.iterdir()) == []

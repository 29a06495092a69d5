"""The node on the wire, between two processes: what a ROS 2 graph would send and receive."""

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from reactface_node.errors import UserError
from reactface_node.ros import convert
from reactface_node.ros.types import RosbagsTypes
from reactface_node.ros.wire import Quality, Wire, domain_config, domain_id, new_id

pytest.importorskip("cyclonedds", reason="the wire without ROS needs the cyclonedds wheel")

PATIENCE_S = 20.0
RELIABLE = Quality()
BEST_EFFORT = Quality(reliable=False, depth=10)
TYPES = RosbagsTypes()
DOMAINS = itertools.count(10 + os.getpid() % 80)


class Graph:
    """The rest of the graph: a peer participant beside the node's process."""

    def __init__(self, wire, child):
        self.wire, self.child = wire, child

    def reader(self, topic, kind, quality=RELIABLE):
        return self.wire.reader("rt" + topic, kind, TYPES, quality)

    def writer(self, topic, kind, quality=RELIABLE, types=TYPES):
        return self.wire.writer("rt" + topic, kind, types, quality)

    def until(self, found, each_time=lambda: None):
        """Polls ``found`` until it gives something; fails at the deadline or if the node died."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert self.child.poll() is None, "the node's process ended"
            each_time()
            result = found()
            if result:
                return result
            time.sleep(0.005)
        raise AssertionError("the deadline passed")

    def message(self, reader, wanted=lambda message: True, each_time=lambda: None):
        return self.until(lambda: next((m for m in reader.take() if wanted(m)), None), each_time)

    def call(self, name, kind, **fields):
        """One service call, as a client on rmw_cyclonedds makes it."""
        extra = f"clientid={new_id()};"
        replies = self.wire.reader(f"rr{name}Reply", f"{kind}_Response", TYPES, Quality(), extra)
        asks = self.wire.writer(f"rq{name}Request", f"{kind}_Request", TYPES, Quality(), extra)
        self.until(lambda: asks.matched and replies.matched)
        build = TYPES.message_type(f"{kind}_Request")
        asks.write(build(guid=1234, seq=7, **fields))
        return self.message(replies, lambda reply: (reply.guid, reply.seq) == (1234, 7))


@pytest.fixture
def graph():
    domain = 10 + (next(DOMAINS) - 10) % 90
    here = Path(__file__).resolve()
    environment = os.environ | {"ROS_DOMAIN_ID": str(domain),
                                "PYTHONPATH": str(here.parents[1])}  # fmt: skip
    wire = Wire("peer", domain, "lo")
    child = subprocess.Popen(
        [sys.executable, "-W", "error", str(here.with_name("ros_dds_child.py"))],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)  # fmt: skip
    try:
        yield Graph(wire, child)
        _, errors = child.communicate(timeout=PATIENCE_S)
        assert child.returncode == 0, errors.decode()
    finally:
        child.kill()
        child.wait()
        wire.close()


def an_image(value):
    rgb = np.full((480, 640, 3), value, np.uint8)
    return convert.image(TYPES, time.time(), "camera", rgb)


def audio_data(value):
    build = TYPES.message_type("audio_common_msgs/msg/AudioData")
    return build(data=np.full(320, value, "<i2").view(np.uint8))


def weight(message, index):
    return float(message.weights[index])


def test_images_and_audio_in_blendshapes_out(graph):
    faces = graph.reader("/reactface/blendshapes", "reactface_msgs/msg/Blendshapes")
    camera = graph.writer("/image", "sensor_msgs/msg/Image", BEST_EFFORT)
    microphone = graph.writer("/audio", "audio_common_msgs/msg/AudioData", BEST_EFFORT)
    about = graph.writer("/audio_info", "audio_common_msgs/msg/AudioInfo")
    build = TYPES.message_type("audio_common_msgs/msg/AudioInfo")
    info = build(channels=2, sample_rate=48000, sample_format="S16LE", bitrate=0,
                 coding_format="wave")  # fmt: skip

    def publish():
        camera.write(an_image(204))
        microphone.write(audio_data(8192))
        about.write(info)

    face = graph.message(faces, lambda m: weight(m, 0) > 0 and weight(m, 1) > 0, publish)
    assert weight(face, 0) == pytest.approx(0.8) and weight(face, 1) == pytest.approx(0.25)
    assert face.names[0] == "browDownLeft" and len(face.names) == 52
    assert abs(convert.time_to_s(face.header.stamp) - time.time()) < 5
    graph.message(faces, lambda m: weight(m, 3) == pytest.approx(0.48), publish)


def test_the_other_audio_package_and_compressed_images_are_detected(graph):
    types = RosbagsTypes("mgonzs13")
    name = "audio_common_msgs/msg/"
    camera = graph.writer("/image", "sensor_msgs/msg/CompressedImage", BEST_EFFORT)
    microphone = graph.writer("/audio", name + "AudioStamped", BEST_EFFORT, types)
    faces = graph.reader("/reactface/coefficients", "reactface_msgs/msg/FaceCoefficients")
    none = {"float32_data": np.zeros(0, np.float32), "int32_data": np.zeros(0, np.int32),
            "int8_data": np.zeros(0, np.int8), "uint8_data": np.zeros(0, np.uint8)}  # fmt: skip

    def publish():
        rgb = np.full((48, 64, 3), 102, np.uint8)
        camera.write(convert.compressed_image(TYPES, time.time(), "camera", rgb, 90))
        samples = np.full(160, 16384, np.int16)
        build = types.message_type(name + "AudioInfo")
        info = build(format=8, channels=1, rate=16000, chunk=160)
        audio = types.message_type(name + "Audio")(
            audio_data=types.message_type(name + "AudioData")(int16_data=samples, **none),
            info=info,
        )  # fmt: skip
        header = convert.header(types, time.time(), "mic")
        microphone.write(types.message_type(name + "AudioStamped")(header=header, audio=audio))

    face = graph.message(faces, lambda m: m.expression[0] > 0 and m.expression[1] > 0, publish)
    np.testing.assert_allclose(face.expression[:2], [0.4, 0.5], atol=0.02)


def test_qos_is_what_the_contract_says(graph):
    reliable = graph.reader("/reactface/reaction", "reactface_msgs/msg/Reaction")
    assert graph.message(reliable).num_frames == 2
    diagnostics = graph.reader("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray")
    assert graph.message(diagnostics).status[0].name == "reactface"
    sensor = graph.reader("/reactface/image", "sensor_msgs/msg/Image", BEST_EFFORT)
    graph.until(lambda: sensor.matched)
    strict = graph.reader("/reactface/image", "sensor_msgs/msg/Image")
    status = graph.until(lambda: strict.entity.get_requested_incompatible_qos_status().total_count)
    assert status == 1 and strict.matched == 0


def test_images_come_only_to_those_who_subscribe(graph):
    images = graph.reader("/reactface/image", "sensor_msgs/msg/Image", BEST_EFFORT)
    message = graph.message(images)
    assert (message.width, message.height, message.encoding) == (8, 8, "rgb8")
    np.testing.assert_array_equal(convert.image_to_rgb(message), np.full((8, 8, 3), 200))
    jpegs = graph.reader(
        "/reactface/image/compressed", "sensor_msgs/msg/CompressedImage", BEST_EFFORT
    )
    assert convert.image_to_rgb(graph.message(jpegs)).shape == (8, 8, 3)


def test_reset_and_enable_are_served(graph):
    faces = graph.reader("/reactface/blendshapes", "reactface_msgs/msg/Blendshapes")
    graph.message(faces)
    reply = graph.call("/reactface/enable", "std_srvs/srv/SetBool", data=False)
    assert reply.success and reply.message == "disabled"
    diagnostics = graph.reader("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray")
    graph.message(diagnostics, lambda m: m.status[0].message == "disabled")
    list(faces.take())
    graph.message(diagnostics)
    assert list(faces.take()) == []
    assert graph.call("/reactface/enable", "std_srvs/srv/SetBool", data=True).success
    graph.message(faces)
    fields = {"structure_needs_at_least_one_member": 0}
    assert graph.call("/reactface/reset", "std_srvs/srv/Trigger", **fields).success


def test_the_portrait_is_changed_by_a_service_that_its_parameter_follows(graph):
    def now():
        kind = "rcl_interfaces/srv/GetParameters"
        names = ["render.portrait"]
        return graph.call("/reactface/get_parameters", kind, names=names).values[0].string_value

    kind = "reactface_msgs/srv/SetPortrait"
    reply = graph.call("/reactface/set_portrait", kind, file="me.png")
    assert (reply.success, reply.message, now()) == (True, "me.png is shown", "me.png")
    reply = graph.call("/reactface/set_portrait", kind, file="../you.png")
    assert (reply.success, reply.message) == (False, "no portrait '../you.png'")
    assert now() == "me.png"


def parameter(name, kind, **value):
    empty = {"bool_value": False, "integer_value": 0, "double_value": 0.0, "string_value": "",
             "byte_array_value": np.zeros(0, np.uint8), "bool_array_value": np.zeros(0, bool),
             "integer_array_value": np.zeros(0, np.int64),
             "double_array_value": np.zeros(0, np.float64), "string_array_value": []}  # fmt: skip
    build = TYPES.message_type("rcl_interfaces/msg/ParameterValue")
    return TYPES.message_type("rcl_interfaces/msg/Parameter")(
        name=name, value=build(type=kind, **(empty | value))
    )


def test_parameters_are_listed_described_read_and_changed(graph):
    kind = "rcl_interfaces/srv/"
    listed = graph.call("/reactface/list_parameters", kind + "ListParameters", prefixes=[], depth=0)
    assert {"playout.gain", "ros.image_topic", "profile"} <= set(listed.result.names)
    described = graph.call(
        "/reactface/describe_parameters", kind + "DescribeParameters", names=["playout.gain"]
    )
    (about,) = described.descriptors
    assert about.floating_point_range[0].to_value == 3.0 and not about.read_only
    changes = [parameter("playout.gain", 3, double_value=1.5),
               parameter("playout.gain", 3, double_value=99.0),
               parameter("playout.gian", 3, double_value=1.0)]  # fmt: skip
    results = graph.call(
        "/reactface/set_parameters", kind + "SetParameters", parameters=changes
    ).results
    assert [result.successful for result in results] == [True, False, False]
    assert "within 0 .. 3" in results[1].reason and "did you mean" in results[2].reason
    names = ["playout.gain", "nothing"]
    got = graph.call("/reactface/get_parameters", kind + "GetParameters", names=names)
    assert [(v.type, v.double_value) for v in got.values] == [(3, 1.5), (0, 0.0)]
    faces = graph.reader("/reactface/blendshapes", "reactface_msgs/msg/Blendshapes")
    graph.message(faces, lambda m: weight(m, 2) == pytest.approx(0.5))


def test_bad_messages_do_not_end_the_node(graph):
    faces = graph.reader("/reactface/blendshapes", "reactface_msgs/msg/Blendshapes")
    camera = graph.writer("/image", "sensor_msgs/msg/Image", BEST_EFFORT)
    diagnostics = graph.reader("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray")
    bad = an_image(1)
    bad.encoding = "vogon8"

    def rejected(message):
        values = {pair.key: pair.value for pair in message.status[0].values}
        return float(values.get("rejected", 0)) > 0

    graph.message(diagnostics, rejected, lambda: camera.write(bad))
    graph.message(faces, lambda m: weight(m, 0) == 1, lambda: camera.write(an_image(255)))


def test_the_node_is_on_the_graph_as_ros_tools_look_for_it(graph):
    from cyclonedds import builtin
    from cyclonedds.qos import Policy

    discovery = graph.wire.reader(
        "ros_discovery_info", "rmw_dds_common/msg/ParticipantEntitiesInfo", TYPES,
        Quality(depth=10, transient_local=True))  # fmt: skip
    (node,) = graph.message(
        discovery,
        lambda m: m.node_entities_info_seq and m.node_entities_info_seq[0].node_name == "reactface",
    ).node_entities_info_seq
    assert node.node_namespace == "/"
    publications = builtin.BuiltinDataReader(
        graph.wire._participant, builtin.BuiltinTopicDcpsPublication
    )
    ends = {}

    def found():
        ends.update({end.topic_name: end for end in publications.take(N=100)})
        return {"rt/reactface/blendshapes", "rr/reactface/resetReply"} <= set(ends)

    graph.until(found)
    end = ends["rt/reactface/blendshapes"]
    assert end.type_name == "reactface_msgs::msg::dds_::Blendshapes_"
    expected = f"typehash={TYPES.type_hash('reactface_msgs/msg/Blendshapes')};"
    assert expected.encode() in end.qos[Policy.Userdata].data
    assert ends["rr/reactface/resetReply"].type_name == "std_srvs::srv::dds_::Trigger_Response_"
    gids = {bytes(np.asarray(gid.data)) for gid in node.writer_gid_seq}
    assert end.key.bytes in gids


def test_type_hashes_are_those_of_ros():
    # From ROS 2 Jazzy's own std_msgs/msg/String.json.
    assert TYPES.type_hash("std_msgs/msg/String") == (
        "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18"
    )


def test_network_interfaces_and_domains(monkeypatch):
    monkeypatch.delenv("ROS_LOCALHOST_ONLY", raising=False)
    monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE", raising=False)
    assert domain_config("") == ""
    assert 'name="wlan0"' in domain_config("wlan0")
    assert 'address="192.168.1.4"' in domain_config("192.168.1.4")
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    assert "127.0.0.1" in domain_config("")
    with pytest.raises(UserError, match="not the name or address"):
        domain_config('lo"/><evil')
    monkeypatch.setenv("ROS_DOMAIN_ID", "42")
    assert domain_id() == 42
    for wrong in ("233", "-1", "robot"):
        monkeypatch.setenv("ROS_DOMAIN_ID", wrong)
        with pytest.raises(UserError, match="ROS_DOMAIN_ID"):
            domain_id()


def test_an_interface_that_is_not_there_is_one_line(capfd):
    with pytest.raises(UserError, match="network interface 'nosuch0'"):
        Wire("reactface", 9, "nosuch0")

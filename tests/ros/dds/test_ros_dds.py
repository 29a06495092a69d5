"""The node over DDS, between two processes: messages that a ROS 2 graph would send and receive."""

import time

import numpy as np
import pytest
from rigs.dds import BEST_EFFORT, TYPES, an_image, audio_data, node_on_a_graph, weight

from reactface_node.errors import UserError
from reactface_node.ros.dds.wire import Quality, Wire
from reactface_node.ros.messages import convert
from reactface_node.ros.messages.types import RosbagsTypes

pytestmark = pytest.mark.slow

pytest.importorskip("cyclonedds", reason="the wire without ROS needs the cyclonedds wheel")


@pytest.fixture
def graph():
    with node_on_a_graph() as found:
        yield found


def test_images_and_audio_in_blendshapes_out(graph):
    faces = graph.reader("/reactface/blendshapes", "reactface_msgs/msg/Blendshapes")
    camera = graph.writer("/image", "sensor_msgs/msg/Image", BEST_EFFORT)
    microphone = graph.writer("/audio", "audio_common_msgs/msg/AudioData", BEST_EFFORT)
    about = graph.writer("/audio_info", "audio_common_msgs/msg/AudioInfo")
    build = TYPES.message_type("audio_common_msgs/msg/AudioInfo")
    info = build(
        channels=2, sample_rate=48000, sample_format="S16LE", bitrate=0, coding_format="wave"
    )

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
    none = {
        "float32_data": np.zeros(0, np.float32),
        "int32_data": np.zeros(0, np.int32),
        "int8_data": np.zeros(0, np.int8),
        "uint8_data": np.zeros(0, np.uint8),
    }

    def publish():
        rgb = np.full((48, 64, 3), 102, np.uint8)
        camera.write(convert.compressed_image(TYPES, time.time(), "camera", rgb, 90))
        samples = np.full(160, 16384, np.int16)
        build = types.message_type(name + "AudioInfo")
        info = build(format=8, channels=1, rate=16000, chunk=160)
        audio = types.message_type(name + "Audio")(
            audio_data=types.message_type(name + "AudioData")(int16_data=samples, **none),
            info=info,
        )
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


def test_events_are_on_the_graph(graph):
    events = graph.reader("/reactface/events", "reactface_msgs/msg/ListenerEvent")
    event = graph.message(events)
    assert (event.who, event.kind, event.phase) == (event.LISTENER, event.NOD, event.END)
    assert (event.cycles, event.rate_hz, event.version) == (2, 2.0, event.VERSION)
    assert abs(convert.time_to_s(event.header.stamp) - time.time()) < 5


def test_images_come_only_to_those_who_subscribe(graph):
    images = graph.reader("/reactface/image", "sensor_msgs/msg/Image", BEST_EFFORT)
    message = graph.message(images)
    assert (message.width, message.height, message.encoding) == (8, 8, "rgb8")
    np.testing.assert_array_equal(convert.image_to_rgb(message), np.full((8, 8, 3), 200))
    jpegs = graph.reader(
        "/reactface/image/compressed", "sensor_msgs/msg/CompressedImage", BEST_EFFORT
    )
    assert convert.image_to_rgb(graph.message(jpegs)).shape == (8, 8, 3)


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
        "ros_discovery_info",
        "rmw_dds_common/msg/ParticipantEntitiesInfo",
        TYPES,
        Quality(depth=10, transient_local=True),
    )
    (node,) = graph.message(
        discovery,
        lambda m: m.node_entities_info_seq and m.node_entities_info_seq[0].node_name == "reactface",
    ).node_entities_info_seq
    assert node.node_namespace == "/"
    publications = builtin.BuiltinDataReader(
        graph.wire.participant.entity, builtin.BuiltinTopicDcpsPublication
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


def test_an_interface_that_is_not_there_is_one_line(capfd):
    with pytest.raises(UserError, match="network interface 'nosuch0'"):
        Wire("reactface", 9, "nosuch0")

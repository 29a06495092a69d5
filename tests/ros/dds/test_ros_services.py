"""The node's services over DDS, between two processes, called as by ROS 2's tools."""

import numpy as np
import pytest
from rigs.dds import TYPES, node_on_a_graph, weight

pytestmark = pytest.mark.slow

pytest.importorskip("cyclonedds", reason="the wire without ROS needs the cyclonedds wheel")


@pytest.fixture
def graph():
    with node_on_a_graph() as found:
        yield found


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
    assert (reply.success, reply.message) == (True, "me.png is shown once it is read")
    assert now() == "me.png"
    reply = graph.call("/reactface/set_portrait", kind, file="../you.png")
    assert (reply.success, reply.message) == (False, "no portrait '../you.png'")
    assert now() == "me.png"


def parameter(name, kind, **value):
    empty = {
        "bool_value": False,
        "integer_value": 0,
        "double_value": 0.0,
        "string_value": "",
        "byte_array_value": np.zeros(0, np.uint8),
        "bool_array_value": np.zeros(0, bool),
        "integer_array_value": np.zeros(0, np.int64),
        "double_array_value": np.zeros(0, np.float64),
        "string_array_value": [],
    }
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
    changes = [
        parameter("playout.gain", 3, double_value=1.5),
        parameter("playout.gain", 3, double_value=99.0),
        parameter("playout.gian", 3, double_value=1.0),
    ]
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

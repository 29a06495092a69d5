"""Several robots in one process over DDS: none of them disturbs another."""

import pytest
from rigs.dds import BEST_EFFORT, an_image, node_on_a_graph, weight

from reactface_node.ros.node.robots import RESTART_S

pytestmark = pytest.mark.slow

pytest.importorskip("cyclonedds", reason="the wire without ROS needs the cyclonedds wheel")

IMAGE, FACES = "sensor_msgs/msg/Image", "reactface_msgs/msg/Blendshapes"


def faces_of(graph, robot):
    return graph.reader(f"/{robot}/reactface/blendshapes", FACES)


def shows(value):
    return lambda face: weight(face, 0) == pytest.approx(value, abs=1e-3)


def test_each_robot_has_its_own_topics_services_parameters_and_diagnostics():
    with node_on_a_graph("robots=a,lab/b") as graph:
        a, b = faces_of(graph, "a"), faces_of(graph, "lab/b")
        camera_a = graph.writer("/a/image", IMAGE, BEST_EFFORT)
        camera_b = graph.writer("/lab/b/image", IMAGE, BEST_EFFORT)
        graph.message(a, shows(0.2), lambda: camera_a.write(an_image(51)))
        graph.message(b, shows(0.8), lambda: camera_b.write(an_image(204)))
        assert graph.call("/a/reactface/reset", "std_srvs/srv/Trigger").success
        # Only a has forgotten its image.
        graph.message(a, shows(0.0))
        list(b.take())
        assert shows(0.8)(graph.message(b))
        assert graph.call("/lab/b/reactface/enable", "std_srvs/srv/SetBool", data=False).success
        health = graph.reader("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray")
        said = {}

        def both():
            said.update((m.status[0].name, m.status[0].message) for m in health.take())
            return {"a/reactface", "lab/b/reactface"} <= said.keys()

        graph.until(both)
        assert said["lab/b/reactface"] == "disabled" != said["a/reactface"]
        graph.message(a)  # goes on


def test_a_robot_that_fails_again_and_again_leaves_the_others_alone():
    with node_on_a_graph("robots=a,b,c") as graph:
        a, b = faces_of(graph, "a"), faces_of(graph, "b")
        camera_a = graph.writer("/a/image", IMAGE, BEST_EFFORT)
        camera_b = graph.writer("/b/image", IMAGE, BEST_EFFORT)
        graph.message(a, shows(0.2), lambda: camera_a.write(an_image(51)))
        graph.message(b, shows(0.8), lambda: camera_b.write(an_image(204)))
        graph.until(lambda: not camera_a.matched, lambda: camera_a.write(an_image(13)))
        # b has not even been reset.
        list(b.take())
        assert shows(0.8)(graph.message(b))
        # c has never had a camera.
        graph.message(faces_of(graph, "c"), shows(0.0))
        graph.message(a, shows(0.2), lambda: camera_a.write(an_image(51)))
    assert f"it begins anew in {RESTART_S:g} s" in graph.said and "robot a has ended" in graph.said
    assert "robot b" not in graph.said


def test_bad_messages_of_one_robot_are_counted_there_alone():
    with node_on_a_graph("robots=a,b") as graph:
        health = graph.reader("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray")
        camera = graph.writer("/a/image", IMAGE, BEST_EFFORT)
        bad = an_image(51)
        bad.step = 7
        rejected = {}

        def counted():
            for message in health.take():
                values = {pair.key: float(pair.value) for pair in message.status[0].values}
                rejected[message.status[0].name] = values.get("rejected", 0)
            return len(rejected) == 2 and rejected["a/reactface"] > 3

        graph.until(counted, lambda: camera.write(bad))
        assert rejected["b/reactface"] == 0
        graph.message(faces_of(graph, "b"))

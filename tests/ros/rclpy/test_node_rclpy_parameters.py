"""Parameters of the node under a real rclpy: those of others, and what may change when."""

import pytest
from rigs.rclpy_graph import activate, needs_ros, ros_graph, until

from reactface_node.config import Config

pytestmark = needs_ros


@pytest.fixture
def ros(monkeypatch):
    with ros_graph(monkeypatch) as graph:
        yield graph


def set_all(node, values):
    """{name: value}, one after the other -> the reasons of those refused, by name."""
    from rclpy.parameter import Parameter

    results = node.set_parameters([Parameter(name, value=value) for name, value in values.items()])
    refused = zip(values, results, strict=True)
    return {name: result.reason for name, result in refused if not result.successful}


def test_a_file_for_every_node_does_not_stop_this_one(ros, tmp_path, capfd):
    file = tmp_path / "robot.yaml"
    file.write_text(
        "/**:\n  ros__parameters:\n    robot_name: pepper\n    sizes: [1, 2]\n    empty: []\n"
        "    arm: {joints: [a, b], gains: {p: 1.0}}\n    flags: [true]\n    model: yolo.pt\n"
        "    playout: {gain: 2.0}\n    training: {steps: 5}\n"
    )
    node = ros.node("--params-file", str(file))
    assert node.config == Config.load(overrides={"playout.gain": 2.0})
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 2 and all("[WARN]" in line for line in said)
    assert all(name in said[0] for name in ("robot_name", "arm.joints", "arm.gains.p", "sizes"))
    assert "--config sets it: training.steps" in said[1]
    assert not node.has_parameter("robot_name") and not node.has_parameter("training.steps")
    activate(node)


def test_what_is_set_between_two_states_counts_from_the_next_configure_on(ros):
    node = ros.node()
    activate(node)
    cleanup = "cannot change while the node is configured; cleanup first"
    change = {"ros.image_topic": "/cam"}
    assert set_all(node, change) == {"ros.image_topic": f"ros.image_topic {cleanup}"}
    node.trigger_deactivate()
    assert set_all(node, change) == {"ros.image_topic": f"ros.image_topic {cleanup}"}
    node.trigger_cleanup()
    assert set_all(node, change) == {}
    activate(node)
    assert ros.sessions[-1].config.ros.image_topic == "/cam"
    assert "/cam" in {one.topic_name for one in node.subscriptions}
    assert "/image" not in {one.topic_name for one in node.subscriptions}


def test_its_own_dump_can_be_loaded_in_every_state(ros):
    node = ros.node(
        "-p",
        "render.renderer:=portrait",
        "-p",
        "render.portrait:=me.png",
        "-p",
        "ros.face_id:='0123'",
        "-p",
        "playout.gain:=1.5",
    )
    with pytest.raises(KeyError):
        node.get_parameters_by_prefix("")["training.steps"]
    dump = {
        name: one.value
        for name, one in node.get_parameters_by_prefix("").items()
        if not node.describe_parameter(name).read_only
    }
    assert {"profile", "weights", "render.portrait", "ros.face_id"} <= dump.keys()
    dump["ros.face_id"] = node.get_parameter("ros.face_id").value
    assert set_all(node, dump) == {}
    before = node.config
    node.trigger_configure()
    assert set_all(node, dump) == {} and node.config == before


def test_the_profile_is_that_of_the_start(ros):
    node = ros.node()
    assert set_all(node, {"profile": "default"}) == {}
    assert "where the node is started" in set_all(node, {"profile": "paper"})["profile"]


@pytest.mark.parametrize("state", ["unconfigured", "inactive", "active"])
def test_a_call_of_many_kinds_changes_all_or_nothing(ros, state):
    """Names that are sections, attributes of Python, parts of other names."""
    from rcl_interfaces.srv import SetParametersAtomically
    from rclpy.parameter import Parameter

    node = ros.node()
    if state == "inactive":
        node.trigger_configure()
    elif state == "active":
        activate(node)
    client = ros.peer.create_client(SetParametersAtomically, "/reactface/set_parameters_atomically")
    until(ros, client.service_is_ready)

    def ask(**values):
        wanted = [Parameter(n, value=v).to_parameter_msg() for n, v in values.items()]
        answer = client.call_async(SetParametersAtomically.Request(parameters=wanted))
        until(ros, answer.done)
        return answer.result().result.successful

    before = node.config
    for values in (
        {"playout": 1, "playout.gain": 1.5},
        {"playout.gain": 1.5, "playout": 1},
        {"self": 1},
        {"playout.gain": 1.5, "self": 1},
        {"playout.gain": 1.0, "playout.gain.x": 1.5},
        {"playout.gain": 1.5, "playout.brow_gain": 9.0},
        {"playout.gain": 1.5, "": 1},
        {"playout.gain": [1.5]},
        {"playout.gain": float("nan")},
        {"__class__": 1},
    ):
        assert not ask(**values), values
        assert node.config == before and node.get_parameter("playout.gain").value == 1.0
    assert ask(**{"playout.gain": 1.5, "playout.brow_gain": 2.0})
    assert (node.config.playout.gain, node.config.playout.brow_gain) == (1.5, 2.0)
    if state != "unconfigured":
        until(ros, lambda: ros.sessions[0].config == node.config)


def test_a_preset_sets_the_parameters_of_its_gains_in_every_state(ros, tmp_path):
    file = tmp_path / "robot.yaml"
    file.write_text(
        "/**:\n  ros__parameters:\n    playout: {preset: composed, nod_gain: 1.5, seed: fresh}\n"
    )

    def gains():
        names = ("playout.preset", "playout.nod_gain", "playout.smile_gain")
        return [node.get_parameter(name).value for name in names]

    node = ros.node("--params-file", str(file))
    assert gains() == ["composed", 1.5, 0.6]
    assert node.get_parameter("playout.seed").value == -1
    assert set_all(node, {"playout.preset": "lively"}) == {}
    assert gains() == ["lively", 1.3, 1.3]
    activate(node)
    assert ros.sessions[0].config.playout.nod_gain == 1.3
    assert set_all(node, {"playout.preset": "attentive", "playout.smile_gain": 0.5}) == {}
    assert gains() == ["attentive", 1.0, 0.5]
    assert until(ros, lambda: ros.sessions[0].config == node.config)
    assert (node.config.playout.nod_gain, node.config.playout.smile_gain) == (1.0, 0.5)
    refused = set_all(node, {"playout.preset": "calm", "playout.nod_gain": 2.5})
    assert refused.keys() == {"playout.preset", "playout.nod_gain"}
    assert "must be one of composed, attentive, lively" in refused["playout.preset"]
    assert gains() == ["attentive", 1.0, 0.5]

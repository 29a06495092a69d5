"""Which settings are ROS parameters, and which given parameters are ignored with a line."""

from reactface_node.config import Config
from reactface_node.config.settings import settings
from reactface_node.ros.rclpy.robot_settings import LONGEST_NAME, MOST_NAMED, declared, sort_out

CONFIG = Config()


def test_what_a_checkpoint_was_trained_with_is_no_parameter():
    names = {item.name for item in declared(CONFIG)}
    left_out = {item.name for item in settings(CONFIG)} - names
    assert {name.split(".")[0] for name in left_out} == {"model", "training"}
    assert {name for name in names if name.startswith("model.")} == {
        item.name for item in settings(CONFIG) if item.name.startswith("model.") and item.live
    }
    assert {"device", "playout.gain", "ros.image_topic", "timeline.max_wait_s"} <= names


def test_parameters_of_others_are_ignored_in_one_line():
    given = {
        "robot_name": "pepper",
        "controller.gains.p": 1.0,
        "joints": ["a", "b"],
        "limits": None,
        "device.type": "arm",
        "model": "yolo.pt",
        "playout.gain": 2.0,
        "device": "cpu",
    }
    ours, lines = sort_out(given, CONFIG)
    assert ours == {"playout.gain": 2.0, "device": "cpu"}
    assert lines == [
        "ignored parameters that are not of this node: model (did you mean mode?), robot_name, "
        "controller.gains.p, joints, limits, device.type"
    ]


def test_what_may_have_been_meant_for_this_node_is_named_first():
    (line,) = sort_out({"robot_name": "pepper", "plaiout.gain": 2.0, "devise": "cpu"}, CONFIG)[1]
    assert line.endswith(
        "plaiout.gain (did you mean playout.gain?), devise (did you mean device?), robot_name"
    )


def test_a_misspelt_name_in_a_section_stays_a_mistake():
    misspelt = {"playout.gian": 1.0, "ros.image": "x", "model.temperatur": 1.0, "web.": 1}
    assert sort_out(misspelt, CONFIG) == (misspelt, [])


def test_what_only_a_file_sets_is_said_to_be_so():
    ours, lines = sort_out(
        {"model.window": 8, "training.steps": 3, "model.temperature": 0.5}, CONFIG
    )
    assert ours == {"model.temperature": 0.5}
    assert lines == [
        "ignored, since only a file given with --config sets it: model.window, training.steps"
    ]


def test_many_and_long_names_make_a_short_line():
    given = {f"{'x' * 5000}{number}": 0 for number in range(100)}
    (line,) = sort_out(given, CONFIG)[1]
    assert line.endswith(f"... and {100 - MOST_NAMED} more")
    assert len(line) < 100 + MOST_NAMED * (LONGEST_NAME + 10)

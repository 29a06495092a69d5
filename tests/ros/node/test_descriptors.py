"""Parameter descriptors, which describe each setting to ROS 2's tools."""

import pytest
from rigs.server import TYPES

from reactface_node.config import Config
from reactface_node.config.settings import settings
from reactface_node.ros.node.descriptors import parameter_descriptor

SETTINGS = {item.name: item for item in settings(Config())}


@pytest.mark.parametrize("has_configure", [False, True])
def test_every_setting_is_described(has_configure):
    for item in SETTINGS.values():
        about = parameter_descriptor(TYPES, item, has_configure)
        assert (about.name, about.description) == (item.name, item.help) and about.description
        assert about.type == {bool: 1, int: 2, float: 3, str: 4}[type(item.value)]
        ranges = [*about.floating_point_range, *about.integer_range]
        has_range = item.low is not None and item.high is not None
        assert len(ranges) == has_range
        for limits in ranges:
            assert limits.from_value <= item.value <= limits.to_value
            assert item.low <= limits.from_value and limits.to_value <= item.high
        assert about.read_only == (not has_configure and not item.live)
        said = "read in configure" in about.additional_constraints
        assert said == (has_configure and not item.live)
        TYPES.serialize(about)


def test_a_number_a_choice_and_one_that_is_read_in_configure():
    gain = parameter_descriptor(TYPES, SETTINGS["playout.gain"], True)
    (limits,) = gain.floating_point_range
    assert (limits.from_value, limits.to_value, limits.step) == (0.0, 3.0, 0.0)
    (limits,) = parameter_descriptor(TYPES, SETTINGS["web.port"], True).integer_range
    assert (limits.from_value, limits.to_value, limits.step) == (0, 65535, 1)
    mode = parameter_descriptor(TYPES, SETTINGS["mode"], True)
    choices = ", ".join(SETTINGS["mode"].choices)
    assert mode.additional_constraints == f"one of {choices}; read in configure"
    assert parameter_descriptor(TYPES, SETTINGS["mode"], False).additional_constraints == (
        f"one of {choices}"
    )

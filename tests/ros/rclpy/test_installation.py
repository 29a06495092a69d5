"""Which parts of ROS 2 are sourced, by the environment alone."""

import sys
import types

import pytest

from reactface_node.ros.rclpy import installation


def test_what_is_sourced(monkeypatch):
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    monkeypatch.delenv("AMENT_PREFIX_PATH", raising=False)
    assert installation.sourced_distribution() == ""
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/somewhere")
    assert installation.sourced_distribution() == "jazzy"
    monkeypatch.delenv("ROS_DISTRO")
    assert installation.sourced_distribution() == "unknown"


def test_packages_and_setup_files(monkeypatch, tmp_path):
    (tmp_path / "jazzy/share/rmw_x").mkdir(parents=True)
    (tmp_path / "jazzy/share/rmw_x/package.xml").touch()
    (tmp_path / "jazzy/setup.bash").touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path}/jazzy")
    assert installation.has_package("rmw_x") and not installation.has_package("rmw_y")
    assert installation.setup_files(tmp_path) == [tmp_path / "jazzy/setup.bash"]


def test_what_does_not_load(monkeypatch):
    monkeypatch.setitem(sys.modules, "rclpy", None)
    monkeypatch.setitem(sys.modules, "rclpy.lifecycle", None)
    with pytest.raises(ImportError):
        installation.import_rclpy()
    made = []
    messages = types.SimpleNamespace(ListenerEvent=lambda: made.append("ListenerEvent"))
    monkeypatch.setitem(sys.modules, "reactface_msgs", types.ModuleType("reactface_msgs"))
    monkeypatch.setitem(sys.modules, "reactface_msgs.msg", messages)
    installation.import_messages()
    assert made == ["ListenerEvent"]
    monkeypatch.setitem(sys.modules, "reactface_msgs.msg", types.SimpleNamespace())
    with pytest.raises(AttributeError, match="ListenerEvent"):
        installation.import_messages()
    monkeypatch.setitem(sys.modules, "reactface_msgs.msg", None)
    with pytest.raises(ImportError):
        installation.import_messages()

"""A robot of several: what its failures do, without a wire."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.ros.dds.robots import Robot
from reactface_node.ros.node.failures import RepeatedFailure
from reactface_node.ros.node.robots import RESTART_S


class Node:
    """Fails in a turn with ``error``."""

    def __init__(self):
        self.error, self.turns, self.is_closed = None, 0, False
        self.server = SimpleNamespace(guarded=self.guarded, rest_s=lambda now_s: 0.03)

    @contextmanager
    def guarded(self, what, now_s):
        yield

    def next_s(self, now_s):
        return now_s + 0.01

    def spin(self, now_s):
        self.turns += 1
        if self.error is not None:
            raise self.error

    def close(self):
        self.is_closed = True


@pytest.fixture
def robot():
    parts = [SimpleNamespace(resets=0) for _ in range(2)]
    for part in parts:
        part.reset = lambda part=part: setattr(part, "resets", part.resets + 1)
    nodes = []

    def make(config, session, renderer, namespace):
        nodes.append(Node())
        return nodes[-1]

    made = Robot("a", Config(), tuple(parts), make)
    made.nodes, made.parts = nodes, parts
    return made


def test_repeated_failures_end_it_for_ten_seconds(robot, caplog):
    robot.spin(100.0)
    robot.nodes[0].error = RepeatedFailure("five internal errors")
    robot.spin(101.0)
    assert robot.nodes[0].is_closed and not robot.is_over and robot.next_s(101.0) > 1e9
    assert [record.message for record in caplog.records] == [
        "robot a has ended: RepeatedFailure: five internal errors; it begins anew in 10 s"
    ]
    robot.spin(101.0 + RESTART_S - 0.1)
    assert len(robot.nodes) == 1
    robot.spin(101.0 + RESTART_S)
    robot.spin(102.0 + RESTART_S)
    assert len(robot.nodes) == 2 and robot.nodes[1].turns == 1
    assert [part.resets for part in robot.parts] == [1, 1]


def test_a_clock_that_jumps_back_does_not_keep_it_away(robot):
    robot.nodes[0].error = RepeatedFailure("five internal errors")
    robot.spin(101.0)
    robot.spin(50.0)
    assert len(robot.nodes) == 2


def test_a_users_mistake_ends_it_for_good(robot):
    robot.nodes[0].error = UserError("the GPU is lost")
    robot.spin(101.0)
    robot.spin(1001.0)
    assert robot.is_over and len(robot.nodes) == 1


def test_a_begin_that_fails_is_tried_again_later(robot):
    robot.nodes[0].error = RepeatedFailure("five internal errors")
    robot.spin(100.0)

    def fails():
        raise ZeroDivisionError("a broken session")

    mended, robot.parts[0].reset = robot.parts[0].reset, fails
    robot.spin(110.0)
    assert not robot.is_over and len(robot.nodes) == 1
    robot.parts[0].reset = mended
    robot.spin(115.0)
    assert len(robot.nodes) == 1
    robot.spin(120.0)
    assert len(robot.nodes) == 2


def test_a_node_that_cannot_tell_its_next_turn_gets_one_at_once(robot):
    def broken(now_s):
        raise ZeroDivisionError("a broken session")

    assert (robot.next_s(100.0), robot.rest_s(100.0)) == (100.01, 0.03)
    robot.nodes[0].next_s = robot.nodes[0].server.rest_s = broken
    assert (robot.next_s(100.0), robot.rest_s(100.0)) == (100.0, 0.0)

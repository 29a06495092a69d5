"""Transitions that lifecycle managers ask for, valid or not, under a real rclpy."""

import pytest
from rigs.rclpy_graph import activate, needs_ros, ros_graph, until

CREATE, CONFIGURE, CLEANUP, ACTIVATE, DEACTIVATE = range(5)
UNCONFIGURED_SHUTDOWN, INACTIVE_SHUTDOWN, ACTIVE_SHUTDOWN, DESTROY = range(5, 9)
VALID = {
    "unconfigured": {CONFIGURE, UNCONFIGURED_SHUTDOWN},
    "inactive": {CLEANUP, ACTIVATE, INACTIVE_SHUTDOWN},
    "active": {DEACTIVATE, ACTIVE_SHUTDOWN},
    "finalized": set(),
}
# The last ones are of rclpy's own use, or unknown.
ALL = (*range(9), 10, 20, 30, 40, 50, 60, 77, 255)


@pytest.fixture
def ros(monkeypatch):
    with ros_graph(monkeypatch) as graph:
        yield graph


class Manager:
    """Calls the node's lifecycle services as nav2's lifecycle manager does."""

    def __init__(self, ros):
        from lifecycle_msgs.srv import ChangeState, GetState

        self._ros, self._change, self._get = ros, ChangeState, GetState
        self._clients = {
            kind: ros.peer.create_client(kind, f"/reactface/{name}")
            for kind, name in ((ChangeState, "change_state"), (GetState, "get_state"))
        }
        for client in self._clients.values():
            assert until(ros, client.service_is_ready)

    def _ask(self, kind, request):
        answer = self._clients[kind].call_async(request)
        until(self._ros, answer.done)
        return answer.result()

    def change(self, number, label=""):
        request = self._change.Request()
        request.transition.id, request.transition.label = number, label
        return self._ask(self._change, request).success

    def state(self):
        return self._ask(self._get, self._get.Request()).current_state.label


def brought_to(ros, state):
    node = ros.node()
    if state == "inactive":
        node.trigger_configure()
    elif state == "active":
        activate(node)
    elif state == "finalized":
        node.trigger_shutdown()
    return Manager(ros)


@needs_ros
@pytest.mark.parametrize("state", VALID)
def test_an_invalid_transition_is_refused_and_nothing_changes(ros, state):
    manager = brought_to(ros, state)
    for number in ALL:
        if number not in VALID[state]:
            assert not manager.change(number), number
            assert manager.state() == state
    # The label counts where there is one.
    assert not manager.change(CONFIGURE, "no such transition")
    assert not manager.change(min(VALID[state], default=0), "create")
    assert manager.state() == state


@needs_ros
def test_a_lifecycle_manager_starts_pauses_resets_and_ends_it(ros):
    """nav2's: startup, pause, resume, reset, startup, shutdown."""
    manager = brought_to(ros, "unconfigured")
    startup, pause, reset = (CONFIGURE, ACTIVATE), (DEACTIVATE,), (DEACTIVATE, CLEANUP)
    for number in (*startup, *pause, ACTIVATE, *reset, *startup, *reset, UNCONFIGURED_SHUTDOWN):
        assert manager.change(number), number
    assert manager.state() == "finalized"


@needs_ros
def test_a_configure_that_fails_is_answered_and_may_be_repeated(ros, monkeypatch):
    from reactface_node.errors import UserError

    def fails(config):
        raise UserError("no weights")

    manager = brought_to(ros, "unconfigured")
    with monkeypatch.context() as patch:
        patch.setattr("reactface_node.session.session.ReactionSession.load", fails)
        assert not manager.change(CONFIGURE)
        assert manager.state() == "unconfigured"
    assert manager.change(CONFIGURE) and manager.change(ACTIVATE)
    assert manager.state() == "active"

"""Services over DDS with errors inside them, and the end of the process without ROS."""

import socket
import threading
from types import SimpleNamespace

import pytest
from rigs.changes import parameter
from rigs.server import START_S, TYPES, FakeRenderer, FakeSession, an_image, faked_node

from reactface_node.cli.main import main
from reactface_node.config import Config
from reactface_node.ros.dds import live as live_module
from reactface_node.ros.dds.services import make_services
from reactface_node.ros.dds.wire import Reader
from reactface_node.ros.node.failures import RepeatedFailure
from reactface_node.ros.node.parameters import MOST_NAMES


class FakeWire:
    """Requests that a test puts in, and the replies as bytes would hold them."""

    def __init__(self):
        self.requests, self.replies = {}, {}

    def reader(self, topic, kind, types, quality, extra=""):
        waiting = self.requests.setdefault(topic, [])

        def take():
            taken, waiting[:] = list(waiting), []
            return iter(taken)

        return SimpleNamespace(take=take)

    def writer(self, topic, kind, types, quality, extra=""):
        written = self.replies.setdefault(topic, [])

        def write(message):
            types.serialize(message)
            written.append(message)

        return SimpleNamespace(matched=1, write=write)


@pytest.fixture
def node():
    made = faked_node()
    made.wire = FakeWire()
    made.services = make_services(made.wire, TYPES, "/reactface", made.server)

    def ask(name, **fields):
        request = SimpleNamespace(guid=7, seq=1, **fields)
        made.wire.requests[f"rq/reactface/{name}Request"].append(request)
        for service in made.services:
            service.spin(START_S)
        (reply,) = made.wire.replies[f"rr/reactface/{name}Reply"]
        made.wire.replies[f"rr/reactface/{name}Reply"].clear()
        assert (reply.guid, reply.seq) == (7, 1)
        return reply

    made.ask = ask
    return made


def broken(*_arguments, **_named):
    raise ZeroDivisionError("by zero")


REASON = "failed: ZeroDivisionError: by zero"


@pytest.mark.parametrize(
    ("name", "fields"),
    [("reset", {}), ("enable", {"data": True}), ("set_portrait", {"file": "me.png"})],
)
def test_a_switch_that_fails_inside_says_so(node, name, fields, caplog):
    for part in ("reset", "enable", "configure"):
        setattr(node.server, part, broken)
    for _ in range(20):
        reply = node.ask(name, **fields)
        assert reply.success is False
        assert reply.message == f"the service /reactface/{name} {REASON}"
    assert node.server._failures.count == 20
    assert sum(record.exc_info is not None for record in caplog.records) == 1
    node.server.tick(START_S)  # It is not what ends a node.


def test_setting_that_fails_inside_says_so(node):
    node.session.check = broken
    given = [parameter("playout.gain", 1.5)]
    for _ in range(20):
        (result,) = node.ask("set_parameters", parameters=given).results
        assert (result.successful, result.reason) == (False, f"changing settings {REASON}")
        result = node.ask("set_parameters_atomically", parameters=given).result
        assert (result.successful, result.reason) == (False, f"changing settings {REASON}")
    node.server.tick(START_S)
    assert node.session.resets == 0


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("list_parameters", "result"),
        ("get_parameters", "values"),
        ("get_parameter_types", "types"),
        ("describe_parameters", "descriptors"),
    ],
)
def test_what_is_asked_of_too_much_or_fails_gets_an_empty_answer(node, name, field):
    many = {
        "names": ["playout.gain"] * (MOST_NAMES + 1),
        "prefixes": ["playout"] * (MOST_NAMES + 1),
        "depth": 0,
    }
    few = {key: value[:1] if key != "depth" else 0 for key, value in many.items()}

    def answered(fields):
        found = getattr(node.ask(name, **fields), field)
        return found.names if field == "result" else found

    assert len(answered(few)) > 0 and len(answered(many)) == 0
    node.server._changes._session = None  # whatever it needs is gone
    assert len(answered(few)) == 0 and node.server._failures.count == 1


def test_a_request_that_cannot_be_read_is_left_out(node):
    node.wire.requests["rq/reactface/resetRequest"].append(ValueError("damaged"))
    assert node.ask("reset").success


def test_setting_too_many_at_once_is_refused_in_one_answer(node):
    many = [parameter("playout.gain", 1.5)] * (MOST_NAMES + 1)
    (result,) = node.ask("set_parameters", parameters=many).results
    assert result.reason == f"{MOST_NAMES + 1} at once are too many: {MOST_NAMES} at most"
    result = node.ask("set_parameters_atomically", parameters=many).result
    assert not result.successful and node.server.config == Config()


class Entity:
    """A DDS reader into which ``more`` puts a message whenever one is dealt with."""

    def __init__(self, waiting, more=0):
        self.waiting, self.more, self.takes = list(waiting), more, []

    def take(self, N):
        self.takes.append(N)
        taken, self.waiting = self.waiting[:N], self.waiting[N:]
        info = SimpleNamespace(valid_data=True, publication_handle=5)
        return [SimpleNamespace(data=data, sample_info=info) for data in taken]


def drained(entity, depth):
    data = bytes(TYPES.serialize(TYPES.message_type("std_msgs/msg/Bool")(data=True)))
    entity.waiting = [data] * len(entity.waiting)
    taken = 0
    for message, writer in Reader(entity, "std_msgs/msg/Bool", TYPES, depth).take_from():
        assert message.data and writer == 5
        taken += 1
        if entity.more > 0:
            entity.more -= 1
            entity.waiting.append(data)
    return taken


@pytest.mark.parametrize(
    ("waiting", "more", "depth", "taken"),
    [(0, 0, 50, 0), (50, 0, 50, 50), (50, 20, 50, 70), (50, 10_000, 50, 100), (1, 100, 1, 2)],
)
def test_what_comes_meanwhile_is_taken_too_up_to_a_bound(waiting, more, depth, taken):
    assert drained(Entity([None] * waiting, more), depth) == taken


def test_a_sample_that_cannot_be_read_costs_no_other(monkeypatch):
    good = bytes(TYPES.serialize(an_image()))
    reader = Reader(Entity([b"\0\1", good, b"", good]), "sensor_msgs/msg/Image", TYPES, 10)
    kinds = [isinstance(message, Exception) for message in reader.take()]
    assert kinds == [True, False, True, False]
    monkeypatch.setattr(TYPES, "deserialize", broken)
    reader = Reader(Entity([good]), "sensor_msgs/msg/Image", TYPES, 10)
    assert [type(message) for message in reader.take()] == [ZeroDivisionError]


def test_the_node_on_the_wire_ends_after_the_fifth_internal_error(caplog):
    pytest.importorskip("cyclonedds", reason="the wire without ROS needs the cyclonedds wheel")
    from reactface_node.ros.dds.graph import serve

    session = FakeSession(Config().replace(**{"ros.network_interface": "lo"}))
    session.poll = broken
    with pytest.raises(RepeatedFailure, match="a turn of the node failed: ZeroDivisionError"):
        serve(session.config, session, FakeRenderer(), threading.Event())
    assert session.resets == 5 and "the node ends after 5 internal errors" in caplog.text


@pytest.mark.parametrize("command", ["live", "serve"])
def test_the_command_line_then_ends_with_1(command, monkeypatch, capsys):
    def fails(*_arguments):
        raise RepeatedFailure("5 internal errors")

    monkeypatch.setattr(live_module, "serve", fails)
    monkeypatch.setattr(live_module, "stop_on_signals", threading.Event)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    session = FakeSession()
    session.close = lambda: None
    monkeypatch.setattr(live_module.ReactionSession, "load", lambda config: session)
    page = ["--port", port] if command == "serve" else []
    assert main([command, "--set", "render.renderer=none", *page]) == 1
    assert "Traceback" not in capsys.readouterr().err

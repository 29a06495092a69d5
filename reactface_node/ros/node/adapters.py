"""Further outputs of each frame (``config.outputs.OutputsConfig``): messages and datagrams."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import numpy as np

from reactface_node.config.outputs import OutputsConfig
from reactface_node.errors import UserError, one_line
from reactface_node.files.whole import home_path
from reactface_node.outputs import livelink, vmc
from reactface_node.outputs.address import parse_address
from reactface_node.outputs.expression import express
from reactface_node.outputs.facs import action_units
from reactface_node.outputs.motors import MotorMap
from reactface_node.ros.messages.convert import header
from reactface_node.ros.messages.types import MessageTypes
from reactface_node.ros.node.topics import (
    EXPRESSION,
    FACS,
    JOINT_STATES,
    JOINT_TRAJECTORY,
    MOTORS,
    OUTPUTS,
)
from reactface_node.schema import COEFFICIENT_NAMES, FRAME_RATE_HZ, ListenerEvent


class Frame(NamedTuple):
    """A face (58,) to be shown at ``show_at_s``, and how to publish messages made from it."""

    types: MessageTypes
    show_at_s: float
    frame_id: str
    face: np.ndarray
    publish: Callable[[str, Any], None]


class Adapter(ABC):
    """One output. name: for the log. topics: that it publishes."""

    name: str
    topics: tuple[str, ...] = ()

    @abstractmethod
    def send(self, frame: Frame) -> None: ...

    def tell(self, event: ListenerEvent) -> None:
        """Send an event; most outputs carry none."""
        return

    def close(self) -> None:
        """Free what the output holds; most hold nothing."""
        return


class Adapters:
    """All outputs of a configuration. An output that fails is logged once and never raises.

    topics: those of ``topics.ADAPTER_TOPICS`` that ``send`` may publish.
    """

    def __init__(self, config: OutputsConfig) -> None:
        """UserError for a wrong address, an unknown host or a wrong motor map."""
        self._adapters: list[Adapter] = []
        self._failed: set[str] = set()
        self._log = logging.getLogger(__name__)
        try:
            for adapter in _wanted(config):
                self._adapters.append(adapter)
        except Exception:
            self.close()
            raise
        named = [topic for adapter in self._adapters for topic in adapter.topics]
        self.topics = {topic: OUTPUTS[topic] for topic in named}

    def send(
        self,
        types: MessageTypes,
        show_at_s: float,
        frame_id: str,
        face: np.ndarray,
        publish: Callable[[str, Any], None],
    ) -> None:
        """Send one frame (58,) to every output."""
        frame = Frame(types, float(show_at_s), frame_id, face, publish)
        self._each(lambda adapter: adapter.send(frame))

    def tell(self, event: ListenerEvent) -> None:
        """Send an event to every output that carries events."""
        self._each(lambda adapter: adapter.tell(event))

    def _each(self, send: Callable[[Adapter], None]) -> None:
        for adapter in self._adapters:
            try:
                send(adapter)
            except Exception as error:
                self._fail(adapter.name, error)

    def close(self) -> None:
        for adapter in self._adapters:
            adapter.close()

    def _fail(self, name: str, error: Exception) -> None:
        if name not in self._failed:
            self._failed.add(name)
            self._log.error("%s failed, which is said only once: %s", name, one_line(error))


def _wanted(config: OutputsConfig) -> Iterator[Adapter]:
    if config.expression:
        yield _Message(EXPRESSION, expression)
    if config.facs:
        yield _Message(FACS, facial_action_units)
    if config.joint_states:
        yield _Message(JOINT_STATES, coefficient_states)
    if config.motor_map:
        with _named("motor_map"):
            yield _Motors(MotorMap.load(home_path(config.motor_map)))
    if config.livelink:
        with _named("livelink"):
            host, port = parse_address(config.livelink, livelink.PORT)
            yield _Datagrams("Live Link Face", livelink.LiveLink(host, port))
    if config.vmc:
        with _named("vmc"):
            host, port = parse_address(config.vmc, vmc.PORT)
            yield _VmcDatagrams(vmc.Vmc(host, port))


@contextmanager
def _named(output: str) -> Iterator[None]:
    """Adds the setting's name to a user's mistake."""
    try:
        yield
    except UserError as error:
        raise UserError(f"outputs.{output}: {error}") from error


class _Message(Adapter):
    """A message that depends only on the face of the frame."""

    def __init__(self, topic: str, build: Callable[[Frame], Any]) -> None:
        self.name, self.topics = topic, (topic,)
        self._build = build

    def send(self, frame: Frame) -> None:
        frame.publish(self.topics[0], self._build(frame))


class _Motors(Adapter):
    """The motor map; the joints start from their positions one frame ago."""

    name = "the motor map"
    topics = (MOTORS, JOINT_TRAJECTORY)

    def __init__(self, motors: MotorMap) -> None:
        self._motors = motors
        self._positions: np.ndarray | None = None

    def send(self, frame: Frame) -> None:
        names = self._motors.names
        self._positions = self._motors.move(frame.face, self._positions)
        frame.publish(MOTORS, joint_state(frame, names, self._positions))
        frame.publish(JOINT_TRAJECTORY, joint_trajectory(frame, names, self._positions))


class _Sender(Protocol):
    @property
    def dropped(self) -> int: ...
    def send(self, show_at_s: float, face: np.ndarray) -> None: ...
    def close(self) -> None: ...


class _Datagrams(Adapter):
    """UDP datagrams to another program; a failure to send is logged once."""

    def __init__(self, name: str, sender: _Sender) -> None:
        self.name = name
        self._sender = sender
        self._warned = False

    def send(self, frame: Frame) -> None:
        self._sender.send(frame.show_at_s, frame.face)
        if self._sender.dropped and not self._warned:
            self._warned = True
            text = "%s: nobody takes the datagrams; sending goes on, which is said only once"
            logging.getLogger(__name__).warning(text, self.name)

    def close(self) -> None:
        self._sender.close()


class _VmcDatagrams(_Datagrams):
    """VMC carries events too."""

    def __init__(self, sender: vmc.Vmc) -> None:
        super().__init__("VMC", sender)
        self._vmc = sender

    def tell(self, event: ListenerEvent) -> None:
        self._vmc.tell(event)


def expression(frame: Frame) -> Any:
    """-> hri_msgs/Expression."""
    found = express(frame.face)
    return frame.types.message_type("hri_msgs/msg/Expression")(
        header=_header(frame),
        expression=found.name,
        valence=found.valence,
        arousal=found.arousal,
        confidence=found.confidence,
    )


def facial_action_units(frame: Frame) -> Any:
    """-> hri_msgs/FacialActionUnits, indexed by AU code."""
    intensity, confidence = action_units(frame.face)
    return frame.types.message_type("hri_msgs/msg/FacialActionUnits")(
        header=_header(frame), intensity=intensity, confidence=confidence
    )


def coefficient_states(frame: Frame) -> Any:
    """-> sensor_msgs/JointState: the 52 weights and the head's pose by name."""
    return joint_state(frame, COEFFICIENT_NAMES, frame.face)


def joint_state(frame: Frame, names: tuple[str, ...], positions: np.ndarray) -> Any:
    """(J,) -> sensor_msgs/JointState without velocity and effort."""
    none = _float64(frame.types, np.zeros(0))
    return frame.types.message_type("sensor_msgs/msg/JointState")(
        header=_header(frame),
        name=list(names),
        position=_float64(frame.types, positions),
        velocity=none,
        effort=none,
    )


def joint_trajectory(frame: Frame, names: tuple[str, ...], positions: np.ndarray) -> Any:
    """(J,) -> trajectory_msgs/JointTrajectory: one point, to be reached by the next frame.

    Its stamp is zero, which controllers take as "now": with ``show_at_s`` a frame that is late by
    one period would have ended in the past and be refused.
    """
    types = frame.types
    none = _float64(types, np.zeros(0))
    duration = types.message_type("builtin_interfaces/msg/Duration")
    point = types.message_type("trajectory_msgs/msg/JointTrajectoryPoint")(
        positions=_float64(types, positions),
        velocities=none,
        accelerations=none,
        effort=none,
        time_from_start=duration(sec=0, nanosec=1_000_000_000 // FRAME_RATE_HZ),
    )
    return types.message_type("trajectory_msgs/msg/JointTrajectory")(
        header=header(types, 0.0, frame.frame_id), joint_names=list(names), points=[point]
    )


def _header(frame: Frame) -> Any:
    return header(frame.types, frame.show_at_s, frame.frame_id)


def _float64(types: MessageTypes, values: np.ndarray) -> Any:
    """float64[]; the dtype matters, as rclpy takes the raw bytes."""
    return types.sequence(np.asarray(values, np.float64))

"""ROS 2 topics on the DDS wire without ROS, by Eclipse Cyclone DDS; rosbags encodes messages.

A ROS 2 graph expects these things of a participant (rmw_cyclonedds, REP-2016): topic "rt/<name>",
type "package::msg::dds_::Name_", the type's hash in an endpoint's USER_DATA, plain CDR, and
"ros_discovery_info" to say which endpoints belong to which node.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from reactface_node.errors import UserError
from reactface_node.ros.dds.discovery import (
    domain_config,
    is_local,
    take_from_loopback_alone,
    udp_sockets,
)
from reactface_node.ros.dds.wire_types import ros_type, sample_class
from reactface_node.ros.messages.types import RosbagsTypes

# A sample is dropped if a reader's buffers stay full for this time; the face must not freeze.
_MAX_BLOCKING_NS = 50_000_000


@dataclass(frozen=True)
class Quality:
    """The part of ROS 2's QoS that is used here."""

    reliable: bool = True
    depth: int = 10
    transient_local: bool = False


class Writer:
    """Publishes messages of one type on one topic."""

    def __init__(self, entity: Any, data_type: Any, types: RosbagsTypes) -> None:
        self.entity, self._data_type, self._types = entity, data_type, types

    @property
    def matched(self) -> int:
        """The number of matched readers."""
        return len(self.entity.get_matched_subscriptions())

    def write(self, message: Any) -> bool:
        """Send a message; False if it was dropped since a reliable reader does not keep up."""
        from cyclonedds.core import DDSException

        try:
            self.entity.write(self._data_type(bytes(self._types.serialize(message))))
        except DDSException as error:
            if error.code == DDSException.DDS_RETCODE_TIMEOUT:
                return False
            raise
        return True


class Reader:
    """Receives messages of one type on one topic."""

    def __init__(self, entity: Any, type_name: str, types: RosbagsTypes, depth: int) -> None:
        """depth: of the queue."""
        self.entity, self._type_name, self._types = entity, type_name, types
        self._depth = depth

    @property
    def matched(self) -> int:
        """The number of matched writers."""
        return len(self.entity.get_matched_publications())

    def take(self) -> Iterator[Any]:
        """The messages that have come since the last call; for a damaged one its error."""
        return (message for message, _ in self.take_from())

    def take_from(self) -> Iterator[tuple[Any, int]]:
        """As ``take``, each with a number that identifies its writer.

        Messages that arrive in the meantime are taken too, since audio that waited for the next
        call would fall behind. At most twice the queue's depth is taken, so that a fast sender
        cannot block the node.
        """
        left = 2 * self._depth
        while left > 0 and (samples := self.entity.take(N=min(left, 100))):
            left -= len(samples)
            for sample in samples:
                if sample.sample_info.valid_data:
                    writer = int(sample.sample_info.publication_handle)
                    yield self._read(sample.data), writer

    def _read(self, data: bytes) -> Any:
        """The message, or the error of reading it."""
        try:
            return self._types.deserialize(data, self._type_name)
        except Exception as error:
            return error


class Participant:
    """One DDS participant. UserError if cyclonedds is missing or the network interface cannot be
    used."""

    def __init__(self, domain_id: int, interface: str = "") -> None:
        try:
            from cyclonedds.core import DDSException
            from cyclonedds.domain import Domain, DomainParticipant
            from cyclonedds.qos import Policy, Qos
        except ImportError as error:
            raise UserError(
                "running live without ROS needs cyclonedds (pip install cyclonedds); there is a "
                "wheel for x86-64 only: elsewhere use ROS 2"
            ) from error
        xml, others = domain_config(interface), udp_sockets()
        try:
            self._domain = Domain(domain_id, xml)
            self.entity = DomainParticipant(domain_id, qos=Qos(Policy.Userdata(b"enclave=/;")))
        except DDSException as error:
            where = f"network interface '{interface}'" if interface else "the network"
            raise UserError(
                f"DDS cannot use {where} (ROS_DOMAIN_ID {domain_id}): {error.msg}"
            ) from error
        if is_local(xml):
            take_from_loopback_alone(udp_sockets() - others)
        self._types = RosbagsTypes()
        self._classes: dict[tuple[RosbagsTypes, str], Any] = {}
        self._nodes: list[Wire] = []
        self._publications: Any = None
        name, quality = "ros_discovery_info", Quality(depth=1, transient_local=True)
        kind = "rmw_dds_common/msg/ParticipantEntitiesInfo"
        self._discovery = self.writer(name, self._types, kind, quality)

    def add(self, node: "Wire") -> None:
        """Make a node part of what ``announce`` publishes."""
        self._nodes.append(node)

    def remove(self, node: "Wire") -> None:
        """Leave a node out from now on."""
        self._nodes.remove(node)

    def announce(self) -> None:
        """Publish which endpoints each node has."""
        build = self._types.message_type
        nodes = [
            build("rmw_dds_common/msg/NodeEntitiesInfo")(
                node_namespace=f"/{node.namespace}",
                node_name=node.name,
                reader_gid_seq=[self._gid(one) for one in node.readers],
                writer_gid_seq=[self._gid(one) for one in node.writers],
            )
            for node in self._nodes
        ]
        self._discovery.write(
            build("rmw_dds_common/msg/ParticipantEntitiesInfo")(
                gid=self._gid(self.entity), node_entities_info_seq=nodes
            )
        )

    def published_types(self) -> dict[str, list[str]]:
        """{DDS topic: the ROS type name of each of its writers} of all participants now."""
        from cyclonedds import builtin
        from cyclonedds.core import InstanceState, ReadCondition, SampleState, ViewState

        if self._publications is None:
            self._publications = builtin.BuiltinDataReader(
                self.entity, builtin.BuiltinTopicDcpsPublication
            )
            self._alive = ReadCondition(
                self._publications, SampleState.Any | ViewState.Any | InstanceState.Alive
            )
        found: dict[str, list[str]] = {}
        for end in self._publications.read(N=10_000, condition=self._alive):
            found.setdefault(end.topic_name, []).append(ros_type(end.type_name))
        return found

    def writer(
        self, topic: str, types: RosbagsTypes, type_name: str, quality: Quality, extra: str = ""
    ) -> Writer:
        from cyclonedds.pub import DataWriter

        entity = DataWriter(
            self.entity,
            self.topic(topic, types, type_name),
            qos=_qos(quality, extra + _hash_entry(types, type_name)),
        )
        return Writer(entity, entity.data_type, types)

    def waitset(self) -> Any:
        """A new waitset, which waits for conditions of any node of the participant."""
        from cyclonedds.core import WaitSet

        return WaitSet(self.entity)

    def topic(self, topic: str, types: RosbagsTypes, type_name: str) -> Any:
        from cyclonedds.topic import Topic

        key = (types, type_name)
        if key not in self._classes:
            self._classes[key] = sample_class(types, type_name)
        return Topic(self.entity, topic, self._classes[key])

    def close(self) -> None:
        """Leave the domain; readers and writers end with it."""
        self._nodes.clear()
        # The only way of the binding to delete an entity at once; it may be called again.
        self.entity.__del__()
        self._domain.__del__()

    def _gid(self, entity: Any) -> Any:
        gid = np.frombuffer(entity.guid.bytes, np.uint8)
        return self._types.message_type("rmw_dds_common/msg/Gid")(data=gid)


class Wire:
    """One node on the DDS wire, as a ROS 2 graph sees it.

    readers, writers: its DDS entities.
    """

    def __init__(
        self,
        node_name: str,
        domain_id: int,
        interface: str = "",
        namespace: str = "",
        participant: Participant | None = None,
    ) -> None:
        """namespace: without a leading "/". participant: that of another node of this process;
        ``close`` then leaves it. UserError as ``Participant``."""
        self.name, self.namespace = node_name, namespace
        self.readers: list[Any] = []
        self.writers: list[Any] = []
        self._is_owner = participant is None
        self.participant = participant or Participant(domain_id, interface)
        self.participant.add(self)

    def writer(
        self, topic: str, type_name: str, types: RosbagsTypes, quality: Quality, extra: str = ""
    ) -> Writer:
        """A new writer. topic: with its prefix, "rt/...". extra: more USER_DATA, such as
        "serviceid=...;"."""
        made = self.participant.writer(topic, types, type_name, quality, extra)
        self.writers.append(made.entity)
        return made

    def reader(
        self, topic: str, type_name: str, types: RosbagsTypes, quality: Quality, extra: str = ""
    ) -> Reader:
        from cyclonedds.sub import DataReader

        entity = DataReader(
            self.participant.entity,
            self.participant.topic(topic, types, type_name),
            qos=_qos(quality, extra + _hash_entry(types, type_name)),
        )
        self.readers.append(entity)
        return Reader(entity, type_name, types, quality.depth)

    def remove(self, reader: Reader) -> None:
        """Remove a reader; call ``announce`` afterwards."""
        self.readers.remove(reader.entity)
        reader.entity.__del__()

    def announce(self) -> None:
        """Publish which endpoints the node has; call it after making or removing some."""
        self.participant.announce()

    def published_types(self) -> dict[str, list[str]]:
        """As ``Participant.published_types``."""
        return self.participant.published_types()

    def waitset(self) -> Any:
        """As ``Participant.waitset``."""
        return self.participant.waitset()

    def close(self) -> None:
        """End the node; the participant too, if it is its own."""
        if self._is_owner:
            self.participant.close()
            return
        for entity in (*self.readers, *self.writers):
            entity.__del__()
        self.readers, self.writers = [], []
        self.participant.remove(self)
        self.participant.announce()


def _hash_entry(types: RosbagsTypes, type_name: str) -> str:
    return f"typehash={types.type_hash(type_name)};"


def _qos(quality: Quality, user_data: str) -> Any:
    from cyclonedds.qos import Policy, Qos

    policies = [
        Policy.Reliability.Reliable(_MAX_BLOCKING_NS)
        if quality.reliable
        else Policy.Reliability.BestEffort,
        Policy.History.KeepLast(quality.depth),
        Policy.Durability.TransientLocal if quality.transient_local else Policy.Durability.Volatile,
        Policy.DataRepresentation(use_cdrv0_representation=True),
        Policy.WriterDataLifecycle(autodispose=False),
        Policy.Userdata(user_data.encode()),
    ]
    return Qos(*policies)


def new_id() -> str:
    """An id for a service or client, in the form that rmw_cyclonedds gives them."""
    return ".".join(f"{byte:x}" for byte in uuid.uuid4().bytes)

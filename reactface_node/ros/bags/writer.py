"""Writes a rosbag2 without ROS, whole or not at all."""

import errno
import os
import sqlite3
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from reactface_node.files.whole import cannot_write, check_new, hidden_place
from reactface_node.ros.messages.types import RosbagsTypes

SENSOR_TOPICS_DEPTH = 1


class BagWriter:
    """Writes a rosbag2 folder that appears under ``path`` only when it is whole.

    It grows in a hidden folder beside ``path``, which is removed on any failure and on Ctrl-C;
    what is left of a killed process, the next one removes. storage: "mcap" or "sqlite3".
    compressed: an mcap's chunks by zstd.
    UserError if ``path`` exists, cannot be written or is being written, and if the disk is full.
    """

    def __init__(
        self,
        path: Path,
        storage: str = "mcap",
        types: RosbagsTypes | None = None,
        compressed: bool = False,
    ) -> None:
        self.path = path
        self.types = types or RosbagsTypes()
        self._storage, self._compressed = storage, compressed
        self._connections: dict[str, Any] = {}
        self._place = ExitStack()

    def __enter__(self) -> "BagWriter":
        from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

        check_new(self.path)
        try:
            self._unfinished = self._place.enter_context(hidden_place(self.path))
        except OSError as error:
            self._explain(error)
            raise
        plugin = StoragePlugin.MCAP if self._storage == "mcap" else StoragePlugin.SQLITE3
        # Version 8 is the newest that ROS 2 Humble's tools can read too.
        self._writer = Writer(self._unfinished, version=8, storage_plugin=plugin)
        if self._compressed:
            self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        try:
            self._writer.open()
        except BaseException as error:
            self._discard()
            self._explain(error)
            raise
        return self

    def write(self, topic: str, stamp_s: float, message: Any, best_effort: bool = False) -> None:
        """Adds a message of ``self.types`` as received at ``stamp_s``; times may go back.

        best_effort: the topic is offered as sensor data when the bag is played.
        """
        name = message.__msgtype__
        try:
            if topic not in self._connections:
                self._connections[topic] = self._writer.add_connection(
                    topic,
                    name,
                    typestore=self.types.typestore,
                    offered_qos_profiles=[_qos(best_effort)],
                )
            data = self.types.serialize(message)
            self._writer.write(self._connections[topic], round(stamp_s * 1e9), data)
        except Exception as error:
            self._explain(error)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._writer.close()
            os.rename(self._unfinished, self.path)
        except BaseException as problem:
            self._discard()
            self._explain(problem)
            raise
        self._place.close()

    def _discard(self) -> None:
        # On a full disk it cannot even close its file; what is wrong has been said by then.
        with suppress(OSError, sqlite3.Error):
            self._writer.abort()
        self._place.close()

    def _explain(self, error: BaseException) -> None:
        """Raises a UserError if it is the disk's fault; sqlite has its own words for that."""
        if isinstance(error, sqlite3.Error):
            full = "disk is full" in str(error)
            error = OSError(errno.ENOSPC if full else errno.EIO, str(error))
        if isinstance(error, OSError):
            raise cannot_write(self.path, error) from error


def _qos(best_effort: bool) -> Any:
    from rosbags import interfaces as ros

    forever = ros.QosTime(9223372036, 854775807)  # rmw's infinity
    return ros.Qos(
        history=ros.QosHistory.KEEP_LAST,
        depth=SENSOR_TOPICS_DEPTH if best_effort else 10,
        reliability=ros.QosReliability.BEST_EFFORT if best_effort else ros.QosReliability.RELIABLE,
        durability=ros.QosDurability.VOLATILE,
        deadline=forever,
        lifespan=forever,
        liveliness=ros.QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=forever,
        avoid_ros_namespace_conventions=False,
    )

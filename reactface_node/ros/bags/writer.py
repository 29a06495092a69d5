"""Writes a rosbag2 without ROS, atomically."""

import sqlite3
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from reactface_node.files.whole import check_new, hidden_place, put_in_place, write_errors
from reactface_node.ros.messages.types import RosbagsTypes

SENSOR_TOPICS_DEPTH = 1


class BagWriter:
    """Writes a rosbag2 folder that appears as ``path`` only when it is complete.

    The files are written to a hidden folder beside ``path``, which is removed after any failure and
    after Ctrl-C; the next call removes the folder of a killed process. storage: "mcap" or
    "sqlite3". compressed: an mcap's chunks by zstd.
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
        plugin = StoragePlugin.MCAP if self._storage == "mcap" else StoragePlugin.SQLITE3
        with ExitStack() as place, write_errors(self.path):
            self._unfinished = place.enter_context(hidden_place(self.path))
            # Version 8 is the newest that ROS 2 Humble's tools can read too.
            self._writer = Writer(self._unfinished, version=8, storage_plugin=plugin)
            if self._compressed:
                self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
            place.callback(self._abort)
            self._writer.open()
            self._place = place.pop_all()
        return self

    def write(self, topic: str, stamp_s: float, message: Any, best_effort: bool = False) -> None:
        """Add a message of ``self.types``, received at ``stamp_s``; times may go back.

        best_effort: the topic is offered as sensor data when the bag is played.
        """
        name = message.__msgtype__
        with write_errors(self.path):
            if topic not in self._connections:
                self._connections[topic] = self._writer.add_connection(
                    topic,
                    name,
                    typestore=self.types.typestore,
                    offered_qos_profiles=[_qos(best_effort)],
                )
            data = self.types.serialize(message)
            self._writer.write(self._connections[topic], round(stamp_s * 1e9), data)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._place, write_errors(self.path):
            if kind is None:
                self._writer.close()
                put_in_place(self._unfinished, self.path)

    def _abort(self) -> None:
        """Close what is open. This may fail on a full disk, which was reported before."""
        with suppress(OSError, sqlite3.Error):
            self._writer.abort()


def _qos(best_effort: bool) -> Any:
    from rosbags import interfaces as ros

    forever = ros.QosTime(9223372036, 854775807)  # rmw's value for an infinite duration
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

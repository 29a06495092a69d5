"""Services on the wire in the form of rmw_cyclonedds: the node's own and those of parameters.

A service is a request topic "rq/<name>Request" and a reply topic "rr/<name>Reply"; request and
reply begin with the same 16 bytes (definitions.REQUEST_HEADER). Other DDS vendors carry that
identity elsewhere and cannot call these. Cyclone DDS checks every sample against the declared
fields, so the header has to be declared; a ROS 2 newer than Jazzy declares its services without
it and may refuse to match for that reason. Topics are not affected.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from reactface_node.errors import UserError
from reactface_node.ros.dds.wire import Quality, Wire, new_id
from reactface_node.ros.messages.types import RosbagsTypes
from reactface_node.ros.node.parameters import LONGEST_REASON, Answer, Parameters, Refusal
from reactface_node.ros.node.server import Server

Failed = Callable[[str, Exception], str]
"""(what failed, its error) -> the reason for the client."""
MOST_REPLIES = 100
"""Most replies that wait for their clients."""
_REPLY_PATIENCE_S = 1.0


class Service:
    """Answers the requests of one service; every request gets an answer."""

    def __init__(
        self,
        wire: Wire,
        types: RosbagsTypes,
        name: str,
        kind: str,
        answer: Answer,
        refuse: Refusal,
        failed: Failed,
    ) -> None:
        """answer: request -> fields of the reply, or UserError. refuse: reason -> fields of a reply
        that says it. failed: handles an unexpected error of ``answer``."""
        user_data = f"serviceid={new_id()};"
        self.reader = wire.reader(
            f"rq{name}Request", f"{kind}_Request", types, Quality(), user_data
        )
        self._writer = wire.writer(
            f"rr{name}Reply", f"{kind}_Response", types, Quality(), user_data
        )
        self._build = types.message_type(f"{kind}_Response")
        self._name, self._answer, self._refuse, self._failed = name, answer, refuse, failed
        self._waiting: deque[tuple[float, Any]] = deque(maxlen=MOST_REPLIES)

    @property
    def is_waiting(self) -> bool:
        """Whether a reply waits for its client."""
        return bool(self._waiting)

    def spin(self, now_s: float) -> None:
        """Answer all requests that have come.

        A reply waits until its client's reader is matched, which may come after the request; a
        reply that is written before would be lost.
        """
        for request in self.reader.take():
            if not isinstance(request, Exception):
                fields = self._fields(request)
                reply = self._build(guid=request.guid, seq=request.seq, **fields)
                self._waiting.append((now_s, reply))
        while self._waiting and (
            self._writer.matched or abs(now_s - self._waiting[0][0]) > _REPLY_PATIENCE_S
        ):
            self._writer.write(self._waiting.popleft()[1])

    def _fields(self, request: Any) -> Mapping[str, Any]:
        try:
            return self._answer(request)
        except UserError as error:
            return self._refuse(str(error))
        except Exception as error:
            return self._refuse(self._failed(f"the service {self._name}", error))


def make_services(wire: Wire, types: RosbagsTypes, node: str, server: Server) -> list[Service]:
    """All services of a node; node: its full name, "/name"."""
    parameters = Parameters(types, server)

    def reset(_request: Any) -> Mapping[str, Any]:
        server.reset()
        return {"success": True, "message": "the conversation starts again"}

    def enable(request: Any) -> Mapping[str, Any]:
        server.enable(bool(request.data))
        return {"success": True, "message": "enabled" if request.data else "disabled"}

    def set_portrait(request: Any) -> Mapping[str, Any]:
        reason = server.configure({"render.portrait": request.file})
        message = reason[:LONGEST_REASON] or f"{request.file} is shown once it is read"
        return {"success": not reason, "message": message}

    def refuse(reason: str) -> Mapping[str, Any]:
        return {"success": False, "message": reason}

    switches: dict[str, tuple[str, Answer, Refusal]] = {
        "reset": ("std_srvs/srv/Trigger", reset, refuse),
        "enable": ("std_srvs/srv/SetBool", enable, refuse),
        "set_portrait": ("reactface_msgs/srv/SetPortrait", set_portrait, refuse),
    }
    return [
        Service(wire, types, f"{node}/{name}", *about, server.note)
        for name, about in (switches | parameters.answers()).items()
    ]

"""UDP datagrams to one address; those that cannot be sent at once are dropped and counted."""

import socket

from reactface_node.errors import UserError


class Udp:
    """A UDP socket whose ``send`` neither blocks nor raises.

    dropped: datagrams that were not sent, such as while the peer's machine refuses them.
    """

    def __init__(self, host: str, port: int) -> None:
        """Looks the host up, once; UserError if there is none of this name."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except (OSError, UnicodeError) as error:
            raise UserError(f"cannot find the host '{host}': {error}") from error
        family, self._address = found[0][0], found[0][4]
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self._connected = False
        self.dropped = 0

    def send(self, data: bytes) -> None:
        try:
            # Connected, so that refusals are reported; at each try, as the network may come up
            # later.
            if not self._connected:
                self._socket.connect(self._address)
                self._connected = True
            self._socket.send(data)
        except OSError:
            self.dropped += 1

    def close(self) -> None:
        self._socket.close()

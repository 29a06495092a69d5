"""UDP datagrams to one address; those that cannot be sent at once are dropped and counted."""

import socket

from reactface_node.errors import UserError


class Udp:
    """A UDP socket whose ``send`` neither blocks nor raises.

    dropped: datagrams that were not sent, for example because the peer's machine refused them.
    """

    def __init__(self, host: str, port: int) -> None:
        """Look up the host once; UserError if it is not found."""
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
            # A connected socket reports refusals. Connect at each try, since the network may come
            # up later.
            if not self._connected:
                self._socket.connect(self._address)
                self._connected = True
            self._socket.send(data)
        except OSError:
            self.dropped += 1

    def close(self) -> None:
        self._socket.close()

"""Broken and hostile peers: the page's server continues, and logs the problem once."""

import asyncio
import contextlib
import json
import logging
import random
import struct

import aiohttp
import pytest
from rigs.web import HANDSHAKE, opened, raw, reset, see, shaken, web_face, within_deadline

from reactface_node.errors import UserError
from reactface_node.web.words import read_command

KINDS = {"gain": float, "play": int, "mirror": bool, "portrait": str}
MASK = b"\0\0\0\0"
NOISE = random.Random(5).randbytes(4000)


def masked(opcode: int, data: bytes) -> bytes:
    """A WebSocket frame of a client's."""
    return bytes([0x80 | opcode, 0x80 | 127]) + struct.pack(">Q", len(data)) + MASK + data


BARE = {
    "random bytes": NOISE,
    "the same again and again": b"\xff" * 100_000,
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "a line without an end": b"GET /" + b"a" * 200_000,
    "a header without an end": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000,
    "a body that never comes": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n",
    "two lengths": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "no host": b"GET /face HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    "half a handshake": HANDSHAKE.encode()[:60],
    "a handshake without a key": b"GET /face HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "nothing": b"",
}
FRAMES = {
    "random bytes": b"\xff" + NOISE,
    "not masked": b"\x81\x05hello",
    "an unknown kind": masked(11, b"hello"),
    "more than is taken": masked(1, b"[" * 1_000_000),
    "a length beyond all": bytes([0x81, 0xFF]) + b"\x7f" + b"\xff" * 7 + MASK + b"hello",
    "half a character": masked(1, b'{"do": "\xc3'),
    "half a frame": masked(1, b"hello")[:9],
    "a long ping": masked(9, bytes(200)),
    "a goodbye of one byte": masked(8, b"\x03"),
}
WORDS = [
    "",
    "hello",
    "null",
    "[]",
    "17",
    '"reset"',
    "{}",
    '{"do": "dance"}',
    '{"do": ["reset"]}',
    '{"do": "enable"}',
    '{"do": "enable", "value": 1}',
    '{"do": "set"}',
    "[" * 4000,
    '{"a":' * 700,
    '{"do": "set", "value": {}}',
    '{"do": "set", "value": ["playout.gain"]}',
    b"\0\1\2\xff",
    '{"do": "set", "value": {"playout.gain": {"playout.gain": 1}}}',
]


@pytest.fixture
def face(caplog):
    caplog.set_level(logging.INFO)
    with web_face() as opened_face:
        yield opened_face


def complaints(caplog):
    return [record for record in caplog.records if record.name != "asyncio"]


def test_bare_peers_do_no_harm(face, caplog):
    async def scenario():
        async with opened(face) as (page,):
            await see(face, page)
            for number, data in enumerate([*BARE.values()] * 2):
                peer = raw(face)
                with contextlib.suppress(OSError):  # cut off while it still sends
                    peer.sendall(data)
                await see(face, page, number=number)
                if number < len(BARE):
                    kept.append(peer)
                else:
                    reset(peer)

    kept: list = []
    within_deadline(scenario())
    for peer in kept:
        peer.close()
    assert len(complaints(caplog)) == 1 and caplog.records[0].exc_info is None


def test_broken_frames_do_no_harm(face, caplog):
    async def scenario():
        async with opened(face) as (page,):
            await see(face, page)
            for number, data in enumerate(FRAMES.values()):
                for ends in (lambda peer: peer.close(), reset):
                    peer = shaken(face)
                    with contextlib.suppress(OSError):
                        peer.sendall(data)
                    await see(face, page, number=number)
                    ends(peer)

    within_deadline(scenario())
    assert len(complaints(caplog)) <= 1
    assert face.commands() == []


def test_an_invalid_command_is_answered_and_logged_once(face, caplog):
    async def scenario():
        async with opened(face, 2) as (page, other):
            for text in WORDS:
                await page.send_bytes(text if isinstance(text, bytes) else text.encode())
                assert json.loads((await page.receive()).data)["reason"]
            await see(face, other)
            assert not other.closed
            await page.send_str("x" * 5000)
            while (message := await page.receive()).type is aiohttp.WSMsgType.BINARY:
                pass
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1009)
            await see(face, other, number=8)

    within_deadline(scenario())
    assert len(complaints(caplog)) == 1 and "said once" in caplog.text
    assert face.commands() == []


def test_pages_that_come_and_go_leave_nothing_behind(face, caplog):
    async def scenario():
        async with opened(face) as (page,):
            for _ in range(20):
                peers = [shaken(face) for _ in range(10)]
                await see(face, page)
                for peer in peers:
                    reset(peer)
            while len(face._pages._open) > 1:
                await see(face, page)
                await asyncio.sleep(0)
        assert complaints(caplog) == []

    within_deadline(scenario())


@pytest.mark.parametrize(
    "value",
    [
        '{"nobody": 1}',
        '{"gain": "1"}',
        '{"gain": true}',
        '{"gain": [1]}',
        '{"gain": null}',
        '{"play": 1.5}',
        '{"play": true}',
        '{"mirror": 1}',
        '{"mirror": "yes"}',
        '{"portrait": 3}',
        '{"portrait": "\\u0000"}',
        '{"portrait": "\\ud800"}',
        '{"gain": 1, "": 2}',
        '{"\\ud800": 1}',
        '{"gain": %s}' % ("9" * 500),
        '{"play": %s}' % ("9" * 500),
    ],
)
def test_what_could_trip_the_node_is_refused(value):
    with pytest.raises(UserError) as said:
        read_command(f'{{"do": "set", "value": {value}}}', KINDS)
    str(said.value).encode()


def test_every_kind_of_setting_is_read():
    given = {"gain": 2, "play": 3, "mirror": True, "portrait": "ann é.png"}
    what, values = read_command(json.dumps({"do": "set", "value": given}), KINDS)
    assert what == "set" and values == given
    assert {name: type(value) for name, value in values.items()} == KINDS

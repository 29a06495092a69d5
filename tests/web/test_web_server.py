"""The page's server without a browser: many pages, slow pages, and allowed requests."""

import asyncio
import contextlib
import gzip
import http.client
import json
import time
import tracemalloc

import numpy as np
import pytest
from rigs.web import (
    FRAME_BYTES,
    UPGRADE,
    ask,
    numbered,
    opened,
    raw,
    see,
    shaken,
    web_face,
    within_deadline,
)

from reactface_node.errors import UserError
from reactface_node.render.theme import theme_names
from reactface_node.web import MOST_WAITING
from reactface_node.web.viewer import Viewer


@pytest.fixture
def face():
    with web_face() as opened_face:
        yield opened_face


def test_twenty_pages_get_every_frame(face):
    async def scenario():
        async with opened(face, 20) as pages:
            await see(face, *pages)
            for number in range(100, 125):
                face.show(numbered(number), None)
                for page in pages:
                    while (data := (await page.receive()).data)[:4] == numbered(7)[:1].tobytes():
                        pass  # what was still on its way
                    robot, person = np.frombuffer(data, "<f4").reshape(2, 58)
                    assert (robot == number).all() and not person.any()

    within_deadline(scenario())


@pytest.mark.slow
def test_a_page_that_never_reads_slows_nobody_and_takes_no_memory():
    async def show_many(page, frames):
        """Mean time of a call, in seconds."""
        spent = []
        for number in range(frames):
            begun = time.perf_counter()
            face.show(numbered(number), None)
            spent.append(time.perf_counter() - begun)
            if number % 3 == 2:  # so that none is left out of a page that reads
                while (await page.receive()).data[:4] != numbered(number)[:1].tobytes():
                    pass
        return np.mean(spent)

    async def scenario():
        async with opened(face) as (page,):
            await see(face, page)
            while sum(viewer._transport.get_write_buffer_size() > 0 for viewer in viewers()) < 3:
                await show_many(page, 300)  # what the system's buffers take
            tracemalloc.start()
            try:
                await show_many(page, 6000)
                most = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            assert most < 2**20 < 6000 * FRAME_BYTES
            assert await show_many(page, 600) < 0.002

    def viewers():
        return list(face._pages._open)

    with web_face() as face:
        stuck = [shaken(face, 4096) for _ in range(3)]
        within_deadline(scenario())
        begun = time.monotonic()
    assert time.monotonic() - begun < 8 and not face._thread.is_alive()
    for peer in stuck:
        with contextlib.closing(peer), contextlib.suppress(ConnectionResetError):
            peer.settimeout(5)
            while peer.recv(2**20):  # up to the end: it was let go
                pass


def test_what_waits_for_a_slow_page_is_the_newest_frames_and_all_news():
    sent = []

    class Socket:
        async def send_str(self, text):
            sent.append(json.loads(text))

        async def send_bytes(self, data):
            sent.append(data)

    async def scenario():
        viewer = Viewer(Socket(), None, {"old": 1, "stats": 1})
        for number in range(100):
            viewer.put_frame(bytes([number]))
            viewer.put_news({"stats": number})
            viewer.put_news({"reason": "because"} if number == 50 else {})
        sender = asyncio.ensure_future(viewer.send())
        while len(sent) < 4:
            await asyncio.sleep(0)
        sender.cancel()

    within_deadline(scenario())
    news = {"old": 1, "stats": 99, "reason": "because"}
    assert sent == [news, bytes([97]), bytes([98]), bytes([99])]


def test_a_later_page_gets_the_newest_news_as_strict_json(face):
    face.tell({"enabled": True, "stats": {"rate": 1.0}})
    nothing = {"nan": np.float32("nan"), "inf": float("inf")}
    face.tell({"stats": {"rate": np.float64(2.5), "count": np.int64(3), **nothing}, "reason": "no"})

    async def scenario():
        async with opened(face) as (page,):
            return (await page.receive()).data

    found = json.loads(within_deadline(scenario()), parse_constant=pytest.fail)
    assert found == {"enabled": True, "stats": {"rate": 2.5, "count": 3, "nan": None, "inf": None}}


def test_commands_arrive_in_order_and_no_more_than_are_kept(face):
    async def scenario(*sent):
        async with opened(face) as (page,):
            for command in sent:
                await page.send_str(json.dumps(command))
            await page.send_str("the last, which is answered")
            return json.loads((await page.receive()).data)

    gain = {"do": "set", "value": {"playout.gain": 1, "playout.mirror": True}}
    answer = within_deadline(scenario({"do": "enable", "value": False}, {"do": "reset"}, gain))
    assert answer == {"reason": "it is not JSON"}
    *others, (what, values) = face.commands()
    assert others == [("enable", False), ("reset", None)]
    assert what == "set" and values == {"playout.gain": 1.0, "playout.mirror": True}
    assert type(values["playout.gain"]) is float  # JavaScript's 1 would be no double to ROS
    assert face.commands() == []
    within_deadline(scenario(*[{"do": "reset"}] * 300))
    assert face.commands() == [("reset", None)] * MOST_WAITING


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1", "null", "", "http://[", "file://"]
)
def test_another_sites_websocket_is_refused(face, origin):
    assert ask(face, "/face", Origin=origin, **UPGRADE)[0] == 403
    assert ask(face, "/face", Origin=f"http://127.0.0.1:{face.port}", **UPGRADE)[0] == 101


@pytest.mark.parametrize("path", ["/", "/face", "/about.json", "/page/page.js"])
def test_a_name_that_only_points_here_is_refused(face, path):
    for host in (f"evil.example:{face.port}", "evil.example", "[::", "127.0.0.1.evil.example"):
        trick = {"Host": host, "Origin": f"http://{host}"}
        assert ask(face, path, **trick, **UPGRADE)[0] in (400, 403)
    assert ask(face, path, Host=f"localhost:{face.port}", **UPGRADE)[0] in (200, 101)


@pytest.mark.parametrize(
    "path",
    [
        "/page/../__init__.py",
        "/page/%2e%2e/__init__.py",
        "/page/..%2f__init__.py",
        "/page/%2e%2e%2f__init__.py",
        "/page/avatar/../../pages.py",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/page/..%5c__init__.py",
        "/page/",
        "/page/avatar",
        "/page/%00",
        "/theme/..%2f..%2fconfig%2fdefault.json",
        "/theme/nobody.json",
        "/nowhere",
        "/%ff",
    ],
)
def test_nothing_but_the_page_is_served(face, path):
    status, body = ask(face, path)
    assert status in (400, 403, 404), body
    assert b"root:" not in body and b"import" not in body


def test_the_page_its_settings_and_themes_are_served(face):
    assert b'<canvas id="face"' in ask(face, "/")[1]
    assert ask(face, "/page/avatar/avatar.js")[0] == 200
    face.tell({"settings": {"playout.gain": 1.25}})
    about = json.loads(ask(face, "/about.json")[1])
    found = {setting["name"]: setting for setting in about["settings"]}
    assert found["playout.gain"]["value"] == 1.25 and found["playout.gain"]["high"] == 3
    assert found["render.theme"]["choices"] == theme_names()
    assert "model.width" not in found and about["samples"] == 1
    for name in theme_names():
        program = json.loads(ask(face, f"/theme/{name}.json")[1])
        assert program["colours"][0].startswith("#") and program["head"]


def test_a_theme_is_sent_packed(face):
    whole = ask(face, "/theme/default.json")[1]
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", face.port)) as connection:
        connection.request("GET", "/theme/default.json", headers={"Accept-Encoding": "gzip"})
        packed = connection.getresponse().read()
    assert gzip.decompress(packed) == whole and len(packed) < 16_000


def test_a_port_in_use_or_no_address_is_one_line(face):
    taken = {"web.port": face.port}
    for values in (taken, {"web.host": "no.such.host.invalid"}, {"web.host": "a" * 70}):
        with (
            pytest.raises(UserError, match="the page cannot be served on") as said,
            web_face(**values),
        ):
            pass
        assert "\n" not in str(said.value)
    with pytest.raises(UserError, match="in use"), web_face(**taken):
        pass


def test_leaving_says_goodbye_to_all_and_frees_the_port():
    async def scenario():
        async with opened(face, 5) as pages:
            await see(face, *pages)
            leaving = asyncio.get_running_loop().run_in_executor(None, face.__exit__)
            for page in pages:
                while (message := await page.receive()).type.name == "BINARY":
                    pass
                assert (message.type.name, message.data) == ("CLOSE", 1001)
            await leaving

    face = web_face().__enter__()
    # Beside them some who do not answer: a WebSocket, half a handshake, a bare connection.
    others = [shaken(face, 4096), raw(face, b"GET /face HTTP/1.1\r\nHost: "), raw(face)]
    begun = time.monotonic()
    within_deadline(scenario())
    assert time.monotonic() - begun < 8
    assert not face._thread.is_alive()
    with web_face(**{"web.port": face.port}) as again:
        assert ask(again, "/")[0] == 200
    for peer in others:
        peer.close()

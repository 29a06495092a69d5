"""The node with a page: the page's commands are applied, and frames and values are sent to it."""

import asyncio
import json

import numpy as np
import pytest
from rigs.server import START_S, TYPES, FakeRenderer, FakeSession, FakeTransport, reaction
from rigs.web import opened, web_face, within_deadline

from reactface_node.config import Config
from reactface_node.ros.node.server import Server


@pytest.fixture
def face():
    with web_face() as opened_face:
        yield opened_face


@pytest.fixture
def server(face):
    return Server(Config(), FakeSession(), TYPES, FakeTransport(), FakeRenderer(), page=face)


class Pressed:
    """A page whose every command goes through the node, whose clock is ours."""

    def __init__(self, server, page):
        self.server, self.page, self.now_s = server, page, START_S

    async def news(self, wanted):
        """The first news that holds ``wanted``."""
        while True:
            self.server.tick(self.now_s)
            try:
                message = await asyncio.wait_for(self.page.receive(), 0.02)
            except asyncio.TimeoutError:
                continue
            if message.type.name == "TEXT" and wanted in (news := json.loads(message.data)):
                return news

    async def press(self, do, value=None):
        await self.page.send_str(json.dumps({"do": do, "value": value}))
        return await self.news("reason")


def scenario(face, act, server):
    async def run():
        async with opened(face) as (page,):
            await act(Pressed(server, page))

    within_deadline(run())


def test_enable_and_reset(face, server):
    async def act(page):
        assert (await page.press("enable", False))["enabled"] is False
        assert not server.enabled
        assert (await page.press("enable", True))["enabled"] is True
        assert server.enabled
        page.now_s += 1.0  # resets of one second are merged
        resets = server._session.resets
        assert (await page.press("reset"))["reason"] == ""
        assert server._session.resets == resets + 1

    scenario(face, act, server)


def test_settings_are_accepted_or_refused_with_the_reason(face, server):
    async def act(page):
        news = await page.press("set", {"playout.gain": 2})
        assert news["reason"] == "" and news["settings"]["playout.gain"] == 2
        assert server._session.changes == {"playout.gain": 2.0}
        news = await page.press("set", {"playout.gain": 9})
        assert "within 0 .. 3" in news["reason"] and news["settings"]["playout.gain"] == 2
        news = await page.press("set", {"playout.mirror": True})
        assert news["reason"] == "the session cannot change it"
        assert not news["settings"]["playout.mirror"]
        news = await page.press("set", {"render.portrait": "../../passwd"})
        assert "no portrait is drawn" in news["reason"]
        news = await page.press("set", {"model.width": 8})
        assert "cannot be set from the page" in news["reason"]

    scenario(face, act, server)


def test_frames_and_numbers_come_to_the_page(face, server):
    async def act(page):
        server.tick(page.now_s)
        page.now_s += 1.01
        news = await page.news("stats")
        assert news["stats"]["windows_skipped"] == 3 and news["enabled"] is True
        assert news["settings"]["render.theme"] == "default"
        server._session.reactions = [reaction(page.now_s)]
        server.tick(page.now_s)
        for index in range(8):
            server.tick(page.now_s + index / 25)
            while (message := await page.page.receive()).type.name == "TEXT":
                pass
            robot, person = np.frombuffer(message.data, "<f4").reshape(2, 58)
            assert robot[0] == pytest.approx(index / 10) and not person.any()

    scenario(face, act, server)

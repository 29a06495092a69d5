"""Floods of resets, switches and the page's commands, and a portrait that fails later."""

import pytest
from rigs.changes import Noting
from rigs.server import START_S, faked_node, reaction

from reactface_node.config import Config
from reactface_node.ros.node.topics import BLENDSHAPES, DIAGNOSTICS


@pytest.mark.parametrize("commands", ["reset", "enable", "both"])
def test_a_flood_of_resets_is_two(commands):
    """One at once, one when the second is over; meanwhile the face goes on."""
    node = faked_node()
    for tick in range(100):
        now_s = START_S + tick / 100
        if tick % 4 == 0:
            node.session.reactions = [reaction(now_s, frames=1)]
        for _ in range(10):
            if commands != "enable":
                node.server.reset()
            if commands != "reset":
                node.server.enable(False)
                node.server.enable(True)
        node.server.tick(now_s)
    assert node.session.resets == 1
    assert len(node.transport.on(BLENDSHAPES)) == 25
    for tick in range(100, 300):
        node.server.tick(START_S + tick / 100)
    assert node.session.resets == 2


def test_a_reset_forgets_what_waits_and_one_later_is_at_once():
    node = faked_node()
    node.session.reactions = [reaction(START_S)]
    node.server.tick(START_S)
    node.server.reset()
    node.server.tick(START_S + 0.04)
    node.server.tick(START_S + 0.08)
    assert node.session.resets == 1 and node.transport.on(BLENDSHAPES) == []
    node.server.reset()
    node.server.tick(10.0)  # the clock jumped back
    assert node.session.resets == 2


class FewCommands:
    """A page on which a lot is pressed between two ticks."""

    def __init__(self, *commands):
        self.pressed, self.told = list(commands), []

    def show(self, face, speaker):
        pass

    def tell(self, about):
        self.told.append(about)

    def commands(self):
        pressed, self.pressed = self.pressed, []
        return pressed


def test_a_flood_of_the_pages_commands_is_one_change():
    moved = [("set", {"playout.gain": index / 100}) for index in range(60)]
    page = FewCommands(
        *moved,
        ("set", {"playout.head_gain": 0.5}),
        ("reset", None),
        ("enable", False),
        ("enable", True),
    )
    asked = []
    node = faked_node(page=page)
    configure = node.server.configure
    node.server._change = lambda changes: asked.append(changes) or configure(changes)
    node.server.tick(START_S)
    assert asked == [{"playout.gain": 0.59, "playout.head_gain": 0.5}]
    assert node.session.configured == asked and node.session.resets == 1
    (told,) = page.told
    assert told["reason"] == "" and told["settings"]["playout.gain"] == 0.59 and told["enabled"]


def test_of_the_pages_changes_those_that_are_right_are_taken_over():
    page = FewCommands(
        ("set", {"playout.gain": 0.5}),
        ("set", {"playout.gain": 9.0}),
        ("set", {"playout.head_gain": 2.0}),
    )
    node = faked_node(page=page)
    node.server.tick(START_S)
    assert node.session.changes == {"playout.gain": 0.5, "playout.head_gain": 2.0}
    assert "within 0 .. 3" in page.told[0]["reason"]


class LateRenderer(Noting):
    """A portrait that turns out to show no face a while after it was taken over."""

    def __init__(self):
        super().__init__()
        self.failed, self.wanted = None, []

    def configure(self, config):
        self.wanted.append(config.portrait)

    def settle(self):
        failed, self.failed = self.failed, None
        return failed


def test_a_portrait_that_fails_later_is_said_and_the_old_one_is_told(caplog):
    config = Config().replace(**{"render.renderer": "portrait", "render.portrait": "me.png"})
    node = faked_node(config, renderer=LateRenderer())
    assert node.server.configure({"render.portrait": "wall.png"}) == ""
    node.server.tick(START_S)
    assert node.session.config.render.portrait == "wall.png"
    node.renderer.failed = "wall.png: no face is found", config.render
    node.server.tick(START_S + 0.5)
    assert node.server.config.render.portrait == "me.png"
    node.server.tick(START_S + 1.1)
    assert node.session.config.render.portrait == "me.png"
    assert node.renderer.wanted == ["wall.png", "me.png"]
    said = "the portrait stays as it was: wall.png: no face is found"
    assert caplog.text.count(said) == 1
    (status,) = node.transport.on(DIAGNOSTICS)[-1].status
    assert status.level == 1 and said in status.message
    assert node.server.configure({"render.portrait": "you.png"}) == ""
    node.server.tick(START_S + 2.2)
    assert "portrait" not in node.transport.on(DIAGNOSTICS)[-1].status[0].message

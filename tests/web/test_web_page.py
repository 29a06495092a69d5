"""The page in a browser: the face, the bars, the buttons, and a node that restarts."""

import contextlib
import json
import threading

import numpy as np
import pytest
from rigs.browser import Browser, find_chromium
from rigs.web import until, web_face

from reactface_node import schema
from reactface_node.config import Config
from reactface_node.render.sheet import EMOTIONS
from reactface_node.render.sheet import face as face_of
from reactface_node.ros.node.server import live_settings
from reactface_node.schema import ListenerEvent

pytestmark = pytest.mark.slow

SMILE = face_of(EMOTIONS["joy"] | {"rotationY": 0.3, "jawOpen": 0.25})
PERSON = face_of({"jawOpen": 0.5, "browInnerUp": 1.0})
SETTINGS = live_settings(Config())
SIZES = [(480, 320), (800, 480), (1024, 600), (600, 1024), (1280, 800)]


class Node:
    """Shows a face 25 times a second and tells the numbers, as a node does."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.face, self.person = face_of({}), None
        self.stats = {"latency_p50_ms": 41.7, "frames_hz": float("nan")}
        self.settings, self.enabled = dict(SETTINGS), True
        self._page = web_face(**{"web.port": port, "web.host": host})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Node":
        self._page.__enter__()
        self.port, self.tell = self._page.port, self._page.tell
        self.address = f"http://127.0.0.1:{self.port}/"
        self.token = self._page.url.partition("?token=")[2]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._page.__exit__()

    def _run(self) -> None:
        while not self._stop.wait(0.04):
            if self.enabled:
                self._page.show(self.face, self.person)
            self.tell({"stats": self.stats, "settings": self.settings, "enabled": self.enabled})

    def pressed(self) -> list:
        return until(self._page.commands, "nothing was pressed")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    program = find_chromium()
    if program is None:
        pytest.skip("no chromium: install it or name it in CHROMIUM")
    with contextlib.closing(Browser(program, tmp_path_factory.mktemp("page") / "b")) as opened:
        yield opened


@pytest.fixture
def browser(chromium):
    """Which found nothing to complain about, and asked nobody else for anything."""
    chromium.size(1280, 800)
    chromium.errors.clear()
    chromium.requests.clear()
    yield chromium
    chromium.open("about:blank")
    # That a node is gone is said by the browser itself.
    assert [e for e in chromium.errors if "ERR_CONNECTION_REFUSED" not in e] == []
    strangers = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "about:")
    assert [url for url in chromium.requests if not url.startswith(strangers)] == []


@pytest.fixture
def node():
    with Node() as opened:
        yield opened


def text(browser: Browser, selector: str) -> str:
    return browser.do(f"document.querySelector({json.dumps(selector)}).textContent")


def pixels(browser: Browser) -> np.ndarray:
    """(30, 40, 3) of the canvas."""
    data = browser.do("""(() => {
        const small = new OffscreenCanvas(40, 30).getContext("2d");
        small.drawImage(document.getElementById("face"), 0, 0, 40, 30);
        return [...small.getImageData(0, 0, 40, 30).data]; })()""")
    return np.array(data).reshape(30, 40, 4)[:, :, :3]


def shows(browser: Browser, node: Node, coefficients: np.ndarray) -> np.ndarray:
    """The picture once the page draws these, which it does when nothing more changes in it."""
    node.face = coefficients
    until(lambda: browser.do(JAW) == pytest.approx(coefficients[JAW_INDEX], abs=1e-4))
    browser.do("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return pixels(browser)


BAR = """Number(document.querySelector(
    "#bars tbody tr:nth-child(%d) td:nth-child(%d) b").style.transform.slice(7, -1))"""
JAW_INDEX = schema.ARKIT_NAMES.index("jawOpen")
JAW = BAR % (JAW_INDEX + 1, 2)


def control(name: str) -> str:
    """JavaScript of a setting's control, by its label's first words."""
    return f"""[...document.querySelectorAll("#settings label")].find((label) =>
        label.firstChild.textContent === "{name}").querySelector("input, select")"""


def choose(browser: Browser, name: str, value: str, event: str = "change") -> None:
    field = "checked" if value in ("true", "false") else "value"
    browser.do(f"""(() => {{ const input = {control(name)}; input.{field} = {value};
        input.dispatchEvent(new Event("{event}")); }})()""")


def open_panel(browser: Browser, node: Node) -> None:
    browser.open(node.address + "?panel")
    until(lambda: browser.do("document.querySelectorAll('#settings label').length"))
    until(lambda: pixels(browser).mean() > 20, "no face is drawn")


def test_the_face_the_bars_and_the_rate(browser, node):
    open_panel(browser, node)
    neutral = shows(browser, node, face_of({}))
    assert neutral.mean() > 20
    node.person = PERSON
    smile = shows(browser, node, face_of(EMOTIONS["joy"] | {"jawOpen": 0.25}))
    assert np.abs(smile - neutral).max() > 30
    assert np.array_equal(shows(browser, node, face_of({})), neutral)
    for name, value in (("jawOpen", 0.5), ("browInnerUp", 1.0), ("mouthSmileLeft", 0.0)):
        bar = BAR % (schema.ARKIT_NAMES.index(name) + 1, 3)
        until(lambda bar=bar, value=value: browser.do(bar) == pytest.approx(value), name)
    assert browser.do("document.querySelectorAll('#bars tbody tr').length") == 52
    until(lambda: "frames a second, 42 ms after the person" in text(browser, "#status"))
    until(lambda: int(text(browser, "#status").split()[0]) >= 15)
    assert text(browser, "#numbers").startswith("latency p50 ms41.7frames hz-")
    node.enabled = False  # the face comes to rest although the connection is there
    until(lambda: text(browser, "#status") == "0 frames a second")
    assert text(browser, "#enable") == "Listen" and browser.do(BAR % (JAW_INDEX + 1, 3)) == 0


def test_the_newest_events_come_first(browser, node):
    open_panel(browser, node)
    nod = ListenerEvent(1.0, "listener", "nod", "end", 0.75, 1.0, 2, 0.1, 2.5)
    phrase = ListenerEvent(2.0, "speaker", "phrase_end", "once", 0.9, 1.5)
    node.tell({"events": [vars(nod), vars(phrase)]})
    until(lambda: browser.do("document.querySelectorAll('#events li').length") == 2)
    assert text(browser, "#events li.speaker:first-child") == "phrase end, 0.9 probable, 1.5 s"
    assert text(browser, "#events li.listener:last-child") == (
        "nod end, 0.75 probable, 1 s, 2 cycles, 0.1 rad, 2.5 Hz"
    )


def test_buttons_and_controls_are_commands(browser, node):
    open_panel(browser, node)
    browser.do("document.getElementById('enable').click()")
    assert node.pressed() == [("enable", False)]
    node.enabled = False
    until(lambda: text(browser, "#enable") == "Listen")
    browser.do("document.getElementById('enable').click()")
    browser.do("document.getElementById('reset').click()")
    found = node.pressed()
    assert (found if len(found) == 2 else found + node.pressed()) == [
        ("enable", True),
        ("reset", None),
    ]
    for name, value, setting, event in (
        ("gain", "1.5", {"playout.gain": 1.5}, "input"),
        ("gain", "2", {"playout.gain": 2.0}, "input"),
        ("nod gain", "0.5", {"playout.nod_gain": 0.5}, "input"),
        ("preset", "'lively'", {"playout.preset": "lively"}, "change"),
        ("mirror", "true", {"playout.mirror": True}, "change"),
        ("theme", "'night'", {"render.theme": "night"}, "change"),
        ("portrait", "'ann.png'", {"render.portrait": "ann.png"}, "change"),
    ):
        choose(browser, name, value, event)
        assert node.pressed() == [("set", setting)]
    browser.do("""(() => { const sample = document.getElementById("sample");
        sample.value = "0"; sample.dispatchEvent(new Event("change")); })()""")
    assert node.pressed() == [("set", {"playout.play": 0})]


def test_what_the_node_says_comes_back_into_the_controls(browser, node):
    open_panel(browser, node)
    node.settings |= {"playout.gain": 2.5, "playout.mirror": True, "render.theme": "person"}
    until(lambda: browser.do(f"{control('gain')}.value") == "2.5")
    until(lambda: browser.do(f"{control('mirror')}.checked") is True)
    choose(browser, "gain", "0.5", "input")
    assert browser.do(f"{control('gain')}.value") == "0.5"
    node.tell({"reason": "gain is nailed down"})
    until(lambda: text(browser, "#reason") == "gain is nailed down")
    until(lambda: browser.do(f"{control('gain')}.value") == "2.5", "the refused value stays")
    choose(browser, "gain", "0.6", "input")
    assert text(browser, "#reason") == ""


def test_another_theme_is_worn_while_the_window_changes(browser, node):
    open_panel(browser, node)
    before = shows(browser, node, SMILE)
    node.settings["render.theme"] = "person"
    for width in (700, 900, 1280):
        browser.size(width, 800)
    until(lambda: np.abs(pixels(browser) - before).mean() > 10)
    node.settings["render.theme"] = "default"
    until(lambda: np.array_equal(pixels(browser), before))


def test_a_node_that_goes_and_comes_back(browser):
    with Node() as node:
        open_panel(browser, node)
        neutral = shows(browser, node, face_of({}))
        smiling = shows(browser, node, SMILE)
        assert browser.do("document.getElementById('lost').hidden") is True
    until(lambda: browser.do("document.getElementById('lost').hidden") is False)
    until(lambda: np.array_equal(pixels(browser), neutral), "the face does not come to rest")
    assert text(browser, "#lost").startswith("no connection")
    until(lambda: text(browser, "#status") == "no connection")
    with Node(node.port) as again:
        again.face = SMILE
        again.settings["playout.gain"] = 0.75
        until(lambda: browser.do("document.getElementById('lost').hidden") is True)
        until(lambda: np.array_equal(pixels(browser), smiling))
        until(lambda: browser.do(f"{control('gain')}.value") == "0.75")
        # The sample has a place of its own.
        listed = live_settings(Config()).keys() - {"playout.play"}
        assert browser.do("document.querySelectorAll('#settings label').length") == len(listed)
        choose(browser, "gain", "1.5", "input")
        assert again.pressed() == [("set", {"playout.gain": 1.5})]


def test_a_page_with_a_token_and_a_node_that_starts_with_another(browser):
    with Node(host="0.0.0.0") as node:
        browser.open(f"{node.address}?panel&token={node.token}")
        until(lambda: browser.do("document.getElementById('lost')?.hidden") is True)
        smiling = shows(browser, node, SMILE)
        assert browser.do("location.href") == f"{node.address}?panel="
        assert browser.do("document.cookie") == ""
    with Node(node.port, "0.0.0.0") as again:
        again.face = SMILE
        until(lambda: text(browser, "#lost").startswith("open the address"))
        browser.open(f"{again.address}?panel&token={again.token}")
        until(lambda: np.array_equal(pixels(browser), smiling))
    # What it tried with the old token was refused.
    refused = ("401", "HTTP Authentication failed")
    browser.errors[:] = [e for e in browser.errors if not any(text in e for text in refused)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
def test_face_and_panel_fit_every_display(browser, node, size):
    browser.size(*size)
    browser.open(node.address)
    until(lambda: pixels(browser).mean() > 20)
    rectangle = """(() => { const r = document.querySelector("%s").getBoundingClientRect();
        return [r.width, r.height, r.right, r.bottom]; })()"""
    assert browser.do(rectangle % "#face")[:2] == list(size)
    browser.press("p", 80, "p")
    assert browser.do("document.getElementById('toggle').ariaExpanded") == "true"
    until(lambda: browser.do("document.querySelectorAll('#settings label').length"))
    for part, share in (("#face", 0.4), ("#panel", 0.2)):
        width, height, right, bottom = browser.do(rectangle % part)
        assert width * height >= share * size[0] * size[1], part
        assert right <= size[0] and bottom <= size[1], part
    assert browser.do("""document.getElementById("panel").scrollWidth <=
        document.getElementById("panel").clientWidth""")


def test_keyboard_labels_and_a_still_pointer(browser, node):
    open_panel(browser, node)
    for control_kind in ("button", "select", "input"):
        nameless = f"""[...document.querySelectorAll("{control_kind}")].filter((each) =>
            !(each.ariaLabel || each.labels.length || each.textContent.trim())).length"""
        assert browser.do(nameless) == 0
    browser.do(f"{control('gain')}.focus()")
    for value in (1.01, 1.02):  # it keeps the focus, so that the next key moves it further
        browser.press("ArrowRight", 39)
        assert node.pressed() == [("set", {"playout.gain": pytest.approx(value)})]
    browser.do(f"{control('portrait')}.focus()")
    browser.press("p", 80, "p")
    browser.press("Enter", 13, "\r")
    assert ("set", {"render.portrait": "p"}) in node.pressed()
    assert browser.do("document.getElementById('panel').hidden") is False
    until(lambda: browser.do("document.body.classList.contains('still')"))
    assert browser.do("getComputedStyle(document.body).cursor") == "none"

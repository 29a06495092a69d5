"""The perception survey: its pairs, what its page reveals, and a run in a browser."""

import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from rigs.browser import Browser, find_chromium, served

from reactface_node.cli.main import main
from reactface_node.errors import UserError
from reactface_node.media.video import VideoWriter
from reactface_node.research.evaluation.preferences import QUESTIONS, Preference, tally
from reactface_node.research.evaluation.survey import make_survey

pytestmark = pytest.mark.slow

METHODS = ("reactface", "ngetal", "groundtruth")
CLIPS = ("clip_001", "clip_002", "clip_003", "clip_004")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Four clips of three methods; of clip_003 there are two samples."""
    folder = tmp_path_factory.mktemp("results")
    for shade, method in enumerate(METHODS):
        (folder / method).mkdir()
        for number, clip in enumerate(CLIPS):
            for name in [f"{clip}_0", f"{clip}_1"] if clip == "clip_003" else [clip]:
                colour = np.uint8([40 + 60 * shade, 40 + 40 * number, 120])
                with VideoWriter(folder / method / f"{name}.mp4", 64, 32) as video:
                    for _ in range(5):
                        video.write_image(np.full((32, 64, 3), colour))
    return {method: folder / method for method in METHODS}


def page_data(page: Path) -> dict:
    html = (page / "index.html").read_text()
    return json.loads(html.split('id="survey">')[1].split("</script>")[0])


def test_every_competitor_meets_ours_on_every_clip(results, tmp_path):
    key = json.loads(make_survey(results, "reactface", tmp_path / "page", 4).read_text())
    pairs = [pair for block in page_data(tmp_path / "page")["blocks"] for pair in block]
    met = Counter(
        (key["pairs"][p["id"]]["competitor"], key["pairs"][p["id"]]["clip"]) for p in pairs
    )
    assert met == Counter((rival, clip) for rival in METHODS[1:] for clip in CLIPS)
    for pair in pairs:
        known = key["pairs"][pair["id"]]
        sides = {known["ours"]: "reactface", "yx"[known["ours"] == "y"]: known["competitor"]}
        for side, method in sides.items():
            for number, copy in enumerate(pair[side]):
                several = known["clip"] == "clip_003"
                name = f"{known['clip']}_{number}" if several else known["clip"]
                original = results[method] / f"{name}.mp4"
                assert (tmp_path / "page" / copy).read_bytes() == original.read_bytes()
            assert len(pair[side]) == (2 if several else 1)


def test_page_names_no_method_and_no_clip(results, tmp_path):
    key = make_survey(results, "reactface", tmp_path / "page", 4)
    assert key.parent == tmp_path and key.name == "page_key.json"
    files = [path for path in (tmp_path / "page").rglob("*") if path.is_file()]
    assert len({path.read_bytes() for path in files if path.suffix == ".mp4"}) > 2
    for path in files:
        for name in (*METHODS, *CLIPS):
            assert name not in path.name
            assert name.encode() not in path.read_bytes()
    page = json.dumps(page_data(tmp_path / "page"))
    copies = [name for name in page.split('"') if name.endswith(".mp4")]
    assert len(copies) == len(set(copies)) == len(files) - 2


def test_page_does_not_call_faces_people(results, tmp_path):
    make_survey(results, "reactface", tmp_path / "page", 2)
    assert "two people" not in (tmp_path / "page" / "index.html").read_text()


def test_pairs_of_a_block_have_ours_on_one_side(results, tmp_path):
    """The page swaps one of the two, so ours is on both sides equally often."""
    key = json.loads(make_survey(results, "reactface", tmp_path / "page", 4).read_text())["pairs"]
    blocks = page_data(tmp_path / "page")["blocks"]
    assert [len(block) for block in blocks] == [2, 2, 2, 2]
    for first, second in blocks:
        first, second = key[first["id"]], key[second["id"]]
        assert (first["ours"], first["competitor"]) == (second["ours"], second["competitor"])


def test_fewer_pairs_than_clips_are_spread(results, tmp_path):
    key = json.loads(make_survey(results, "reactface", tmp_path / "page", 2).read_text())
    assert {pair["clip"] for pair in key["pairs"].values()} == {"clip_001", "clip_003"}


def test_make_refuses_what_makes_no_survey(results, tmp_path):
    ours = {"reactface": results["reactface"]}
    page = tmp_path / "page"
    with pytest.raises(UserError, match="no results are named 'us'"):
        make_survey(results, "us", page, 2)
    with pytest.raises(UserError, match="two or more"):
        make_survey(ours, "reactface", page, 2)
    for odd in (0, 3, -2):
        with pytest.raises(UserError, match=f"must be even, not {odd}"):
            make_survey(results, "reactface", page, odd)
    with pytest.raises(UserError, match=r"nowhere is no folder"):
        make_survey({**ours, "rival": tmp_path / "nowhere"}, "reactface", page, 2)
    rival = tmp_path / "rival"
    rival.mkdir()
    (rival / "clip_001.mp4").write_bytes(b"no video")
    with pytest.raises(UserError, match=r"2 clips asked for, 1 .*rival/clip_002\.mp4"):
        make_survey({**ours, "rival": rival}, "reactface", page, 2)
    (rival / "clip_002.mp4").write_bytes(b"no video")
    with pytest.raises(UserError, match=r"rival/clip_001\.mp4 is no video"):
        make_survey({**ours, "rival": rival}, "reactface", page, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["rival"]


@pytest.mark.parametrize("name", ["", "a|b", " a", "a\n"])
def test_names_that_would_spoil_the_table_are_refused(results, tmp_path, name):
    sets = {"reactface": results["reactface"], name: results["ngetal"]}
    with pytest.raises(UserError, match="cannot name a method"):
        make_survey(sets, "reactface", tmp_path / "page", 2)


def test_every_method_shows_as_many_samples_of_a_clip(results, tmp_path):
    """Two videos against one would tell which is which."""
    rival = tmp_path / "rival"
    shutil.copytree(results["ngetal"], rival)
    (rival / "clip_003_1.mp4").unlink()
    sets = {"reactface": results["reactface"], "rival": rival}
    with pytest.raises(UserError, match="clip_003 has 2 samples of reactface but 1 of rival"):
        make_survey(sets, "reactface", tmp_path / "page", 4)
    assert [path.name for path in tmp_path.iterdir()] == ["rival"]


def test_a_page_that_cannot_be_written_is_one_line(results, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("kept")
    named = [f"{name}={folder}" for name, folder in results.items()]
    no_folder = f"there is no folder {tmp_path / 'file'}"
    for out, says in ((".", "exists already"), ("file/page", no_folder)):
        arguments = ["survey", "make", *named, "--ours", "reactface", "--pairs", "2", "-o", out]
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert says in error and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_make_overwrites_nothing(results, tmp_path):
    key = make_survey(results, "reactface", tmp_path / "page", 2)
    kept = key.read_text()
    with pytest.raises(UserError, match="page exists already"):
        make_survey(results, "reactface", tmp_path / "page", 2)
    (tmp_path / "page").rename(tmp_path / "moved")
    with pytest.raises(UserError, match=r"page_key\.json exists already"):
        make_survey(results, "reactface", tmp_path / "page", 2)
    assert key.read_text() == kept


@pytest.fixture
def browser(tmp_path):
    program = find_chromium()
    if program is None:
        pytest.skip("no chromium: install it or name it in CHROMIUM")
    opened = Browser(program, tmp_path / "browser")
    yield opened
    opened.close()


@pytest.fixture
def address(results, tmp_path):
    """Of the page, on a static server of this machine."""
    make_survey(results, "reactface", tmp_path / "page", 2)
    with served(tmp_path / "page") as server:
        yield f"{server}/index.html"


WATCHED = """new Promise((done) => {
  const look = () => state.watched[order[state.index].id] ? done() : setTimeout(look, 20);
  document.getElementById("play").click(); look(); })"""
NEXT = """document.querySelector("#questions button.main").click()"""
WHERE = """document.getElementById("where").textContent"""
WRONG = """document.getElementById("wrong").textContent"""
CHOOSE = """for (const name of Object.keys(QUESTIONS))
  document.querySelector(`[name=${name}][value=%s]`).click()"""


def begin(browser: Browser, person: str) -> None:
    browser.do(f"""document.getElementById("participant").value = "{person}";
        document.getElementById("agree").click();
        document.querySelector("#begin button").click()""")


def test_walk_through_in_a_browser(browser, address, tmp_path):
    browser.open(f"file://{tmp_path / 'page' / 'index.html'}")
    begin(browser, "ann")
    for number in range(1, 5):
        assert browser.do(WHERE) == f"Comparison {number} of 4"
        browser.do(NEXT)
        assert "watch both" in browser.do(WRONG)
        browser.do(WATCHED)
        browser.do(NEXT)
        assert "4 to go" in browser.do(WRONG)
        browser.do(CHOOSE % "A")
        if number == 2:
            browser.reload()  # here nothing may be lost: the choices and where one is
        browser.do(NEXT)
    browser.do("document.getElementById('download').click()")
    browser.wait_for("Browser.downloadWillBegin")
    while browser.wait_for("Browser.downloadProgress")["state"] != "completed":
        pass
    saved = browser.downloads / "answers_ann.json"
    table = tally([saved], tmp_path / "page_key.json")
    # With A always chosen, balanced sides make it half for each competitor and question.
    half = Preference(1, 2, 0.5, 1)
    assert table == {rival: dict.fromkeys(QUESTIONS, half) for rival in METHODS[1:]}
    assert browser.errors == []


def test_order_and_sides_follow_the_participant(browser, address):
    browser.open(address)
    arranged = {
        person: browser.do(f"arrange('{person}').map((pair) => [pair.id, pair.a])")
        for person in ("ann", "bob", "cas", "dan", "eve")
    }
    assert browser.do("arrange('ann').map((pair) => [pair.id, pair.a])") == arranged["ann"]
    assert len({json.dumps(order) for order in arranged.values()}) > 1
    assert len({json.dumps(sorted(order)) for order in arranged.values()}) > 1
    assert {len(order) for order in arranged.values()} == {4}


def test_page_asks_for_nothing_elsewhere_and_fits_a_phone(browser, address):
    browser.size(360, 740, mobile=True)
    browser.open(address)
    begin(browser, "ann")
    assert browser.do("document.documentElement.scrollWidth") <= 360
    browser.do(WATCHED)
    here = (address.rsplit("/", 1)[0], "data:")
    assert len(browser.requests) > 3
    assert [url for url in browser.requests if not url.startswith(here)] == []
    assert browser.errors == []


UNKNOWN_LENGTH = """new Promise((done) => {
  const [lead, late] = videos, time = Object.getOwnPropertyDescriptor(
    HTMLMediaElement.prototype, "currentTime");
  for (const over of ["paused", "ended"]) Object.defineProperty(lead, over, { get: () => false });
  Object.defineProperty(late, "duration", { get: () => NaN });
  let looks = 0;
  Object.defineProperty(late, "currentTime", {
    get() { looks += 1; if (looks > 2) done(); return 5; },
    set(to) { time.set.call(this, to); } }); })"""


def test_a_video_that_loads_slowly_is_waited_for(browser, address):
    """Until its metadata are there its length is no number."""
    browser.open(address)
    begin(browser, "ann")
    browser.do(UNKNOWN_LENGTH)
    assert browser.do(WHERE) == "Comparison 1 of 4"
    assert browser.errors == []


def test_whole_pair_by_keyboard(browser, address):
    """Tab to Play, Enter; Tab to the choices, space; Enter sends the answers."""
    browser.open(address)
    begin(browser, "ann")
    browser.press("Tab", 9)
    assert browser.do("document.activeElement.id") == "play"
    browser.do(WATCHED)
    for name in QUESTIONS:
        browser.press("Tab", 9)
        assert browser.do("document.activeElement.name") == name
        browser.press(" ", 32, " ")
    browser.press("Enter", 13, "\r")
    assert browser.do(WHERE) == "Comparison 2 of 4"


def test_bad_participant_number_and_no_consent(browser, address):
    browser.open(address)
    wrong = "document.getElementById('begin-wrong').textContent"
    browser.do("document.querySelector('#begin button').click()")
    assert "tick the box" in browser.do(wrong)
    begin(browser, "a/b")
    assert "letters, digits" in browser.do(wrong)

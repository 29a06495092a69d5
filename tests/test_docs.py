"""README.md and docs/: commands are run, or their names are checked; links, lengths, tables.

A block of commands that cannot be run everywhere has a mark on the line before it, which is not
shown: ``<!-- needs: ros2 -->``. Its commands are not run, but their options, settings, launch
arguments, targets and topics must exist. All other blocks are run in a scratch folder that has a
short recording (``my_bag``, ``talk.mp4``), the ``sample`` and the YAML files of the pages.
"""

import pkgutil
import re
import runpy
import shlex

import pytest
import yaml
from rigs.pages import (
    FENCE,
    LINK,
    NEEDS,
    PAGES,
    SERVICES,
    blocks,
    calls,
    check,
    check_named,
    launch_arguments,
)
from rigs.paths import ROOT

from reactface_node.cli.main import main
from reactface_node.config import Config, OutputsConfig, RosConfig
from reactface_node.config.settings import settings
from reactface_node.errors import UserError
from reactface_node.ros.node.topics import OUTPUTS
from reactface_node.session.stats import SessionStats, TimelineStats

SHELL = blocks("bash")
RUN, LOOKED_AT = ([b for b in SHELL if bool(b.needs) == marked] for marked in (False, True))
PYTHON = blocks("python")


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    """The first two seconds of the sample as a bag, and what a replay of them makes of it."""
    folder = tmp_path_factory.mktemp("recordings")
    whole = (ROOT / "sample" / "sample.mcap").read_bytes()
    (folder / "my_bag").mkdir()
    (folder / "my_bag" / "my_bag_0.mcap").write_bytes(whole[: len(whole) // 12])
    bag, out, video = (str(folder / name) for name in ("my_bag", "reaction", "talk.mp4"))
    assert main(["replay", bag, "-o", out, "--video", video]) == 0
    return folder


@pytest.fixture
def scratch(tmp_path, recordings, monkeypatch):
    """The folder in which a page's commands are run."""
    for name in ("my_bag", "talk.mp4"):
        (tmp_path / name).symlink_to(recordings / name)
    for name in ("sample", "config"):
        (tmp_path / name).symlink_to(ROOT / name)
    for block in blocks("yaml"):
        if block.title:
            (tmp_path / block.title).write_text(block.text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def run_before():
    """Commands that an earlier block had too, which are not run again."""
    return set()


@pytest.mark.slow
@pytest.mark.parametrize("block", RUN, ids=str)
def test_commands_run(block, scratch, run_before):
    for command in calls(block, scratch):
        assert command[0] == "reactface", f"{block}: say what {command[0]} needs"
        if tuple(command) in run_before:
            continue
        try:
            code = main(command[1:])
        except SystemExit as end:  # --help and --version, or an option that does not exist.
            code = end.code
        assert code in (0, None), f"{block}: {command}"
        run_before.add(tuple(command))


@pytest.mark.parametrize("block", LOOKED_AT, ids=str)
def test_what_is_not_run_exists(block, tmp_path):
    needs = {need.strip() for need in block.needs.split(",")}
    assert needs <= NEEDS, f"{block}: nobody knows what {needs - NEEDS} is"
    found = calls(block, tmp_path)
    assert found
    for command in found:
        check(command)


@pytest.mark.parametrize(
    "command",
    [
        "reactface nonsense",
        "reactface replay x -o y --nonsense",
        "reactface replay x -o y --set playout.gian=1",
        "reactface replay x -o y --set playout.gain=100",
        "make nonsense",
        "make demo NONSENSE=1",
        "python -m reactface_node.nonsense",
        "python docs/nonsense.py",
        "torchrun -m reactface_node.cli train --nonsense",
        "pip install 'reactface_node[nonsense]'",
        "ros2 launch reactface_node reactface.launch.py nonsense:=1",
        "ros2 run reactface_node nonsense",
        "ros2 param set /reactface playout.gain 100",
        "ros2 param describe /reactface training.steps",
        "ros2 service call /reactface/reset std_srvs/srv/SetBool",
        "ros2 lifecycle set /reactface nonsense",
        "ros2 topic echo /reactface/nonsense",
        "nonsense",
    ],
)
def test_what_does_not_exist_is_found(command):
    with pytest.raises((AssertionError, UserError)):
        check(shlex.split(command))


@pytest.mark.slow
@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_runs(block, scratch):
    code = compile(block.text, str(block), "exec")
    if not block.needs:
        exec(code, {"__name__": "__docs__"})


def test_every_block_says_what_it_is():
    """A block of no language, or of another shell, would be neither run nor looked at."""
    known = {"bash", "python", "yaml", "text", "json"}
    assert not [str(block) for block in blocks("", "sh", "shell", "console", "xml")]
    assert len(SHELL) + len(blocks(*known - {"bash"})) == sum(
        page.read_text("utf-8").count("\n```") // 2 for page in PAGES
    )


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_yaml_is_what_a_config_takes(block, tmp_path):
    assert isinstance(yaml.safe_load(block.text), dict)
    if block.title:
        file = tmp_path / block.title
        file.write_text(block.text, "utf-8")
        Config.load(path=file)


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


def prose(page):
    """A page without its blocks and code."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text("utf-8")))


def anchors(page):
    """Of its headings, as GitHub and mkdocs make them."""
    titles = re.findall(r"^#+ +(.*)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


LINKED = [*PAGES, ROOT / "weights" / "README.md", ROOT / "tests" / "campaign" / "README.md"]
"""The last two are parts of the site."""


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    for target, anchor in LINK.findall(prose(page)):
        if "://" in target:
            continue
        path = (page.parent / target).resolve() if target else page
        assert path.is_file(), f"{target} of {page.name}"
        assert path.is_relative_to(ROOT)
        assert not anchor or anchor in anchors(path), f"#{anchor} of {page.name}"


def test_every_page_is_in_the_navigation_and_every_picture_is_shown():
    site = (ROOT / "mkdocs.yml").read_text("utf-8")
    for page in PAGES[1:]:
        assert f": {page.name}\n" in site, page.name
    shown = "".join(page.read_text("utf-8") for page in LINKED)
    for picture in (ROOT / "docs").glob("*.[ps][nv]g"):
        assert picture.name in shown, picture.name


def said(page):
    """What a page has in ticks inside its sentences and tables."""
    text = FENCE.sub("", page.read_text("utf-8"))
    return [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_in_a_sentence_names_what_there_is(page):
    for text in said(page):
        check_named(shlex.split(text) if re.match(r"(reactface|make|python|ros2) ", text) else [])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_setting_in_a_sentence_is_one(page):
    names = {item.name for item in settings(Config())}
    sections = {name.partition(".")[0] for name in names if "." in name}
    for text in said(page):
        found = re.match(rf"(?:--set )?((?:{'|'.join(sections)})\.\w+)(?:=\S*)?$", text)
        assert not found or found[1] in names | FILES, f"{found[1]} of {page.name}"


FILES = {"model.json", "sample.mcap"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_the_repository_that_is_named_exists(page):
    text = page.read_text("utf-8")
    for path in re.findall(r"`((?:reactface_node|tests|config|launch|ros2_ws)/[\w./]*)`", text):
        assert (ROOT / path).exists(), path


def script(name):
    return runpy.run_path(str(ROOT / "docs" / "scripts" / f"{name}.py"))


def test_the_page_of_parameters_is_up_to_date():
    page = (ROOT / "docs" / "parameters.md").read_text("utf-8")
    assert script("parameters")["page"]() == page, "run: python docs/scripts/parameters.py"


def test_the_pictures_of_the_architecture_are_up_to_date():
    drawn = script("figures")
    for name in ("rooms", "path"):
        picture = (ROOT / "docs" / f"{name}.svg").read_text("utf-8")
        assert drawn[name]() == picture, "run: python docs/scripts/figures.py"


def test_the_path_of_an_image_and_of_a_sound_names_what_there_is():
    drawn = script("figures")
    for _, name in (step for part in STEPS for step in drawn[part]):
        found = pkgutil.resolve_name(f"reactface_node.{name}")
        assert callable(found)


STEPS = ("IMAGE", "SOUND", "REACTION", "SHOWN")


def rows(name):
    """The tables of a page: each name that a first cell has in ticks -> the other cells of the
    first row that has it."""
    found = {}
    for line in (ROOT / "docs" / name).read_text("utf-8").splitlines():
        first, *rest = line.strip("|").split(" | ")
        for named in re.findall("`([^`]+)`", first) if line.startswith("| `") else ():
            found.setdefault(named, rest)
    return found


@pytest.mark.parametrize(("topic", "about"), OUTPUTS.items())
def test_the_ros_api_names_every_topic_that_is_published(topic, about):
    kind, is_best_effort, depth = about
    type_cell, qos, *_ = rows("ros_api.md")[topic]
    assert type_cell.strip(" `") == kind.replace("/msg/", "/")
    quality = "best effort" if is_best_effort else "reliable"
    assert qos.strip() == f"{quality}, depth {depth}"


def test_the_ros_api_names_every_topic_that_is_listened_to():
    page, ros = rows("ros_api.md"), RosConfig()
    for name in ("image", "audio", "audio_info", "speaking", "own_audio"):
        topic = getattr(ros, f"{name}_topic")
        assert f"`ros.{name}_topic`" in page[topic][-1]


def test_the_ros_api_names_every_service():
    page = rows("ros_api.md")
    for name, kind in SERVICES.items():
        assert page[f"~/{name}"][0].strip(" `") == kind.replace("/srv/", "/")


def test_the_ros_api_names_every_counter_of_a_session():
    counted = {**vars(TimelineStats()), **SessionStats().named()}
    assert len(counted) > 30 and counted.keys() <= rows("ros_api.md").keys()


def test_the_page_for_robots_names_every_launch_argument():
    assert launch_arguments("reactface.launch.py") <= rows("ros2.md").keys()


def test_the_page_of_outputs_names_every_output():
    page = (ROOT / "docs" / "outputs.md").read_text("utf-8")
    for name in vars(OutputsConfig()):
        assert f"`outputs.{name}" in page

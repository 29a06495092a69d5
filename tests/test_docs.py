"""README.md and docs/: every command is run, or what it names is checked; links, lengths, tables.

A block of commands that cannot be run everywhere has a mark on the line before it, which no reader
sees: ``<!-- needs: ros2 -->``. Its commands are then only looked at: options, settings, launch
arguments, targets and topics must exist. All other blocks are run in a scratch folder that has a
short recording (``my_bag``, ``talk.mp4``), the ``sample`` and the YAML files of the page.
"""

import ast
import pkgutil
import re
import runpy
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from reactface_node.cli.main import build_parser, main
from reactface_node.cli.options import load_config
from reactface_node.config import Config, OutputsConfig, RosConfig
from reactface_node.ros.node.adapters import TOPICS
from reactface_node.ros.node.topics import OUTPUTS
from reactface_node.ros.rclpy.robot_settings import declared

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NEEDS = {"ros2", "camera", "network", "download", "time", "data", "graph", "gpu", "display"}
FENCE = re.compile(
    r"^( *)(?:<!-- needs: ([\w, ]+) -->\n+ *)?```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
# Commands of others, whose options are theirs.
FOREIGN = {"cd", "source", "sudo", "git", "rosdep", "colcon", "touch", "docker", "rerun"}
SERVICES = {
    "reset": "std_srvs/srv/Trigger",
    "enable": "std_srvs/srv/SetBool",
    "set_portrait": "reactface_msgs/srv/SetPortrait",
}
TRANSITIONS = {"configure", "activate", "deactivate", "cleanup", "shutdown"}


class Block(NamedTuple):
    """A fenced block of a page. needs: '' where it can be run everywhere."""

    page: Path
    line: int
    needs: str
    language: str
    title: str
    text: str

    def __str__(self):
        return f"{self.page.name}:{self.line}"


def blocks(*languages):
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        for match in FENCE.finditer(text):
            indent, needs, language, title, body = match.groups()
            line = text.count("\n", 0, match.end()) - body.count("\n")
            body = re.sub(f"^{indent}", "", body, flags=re.MULTILINE)
            found.append(Block(page, line, needs or "", language, title or "", body))
    return [block for block in found if block.language in languages]


SHELL = blocks("bash")
RUN, LOOKED_AT = ([b for b in SHELL if bool(b.needs) == marked] for marked in (False, True))
PYTHON = blocks("python")

# What a block would call, without calling it: bash expands loops and quotes, and finds nothing.
SHAM = """
set -eu
PATH=/nowhere
note() { printf '%s\\0' "$@" >>"$LOG"; printf '\\036' >>"$LOG"; }
command_not_found_handle() { note "$@"; }
cd() { note cd "$@"; }
source() { note source "$@"; }
"""


def calls(block, folder):
    """The commands of a block, a list of arguments each."""
    log = folder / "calls.log"
    log.unlink(missing_ok=True)
    sham = ["/bin/bash", "--norc", "-c", f"LOG='{log}'\n{SHAM}\n{block.text}"]
    done = subprocess.run(
        sham, cwd=folder, capture_output=True, text=True, env={"HOME": "/home/me"}
    )
    assert done.returncode == 0, f"{block}: {done.stderr}"
    records = log.read_text("utf-8").split("\036")[:-1]
    return [record.split("\0")[:-1] for record in records]


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


def check(command):
    """AssertionError or UserError where it names what there is not."""
    program, *arguments = command
    if program == "reactface":
        check_reactface(arguments)
    elif program == "make":
        check_make(arguments)
    elif program in ("python", "python3", "torchrun"):
        check_python(arguments)
    elif program in ("pip",):
        check_pip(arguments)
    elif program == "ros2":
        check_ros2(*arguments)
    else:
        assert program in FOREIGN, f"nobody knows {program}"


def check_reactface(arguments):
    try:
        options, rest = build_parser().parse_known_args(arguments)
    except SystemExit as end:
        assert not end.code, f"reactface {' '.join(arguments)}"
        return  # --help or --version
    assert not rest or options.command == "node", rest
    if hasattr(options, "set"):
        load_config(options)


def check_make(arguments):
    text = (ROOT / "Makefile").read_text("utf-8")
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        pattern = rf"^{name} \?=" if equals else rf"^{name}:"
        assert re.search(pattern, text, re.MULTILINE), f"make {argument}"


def check_python(arguments):
    if "-m" not in arguments:
        assert (ROOT / arguments[0]).is_file(), arguments
        return
    module, *rest = arguments[arguments.index("-m") + 1 :]
    if module.startswith("reactface_node"):
        assert find_spec(module), module
    if module == "reactface_node.cli":
        check_reactface(rest)


def check_pip(arguments):
    setup = (ROOT / "setup.py").read_text("utf-8")
    for extra in re.findall(r"reactface_node\[([\w,]+)\]", " ".join(arguments)):
        for name in extra.split(","):
            assert f'        "{name}": [' in setup, f"extra {name}"


def check_ros2(verb, *arguments):
    if verb == "launch" and arguments[0] == "reactface_node":
        known = launch_arguments(arguments[1])
        for argument in arguments[2:]:
            name, given, _ = argument.partition(":=")
            assert name in known if given else argument == "--show-args", argument
    elif verb == "run" and arguments[0] == "reactface_node":
        assert arguments[1] == "reactface"
        check_reactface(arguments[2:])
    elif verb == "param" and arguments[1] == "/reactface":
        names = {item.name for item in declared(Config())}
        assert set(arguments[2:3]) <= names
        if arguments[0] == "set":
            Config.load(overrides={arguments[2]: yaml.safe_load(arguments[3])})
    elif verb == "service":
        assert SERVICES[arguments[1].removeprefix("/reactface/")] == arguments[2]
    elif verb == "lifecycle" and arguments[0] == "set":
        assert arguments[1] == "/reactface" and set(arguments[2:]) <= TRANSITIONS
    elif verb == "topic" and arguments[1].startswith("/reactface"):
        assert arguments[1].replace("/reactface", "~") in OUTPUTS | TOPICS, arguments


def launch_arguments(name):
    """All that a launch file, or the one that it includes, declares."""
    found = set()
    for path in {ROOT / "launch" / name, ROOT / "launch" / "reactface.launch.py"}:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in LAUNCH_TABLES:
                found |= ast.literal_eval(node.value).keys()
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "DeclareLaunchArgument"
            ):
                found |= {a.value for a in node.args[:1] if isinstance(a, ast.Constant)}
    return found


LAUNCH_TABLES = ("ARGUMENTS", "SETTINGS", "DEFAULTS")


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
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
    shown = "".join(page.read_text("utf-8") for page in [*PAGES, ROOT / "weights" / "README.md"])
    for picture in (ROOT / "docs").glob("*.[ps][nv]g"):
        assert picture.name in shown, picture.name


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


@pytest.mark.parametrize(("topic", "about"), (OUTPUTS | TOPICS).items())
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


def test_the_page_for_robots_names_every_launch_argument():
    assert launch_arguments("reactface.launch.py") <= rows("ros2.md").keys()


def test_the_page_of_outputs_names_every_output():
    page = (ROOT / "docs" / "outputs.md").read_text("utf-8")
    for name in vars(OutputsConfig()):
        assert f"`outputs.{name}" in page

"""The distributed packages: the wheel, the sdist, the two ROS packages, and their documents."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from test_house import LEVELS

from reactface_node.files import resources

ROOT = Path(__file__).resolve().parent.parent
MESSAGES = ROOT / "ros2_ws" / "src" / "reactface_msgs"
NO_SOURCES = [".*", "*.egg-info", "__pycache__", "build", "install", "log", "out"]
KEYS = {
    "opencv-contrib-python": "python3-opencv",
    "pillow": "python3-pil",
    "PyYAML": "python3-yaml",
}
"""rosdep keys that are not ``python3-`` and the distribution's name."""


def manifest(folder: Path = ROOT) -> ElementTree.Element:
    return ElementTree.parse(folder / "package.xml").getroot()


def run(*arguments: object, cwd: Path, **environment: str) -> str:
    done = subprocess.run(
        [*map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def build(kind: str, source: Path, out: Path) -> Path:
    """The wheel or the sdist of a source tree, made with what is installed here."""
    code = f"from setuptools import build_meta; build_meta.build_{kind}({str(out)!r})"
    run(sys.executable, "-W", "ignore", "-c", code, cwd=source)
    return next(out.iterdir())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    source = tmp_path_factory.mktemp("source") / "tree"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*NO_SOURCES))
    return build("sdist", source, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """Built from the sdist, as pip does where no wheel fits."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return build("wheel", next(folder.iterdir()), tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder that has the wheel and nothing else of ours."""
    site = tmp_path_factory.mktemp("site")
    options = ["-q", "--no-deps", "--no-index", "--no-compile", "--target", site]
    run(sys.executable, "-m", "pip", "install", *options, wheel, cwd=site)
    return site


def relative(*patterns: str) -> set[str]:
    found = {
        str(path.relative_to(ROOT))
        for pattern in patterns
        for path in ROOT.glob(pattern)
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert found
    return found


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_package(wheel):
    ours = relative("reactface_node/**/*")
    assert len([name for name in ours if name.endswith(".js")]) >= 2
    assert {name for name in names(wheel) if name.startswith("reactface_node/")} == ours


@pytest.mark.slow
def test_the_wheel_has_what_lies_beside_the_package(wheel):
    version = manifest().findtext("version")
    share = f"reactface_node-{version}.data/data/share/"
    found = {name.removeprefix(share) for name in names(wheel) if name.startswith(share)}
    weights = "weights/*.md", "weights/*.safetensors", "weights/graphs/*"
    wanted = relative("config/**/*", "launch/*.py", *weights)
    wanted |= {"package.xml", "LICENSE", "NOTICE"}
    wanted |= {f"{path.parent.name}/{path.name}" for path in MESSAGES.glob("[ms][sr][gv]/*.*")}
    marker = "ament_index/resource_index/packages/reactface_node"
    assert found == {f"reactface_node/{name}" for name in wanted} | {marker}
    assert {"weights/default.safetensors", "msg/Blendshapes.msg", "srv/SetPortrait.srv"} <= wanted


@pytest.mark.slow
def test_the_wheel_says_who_made_it_and_under_which_licence(wheel):
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        said = message_from_string(archive.read(metadata).decode())
    ours = manifest()
    assert said["Version"] == ours.findtext("version")
    assert said["Summary"] == ours.findtext("description")
    assert said["Maintainer"] == ours.findtext("maintainer")
    assert said["Home-page"] == ours.findtext("url[@type='website']")
    assert said["License"] == ours.findtext("license") == "Apache-2.0"
    assert said.get_all("License-File") == ["LICENSE", "NOTICE"]


@pytest.mark.slow
def test_every_requirement_is_a_rosdep_key_or_explained(wheel):
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith("/METADATA"))
        said = message_from_string(archive.read(metadata).decode())
    required = {
        re.split(r"[^\w.-]", line)[0]
        for line in said.get_all("Requires-Dist")
        if "extra ==" not in line
    }
    keys = {key.text for key in manifest().findall("exec_depend")}
    explained = re.findall(r"<!--(.*?)-->", (ROOT / "package.xml").read_text(), re.DOTALL)[-1]
    missing = {
        name
        for name in required
        if KEYS.get(name, f"python3-{name}") not in keys
        and not re.search(rf"\b{re.escape(name)}\b", explained)
    }
    assert len(required) > 15 and not missing


@pytest.mark.slow
def test_the_installed_wheel_finds_all_that_it_needs(installed, tmp_path):
    code = """
import reactface_node
from reactface_node.config import Config
from reactface_node.files import resources
from reactface_node.session import ReactionSession

print(reactface_node.__file__)
for name in ("default", "paper", "official"):
    Config.load(name)
for name in ("config", "launch", "weights", "msg"):
    print(resources.folder(name))
ReactionSession.load(Config.load("default"))
"""
    said = run(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(installed)).splitlines()
    share = installed / "share" / "reactface_node"
    assert said[0] == str(installed / "reactface_node" / "__init__.py")
    assert said[1:] == [str(share / name) for name in ("config", "launch", "weights", "msg")]


@pytest.mark.slow
def test_the_installed_command_replays_the_sample(installed, tmp_path):
    def reactface(*arguments: object) -> str:
        command = installed / "bin" / "reactface"
        return run(sys.executable, command, *arguments, cwd=tmp_path, PYTHONPATH=str(installed))

    assert reactface("--version").strip() == manifest().findtext("version")
    assert "replay" in reactface("--help")
    reactface("replay", ROOT / "sample", "-o", tmp_path / "reaction", "--render", "none")
    assert (tmp_path / "reaction" / "metadata.yaml").is_file()


@pytest.mark.slow
def test_the_node_has_an_executable_of_its_own(installed, tmp_path):
    node = installed / "bin" / "reactface_node"
    said = run(sys.executable, node, "--help", cwd=tmp_path, PYTHONPATH=str(installed))
    assert said.startswith("usage: reactface node") and "--autostart" in said


@pytest.mark.slow
def test_the_sdist_has_the_papers_and_the_tests(sdist):
    with tarfile.open(sdist) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    papers = {"LICENSE", "NOTICE", "README.md", "CHANGELOG.rst", "CITATION.cff", "constraints.txt"}
    assert papers | {"ros2_ws/src/reactface_msgs/CMakeLists.txt"} <= found
    assert {name for name in found if name.endswith(".py")} >= relative("tests/**/*.py")
    assert relative("sample/*") <= found


def test_both_packages_are_of_one_version():
    ours, messages = manifest(), manifest(MESSAGES)
    assert re.fullmatch(r"\d+\.\d+\.\d+", ours.findtext("version"))
    assert resources.version() == ours.findtext("version")
    urls = [f"url[@type='{kind}']" for kind in ("website", "repository", "bugtracker")]
    for tag in ("version", "maintainer", "author", "license", *urls):
        assert ours.findtext(tag) and ours.findtext(tag) == messages.findtext(tag), tag


@pytest.mark.parametrize("folder", [ROOT, MESSAGES], ids=["reactface_node", "reactface_msgs"])
def test_the_changelog_has_the_form_that_ros_tools_keep(folder):
    lines = (folder / "CHANGELOG.rst").read_text().splitlines()
    title = f"Changelog for package {manifest(folder).findtext('name')}"
    assert lines[1] == title and lines[0] == lines[2] == "^" * len(title)
    heads = [at for at, line in enumerate(lines) if re.fullmatch("-+", line)]
    versions = []
    for at, end in zip(heads, [*(at - 1 for at in heads[1:]), len(lines)], strict=True):
        head = re.fullmatch(r"Forthcoming|(\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)", lines[at - 1])
        assert head and len(lines[at]) == len(lines[at - 1])
        entries = [line for line in lines[at + 1 : end] if line]
        assert len(entries) > 1 and entries[-1].startswith("* Contributors: ")
        assert all(line.startswith("* ") for line in entries)
        versions.append(head[1])
    assert None not in versions[1:]
    assert next(filter(None, versions)) == manifest(folder).findtext("version")


def test_the_notice_names_every_model_with_its_licence():
    notice = (ROOT / "NOTICE").read_text()
    entries = dict(re.findall(r"^  (\S+) +(downloaded|brought)$", notice, re.MULTILINE))
    catalogue = yaml.safe_load((ROOT / "config" / "catalogue.yaml").read_text())
    assert entries == {
        name: "brought" if "by_hand" in model else "downloaded" for name, model in catalogue.items()
    }
    for name, model in catalogue.items():
        about = " ".join(notice.split(f"  {name} ")[1].split("\n  ", 4)[1:4])
        for licence in ("Apache-2.0", "MIT", "BSD-3-Clause", "CC BY-NC 4.0", "not stated"):
            if licence in model["licence"]:
                assert licence in about, name
    assert "weights/default.safetensors" in notice and "MediaPipe" in notice


def test_make_alone_lists_every_target():
    text = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)[1].split()
    said = run("make", "--no-print-directory", cwd=ROOT).splitlines()
    assert [line.split()[:2] for line in said] == [["make", name] for name in targets]
    assert all(len(line.split()) > 3 and len(line) <= 100 for line in said)


def test_the_page_for_contributors_has_the_rooms_in_their_order():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rows = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE)
    rooms = [re.findall(r"`([a-z]+)[./]", row) for row in rows]
    wanted = []
    for level in LEVELS:
        names = list(dict.fromkeys(room.split(".")[0] for room in level))
        if names not in wanted:
            wanted.append(names)
    assert rooms == wanted

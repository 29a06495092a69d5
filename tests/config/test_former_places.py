"""Places and names of version 0.1.0: they work for one release, with a DeprecationWarning."""

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rigs.paths import ROOT

from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files import resources


@pytest.fixture
def config_folder(tmp_path, monkeypatch):
    """A copy of the repository's config/ that the package reads instead."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    find = resources.folder
    monkeypatch.setattr(
        resources, "folder", lambda name: folder if name == "config" else find(name)
    )
    return folder


@pytest.mark.parametrize("name", ["mine", "my-robot"])
def test_a_profile_in_the_former_folder_is_read_with_a_warning(config_folder, name):
    (config_folder / f"{name}.yaml").write_text(f"profile: {name}\nplayout: {{gain: 1.5}}\n")
    with pytest.warns(
        DeprecationWarning, match=rf"config/{name}\.yaml.* belongs at .*/profiles/{name}\.yaml"
    ):
        config = Config.load(name)
    assert (config.profile, config.playout.gain) == (name, 1.5)


def test_the_warning_points_at_the_caller(config_folder):
    (config_folder / "mine.yaml").write_text("profile: mine\n")
    with pytest.warns(DeprecationWarning) as warned:
        Config.load("mine")
    assert [Path(one.filename) for one in warned] == [Path(__file__)]


def test_a_profile_in_both_folders_is_read_from_the_new_one(config_folder):
    (config_folder / "paper.yaml").write_text("playout: {gain: 2.5}\n")
    assert Config.load("paper").playout.gain == 1.0  # and no warning, which would be an error


@pytest.mark.parametrize(
    "name", ["themes", "catalogue", "motors_example", "none", "../x", "x" * 5000]
)
def test_what_is_no_profile_is_refused_in_one_line(config_folder, name):
    (config_folder.parent / "x.yaml").write_text("profile: x\n")
    with pytest.raises(
        UserError, match=r"^unknown profile .*; there are: default, official, paper$"
    ):
        Config.load(name)


def test_the_former_path_of_a_shipped_profile_as_a_settings_file(config_folder):
    with pytest.warns(DeprecationWarning, match=r"belongs at .*/config/profiles/paper\.yaml"):
        config = Config.load("paper", config_folder / "paper.yaml")
    assert config == Config.load("paper")


def test_a_file_at_the_former_path_is_read_itself(config_folder):
    (config_folder / "paper.yaml").write_text("playout: {gain: 2.5}\n")
    assert Config.load("paper", config_folder / "paper.yaml").playout.gain == 2.5


@pytest.mark.parametrize("name", ["none.yaml", "x" * 5000])
def test_a_settings_file_that_is_nowhere_is_one_line(config_folder, name):
    with pytest.raises(UserError, match="cannot read"):
        Config.load(path=config_folder / name)
    with pytest.raises(UserError, match="cannot read"):
        Config.load(path=config_folder.parent / name)


@pytest.mark.parametrize(
    ("module", "name", "home"),
    [
        ("reactface_node.session", "ReactionSession", "reactface_node.session.session"),
        ("reactface_node.config", "Config", "reactface_node.config.config"),
    ],
)
def test_the_public_imports_stay(module, name, home):
    """Without a warning, which would be an error here."""
    assert getattr(importlib.import_module(module), name).__module__ == home


def test_the_public_imports_load_no_torch():
    code = (
        "import sys; from reactface_node.session import ReactionSession; "
        "from reactface_node.config import Config; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

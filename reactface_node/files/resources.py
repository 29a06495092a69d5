"""Files of the installation (a source checkout or share/), and the name of the CPU."""

import os
import platform
import re
from pathlib import Path

from reactface_node.errors import UserError
from reactface_node.files.whole import home_path


def folder(name: str) -> Path:
    """The folder config, launch or weights; UserError if the installation lacks it."""
    here = Path(__file__).resolve()
    checkout = here.parents[2]
    if (checkout / "package.xml").is_file() and (checkout / name).is_dir():
        return checkout / name
    for parent in here.parents:
        shared = parent / "share" / "reactface_node" / name
        if shared.is_dir():
            return shared
    raise UserError(f"this installation has no '{name}' folder; install reactface_node again")


def version() -> str:
    """The package's version, from package.xml, the only place where it is written."""
    text = (folder("config").parent / "package.xml").read_text(encoding="utf-8")
    found = re.search(r"<version>(.*?)</version>", text)
    assert found is not None
    return found[1]


def weights_file(name: str) -> Path | None:
    """The file of a path (~ and relative paths work) or of a name in weights/; None if there is
    none. UserError as ``refuse_stand_in``."""
    for path in _places(name):
        # Not Path.is_file, which raises for names that are too long and folders without access.
        if os.path.isfile(path):
            refuse_stand_in(path)
            return path
    return None


def exported_model(name: str) -> Path | None:
    """The folder of an exported model, searched as in ``weights_file``; None if there is none."""
    return next((path for path in _places(name) if os.path.isdir(path)), None)


def _places(name: str) -> list[Path]:
    if not name:
        return []
    path = home_path(name)
    return [path] if path.is_absolute() or ".." in path.parts else [path, folder("weights") / path]


def refuse_stand_in(path: Path) -> None:
    """UserError if a file is empty, a Git LFS pointer or a web page instead of data."""
    try:
        with path.open("rb") as file:
            start = file.read(256)
    except OSError:
        return
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not start:
        raise UserError(f"{path} is damaged: it holds nothing; get it again")
    if text.startswith(b"version https://git-lfs.github.com/"):
        raise UserError(f"{path} is a Git LFS pointer, not the file itself: run `git lfs pull`")
    if text.startswith((b"<!", b"<html", b"<?xml", b"<head", b"<body")):
        raise UserError(f"{path} is a web page, not the file: download it again")


def processor() -> str:
    """The CPU's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()

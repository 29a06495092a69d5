"""What is around the code: the files beside it, in a source checkout or installed under share/,
and the machine."""

import platform
from pathlib import Path

from reactface_node.errors import UserError
from reactface_node.files import home_path


def folder(name: str) -> Path:
    """The folder config, launch or weights; UserError if the installation lacks it."""
    here = Path(__file__).resolve()
    checkout = here.parent.parent
    if (checkout / "package.xml").is_file() and (checkout / name).is_dir():
        return checkout / name
    for parent in here.parents:
        shared = parent / "share" / "reactface_node" / name
        if shared.is_dir():
            return shared
    raise UserError(f"this installation has no '{name}' folder; install reactface_node again")


def weights_file(name: str) -> Path | None:
    """A path as given, or a name in weights/; None if neither is a file."""
    for path in (home_path(name), folder("weights") / name):
        if path.is_file():
            return path
    return None


def exported_model(name: str) -> Path | None:
    """The folder of an exported model: a path as given, or a name in weights/; None if neither
    is a folder."""
    for path in (home_path(name), folder("weights") / name):
        if path.is_dir():
            return path
    return None


def processor() -> str:
    """The CPU's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()

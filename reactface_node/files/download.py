"""Files from the web: whole and verified, or not there; what was cut short goes on later."""

import hashlib
import re
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.files.whole import cannot_write, lock, make_folder

CHUNK = 1 << 18
PATIENCE_S = 20.0
SCHEMES = ("http", "https")
PARTIAL, NOTHING_LEFT = 206, 416


class _Redirects(HTTPRedirectHandler):
    """Follows to the web alone; a model hub tells a file's sha256 before it redirects."""

    def __init__(self) -> None:
        self.sha256: str | None = None

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        told = str(headers.get("X-Linked-Etag", "")).strip('"')
        if re.fullmatch("[0-9a-f]{64}", told):
            self.sha256 = told
        _check_scheme(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(url: str, target: Path, sha256: str | None = None) -> None:
    """The file at a URL as ``target``, with a progress bar.

    sha256: what it must have, or how that begins; where None, what the server itself says it is.
    UserError, one line, where the server cannot be reached, has no such file, stops half-way or
    sends something else; ``target`` is then as it was, and what came of it is kept for the next
    try, unless it is wrong.
    """
    _check_scheme(url)
    part, note = (target.with_name(f".{target.name}.{end}") for end in ("part", "etag"))
    told = _fetch(url, part, note)
    wanted = sha256 or told
    if wanted and not file_sha256(part).startswith(wanted):
        part.unlink()
        note.unlink(missing_ok=True)
        raise UserError(f"{url} is not the file that was expected (sha256); it was thrown away")
    part.replace(target)
    note.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _fetch(url: str, part: Path, note: Path) -> str | None:
    """All of the file into ``part``; the sha256 that the server told, if it did."""
    have = part.stat().st_size if part.is_file() and note.is_file() else 0
    headers = {"User-Agent": "reactface"}
    if have:
        # If it has changed since, the server sends all of the new one.
        headers |= {"Range": f"bytes={have}-", "If-Range": note.read_text(encoding="utf-8")}
    redirects = _Redirects()
    host = urlsplit(url).netloc
    try:
        with build_opener(redirects).open(Request(url, headers=headers), timeout=PATIENCE_S) as got:
            # Not before: who is offline finds everything as it was.
            make_folder(part.parent)
            _receive(got, part, note, have if got.status == PARTIAL else 0)
    except HTTPError as error:
        if error.code == NOTHING_LEFT and have:
            part.unlink()
            return _fetch(url, part, note)
        raise UserError(f"{host} answers {error.code} {error.reason} for {url}") from error
    except URLError as error:
        raise UserError(f"cannot reach {host} ({error.reason}); nothing was changed") from error
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise UserError(_cut(url, part)) from error
    except OSError as error:
        raise cannot_write(part, error) from error
    return redirects.sha256


def _receive(got: Any, part: Path, note: Path, have: int) -> None:
    length = got.headers.get("Content-Length")
    total = have + int(length) if length else None
    mark = got.headers.get("ETag") or got.headers.get("Last-Modified")
    # A weak ETag does not vouch for the bytes, and If-Range refuses it.
    if mark and not mark.startswith("W/"):
        note.write_text(mark, encoding="utf-8")
    else:
        note.unlink(missing_ok=True)
    name = part.name.removeprefix(".").removesuffix(".part")
    bar = ProgressBar(total=total, initial=have, desc=name, unit="B", unit_scale=True)
    with part.open("ab") as file, bar:
        lock(file.fileno(), part)
        file.truncate(have)
        while chunk := got.read(CHUNK):
            file.write(chunk)
            bar.update(len(chunk))
        if total is not None and file.tell() < total:
            raise ConnectionError


def _cut(url: str, part: Path) -> str:
    came = part.stat().st_size / 1e6 if part.is_file() else 0.0
    return f"{url} stopped after {came:.1f} MB; run the command again to go on"


def _check_scheme(url: str) -> None:
    if urlsplit(url).scheme not in SCHEMES:
        raise UserError(f"{url} is no web address")

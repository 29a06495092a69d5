"""Downloads: a file appears only complete and verified; an interrupted download continues later."""

import hashlib
import re
import time
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.files.whole import (
    cannot_write,
    hidden_place,
    make_folder,
    put_in_place,
    unfinished_folder,
)

CHUNK = 1 << 18
TIMEOUT_S = 20.0
FIRST_TIMEOUT_S = 10.0
"""Wait for an answer where there is another source."""
SCHEMES = ("http", "https")
PARTIAL, NOTHING_LEFT = 206, 416


class _Redirects(HTTPRedirectHandler):
    """Follows redirects to http and https only; keeps the sha256 that a hub sends."""

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


def download(
    url: str, target: Path, sha256: str | None = None, limit_s: float | None = None
) -> None:
    """The file at a URL as ``target``, with a progress bar.

    limit_s: a longer download is stopped, as if the server had stopped.
    sha256: the expected digest or its first digits; None = the digest that the server sends, if
    any. UserError, one line, if the server cannot be reached, has no such file, stops early or
    sends another file. ``target`` is then unchanged; the part that arrived is kept for the next
    call, unless it is of another file.
    """
    _check_scheme(url)
    part = unfinished_folder(target) / target.name
    note = _note(part)
    have = part.stat().st_size if part.is_file() and note.is_file() else 0
    headers = {"User-Agent": "reactface"}
    if have:
        # If the file has changed since, the server sends the whole new one.
        headers |= {"Range": f"bytes={have}-", "If-Range": note.read_text(encoding="utf-8")}
    redirects = _Redirects()
    host = urlsplit(url).netloc
    timeout_s = TIMEOUT_S if limit_s is None else FIRST_TIMEOUT_S
    until_s = None if limit_s is None else time.monotonic() + limit_s
    try:
        with build_opener(redirects).open(Request(url, headers=headers), timeout=timeout_s) as got:
            # Only now, so that nothing changes without a connection.
            make_folder(target.parent)
            with hidden_place(target, keep=True):
                _receive(got, part, have if got.status == PARTIAL else 0, until_s)
                _check_sum(url, part, sha256 or redirects.sha256)
                put_in_place(part, target)
                note.unlink(missing_ok=True)
    except HTTPError as error:
        error.close()
        if error.code == NOTHING_LEFT and have:
            part.unlink()
            download(url, target, sha256, limit_s)
            return
        raise UserError(f"{host} answers {error.code} {error.reason} for {url}") from error
    except URLError as error:
        raise UserError(f"cannot reach {host} ({error.reason}); nothing was changed") from error
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise UserError(_cut(url, part)) from error
    except OSError as error:
        raise cannot_write(target, error) from error


def file_sha256(path: Path) -> str:
    """64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _note(part: Path) -> Path:
    """The file beside an incomplete one that holds the server's ETag or date of it."""
    return part.with_name(f"{part.name}.etag")


def _check_sum(url: str, part: Path, sha256: str | None) -> None:
    if sha256 and not file_sha256(part).startswith(sha256):
        part.unlink()
        _note(part).unlink(missing_ok=True)
        raise UserError(f"{url} is not the file that was expected (sha256); it was thrown away")


def _receive(got: Any, part: Path, have: int, until_s: float | None) -> None:
    length = got.headers.get("Content-Length")
    total = have + int(length) if length else None
    mark, note = got.headers.get("ETag") or got.headers.get("Last-Modified"), _note(part)
    # A weak ETag does not guarantee equal bytes, and If-Range does not accept it.
    if mark and not mark.startswith("W/"):
        note.write_text(mark, encoding="utf-8")
    else:
        note.unlink(missing_ok=True)
    bar = ProgressBar(total=total, initial=have, desc=part.name, unit="B", unit_scale=True)
    with part.open("ab") as file, bar:
        if file.tell() < have:  # Another process has finished or removed it meanwhile.
            raise ConnectionError
        file.truncate(have)
        # read1 gives what has come; read would wait for a whole chunk from a slow server.
        while chunk := got.read1(CHUNK):
            file.write(chunk)
            bar.update(len(chunk))
            if until_s is not None and time.monotonic() > until_s:
                raise TimeoutError
        if total is not None and file.tell() < total:
            raise ConnectionError


def _cut(url: str, part: Path) -> str:
    came = part.stat().st_size / 1e6 if part.is_file() else 0.0
    return f"{url} stopped after {came:.1f} MB; run the command again to go on"


def _check_scheme(url: str) -> None:
    if urlsplit(url).scheme not in SCHEMES:
        raise UserError(f"{url} is no web address")

"""``reactface weights``: the list, and downloads from a real server on this machine."""

import hashlib
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from reactface_node.cli.main import main
from reactface_node.engine.catalogue import fetch, listing, read_catalogue
from reactface_node.errors import UserError
from reactface_node.files.whole import hidden_place

pytestmark = pytest.mark.slow

CONTENT = np.random.default_rng(0).integers(0, 256, 700_000, np.uint8).tobytes()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Serves ``state.files`` as ``state`` says, and notes what was asked for."""

    def __init__(self, state, *arguments):
        self.state = state
        super().__init__(*arguments)

    def do_GET(self):
        state = self.state
        state.asked.append((self.path, self.headers.get("Range")))
        if self.path in state.redirects:
            self.send_response(302)
            self.send_header("Location", state.redirects[self.path])
            self.send_header("X-Linked-Etag", f'"{state.linked}"')
            self.end_headers()
            return
        if self.path not in state.files:
            self.send_error(404)
            return
        content, first = state.files[self.path], 0
        same = self.headers.get("If-Range") == state.etag
        if state.ranges and same and (asked := self.headers.get("Range")):
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if first else 200)
        self.send_header("ETag", state.etag)
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        self.wfile.write(content[first : first + state.most])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    state = SimpleNamespace(
        files={"/a.bin": CONTENT},
        redirects={},
        linked="",
        etag='"one"',
        ranges=True,
        most=len(CONTENT),
        asked=[],
    )
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, state))
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def catalogue(tmp_path, *files, **changes):
    """One entry called "it"."""
    about = {
        "what": "a test",
        "profiles": ["paper"],
        "setting": "weights",
        "source": "nowhere",
        "licence": "none",
        "files": list(files),
    }
    path = tmp_path / "catalogue.yaml"
    path.write_text(yaml.safe_dump({"it": about | changes}))
    return read_catalogue(path)


def one(server, tmp_path, **about):
    return catalogue(tmp_path, {"path": "a.bin", "url": f"{server.url}/a.bin", **about})


def names(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*")) if folder.exists() else []


def test_a_file_arrives_whole_and_verified(server, tmp_path):
    entries, folder = one(server, tmp_path, sha256=SHA256), tmp_path / "weights"
    assert entries[0].state(folder) == "missing"
    assert fetch(entries, "it", folder) == [folder / "a.bin"]
    assert (folder / "a.bin").read_bytes() == CONTENT
    assert names(folder) == ["a.bin"]
    assert entries[0].state(folder) == "verified"
    fetch(entries, "it", folder)
    assert len(server.asked) == 1  # what is there is not fetched again


def test_a_cut_download_goes_on_where_it_stopped(server, tmp_path):
    entries, folder = one(server, tmp_path, sha256=SHA256[:8]), tmp_path / "weights"
    server.most = 300_000
    with pytest.raises(UserError, match=r"stopped after 0\.3 MB; run the command again to go on"):
        fetch(entries, "it", folder)
    assert not (folder / "a.bin").exists()
    server.most = len(CONTENT)
    fetch(entries, "it", folder)
    assert (folder / "a.bin").read_bytes() == CONTENT
    assert server.asked == [("/a.bin", None), ("/a.bin", "bytes=300000-")]
    assert names(folder) == ["a.bin"]


def test_of_two_downloads_of_one_file_at_a_time_the_second_is_refused(server, tmp_path):
    entries, folder = one(server, tmp_path, sha256=SHA256), tmp_path / "weights"
    folder.mkdir()
    with (
        hidden_place(folder / "a.bin"),
        pytest.raises(UserError, match=r"a\.bin: another process is writing it"),
    ):
        fetch(entries, "it", folder)
    fetch(entries, "it", folder)
    assert (folder / "a.bin").read_bytes() == CONTENT and names(folder) == ["a.bin"]


@pytest.mark.parametrize("why", ["the server has no ranges", "the file has changed"])
def test_where_it_cannot_go_on_it_starts_again(server, tmp_path, why):
    entries, folder = one(server, tmp_path), tmp_path / "weights"
    server.most = 300_000
    with pytest.raises(UserError, match="stopped"):
        fetch(entries, "it", folder)
    server.most = len(CONTENT)
    if why == "the file has changed":
        server.etag, server.files["/a.bin"] = '"two"', CONTENT[::-1]
    else:
        server.ranges = False
    fetch(entries, "it", folder)
    assert (folder / "a.bin").read_bytes() == server.files["/a.bin"]


def test_another_file_is_thrown_away(server, tmp_path):
    entries, folder = one(server, tmp_path, sha256="0" * 64), tmp_path / "weights"
    with pytest.raises(UserError, match=r"is not the file that was expected \(sha256\)"):
        fetch(entries, "it", folder)
    assert names(folder) == []


def test_what_the_hub_says_of_a_file_is_checked(server, tmp_path):
    server.redirects["/hub"], server.linked = "/a.bin", "1" * 64
    entries = catalogue(tmp_path, {"path": "a.bin", "url": f"{server.url}/hub"})
    with pytest.raises(UserError, match="sha256"):
        fetch(entries, "it", tmp_path / "weights")
    server.linked = SHA256
    fetch(entries, "it", tmp_path / "weights")
    assert names(tmp_path / "weights") == ["a.bin"]


def test_a_damaged_file_is_told_and_replaced(server, tmp_path):
    entries, folder = one(server, tmp_path, sha256=SHA256), tmp_path / "weights"
    folder.mkdir()
    (folder / "a.bin").write_bytes(b"half")
    assert entries[0].state(folder).startswith("damaged")
    fetch(entries, "it", folder)
    assert entries[0].state(folder) == "verified"


def test_a_folder_appears_when_all_of_it_is_there(server, tmp_path):
    server.files["/b.bin"] = b"short"
    files = [{"path": f"net/{n}", "url": f"{server.url}/{n}"} for n in ("a.bin", "b.bin", "c.bin")]
    entries, folder = catalogue(tmp_path, *files), tmp_path / "weights"
    with pytest.raises(UserError, match=r"answers 404 .* for .*/c\.bin"):
        fetch(entries, "it", folder)
    assert not (folder / "net").exists()
    server.files["/c.bin"] = b"here now"
    fetch(entries, "it", folder)
    assert names(folder) == ["net", "net/a.bin", "net/b.bin", "net/c.bin"]
    assert [path for path, _ in server.asked].count("/a.bin") == 1


@pytest.mark.parametrize("host", ["127.0.0.1:9", "nobody.invalid"])
def test_offline_is_one_line_and_changes_nothing(tmp_path, host):
    files = [{"path": "net/a.bin", "url": f"http://{host}/a.bin"}]
    with pytest.raises(UserError, match=r"cannot reach .*nothing was changed") as refused:
        fetch(catalogue(tmp_path, *files), "it", tmp_path / "weights")
    assert "\n" not in str(refused.value)
    assert names(tmp_path) == ["catalogue.yaml"]


@pytest.mark.parametrize("path", ["../a.bin", "/etc/a.bin", "a/../../b.bin", "."])
def test_nothing_leaves_the_weights_folder(tmp_path, path):
    with pytest.raises(UserError, match="outside the weights folder"):
        catalogue(tmp_path, {"path": path, "url": "http://127.0.0.1:9/a.bin"})


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://nowhere/a"])
def test_only_the_web_is_read(tmp_path, server, url):
    with pytest.raises(UserError, match="is no web address"):
        fetch(catalogue(tmp_path, {"path": "a.bin", "url": url}), "it", tmp_path)
    server.redirects["/hub"] = url
    entries = catalogue(tmp_path, {"path": "a.bin", "url": f"{server.url}/hub"})
    with pytest.raises(UserError, match=r"is no web address|is not allowed"):
        fetch(entries, "it", tmp_path)


def test_what_is_got_by_hand_says_how(tmp_path):
    entries = catalogue(tmp_path, {"path": "a.bin"}, by_hand="fill in a form")
    with pytest.raises(UserError, match=r"it is got by hand: fill in a form \(nowhere\)"):
        fetch(entries, "it", tmp_path)
    with pytest.raises(UserError, match="unknown 'that'; there are: it"):
        fetch(entries, "that", tmp_path)


def test_the_list_says_what_each_profile_has_and_could_have(capsys):
    assert main(["weights"]) == 0
    said = capsys.readouterr().out
    lines = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    assert "present" in lines["default"]
    assert "not shipped" in lines["paper"] and "not shipped" in lines["official"]
    for entry in read_catalogue():
        assert f"{entry.name}: " in said and entry.licence in said and entry.source in said


def test_every_entry_can_be_got_and_every_sum_is_one():
    for entry in read_catalogue():
        assert entry.by_hand or all(file.url or file.wheel for file in entry.files)
        assert all(int(file.sha256 or "0", 16) >= 0 for file in entry.files)


def test_a_download_by_hand_is_a_mistake_of_one_line(capsys):
    assert main(["weights", "--download", "mean_face.npy"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1


def test_the_shipped_weights_are_listed_by_their_sum(tmp_path):
    assert "default.safetensors: present, sha256 " in listing((), tmp_path)

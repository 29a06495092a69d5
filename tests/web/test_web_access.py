"""The page for other machines: names, the token, HTTPS, and headers of every answer."""

import http.client
import socket
import ssl
import subprocess

import pytest
from rigs.web import UPGRADE, ask, raw, until, web_face

from reactface_node.errors import UserError
from reactface_node.web import pages
from reactface_node.web.access import TOKEN_VARIABLE, is_loopback

OPEN = {"web.host": "0.0.0.0"}


@pytest.fixture
def face():
    with web_face(**OPEN) as opened_face:
        yield opened_face


def answer(face, path, tls=None, **headers):
    """The whole answer, whose body has been read."""
    kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
    connection = kind("127.0.0.1", face.port, timeout=20, **({"context": tls} if tls else {}))
    try:
        connection.request("GET", path, headers=headers)
        found = connection.getresponse()
        found.body = found.read() if found.status != 101 else b""
        return found
    finally:
        connection.close()


def token_of(face):
    address, _, token = face.url.partition("/?token=")
    assert address.endswith(f":{face.port}") and len(token) == 32
    return token


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("localhost", True),
        ("", False),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("no.such.host.invalid", False),
    ],
)
def test_what_is_this_machine_alone(host, local):
    assert is_loopback(host) == local


@pytest.mark.parametrize("host", ["0.0.0.0", ""])
def test_an_open_page_is_announced_with_its_token_and_a_warning(host):
    with web_face(**{"web.host": host}) as face:
        assert token_of(face) in face.announcement
        assert "can see and change the face" in face.announcement


def test_on_this_machine_nothing_is_asked_for():
    with web_face() as face:
        assert face.announcement == f"the face is on http://127.0.0.1:{face.port}"
        assert answer(face, "/").status == 200


@pytest.mark.parametrize(
    "path", ["/", "/face", "/about.json", "/page/page.js", "/theme/default.json"]
)
def test_without_the_token_nothing_is_given(face, path):
    wrong = ["", "?token=", "?token=" + "0" * 32, "?token=%ff%00", f"?token={token_of(face)}0"]
    for query in wrong:
        assert answer(face, path + query, **UPGRADE).status == 401
    cookie = f"reactface_{face.port}=%s"
    for value in ("", "x", token_of(face)[:-1]):
        assert answer(face, path, Cookie=cookie % value, **UPGRADE).status == 401
    assert answer(face, path, Cookie=cookie % token_of(face), **UPGRADE).status in (200, 101)


def test_the_printed_address_leaves_the_token_in_a_cookie_alone(face):
    first = answer(face, f"/?token={token_of(face)}")
    assert first.status == 303 and first.headers["Location"] == "/"
    cookie, *about = first.headers["Set-Cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict"} <= set(about)
    assert not [entry for entry in about if entry.lower().startswith(("expires", "max-age"))]
    second = answer(face, "/", Cookie=cookie)
    assert second.status == 200 and token_of(face).encode() not in second.body
    assert answer(face, f"/face?token={token_of(face)}", **UPGRADE).status == 101


def test_each_start_has_a_token_of_its_own_unless_one_is_fixed(monkeypatch):
    with web_face(**OPEN) as one, web_face(**OPEN) as other:
        assert token_of(one) != token_of(other)
    monkeypatch.setenv(TOKEN_VARIABLE, "Tablet0123456789abcdef0123456789")
    with web_face(**OPEN) as face:
        assert token_of(face) == "Tablet0123456789abcdef0123456789"
    for wrong in ("short", "sixteen letters!", "ä" * 20):
        monkeypatch.setenv(TOKEN_VARIABLE, wrong)
        with pytest.raises(UserError, match=TOKEN_VARIABLE) as said:
            web_face(**OPEN)
        assert wrong not in str(said.value)


def test_only_the_names_that_it_is_served_under():
    own = socket.gethostname()
    with web_face(**OPEN, **{"web.names": "robot.lab.example, Face.example"}) as face:
        path = f"/about.json?token={token_of(face)}"
        served = [
            own,
            own.upper(),
            f"{own.split('.')[0]}.local",
            "127.0.0.1",
            "localhost",
            "[::1]",
            "robot.lab.example",
            "ROBOT.lab.example.",
            "face.example",
        ]
        for name in served:
            assert ask(face, path, Host=f"{name}:{face.port}")[0] == 200, name
            assert ask(face, path, Host=name, Origin=f"http://{name}")[0] == 200, name
        for name in ("evil.example", f"{own}.evil.example", "192.0.2.1", "[::", "", "robot.lab"):
            assert ask(face, path, Host=name)[0] in (400, 403), name
        for origin in ("http://evil.example", "null", "http://localhost"):
            assert ask(face, path, Host="robot.lab.example", Origin=origin)[0] == 403


def test_every_answer_has_the_headers_and_tells_no_version(face):
    path = f"?token={token_of(face)}"
    kinds = {"/": 303, "/about.json": 200, "/page/page.js": 200, "/nowhere": 404, "/face": 426}
    found = [(answer(face, kind + path), status) for kind, status in kinds.items()]
    found += [(answer(face, "/"), 401), (answer(face, "/", Host="evil.example"), 403)]
    for item, status in found:
        assert item.status == status or (status, item.status) == (426, 400)
        policy = item.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert item.headers["X-Content-Type-Options"] == "nosniff"
        assert item.headers["Cache-Control"] == "no-cache"
        assert item.headers["Server"] == "reactface"
        assert b"aiohttp" not in item.body and b"Python" not in item.body


def test_the_answer_to_invalid_http_has_no_version(face):
    peer = raw(face, b"\x16\x03\x01 nonsense\r\n\r\n")
    said = b""
    while data := peer.recv(4096):
        said += data
    peer.close()
    assert said.startswith(b"HTTP/1.") and b"Server: reactface" in said
    assert b"aiohttp" not in said and said.endswith(b"\r\n\r\n400")


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\nHost: localhost", b"GET /"])
def test_half_open_connections_time_out(data, monkeypatch):
    monkeypatch.setattr(pages, "HALF_OPEN_S", 0.2)
    with web_face() as face:
        peer = raw(face, data)
        try:
            assert peer.recv(10) == b""
        except ConnectionResetError:
            pass
        finally:
            peer.close()
        assert answer(face, "/").status == 200


def test_more_connections_than_are_taken_are_ended(monkeypatch):
    monkeypatch.setattr(pages, "MOST_CONNECTIONS", 3)
    with web_face() as face:
        held = [raw(face) for _ in range(3)]
        until(lambda: _is_cut(raw(face)), "a fourth connection was taken")
        for peer in held:
            peer.close()
        until(lambda: _answers(face), "nobody is let in again")


def _is_cut(peer):
    peer.settimeout(0.5)
    try:
        return peer.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    finally:
        peer.close()


def _answers(face):
    try:
        return answer(face, "/").status == 200
    except (ConnectionError, http.client.HTTPException):
        return False


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate, its key, and the same key under a password."""
    folder = tmp_path_factory.mktemp("tls")
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-out",
        "cert.pem",
        "-keyout",
        "key.pem",
    ]
    try:
        subprocess.run([*make, "-nodes"], cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl program to make a certificate with")
    locked = ["openssl", "ec", "-in", "key.pem", "-aes128", "-passout", "pass:secret"]
    subprocess.run([*locked, "-out", "locked.pem"], cwd=folder, check=True, capture_output=True)
    return folder


def test_https_with_a_given_certificate(certificate):
    certified = certificate / "cert.pem"
    files = {
        "web.certificate": str(certified),
        "web.key": str(certificate / "key.pem"),
    }
    with web_face(**OPEN, **files) as face:
        assert face.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=certified)
        first = answer(face, f"/?token={token_of(face)}", tls=trusting)
        assert first.status == 303 and "Secure" in first.headers["Set-Cookie"]
        page = answer(face, "/", tls=trusting, Cookie=first.headers["Set-Cookie"].split(";")[0])
        assert page.status == 200 and "wss://127.0.0.1" in page.headers["Content-Security-Policy"]
        # Who speaks plain HTTP there is cut off, and others are served on.
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            answer(face, "/")
        assert answer(face, "/", tls=trusting).status == 401


@pytest.mark.parametrize(
    "files",
    [
        {"web.certificate": "nowhere.pem"},
        {"web.certificate": "cert.pem"},
        {"web.certificate": "cert.pem", "web.key": "nowhere.pem"},
        {"web.certificate": "key.pem", "web.key": "cert.pem"},
        {"web.certificate": "cert.pem", "web.key": "locked.pem"},
        {"web.certificate": "."},
    ],
)
def test_a_certificate_that_cannot_be_used_is_one_line(certificate, files):
    files = {name: str(certificate / value) for name, value in files.items()}
    with pytest.raises(UserError, match=r"web\.certificate") as said, web_face(**files):
        pass
    assert "\n" not in str(said.value)

"""A headless Chromium driven over its debugging pipe, without a driver or a network."""

import base64
import contextlib
import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--mute-audio",
    "--disable-background-networking",
    "--disable-component-update",
    "--proxy-server=127.0.0.1:9",
    "--autoplay-policy=no-user-gesture-required",
    "--remote-debugging-pipe",
)


def find_chromium() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Address of a folder, without a final slash, on a static server of this machine."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given: Any):
            super().__init__(*given, directory=str(folder))

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Browser:
    """One page; messages are JSON with a NUL after each, in on fd 3 and out on fd 4."""

    def __init__(self, program: str, folder: Path):
        """folder: for its profile and downloads."""
        self.downloads = folder / "downloads"
        self.downloads.mkdir(parents=True)
        to_child, self._write = os.pipe()
        self._read, from_child = os.pipe()
        # Moved by a shell: a preexec_fn is not safe beside threads.
        moved = 'exec {in}<&"$0" {out}>&"$1"; exec 3<&"$in" 4>&"$out"; shift; exec "$@"'
        profile = f"--user-data-dir={folder / 'profile'}"
        command = ["bash", "-c", moved, str(to_child), str(from_child), program, *QUIET, profile]
        self._child = subprocess.Popen(
            command,
            pass_fds=(to_child, from_child),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        os.close(to_child)
        os.close(from_child)
        self._buffer, self._count, self._session = b"", 0, None
        self._seen: dict[str, dict[str, Any]] = {}
        self.errors: list[str] = []
        self.requests: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self.send(
            "Browser.setDownloadBehavior",
            behavior="allow",
            downloadPath=str(self.downloads),
            eventsEnabled=True,
        )
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        self._seen.clear()
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._count:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def wait_for(self, event: str) -> dict[str, Any]:
        """It may have come already, with the answer to the last command."""
        while event not in self._seen:
            self._next()
        return self._seen.pop(event)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._read, 1 << 20)
            if not data:
                raise RuntimeError("the browser ended")
            self._buffer += data
        raw, self._buffer = self._buffer.split(b"\0", 1)
        message = json.loads(raw)
        method, given = message.get("method"), message.get("params", {})
        self._seen[method] = given
        if method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(given["exceptionDetails"]))
        elif method == "Log.entryAdded" and given["entry"]["level"] == "error":
            self.errors.append(json.dumps(given["entry"]))
        elif method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        return message

    def open(self, url: str) -> None:
        self.send("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def reload(self) -> None:
        self.send("Page.reload")
        self.wait_for("Page.loadEventFired")

    def do(self, script: str) -> Any:
        """Runs JavaScript, awaits it, returns its value."""
        answer = self.send(
            "Runtime.evaluate",
            expression=script,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                **({"text": text} if kind == "keyDown" and text else {}),
            )

    def size(self, width: int, height: int, mobile: bool = False) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=mobile,
        )

    def screenshot(self, path: Path) -> None:
        data = self.send("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        self._session = None
        try:
            self.send("Browser.close")
        except (OSError, RuntimeError):
            self._child.kill()
        self._child.wait(timeout=20)
        os.close(self._write)
        os.close(self._read)

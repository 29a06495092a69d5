"""Records the messages, log lines and resources of a live node, and its pauses."""

import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from campaign.machine import Held, held
from campaign.tally import Tally, reason_of, trace_of
from reactface_node.ros.node.server import Server
from reactface_node.ros.node.topics import BLENDSHAPES, DIAGNOSTICS

PART = "live"
LONGEST_GAP_S = 1.0
SETTLED_S = 60.0
"""Memory is compared with that at this time."""
SAID_EVERY_S, STUCK_S = 10.0, 60.0


class Watcher:
    """Notes what is published and what is logged as an error; ``said`` sums it up."""

    def __init__(self, tally: Tally, command: str) -> None:
        self.tally, self.command = tally, command
        self.frames = self.exceptions = self.errors = 0
        self.longest_gap_s = self.level = 0.0
        self.levels: set[int] = set()
        self.settled: Held | None = None
        self._last_s: float | None = None
        self._began_s = self._said_s = self._turned_s = time.monotonic()

    def note(self, topic: str, message: Any) -> None:
        if topic == BLENDSHAPES:
            self.look()
            self._last_s = time.monotonic()
            self.frames += 1
        elif topic == DIAGNOSTICS:
            values = {pair.key: pair.value for pair in message.status[0].values}
            self.levels.add(int(float(values.get("load_level", 0))))

    def look(self, expects: bool = True) -> None:
        """Counts the gap that lasts; expects: a frame, which a disabled node does not send."""
        now_s = self._turned_s = time.monotonic()
        if not expects:
            self._last_s = now_s
        if self._last_s is None or now_s - self._last_s <= self.longest_gap_s:
            return
        self.longest_gap_s = now_s - self._last_s
        if self.longest_gap_s > LONGEST_GAP_S:
            reason = f"gap of {self.longest_gap_s:.2f} s at {self.elapsed_s:.0f} s, {_load()}"
            self.tally.fault(PART, reason, self.command)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Inside, a serving thread that stands still is a fault, with what it was at."""
        ended, serving = threading.Event(), threading.get_ident()

        def watch() -> None:
            said_of_s = 0.0
            while not ended.wait(0.2):
                turned_s = self._turned_s
                stood_s = time.monotonic() - turned_s
                trace = "".join(traceback.format_stack(sys._current_frames()[serving]))
                if stood_s > LONGEST_GAP_S and turned_s != said_of_s:
                    said_of_s = turned_s
                    reason = f"no turn for {stood_s:.1f} s, {_load()}"
                    self.tally.fault(PART, reason, self.command, trace)
                if stood_s > STUCK_S:
                    print(f"stuck for {stood_s:.0f} s:\n{trace}{self.tally.table()}", flush=True)
                    os._exit(1)

        thread = threading.Thread(target=watch, daemon=True)
        self._turned_s = time.monotonic()
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._began_s

    def raised(self, what: str, error: BaseException) -> None:
        self.exceptions += 1
        self.tally.fault(
            PART,
            f"{what} at {self.elapsed_s:.0f} s: {reason_of(error)}",
            self.command,
            trace_of(error),
        )

    def say(self, server: Server) -> None:
        """Every ten seconds."""
        if self.settled is None and self.elapsed_s > SETTLED_S:
            self.settled = held()
        if time.monotonic() - self._said_s < SAID_EVERY_S:
            return
        self._said_s = time.monotonic()
        resets = server._session.stats()["resets"]
        text = (
            f"{self.elapsed_s:.0f} s, {self.frames} frames, longest gap "
            f"{self.longest_gap_s:.2f} s, {self.exceptions} exceptions, {self.errors} errors, "
            f"{resets:.0f} restarts, levels {sorted(self.levels)}, {held()}"
        )
        print(f"live: {text}", flush=True)


class Errors(logging.Handler):
    """What is logged with a traceback is an exception, whoever caught it."""

    def __init__(self, watcher: Watcher) -> None:
        super().__init__(logging.WARNING)
        self._watcher = watcher

    def emit(self, record: logging.LogRecord) -> None:
        self._watcher.errors += record.levelno >= logging.ERROR
        if record.exc_info and record.exc_info[1] is not None:
            self._watcher.raised("logged", record.exc_info[1])


def _load() -> str:
    """A machine that is busy with others explains a gap."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"

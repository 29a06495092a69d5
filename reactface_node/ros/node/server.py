"""The node's logic, the same under every transport: convert, call the session, publish.

A transport owns publishers and subscriptions. It calls ``receive`` for each message and ``tick``
every few milliseconds, all from one thread. Times are arguments: seconds on the clock of arrival.
"""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from reactface_node.config import Config
from reactface_node.config.settings import settings
from reactface_node.errors import UserError
from reactface_node.render.renderer import Renderer
from reactface_node.ros.messages.types import MessageTypes
from reactface_node.ros.node.adapters import Adapters
from reactface_node.ros.node.changes import Changes
from reactface_node.ros.node.diagnostics import Meter, diagnostic_array, judge, memory_mb
from reactface_node.ros.node.failures import MOST_RECENT, RECENT_S, FailureGuard, RepeatedFailure
from reactface_node.ros.node.intake import Intake
from reactface_node.ros.node.playback import Playback
from reactface_node.ros.node.protocols import Page, Session, Transport
from reactface_node.ros.node.shedding import LoadShedder, ServingTime
from reactface_node.ros.node.topics import DIAGNOSTICS
from reactface_node.session.probe import NoProbe, Probe

REST_S = 0.04
"""Longest wait of messages while nobody is there: a frame."""
RESET_PERIOD_S = 1.0
"""Of several resets within this time the first is done at once and one more at its end."""


class Server:
    """Messages in; frames out when they are to be shown. A bad message is counted, not raised."""

    def __init__(
        self,
        config: Config,
        session: Session,
        types: MessageTypes,
        transport: Transport,
        renderer: Renderer,
        name: str = "reactface",
        adapters: Adapters | None = None,
        page: Page | None = None,
        change: Callable[[Mapping[str, Any]], str] | None = None,
        is_live: bool = True,
        clock: Callable[[], float] = time.perf_counter,
        *,
        probe: Probe | None = None,
        serving: ServingTime | None = None,
    ) -> None:
        """adapters: further outputs of every frame. page: the face in a browser. change: changes
        settings for the page; ``configure`` if None. is_live: time goes on by itself, so the
        server never waits and sheds load; False for a replay. clock: seconds, measures the load.

        serving: that of other nodes of the same thread.

        probe: is told of these stages: "convert" (read a message), "session" (push an input, poll
        reactions), "playback" (queue and show frames), and inside of it "publish" (build and send
        messages) and "render" (draw a picture).
        """
        self._probe = probe = probe or NoProbe()
        self.meter, self._failures = Meter(), FailureGuard()
        self.intake = Intake(config, session, self.meter, self._failures, is_live, probe)
        self._session, self._changes = session, Changes(session, renderer)
        self._types, self._transport = types, transport
        self._renderer, self._name = renderer, name
        self._page = page
        self._change = change or self.configure
        self._is_live = is_live
        self._serving = serving or ServingTime(clock)
        sheds = is_live and config.ros.load_shedding
        self._work = LoadShedder(session, self._serving, clock, sheds)
        self._playback = Playback(types, transport, renderer, adapters, page, self.meter, probe)
        self._now_s = self._reset_s = -math.inf
        self._is_reset_asked = False
        self._portrait_failure = ""

    @property
    def enabled(self) -> bool:
        """Whether inputs are used and faces are published."""
        return self.intake.enabled

    @property
    def config(self) -> Config:
        """The session's config with the changes that the next tick applies."""
        return self._changes.config

    def tick(self, now_s: float) -> None:
        """Apply requested changes, publish the frames that are due, then poll the session.

        In this order, so that a frame is published on a later tick than its reaction was computed
        on: the measured latency then includes the computing time.

        UserError if the node cannot go on, for example because its GPU is lost; RepeatedFailure
        after several internal errors; diagnostics are published first. A single internal error is
        logged and counted and restarts the conversation; offline it is raised.
        """
        with self._serving.at_work():
            self._now_s = now_s
            try:
                self._run_turn(now_s)
            except UserError as error:
                self._report_end(now_s, str(error))
                raise
            except Exception as error:
                if not self._is_live:
                    raise
                self._restart(error, now_s)

    def next_tick_s(self, now_s: float) -> float:
        """The time at which the next tick has work to do if no message comes before. A time in the
        past means: at once."""
        if self._is_reset_asked and now_s >= self._reset_s + RESET_PERIOD_S:
            return now_s
        due_s = self.meter.next_s(now_s)
        if self.enabled:
            due_s = min(due_s, self._session.next_poll_s(now_s), self._playback.next_s)
        return due_s

    def rest_s(self, now_s: float) -> float:
        """How long messages may wait, 0 unless nobody is there: a turn for several of them costs
        less than a turn for each."""
        if not (self.enabled and self._session.is_idle):
            return 0.0
        return min(max(self._playback.next_s - now_s, 0.0), REST_S)

    def apply_changes(self) -> None:
        """Apply the changes that wait for a tick; for a transport that ends."""
        self._changes.apply()

    @contextmanager
    def guarded(self, what: str, now_s: float) -> Iterator[None]:
        """For work of a transport outside of ``tick``: logs and counts an internal error;
        RepeatedFailure as in ``tick``. UserError passes."""
        try:
            yield
        except (UserError, RepeatedFailure):
            raise
        except Exception as error:
            self._failures.note(what, error, now_s, is_fatal=True)
            self._end_if_repeating(now_s)

    def note(self, what: str, error: Exception) -> str:
        """Log and count an internal error in a service -> the text for its caller."""
        return self._failures.note(what, error, self._now_s)

    def receive(self, stream: str, message: Any, arrival_s: float, source: Any = None) -> None:
        """Handle a message of a stream, see ``Intake.receive``; never raises."""
        with self._serving.at_work():
            self.intake.receive(stream, message, arrival_s, source)

    def push_image(self, stamp_s: float, rgb: np.ndarray, arrival_s: float) -> None:
        """Take an image that is no message; never raises."""
        with self._serving.at_work():
            self.intake.push_image(stamp_s, rgb, arrival_s)

    def push_audio(
        self, stamp_s: float, samples: np.ndarray, rate_hz: int, arrival_s: float
    ) -> None:
        """Take audio that is no message; never raises."""
        with self._serving.at_work():
            self.intake.push_audio(stamp_s, samples, rate_hz, arrival_s)

    def reset(self) -> None:
        """Start a new conversation at the next tick and drop the frames in the queue. Of several
        resets within a second the first is done at once and one more for all others."""
        self._is_reset_asked = True

    def enable(self, on: bool) -> None:
        """Enable or disable the node. A change starts a new conversation."""
        if on != self.enabled:
            self.intake.enabled = on
            self.reset()

    def configure(self, changes: Mapping[str, Any]) -> str:
        """Change live settings by dotted name at the next tick, all or none -> the reason if they
        are refused, else ""."""
        try:
            self._changes.request(changes)
        except UserError as error:
            return str(error)
        except Exception as error:
            return self.note("changing settings", error)
        if "render.portrait" in changes:
            self._portrait_failure = ""
        return ""

    def _run_turn(self, now_s: float) -> None:
        if self._page is not None:
            self._run_commands(self._page)
        self._changes.apply()
        if self._is_reset_asked and not 0.0 <= now_s - self._reset_s < RESET_PERIOD_S:
            self._forget(now_s)
            self._session.reset()
            self._renderer.reset()
        self._check_portrait()
        if self.enabled:
            self._advance(now_s)
        else:
            self._playback.clear()
        if self.meter.due(now_s):
            self._report(now_s)

    def _advance(self, now_s: float) -> None:
        """Publish the frames that are due, then poll the session."""
        with self._probe.stage("playback"):
            self._playback.publish_due(now_s, self.config)
        with self._probe.stage("session"):
            reactions = self._session.poll(now_s, wait=not self._is_live)
        for reaction in reactions:
            with self._probe.stage("playback"):
                self._playback.queue(reaction, self.config, self.intake.take_arrival())

    def _forget(self, now_s: float) -> None:
        self._is_reset_asked, self._reset_s = False, now_s
        self._playback.clear()
        self.intake.take_arrival()

    def _restart(self, error: Exception, now_s: float) -> None:
        """Start a new conversation after an internal error, since its state may be wrong."""
        self._failures.note("a turn of the node", error, now_s, is_fatal=True)
        self._forget(now_s)
        for reset in (self._session.reset, self._renderer.reset):
            try:
                reset()
            except UserError as failure:
                self._report_end(now_s, str(failure))
                raise
            except Exception as failure:
                self._failures.note(
                    "the restart of the conversation", failure, now_s, is_fatal=True
                )
        self._end_if_repeating(now_s)

    def _end_if_repeating(self, now_s: float) -> None:
        if self._failures.is_repeating(now_s):
            text = f"{MOST_RECENT} internal errors within {RECENT_S:g} s, the last one: "
            text += self._failures.recent(now_s)
            self._report_end(now_s, text)
            logging.getLogger(__name__).error("the node ends after %s", text)
            raise RepeatedFailure(text)

    def _check_portrait(self) -> None:
        """Return to the old portrait if the renderer could not read the new one."""
        failed = self._renderer.settle()
        if failed is not None:
            reason, held = failed
            logging.getLogger(__name__).warning("the portrait stays as it was: %s", reason)
            self._change({"render.portrait": held.portrait})
            self._portrait_failure = f"the portrait stays as it was: {reason}"

    def _report_end(self, now_s: float, reason: str) -> None:
        with suppress(Exception):  # The error may affect what is needed here.
            values = self._session.stats()
            self._transport.publish(DIAGNOSTICS, self._diagnostics(now_s, values, reason))

    def _report(self, now_s: float) -> None:
        self._work.update(self.meter.totals.get("frames_late", 0))
        self.intake.set_tracked_width(self._session.workload.image_width_px)
        stats = self._session.stats()
        values = self.meter.report(now_s) | stats | memory_mb()
        # The session counts stamps that went back, the meter messages that arrived late.
        values["audio_late"] = stats["audio_late"] + self.meter.totals.get("audio_late", 0)
        values |= {"load": self._work.load, "load_level": self._work.level}
        values["exceptions"] = self._failures.count
        values |= self.intake.offsets()
        message = self._diagnostics(now_s, values, self._failures.recent(now_s))
        self._transport.publish(DIAGNOSTICS, message)
        if self._page is not None:
            self._page.tell(
                {
                    "stats": values,
                    "enabled": self.enabled,
                    "state": message.status[0].message,
                    "settings": live_settings(self.config),
                }
            )

    def _diagnostics(self, now_s: float, values: Mapping[str, float], failure: str) -> Any:
        doubts = ", ".join(self._session.doubts)
        face = f"the face is hard to read: {doubts}" if doubts else ""
        complaints = self._work.reduction(), self._portrait_failure, face
        level, text = judge(self.enabled, values, failure, complaints)
        about = self._name, self.config.device, level, text
        return diagnostic_array(self._types, now_s, *about, values)

    def _run_commands(self, page: Page) -> None:
        """Run the commands that users gave on the pages."""
        commands = page.commands()
        for command, value in commands:
            if command == "enable":
                self.enable(value)
            elif command == "reset":
                self.reset()
        if commands:
            reason = self._change_all([value for command, value in commands if command == "set"])
            page.tell(
                {"enabled": self.enabled, "settings": live_settings(self.config), "reason": reason}
            )

    def _change_all(self, several: Sequence[Mapping[str, Any]]) -> str:
        """Change settings to the last value of each; if that is refused, try the changes one by
        one -> the reason of the last refusal, else ""."""
        wanted = {name: value for changes in several for name, value in changes.items()}
        reason = self._change(wanted) if wanted else ""
        if not reason or len(several) == 1:
            return reason
        reasons = [self._change(changes) for changes in several]
        return next((reason for reason in reversed(reasons) if reason), "")


def live_settings(config: Config) -> dict[str, Any]:
    """The settings that may change while running, by name."""
    return {item.name: item.value for item in settings(config) if item.live}

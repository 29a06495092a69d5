"""The node's logic for a replay: reading, tracking, model, drawing and writing overlap."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from reactface_node.config import Config
from reactface_node.media.pipeline import PipelineStage
from reactface_node.render.renderer import Renderer
from reactface_node.ros.messages.types import MessageTypes
from reactface_node.ros.node.adapters import Adapters
from reactface_node.ros.node.protocols import Session, Transport
from reactface_node.ros.node.server import Server
from reactface_node.schema import Reaction

TICKS_A_CALL = 4
"""Ticks that are handed to the other thread at once; about a frame."""


@dataclass(frozen=True, eq=False)
class _Tick:
    """What a tick leaves to the other thread.

    prepare: called there first. arrival_s: of the newest input since the last tick, None without
    one. reactions: of the windows that closed.
    """

    now_s: float
    prepare: Callable[[], None]
    arrival_s: float | None
    reactions: "Future[list[Reaction]]"


class ReplayServer(Server):
    """Computes the reactions on a thread of the session, and publishes them on one of its own.

    Both are some frames behind the inputs; messages are the same, and in the same order, as without
    threads. Call ``settle`` before anything else is done with what it publishes to.
    """

    def __init__(
        self,
        config: Config,
        session: Session,
        types: MessageTypes,
        transport: Transport,
        renderer: Renderer,
        name: str,
        adapters: Adapters,
        stage: PipelineStage,
        prepare: Callable[[float], Callable[[], None]],
    ) -> None:
        """stage: the thread that publishes. prepare: called at each tick with its time; what it
        returns is called on that thread before anything is published at that time. For the others
        see ``Server``."""
        super().__init__(config, session, types, transport, renderer, name, adapters, is_live=False)
        self._stage, self._prepare = stage, prepare
        self._ticks: list[_Tick] = []
        self._arrival_s: float | None = None

    def settle(self) -> None:
        """Wait until everything is published that is due. Raises the error of a thread."""
        self._hand_over()
        self._stage.wait()

    def _advance(self, now_s: float) -> None:
        arrival_s = self.intake.take_arrival()
        with self._probe.stage("session"):
            reactions = self._session.poll_ahead(now_s)
        self._ticks.append(_Tick(now_s, self._prepare(now_s), arrival_s, reactions))
        if len(self._ticks) == TICKS_A_CALL:
            self._hand_over()

    def _hand_over(self) -> None:
        ticks, self._ticks = self._ticks, []
        self._stage.call(self._publish, ticks)

    def _publish(self, ticks: list[_Tick]) -> None:
        """The other thread's part of ``_advance``."""
        for tick in ticks:
            tick.prepare()
            with self._probe.stage("playback"):
                self._playback.publish_due(tick.now_s, self.config)
            if tick.arrival_s is not None:
                self._arrival_s = tick.arrival_s
            for reaction in tick.reactions.result():
                with self._probe.stage("playback"):
                    self._playback.queue(reaction, self.config, self._arrival_s)
                self._arrival_s = None

    def _report(self, now_s: float) -> None:
        self.settle()
        super()._report(now_s)

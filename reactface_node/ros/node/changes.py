"""Live settings: a change is checked at once and applied, with all others, at the next tick."""

import difflib
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from reactface_node.config import Config
from reactface_node.config.presets import with_preset
from reactface_node.config.settings import settings
from reactface_node.errors import UserError
from reactface_node.render.renderer import Renderer
from reactface_node.ros.node.protocols import Session

LONGEST_NAME, LONGEST_TEXT = 200, 4096
"""Most characters of a name and of a text. Longer ones are refused without further checks."""


class Changes:
    """Requested changes of the running Config, which wait for ``apply``.

    Many changes between two ticks cost one change of the session and of the renderer.
    """

    def __init__(self, session: Session, renderer: Renderer) -> None:
        self._session, self._renderer = session, renderer
        self._live = {item.name: item.live for item in settings(session.config)}
        self._waiting: dict[str, Any] = {}
        self._wanted: Config | None = None

    @property
    def config(self) -> Config:
        """The session's config with the changes that wait."""
        return self._wanted or self._session.config

    def request(self, changes: Mapping[str, Any]) -> None:
        """Check changes by dotted name and keep them for ``apply``. UserError if one of them is
        refused; then none is kept."""
        for name, value in changes.items():
            self._check_name(name)
            if isinstance(value, str) and len(value) > LONGEST_TEXT:
                raise UserError(f"parameter '{name}' is longer than {LONGEST_TEXT} characters")
        before = self.config.render
        # A preset replaces gains that were set before it, also those that still wait.
        added = with_preset(changes, self.config.playout.preset)
        waiting = {**self._waiting, **added}
        if "render.portrait" in changes and before.renderer != "portrait":
            raise UserError(
                f"no portrait is drawn: render.renderer is {before.renderer}, not portrait"
            )
        wanted = self._session.check(waiting)
        if wanted.render != before:
            self._renderer.check(wanted.render)
        self._waiting, self._wanted = waiting, wanted

    def apply(self) -> None:
        """Apply the changes that wait to session and renderer, or to neither of them."""
        if not self._waiting:
            return
        changes, self._waiting, self._wanted = self._waiting, {}, None
        before = self._session.config
        try:
            self._session.configure(changes)
            self._configure_renderer(before, changes)
        except UserError as error:
            names = ", ".join(changes)
            logging.getLogger(__name__).warning("%s: not changed after all: %s", names, error)

    def _configure_renderer(self, before: Config, changes: Mapping[str, Any]) -> None:
        wanted = self._session.config.render
        if wanted == before.render:
            return
        try:
            self._renderer.configure(wanted)
        except Exception:
            old = {item.name: item.value for item in settings(before)}
            self._session.configure({name: old[name] for name in changes})
            raise

    def _check_name(self, name: str) -> None:
        if len(name) > LONGEST_NAME:
            raise UserError(f"unknown parameter '{name[:40]}...'")
        if name not in self._live:
            section = name.rpartition(".")[0]
            known = [one for one in self._live if one.rpartition(".")[0] == section]
            near = difflib.get_close_matches(name, known or self._sections(), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UserError(f"unknown parameter '{name}'{hint}")
        if not self._live[name]:
            raise UserError(f"parameter '{name}' cannot change while running")

    def _sections(self) -> list[str]:
        return sorted({name.rpartition(".")[0] for name in self._live})


def named(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """(name, value) pairs -> {name: value}; UserError if a name occurs twice."""
    changes: dict[str, Any] = {}
    for name, value in pairs:
        if name in changes:
            raise UserError(f"parameter '{name[:LONGEST_NAME]}' is given twice")
        changes[name] = value
    return changes

"""Sessions of several robots in one process that share one model."""

from reactface_node.config import Config
from reactface_node.engine.shared import EngineOf, load_engines
from reactface_node.errors import UserError
from reactface_node.session.pending import empty_frames
from reactface_node.session.session import ReactionSession

SHARED = ("profile", "weights", "mode", "device", "precision", "threads", "playout.samples")
"""Settings that sessions of one model have in common, beside those of the model."""


class SharedModel:
    """Loads the model with the first session and frees it with the last one.

    A session's reactions do not depend on the others: they equal those of a session of its own
    (up to float rounding, 1e-5; frame by frame bit for bit).
    """

    def __init__(self, count: int):
        """count: the most sessions at a time."""
        self._count = count
        self._config: Config | None = None
        self._engine_of: EngineOf | None = None
        self._used: dict[int, ReactionSession] = {}

    def load(self, config: Config) -> ReactionSession:
        """A session, warmed up. UserError as ``ReactionSession.load``, or if the config's model is
        not that of the others."""
        if self._count == 1:
            return ReactionSession.load(config)
        if not self._used or self._engine_of is None or self._config is None:
            silence = empty_frames(config.model, config.model.window)
            self._engine_of, self._config = load_engines(config, self._count, silence), config
        _check_same(self._config, config)
        slot = next(slot for slot in range(self._count) if slot not in self._used)
        self._used[slot] = session = ReactionSession.load(config, self._engine_of(slot, config))
        return session

    def free(self, session: ReactionSession) -> None:
        """End a session, and let another one have its place."""
        session.close()
        self._used = {slot: one for slot, one in self._used.items() if one is not session}
        if not self._used:
            self._engine_of = self._config = None


def _check_same(known: Config, config: Config) -> None:
    for name in SHARED:
        first, other = (_value(one, name) for one in (known, config))
        if first != other:
            raise UserError(f"robots of one process share {name}: one has {first}, another {other}")
    if known.model != config.model:
        raise UserError("robots of one process share the settings of the model (model.*)")


def _value(config: Config, name: str) -> object:
    value: object = config
    for part in name.split("."):
        value = getattr(value, part)
    return value

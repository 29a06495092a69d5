"""Helpers of ``test_changes``, for other tests too."""

from types import SimpleNamespace

from reactface_node.errors import UserError
from reactface_node.render.renderer import StillRenderer

NOT_SET, BOOL, INTEGER, DOUBLE, STRING = range(5)


FIELDS = {
    BOOL: "bool_value",
    INTEGER: "integer_value",
    DOUBLE: "double_value",
    STRING: "string_value",
}


def parameter(name, value, kind=None):
    """As a request holds it, of the type that a tool would give it."""
    kind = kind or {bool: BOOL, int: INTEGER, float: DOUBLE, str: STRING}.get(type(value), NOT_SET)
    held = {field: value for known, field in FIELDS.items() if known == kind}
    return SimpleNamespace(name=name, value=SimpleNamespace(type=kind, **held))


class Noting(StillRenderer):
    """Refuses what a test names, when it is checked or when it is taken over."""

    size = (4, 4)

    def __init__(self):
        self.checked, self.configured, self.refused, self.broken = [], [], (), ()

    def render(self, coefficients):
        return None

    def check(self, config):
        self.checked.append(config.theme)
        if config.theme in self.refused:
            raise UserError(f"unknown theme '{config.theme}'")

    def configure(self, config):
        if config.theme in self.broken:
            raise self.broken[config.theme]
        self.configured.append(config.theme)

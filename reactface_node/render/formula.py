"""The numbers of the drawing: floats to draw a picture, formulas to record a program.

The face is described once, by functions that compute with ``Number``. ``Avatar`` calls them with
floats for every picture. ``program.record`` calls them once with formulas of the 58 coefficients.
"""

import math


class Formula:
    """An operation and its arguments; arithmetic with a formula gives a formula.

    A formula has no value before a picture is drawn: TypeError if one is used as a condition.
    ``larger``, ``smaller`` and ``Brush.when`` are for that.
    """

    __slots__ = ("operation", "parts")

    def __init__(self, operation: str, *parts: "Number") -> None:
        self.operation, self.parts = operation, parts

    def __add__(self, other: "Number") -> "Number":
        return self if _is(other, 0) else Formula("+", self, other)

    __radd__ = __add__

    def __sub__(self, other: "Number") -> "Number":
        return self if _is(other, 0) else Formula("-", self, other)

    def __rsub__(self, other: float) -> "Number":
        return Formula("-", other, self)

    def __mul__(self, other: "Number") -> "Number":
        if _is(other, 0):
            return 0.0
        return self if _is(other, 1) else Formula("*", self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: "Number") -> "Number":
        return self if _is(other, 1) else Formula("/", self, other)

    def __rtruediv__(self, other: float) -> "Number":
        return Formula("/", other, self)

    def __pow__(self, other: float) -> "Number":
        return Formula("power", self, other)

    def __neg__(self) -> "Number":
        return Formula("*", self, -1.0)

    def __lt__(self, other: "Number") -> "Formula":
        return Formula("<", self, other)

    def __gt__(self, other: "Number") -> "Formula":
        return Formula("<", other, self)

    def __le__(self, other: "Number") -> "Formula":
        return Formula("<=", self, other)

    def __ge__(self, other: "Number") -> "Formula":
        return Formula("<=", other, self)

    def __bool__(self) -> bool:
        raise TypeError("a formula has no value yet: use larger, smaller or Brush.when")


Number = float | Formula
Condition = bool | Formula


def _is(number: Number, value: float) -> bool:
    return not isinstance(number, Formula) and number == value


def larger(first: Number, second: Number) -> Number:
    """The maximum of two numbers."""
    if isinstance(first, Formula) or isinstance(second, Formula):
        return Formula("larger", first, second)
    return first if first > second else second


def smaller(first: Number, second: Number) -> Number:
    """The minimum of two numbers."""
    if isinstance(first, Formula) or isinstance(second, Formula):
        return Formula("smaller", first, second)
    return first if first < second else second


def largest(first: Number, *others: Number) -> Number:
    """The maximum of several numbers."""
    for other in others:
        first = larger(first, other)
    return first


def sine(angle: Number) -> Number:
    """The sine of an angle in radians."""
    return Formula("sine", angle) if isinstance(angle, Formula) else math.sin(angle)


def cosine(angle: Number) -> Number:
    """The cosine of an angle in radians."""
    return Formula("cosine", angle) if isinstance(angle, Formula) else math.cos(angle)


def root(number: Number) -> Number:
    """The square root of a number that is never negative."""
    return Formula("root", number) if isinstance(number, Formula) else math.sqrt(number)

"""Positions of the parts of a turned head: points of the face move as on an ellipsoid."""

import math

from reactface_node.render.canvas import Matrix
from reactface_node.render.formula import Number, cosine, sine

HALF_WIDTH, HALF_HEIGHT, HALF_DEPTH = 340.0, 450.0, 250.0  # of the head's ellipsoid, in units
NEAR_EDGE = 0.12  # least depth of the surface, as a share of HALF_DEPTH


class Pose:
    """nod and turn in radians, as rotation x and y in ``schema``; y points down here."""

    def __init__(self, nod: Number, turn: Number):
        self.nod, self.turn = nod, turn
        # Computed once, because every point of an outline needs them.
        self.sin_nod, self.cos_nod = sine(nod), cosine(nod)
        self.sin_turn, self.cos_turn = sine(turn), cosine(turn)
        self._forward = self.cos_nod * self.sin_turn
        self._wide, self._high = (3 + self.cos_turn) / 4, (3 + self.cos_nod) / 4

    def shift(self, depth: Number) -> tuple[Number, Number]:
        """How far a point in front of the head's axis moves in the picture."""
        return depth * self._forward, depth * self.sin_nod

    def outline(self, x: Number, y: Number, depth: Number) -> tuple[Number, Number]:
        """A point of the silhouette; a solid head stays wider in a turn than a flat drawing."""
        return x * self._wide + depth * self._forward, y * self._high + depth * self.sin_nod

    def surface(self, x: float, y: float, lift: Number = 0.0) -> Matrix:
        """From the flat drawing around (x, y) to the picture: (x, y, z) with z on the ellipsoid
        plus ``lift``, rotated by Ry @ Rx, to first order around the point."""
        bulge = 1 - (x / HALF_WIDTH) ** 2 - (y / HALF_HEIGHT) ** 2
        surface_z = HALF_DEPTH * math.sqrt(max(bulge, NEAR_EDGE**2))
        slope_x = -x * (HALF_DEPTH / HALF_WIDTH) ** 2 / surface_z
        slope_y = -y * (HALF_DEPTH / HALF_HEIGHT) ** 2 / surface_z
        z = surface_z + lift
        sin_n, cos_n, sin_t, cos_t = self.sin_nod, self.cos_nod, self.sin_turn, self.cos_turn
        along_x = cos_t + slope_x * cos_n * sin_t, slope_x * sin_n
        along_y = (slope_y * cos_n - sin_n) * sin_t, cos_n + slope_y * sin_n
        at = x * cos_t + (z * cos_n - y * sin_n) * sin_t, y * cos_n + z * sin_n
        return (*along_x, *along_y, *at)

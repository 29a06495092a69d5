"""Where the turned head puts its parts: a point on the face moves as on a rotated ellipsoid."""

import math
from dataclasses import dataclass

import skia

HALF_WIDTH, HALF_HEIGHT, HALF_DEPTH = 340.0, 450.0, 250.0  # of the head's ellipsoid, in units
NEAR_EDGE = 0.12  # of HALF_DEPTH: the surface is not followed further round than this


@dataclass(frozen=True)
class Pose:
    """nod and turn in radians, as rotation x and y of schema.py; y runs down here."""

    nod: float = 0.0
    turn: float = 0.0

    def shift(self, depth: float) -> tuple[float, float]:
        """How far something in front of the head's axis moves in the picture."""
        return depth * math.cos(self.nod) * math.sin(self.turn), depth * math.sin(self.nod)

    def outline(self, x: float, y: float, depth: float) -> tuple[float, float]:
        """A point of a silhouette, which a solid head keeps wider than a flat drawing would."""
        dx, dy = self.shift(depth)
        return x * (3 + math.cos(self.turn)) / 4 + dx, y * (3 + math.cos(self.nod)) / 4 + dy

    def surface(self, x: float, y: float, lift: float = 0.0) -> skia.Matrix:
        """From the flat drawing around (x, y) to the picture: (x, y, z) with z on the ellipsoid
        plus ``lift``, rotated by Ry @ Rx, to first order around the point."""
        bulge = 1 - (x / HALF_WIDTH) ** 2 - (y / HALF_HEIGHT) ** 2
        z = HALF_DEPTH * math.sqrt(max(bulge, NEAR_EDGE**2))
        slope_x = -x * (HALF_DEPTH / HALF_WIDTH) ** 2 / z
        slope_y = -y * (HALF_DEPTH / HALF_HEIGHT) ** 2 / z
        z += lift
        sin_n, cos_n = math.sin(self.nod), math.cos(self.nod)
        sin_t, cos_t = math.sin(self.turn), math.cos(self.turn)
        across = (cos_t + slope_x * cos_n * sin_t, slope_x * sin_n)
        down = ((slope_y * cos_n - sin_n) * sin_t, cos_n + slope_y * sin_n)
        at = (x * cos_t + (z * cos_n - y * sin_n) * sin_t, y * cos_n + z * sin_n)
        return skia.Matrix.MakeAll(
            across[0],
            down[0],
            at[0],
            across[1],
            down[1],
            at[1],
            0,
            0,
            1,
        )

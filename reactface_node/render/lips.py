"""The mouth's geometry: how the weights move the corners and edges of the lips."""

from dataclasses import dataclass

from reactface_node.render.brush import HALVES, Brush, Half, mix
from reactface_node.render.canvas import Curve, Path, closed
from reactface_node.render.formula import Number, larger, smaller

HALF_WIDTH = 92.0
UPPER_LIP, LOWER_LIP = 19.0, 25.0
JAW_DROP = 96.0
BOW = 19.0  # half the distance of the cupid's bow's two peaks


@dataclass(frozen=True)
class Corner:
    """A mouth corner, and the points of the lips' inner edges at which they bend."""

    x: Number
    y: Number
    upper: Number
    lower: Number


@dataclass(frozen=True)
class Lips:
    """The shape of the lips, in units from the middle of the closed neutral mouth: corners, the
    middles of the inner edges (x and y), the thickness of the lips."""

    right: Corner
    left: Corner
    upper_x: Number
    upper: Number
    lower_x: Number
    lower: Number
    upper_lip: Number
    lower_lip: Number

    def opening(self) -> Path:
        """The path of the opening between the lips."""
        r = self.right
        return closed((r.x, r.y), *self.upper_edge(), *self.lower_edge_back())

    def upper_edge(self, over: float = 0.0) -> list[Curve]:
        """Right corner to left along the upper lip's inner edge, ``over`` below it."""
        r, le, m, y = self.right, self.left, self.upper_x, self.upper + over
        return [
            (mix(m, r.x, 0.72), r.upper + over, mix(m, r.x, 0.34), y, m, y),
            (mix(m, le.x, 0.34), y, mix(m, le.x, 0.72), le.upper + over, le.x, le.y),
        ]

    def lower_edge_back(self, over: float = 0.0) -> list[Curve]:
        """Left corner back to the right one along the lower lip's inner edge."""
        r, le, m, y = self.right, self.left, self.lower_x, self.lower + over
        return [
            (mix(m, le.x, 0.86), le.lower + over, mix(m, le.x, 0.50), y, m, y),
            (mix(m, r.x, 0.50), y, mix(m, r.x, 0.86), r.lower + over, r.x, r.y),
        ]

    def upper_lip_path(self) -> Path:
        """The path of the upper lip, which overlaps the opening's edge a little."""
        r, le, t, m = self.right, self.left, self.upper_lip, self.upper_x
        peak, dip = self.upper - t, self.upper - t * 0.74
        low = self.upper + 2
        return closed(
            (r.x - 4, r.y),
            (mix(m, r.x, 0.72), r.upper - t * 0.62, m - BOW * 2.1, peak - 1, m - BOW, peak),
            (m - BOW * 0.5, peak + 1, m - BOW * 0.35, dip, m, dip),
            (m + BOW * 0.35, dip, m + BOW * 0.5, peak + 1, m + BOW, peak),
            (m + BOW * 2.1, peak - 1, mix(m, le.x, 0.72), le.upper - t * 0.62, le.x + 4, le.y),
            (mix(m, le.x, 0.72), le.upper + 2, mix(m, le.x, 0.34), low, m, low),
            (mix(m, r.x, 0.34), low, mix(m, r.x, 0.72), r.upper + 2, r.x - 4, r.y),
        )

    def lower_lip_path(self) -> Path:
        r, le, t, m = self.right, self.left, self.lower_lip, self.lower_x
        low = self.lower + t
        return closed(
            (r.x - 3, r.y),
            (mix(m, r.x, 0.86), r.lower - 1, mix(m, r.x, 0.50), self.lower - 1, m, self.lower - 1),
            (mix(m, le.x, 0.50), self.lower - 1, mix(m, le.x, 0.86), le.lower - 1, le.x + 3, le.y),
            (mix(m, le.x, 0.88), le.lower + t * 0.85, mix(m, le.x, 0.46), low, m, low),
            (mix(m, r.x, 0.46), low, mix(m, r.x, 0.88), r.lower + t * 0.85, r.x - 3, r.y),
        )


def lips_of(brush: Brush) -> Lips:
    """The lips for the frame's weights; mouthClose closes what jawOpen opened."""
    c = brush.controls
    shut, funnel = c["mouthClose"], c["mouthFunnel"]
    drop = JAW_DROP * c["jawOpen"]
    gap = drop * (1 - shut) + 20 * funnel * (1 - shut)
    together = 0.55 * drop * shut
    shrug_up, shrug = c["mouthShrugUpper"], c["mouthShrugLower"]
    raised = together - 13 * shrug_up - 8 * shrug
    upper = raised - 22 * c.both("mouthUpperUp") - 8 * c.both("noseSneer") - 8 * funnel - 0.05 * gap
    lower = raised + gap + 24 * c.both("mouthLowerDown") - 11 * shrug
    lower = larger(lower, upper)
    mouth_x = 36 * (c["mouthLeft"] - c["mouthRight"])
    jaw_x = 34 * (c["jawLeft"] - c["jawRight"])
    right, left = (_corner(brush, half, mouth_x + 0.5 * jaw_x, upper, lower) for half in HALVES)
    thin, thick = _thickness(brush)
    return Lips(right, left, mouth_x, upper, mouth_x + jaw_x, lower, thin, thick)


def _thickness(brush: Brush) -> tuple[Number, Number]:
    """The thickness of the upper and the lower lip; rolled lips are very thin."""
    c, size = brush.controls, brush.theme.lip_size
    full = 1 + 0.55 * c["mouthPucker"] + 0.5 * c["mouthFunnel"]
    full = full - 0.45 * c.both("mouthPress") - 0.3 * c["mouthClose"]
    upper = full + 0.3 * c["mouthShrugUpper"] - 0.9 * c["mouthRollUpper"]
    lower = full + 0.4 * c["mouthShrugLower"] + 0.3 * c["jawForward"] - 0.9 * c["mouthRollLower"]
    return UPPER_LIP * size * larger(upper, 0.1), LOWER_LIP * size * larger(lower, 0.1)


def _corner(brush: Brush, half: Half, aside: Number, upper: Number, lower: Number) -> Corner:
    c = brush.controls
    smile, frown = half.weight(c, "mouthSmile"), half.weight(c, "mouthFrown")
    stretch, dimple = half.weight(c, "mouthStretch"), half.weight(c, "mouthDimple")
    narrow = 46 * c["mouthPucker"] + 36 * c["mouthFunnel"] + 8 * c["jawOpen"] * (1 - smile)
    width = HALF_WIDTH + 27 * smile + 30 * stretch + 15 * dimple - 4 * frown - narrow
    width = width + 5 * half.weight(c, "mouthPress") - 8 * c["mouthClose"]
    rest = mix(upper, lower, 0.36 * (1 - 0.6 * smile))
    y = rest - 10 - 38 * smile * (1 - 0.4 * frown) + 36 * frown + 9 * stretch - 6 * dimple
    x = half.sign * larger(width, 28.0) + aside
    # The middle already has the mean of both halves: add only the difference from it.
    up = 26 * (half.weight(c, "mouthUpperUp") - c.both("mouthUpperUp"))
    down = 26 * (half.weight(c, "mouthLowerDown") - c.both("mouthLowerDown"))
    sneer = 9 * (half.weight(c, "noseSneer") - c.both("noseSneer"))
    open_share = smaller((lower - upper) / JAW_DROP, 1.0)
    bend = 0.30 * (y - rest)
    inner_upper = mix(upper, y, 0.45 - 0.25 * open_share) - up - sneer - 0.3 * bend
    inner_lower = mix(lower, y, 0.45 - 0.22 * open_share) + down - 0.4 * bend
    return Corner(x, y, inner_upper, larger(inner_lower, inner_upper))

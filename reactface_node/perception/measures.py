"""Distances on a face that has been turned back, and the blendshape weights they stand for.

``measure`` gives numbers, ``weights`` compares them with the person's neutral ones. Lengths are
in millimetres on the generic face; lid opening and gaze are shares of the eye's width.
"""

from dataclasses import dataclass

import numpy as np

from reactface_node.schema import NUM_EXPRESSION, index_of


@dataclass(frozen=True)
class Side:
    """FaceMesh indices of one half of the face (the subject's own)."""

    name: str
    sign: float  # of x towards this side
    outer_eye: int
    inner_eye: int
    upper_lid: tuple[int, ...]
    lower_lid: tuple[int, ...]
    iris: int
    inner_brow: tuple[int, ...]
    outer_brow: tuple[int, ...]
    mouth_corner: int
    upper_lip: tuple[int, ...]
    lower_lip: tuple[int, ...]
    cheek: tuple[int, ...]
    nostril: tuple[int, ...]


SIDES = (
    Side(
        "Right",
        -1.0,
        33,
        133,
        (160, 159, 158),
        (144, 145, 153),
        468,
        (55, 107),
        (70, 46),
        61,
        (37, 39, 82),
        (84, 91, 87),
        (50, 117),
        (98, 129),
    ),
    Side(
        "Left",
        1.0,
        263,
        362,
        (387, 386, 385),
        (373, 374, 380),
        473,
        (285, 336),
        (300, 276),
        291,
        (267, 269, 312),
        (314, 321, 317),
        (280, 346),
        (327, 358),
    ),
)
NOSE, CHIN, UPPER_LIP, LOWER_LIP = 2, 152, 13, 14
UPPER_EDGE, LOWER_EDGE = 0, 17

NAMES = (
    "gap",
    "chin",
    "width",
    "pout",
    "upper",
    "lower",
    "brow_gap",
    *(
        f"{name}{side.name}"
        for side in SIDES
        for name in (
            "open",
            "inner",
            "outer",
            "corner_up",
            "corner_out",
            "lip_up",
            "lip_down",
            "cheek",
            "sneer",
            "look_out",
            "look_up",
        )
    ),
)

# What a strong expression adds to the neutral, from recordings of acted emotions.
FULL = {
    "jawOpen": 20.0,
    "mouthSmile": 5.0,
    "mouthFrown": 5.0,
    "mouthPucker": 11.0,
    "mouthStretch": 8.0,
    "mouthUpperUp": 4.5,
    "mouthLowerDown": 8.0,
    "browInnerUp": 7.0,
    "browOuterUp": 6.0,
    "browDown": 5.0,
    "cheekSquint": 5.0,
    "eyeSquint": 0.09,
    "eyeWide": 0.12,
    "noseSneer": 3.5,
    "mouthFunnel": 8.0,
}
JAW_OPEN_MM = FULL["jawOpen"]
OPEN_ENOUGH = 0.6
LOOK_SIDE, LOOK_UP, LOOK_DOWN = 0.19, 0.10, 0.13
ESTIMATED = (
    "jawOpen",
    "mouthClose",
    "mouthPucker",
    "mouthFunnel",
    "browInnerUp",
    *(
        stem + side.name
        for side in SIDES
        for stem in (
            "mouthSmile",
            "mouthFrown",
            "mouthStretch",
            "mouthUpperUp",
            "mouthLowerDown",
            "browOuterUp",
            "browDown",
            "eyeBlink",
            "eyeWide",
            "eyeSquint",
            "cheekSquint",
            "eyeLookIn",
            "eyeLookOut",
            "eyeLookUp",
            "eyeLookDown",
            "noseSneer",
        )
    ),
)


def measure(shape: np.ndarray) -> np.ndarray:
    """(478, 3) in metres on the generic face -> (len(NAMES),)."""
    p = shape * 1000.0
    values = {
        "gap": p[UPPER_LIP, 1] - p[LOWER_LIP, 1],
        "chin": p[NOSE, 1] - p[CHIN, 1],
        "width": p[291, 0] - p[61, 0],
        "pout": (p[UPPER_EDGE, 2] + p[LOWER_EDGE, 2]) / 2 - p[NOSE, 2],
        "upper": p[UPPER_LIP, 1] - p[UPPER_EDGE, 1],
        "lower": p[LOWER_EDGE, 1] - p[CHIN, 1],
        "brow_gap": p[285, 0] - p[55, 0],
    }
    # From the lips' own middle, so that a face not quite turned back does not smile on one side.
    middle = p[[UPPER_LIP, LOWER_LIP, UPPER_EDGE, LOWER_EDGE], 0].mean()
    for side in SIDES:
        values |= {f"{name}{side.name}": value for name, value in _side(p, side, middle).items()}
    return np.array([values[name] for name in NAMES])


def _side(p: np.ndarray, side: Side, middle: float) -> dict[str, float]:
    eye = p[[side.outer_eye, side.inner_eye]].mean(0)
    across = p[side.outer_eye] - p[side.inner_eye]
    width = float(np.linalg.norm(across))
    lids = np.linalg.norm(p[list(side.upper_lid)] - p[list(side.lower_lid)], axis=1).mean()
    look = p[side.iris] - eye
    corner = p[side.mouth_corner]
    return {
        "open": lids / width,
        "inner": p[list(side.inner_brow), 1].mean() - p[side.inner_eye, 1],
        "outer": p[list(side.outer_brow), 1].mean() - p[side.outer_eye, 1],
        "corner_up": corner[1] - p[NOSE, 1],
        "corner_out": side.sign * (corner[0] - middle),
        "lip_up": p[list(side.upper_lip), 1].mean() - p[NOSE, 1],
        "lip_down": p[list(side.lower_lip), 1].mean() - p[CHIN, 1],
        "cheek": p[list(side.cheek), 1].mean() - eye[1],
        "sneer": p[list(side.nostril), 1].mean() - eye[1],
        "look_out": float(look @ across) / width**2,
        "look_up": look[1] / width,
    }


def learnable(values: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """The values from which a neutral may be learned: NaN for the gaze of an eye that is shut."""
    taught = values.copy()
    for side in SIDES:
        lids = NAMES.index(f"open{side.name}")
        if values[lids] < OPEN_ENOUGH * neutral[lids]:
            taught[[NAMES.index(f"{name}{side.name}") for name in ("look_out", "look_up")]] = np.nan
    return taught


def weights(values: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """What a face shows, (52,) in [0, 1]; 0 for what FaceMesh cannot tell (``ESTIMATED`` can)."""
    d = dict(zip(NAMES, values - neutral, strict=True))
    now = dict(zip(NAMES, values, strict=True))
    rest = dict(zip(NAMES, neutral, strict=True))
    found = _mouth(d)
    for side in SIDES:
        found |= {f"{stem}{side.name}": w for stem, w in _mouth_side(d, side.name, found).items()}
        found |= {f"{stem}{side.name}": w for stem, w in _eye_side(d, now, rest, side.name).items()}
    inner = min(d["innerLeft"], d["innerRight"])
    found["browInnerUp"] = inner / FULL["browInnerUp"]
    expression = np.zeros(NUM_EXPRESSION, np.float32)
    for name, weight in found.items():
        expression[index_of(name)] = min(max(weight, 0.0), 1.0)
    return expression


def _mouth(d: dict[str, float]) -> dict[str, float]:
    # Lips that bare the teeth part without the jaw: it opens no further than the chin tells.
    jaw = min(0.5 * (d["gap"] + d["chin"]), 3.0 * d["chin"]) / FULL["jawOpen"]
    # The jaw has dropped but the lips have not parted with it.
    closed = max(d["chin"] - max(d["gap"], 0.0) - 2.0, 0.0) / FULL["jawOpen"]
    # Speech narrows the mouth a little all the time.
    narrow = max(-d["width"] - 1.5, 0.0)
    parted = min(max(d["gap"] / 8.0, 0.0), 1.0)
    return {
        "jawOpen": max(jaw, 0.0) + 0.5 * closed,
        "mouthClose": closed,
        "mouthPucker": (narrow + 0.5 * max(d["pout"], 0.0)) / FULL["mouthPucker"] * (1 - parted),
        "mouthFunnel": (narrow + 0.5 * max(d["pout"], 0.0)) / FULL["mouthFunnel"] * parted,
    }


def _mouth_side(d: dict[str, float], side: str, mouth: dict[str, float]) -> dict[str, float]:
    # An opening jaw draws the corners down and in; only what is beyond that is a frown.
    jaw = min(mouth["jawOpen"], 1.0)
    up = d["corner_up" + side] + 5.0 * jaw
    out = d["corner_out" + side] + jaw
    # A raised chin (a pout, a tearful face) pushes the corners up too.
    pushed = 0.6 * max(d["lip_downLeft"] + d["lip_downRight"], 0.0) / 2
    # A hand at the mouth spoils one corner; smiles of one side alone are rare.
    wider = 0.3 * out + 0.7 * (d["width"] / 2 + jaw)
    smile = (0.6 * (up - pushed) + 0.6 * wider) / FULL["mouthSmile"] if up > -1.0 else 0.0
    return {
        "mouthSmile": smile,
        "mouthFrown": (-up - 0.5 - max(out, 0.0) * 0.3) / FULL["mouthFrown"],
        "mouthStretch": (out - max(up, 0.0)) / FULL["mouthStretch"],
        "mouthUpperUp": d["lip_up" + side] / FULL["mouthUpperUp"],
        "mouthLowerDown": (-d["lip_down" + side]) / FULL["mouthLowerDown"],
        "noseSneer": (d["sneer" + side] - 1.0) / FULL["noseSneer"],
    }


def _eye_side(
    d: dict[str, float], now: dict[str, float], rest: dict[str, float], side: str
) -> dict[str, float]:
    opening = d["open" + side]
    shut = 1.0 - now["open" + side] / max(rest["open" + side], 0.12)
    # Looking down lowers the lid: that much of the closing is no blink.
    down = max(-d["look_up" + side], 0.0) / LOOK_DOWN
    blink = (shut - 0.25 - 0.2 * min(down, 1.0)) / 0.40
    awake = 1.0 - min(max(blink, 0.0), 1.0)
    inner, outer = d["inner" + side], d["outer" + side]
    # Closed lids hide the iris, and FaceMesh guesses.
    return {
        "eyeBlink": blink,
        "eyeWide": opening / FULL["eyeWide"],
        "eyeSquint": (-opening - 0.03) / FULL["eyeSquint"] * awake,
        "cheekSquint": d["cheek" + side] / FULL["cheekSquint"],
        "browDown": -(0.7 * inner + 0.3 * outer) / FULL["browDown"],
        "browOuterUp": outer / FULL["browOuterUp"],
        "eyeLookOut": d["look_out" + side] / LOOK_SIDE * awake,
        "eyeLookIn": -d["look_out" + side] / LOOK_SIDE * awake,
        "eyeLookUp": d["look_up" + side] / LOOK_UP * awake,
        "eyeLookDown": -d["look_up" + side] / LOOK_DOWN * awake,
    }

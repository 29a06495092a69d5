"""Measures blendshape weights from distances between face landmarks.

``measure`` gives distances on a face without pose and scale; ``weights`` compares them with those
of the person's neutral face. Lengths are in millimetres on the generic face of ``geometry``; lid
opening and gaze are shares of the eye's width.

Every number in ``FULL``, in LOOK_* and in the formulas of ``weights`` was found by trial. None is
derived or fitted by an algorithm. They were set by hand with recordings of acted emotions, which
are not in the repository (the one that the tests name: a woman cries with a hand before her face,
then laughs), and with the drawn faces of tests/perception/test_perception.py. The criteria are
those of the test: a movement of 3 to 9 mm of one part of the face (the jaw: 18 to 22 mm) gives its
own blendshape a weight above 0.5 and the others less than 0.35, turning the head gives less than
0.1, and in the recording the laughing reads as more smile than the crying, by 0.25. How each single
value was chosen is not recorded; jaw, smile and lowered lip began at 26, 6.5 and 6 mm.

Measured on seven labelled clips of acted faces with these numbers (FaceMesh, mean weights): a smile
reads as 0.73 where people smile and 0.19 where the face is neutral; an "oh" as an open jaw of 0.67,
but also as a frown of 0.56; a yell, wrongly, as a smile of 0.96.
"""

from dataclasses import dataclass

import numpy as np

from reactface_node.schema import NUM_EXPRESSION, index_of


@dataclass(frozen=True)
class Side:
    """FaceMesh landmark indices of one half of the face; left and right are the subject's own."""

    name: str
    sign: float  # sign of x on this side
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
"""Names of the distances that ``measure`` gives."""

FULL = {
    "jawOpen": 20.0,
    "mouthSmile": 6.5,
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
"""Change from neutral that counts as weight 1 (see above): millimetres, for eyes eye widths."""
OPEN_ENOUGH = 0.6
"""Share of the neutral lid opening above which an eye counts as open; found by trial."""
LOOK_SIDE, LOOK_UP, LOOK_DOWN = 0.19, 0.10, 0.13
"""Shift of the iris, in eye widths, that counts as weight 1 of a look to the side, up, down."""
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
    """Landmarks (478, 3) in metres on the generic face -> distances (n,), named in ``NAMES``."""
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
    # Relative to the middle of the lips: a small error of the pose is not a one-sided smile.
    middle = p[[UPPER_LIP, LOWER_LIP, UPPER_EDGE, LOWER_EDGE], 0].mean()
    for side in SIDES:
        values |= {f"{name}{side.name}": value for name, value in _side(p, side, middle).items()}
    return np.array([values[name] for name in NAMES])


def _side(p: np.ndarray, side: Side, middle: float) -> dict[str, float]:
    """Distances of one side; p (478, 3) in millimetres, middle: x of the middle of the lips."""
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
    """The distances (n,) with NaN where no neutral may be learned: the gaze of a closed eye."""
    taught = values.copy()
    for side in SIDES:
        lids = NAMES.index(f"open{side.name}")
        if values[lids] < OPEN_ENOUGH * neutral[lids]:
            taught[[NAMES.index(f"{name}{side.name}") for name in ("look_out", "look_up")]] = np.nan
    return taught


def weights(values: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """Blendshape weights (52,) in [0, 1] of distances (n,), relative to those of the neutral face.

    0 for blendshapes that are not in ``ESTIMATED``. The numbers in the formulas were found by
    trial: see the module's docstring.
    """
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
    """Weights of the whole mouth; d: changes from neutral in millimetres."""
    # Bared teeth part the lips without the jaw: the weight is limited by the way of the chin.
    jaw = min(0.5 * (d["gap"] + d["chin"]), 3.0 * d["chin"]) / FULL["jawOpen"]
    # The jaw is lowered but the lips are not parted.
    closed = max(d["chin"] - max(d["gap"], 0.0) - 2.0, 0.0) / FULL["jawOpen"]
    # The first 1.5 mm do not count, because speech narrows the mouth a little all the time.
    narrow = max(-d["width"] - 1.5, 0.0)
    parted = min(max(d["gap"] / 8.0, 0.0), 1.0)
    return {
        "jawOpen": max(jaw, 0.0) + 0.5 * closed,
        "mouthClose": closed,
        "mouthPucker": (narrow + 0.5 * max(d["pout"], 0.0)) / FULL["mouthPucker"] * (1 - parted),
        "mouthFunnel": (narrow + 0.5 * max(d["pout"], 0.0)) / FULL["mouthFunnel"] * parted,
    }


def _mouth_side(d: dict[str, float], side: str, mouth: dict[str, float]) -> dict[str, float]:
    """Weights of one side of the mouth; d: changes in millimetres, mouth: weights of ``_mouth``."""
    # An open jaw moves the corners down (5 mm) and in (1 mm): only more than that is a frown.
    jaw = min(mouth["jawOpen"], 1.0)
    parted = min(jaw / 0.4, 1.0)
    up = d["corner_up" + side] + 5.0 * jaw
    out = d["corner_out" + side] + jaw
    # A raised chin (pouting, crying) pushes the corners up without a smile.
    pushed = 0.6 * max(d["lip_downLeft"] + d["lip_downRight"], 0.0) / 2
    # A hand at the mouth disturbs one corner, and one-sided smiles are rare: use both sides.
    wider = 0.3 * out + 0.7 * (d["width"] / 2 + jaw)
    smile = (0.6 * (up - pushed) + 0.6 * wider) / FULL["mouthSmile"] if up > -1.0 else 0.0
    return {
        "mouthSmile": smile,
        # A round, open mouth draws the corners down and in without a frown.
        "mouthFrown": (-up - 0.5 - max(out, 0.0) * 0.3) / FULL["mouthFrown"] * (1.0 - parted),
        "mouthStretch": (out - max(up, 0.0)) / FULL["mouthStretch"],
        "mouthUpperUp": d["lip_up" + side] / FULL["mouthUpperUp"],
        "mouthLowerDown": (-d["lip_down" + side]) / FULL["mouthLowerDown"],
        "noseSneer": (d["sneer" + side] - 1.0) / FULL["noseSneer"],
    }


def _eye_side(
    d: dict[str, float], now: dict[str, float], rest: dict[str, float], side: str
) -> dict[str, float]:
    """Weights of one eye and brow; d: changes, now and rest: values now and of the neutral face."""
    opening = d["open" + side]
    shut = 1.0 - now["open" + side] / max(rest["open" + side], 0.12)
    # Looking down lowers the upper lid: that part of the closing is not a blink.
    down = max(-d["look_up" + side], 0.0) / LOOK_DOWN
    blink = (shut - 0.25 - 0.2 * min(down, 1.0)) / 0.40
    awake = 1.0 - min(max(blink, 0.0), 1.0)
    inner, outer = d["inner" + side], d["outer" + side]
    # FaceMesh guesses the iris behind closed lids: the gaze fades out as they close.
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

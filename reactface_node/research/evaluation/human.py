"""What people do: statistics of listeners and speakers in real conversations, with sources.

Counted in public annotations of conversations, or read in the source that is named:
IFADV, 20 Dutch dyads face to face, 300 minutes; CCDb, 2,467 windows of 10 s of British dyads;
nod corpus, 6,354 single nods of German and Russian dyads (Schepens); Mimicry, 106 videos of persons
with gaze angles; ARKit recordings, acted, by an iPhone. All are European, and annotators count tiny
nods too. Listeners are measured by the definitions of ``behaviour`` and ``nodding``.
"""

import math
from dataclasses import dataclass

IFADV, CCDB, NODS, MIMICRY = "IFADV", "CCDb", "nod corpus", "Mimicry"
ARKIT, HALE = "ARKit recordings", "Hale et al. 2019"
NEAR = 0.25
"""A number is met if it is this near, as a share of it."""


@dataclass(frozen=True)
class Statistic:
    """One number of people and what a listener must have.

    key: name in the JSON. row: number of the row in the table of human statistics that it belongs
    to; 0 for requirements that are not in it. people: what people do, as printed. low, high: the
    bounds for a listener, inclusive, None where there is none. source: of ``people``.
    of_clips: judged on labelled clips where they are given, else on the synthetic dyads.
    """

    key: str
    row: int
    title: str
    unit: str
    people: str
    low: float | None
    high: float | None
    source: str
    of_clips: bool = False

    def holds(self, value: float) -> bool:
        """Whether a listener's value is within the bounds; NaN is not."""
        above = self.low is None or value >= self.low
        return math.isfinite(value) and above and (self.high is None or value <= self.high)


def _near(
    key: str, row: int, title: str, unit: str, number: float, source: str, text: str = ""
) -> Statistic:
    """A statistic that must be within 25 % of the number."""
    low, high = (1 - NEAR) * number, (1 + NEAR) * number
    return Statistic(key, row, title, unit, text or f"{number:g}", low, high, source)


def _band(
    key: str, row: int, title: str, unit: str, low: float, high: float, source: str, text: str = ""
) -> Statistic:
    """A statistic that must be inside the band."""
    return Statistic(key, row, title, unit, text or f"{low:g}-{high:g}", low, high, source)


def _spread(
    key: str, row: int, title: str, unit: str, parts: tuple[float, float, float], source: str
) -> list[Statistic]:
    """A distribution by its 10, 50 and 90 %: the median must be inside the 10-90 % band, and the
    logarithm of 90 % / 10 % within 25 % of people's."""
    low, median, high = parts
    text = f"{low:g}/{median:g}/{high:g}"
    width = math.log(high / low)
    return [
        Statistic(f"{key}_median", row, f"{title}, median", unit, text, low, high, source),
        _near(f"{key}_width", row, f"{title}, log of 90 % / 10 %", "", round(width, 2), source),
    ]


LISTENER: tuple[Statistic, ...] = (
    _near("nod_10s", 1, "a nod in 10 s of listening", "chance", 0.40, CCDB),
    _band("nods", 2, "nods", "a minute", 4.0, 7.0, NODS),
    _near("nods_spread", 3, "nod rates of listeners, sd of log", "", 0.63, IFADV),
    *_spread("nod_gap", 4, "time between nods", "s", (3.0, 9.2, 38.0), CCDB),
    *_spread("nod_length", 5, "length of a nod", "s", (0.52, 1.16, 3.30), NODS),
    *_spread("nod_rhythm", 6, "rhythm of a nod", "cycles/s", (0.81, 1.47, 2.18), NODS),
    *_spread("nod_halves", 7, "half-cycles of a nod", "", (1.0, 3.0, 8.0), NODS),
    _near("nod_depth", 8, "amplitude of nods, sd of log", "", 0.86, NODS),
    _near("nod_depth_length", 8, "log length and log amplitude", "r", 0.47, NODS),
    _near("nod_talking", 9, "nods start while the speaker talks", "share", 0.63, IFADV),
    _near("nod_end", 9, "nods start within 0.5 s of a phrase's end", "share", 0.46, IFADV),
    _near("nod_delay", 9, "delay after an end, median", "s", 0.24, IFADV),
    _band("on_speaker", 10, "eyes on the speaker", "share", 0.90, 0.97, IFADV, "0.94, 0.97"),
    _band("glances", 11, "glances away", "a minute", 3.0, 7.2, IFADV, "3.4, 7.2"),
    _band("glance_length", 11, "length of a glance, median", "s", 0.9, 1.1, IFADV, "0.92, 1.04"),
    _band("look_median", 12, "a look at the speaker, median", "s", 1.7, 5.4, IFADV, "2.3, 4.3"),
    _band("look_width", 12, "looks, log of 90 % / 10 %", "", 2.1, 3.9, IFADV, "3.08, 2.85"),
    _band("gaze_x", 13, "gaze to the sides, sd in a session", "deg", 3.0, 6.3, MIMICRY, "4.8"),
    _band("gaze_y", 13, "gaze up and down, sd in a session", "deg", 3.1, 6.0, MIMICRY, "4.6"),
    _near("smile_10s", 14, "a smile in 10 s", "chance", 0.41, CCDB),
    _near("laugh_10s", 14, "a laugh in 10 s", "chance", 0.17, CCDB),
    _near("tilt_10s", 14, "a head tilt in 10 s", "chance", 0.15, CCDB),
    _near("thinking_10s", 14, "a thinking face in 10 s", "chance", 0.27, CCDB),
    _near("laugh_laugh", 15, "a laugh answered by a laugh within 3 s", "share", 0.24, IFADV),
    _band("laugh_delay", 15, "its delay, median", "s", 0.07, 2.25, IFADV, "0.07/0.66/2.25"),
    Statistic(
        "laugh_smile", 15, "other laughs answered by a smile", "share", "most", 0.5, None, IFADV
    ),
    _band("smile_length", 16, "a smile's whole length, median", "s", 0.5, 4.0, "second hand"),
    _near("smile_cheek", 17, "smile and cheekSquint", "r", 0.93, ARKIT),
    _near("smile_eye", 17, "smile and eyeSquint", "r", 0.51, ARKIT),
    _near("smile_sides", 17, "left-right difference of a smile", "share", 0.09, ARKIT),
    _near("cheek_sides", 17, "left-right difference of cheeks", "share", 0.21, ARKIT),
    _band("brow_sides", 17, "left-right difference of brows", "share", 0.0, 0.02, ARKIT, "none"),
    _band("blinks", 18, "blinks", "a minute", 17.0, 26.0, "Bentivoglio et al. 1997"),
    _band(
        "blink_length",
        18,
        "short blinks at half height, median",
        "s",
        0.062,
        0.125,
        ARKIT,
        "0.083-0.100",
    ),
    _near("long_blink", 18, "long blinks, median length", "s", 0.607, "Hoemke et al. 2018"),
    Statistic(
        "long_blink_nod",
        18,
        "long blinks that come with a nod",
        "share",
        "most",
        0.5,
        None,
        "Hoemke et al. 2018",
    ),
    _near("blink_gaze", 18, "blink and lowered gaze", "r", 0.86, ARKIT),
    Statistic("follow_pitch", 19, "head follows in pitch, 0.6 s later", "r", "-", 0.3, None, HALE),
    Statistic("follow_yaw", 19, "head follows in yaw, as in a mirror", "r", "-", 0.3, None, HALE),
    _near("follow_lag", 19, "delay at which it follows best", "s", 0.6, HALE),
    Statistic(
        "fast_coherence",
        19,
        "coherence at 2.6-6.5 Hz against strangers",
        "times",
        "below 1",
        None,
        1.0,
        HALE,
    ),
)
"""The nineteen rows on listeners. Coordination: 0.3 is our requirement, people's r is not known."""

SPEAKER: tuple[Statistic, ...] = (
    *_spread("phrase", 20, "speaker: length of a phrase", "s", (0.69, 1.82, 4.82), IFADV),
    *_spread("pause", 21, "speaker: pause in a turn", "s", (0.28, 0.55, 1.25), IFADV),
    _band("long_pause", 21, "speaker: pauses over 3 s", "share", 0.0, 0.01, IFADV, "0.005"),
    _band("laughs", 22, "speaker: laughs", "a minute", 0.2, 2.4, IFADV, "1.1"),
    _near("laugh_length", 22, "speaker: length of a laugh, mean", "s", 1.06, IFADV),
)
"""Rows on the speakers of the synthetic dyads."""

OURS = "requirement"
AFFECT: tuple[Statistic, ...] = (
    Statistic(
        "wrong_smile",
        0,
        "smile over 0.3 where nobody smiles",
        "of the time",
        "none",
        None,
        0.02,
        OURS,
        True,
    ),
    Statistic(
        "smile_answered",
        0,
        "smiles answered over 0.2 within 1.5 s",
        "share",
        "-",
        0.8,
        None,
        OURS,
        True,
    ),
    *(
        Statistic(
            f"smile_at_{kind}", 0, f"smile at a {kind}", "weight", "none", None, 0.1, OURS, True
        )
        for kind in ("cry", "yell", "frown")
    ),
)
"""Wrong affect: on the labels of clips, and on the scripted feelings of the synthetic dyads."""

SITUATIONS: tuple[Statistic, ...] = (
    Statistic("still_nods", 0, "nods at a silent, still face", "a minute", "none", None, 0.5, OURS),
    Statistic(
        "first_frown", 0, "frown in the first 2 s at it, most", "weight", "none", None, 0.05, OURS
    ),
    Statistic(
        "voice_smiles", 0, "smiles at a voice without a face", "a minute", "none", None, 1.0, OURS
    ),
    Statistic(
        "voice_laughs", 0, "laughs of a voice alone answered", "share", "most", 0.5, None, OURS
    ),
    Statistic("same_gaze", 0, "gaze at two speakers, same seed", "r", "0", None, 0.3, OURS),
    Statistic("same_yaw", 0, "yaw at two speakers, same seed", "r", "0", None, 0.3, OURS),
)
"""Made situations, and the same listener with two speakers."""

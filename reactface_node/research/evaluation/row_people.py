"""Table 2c: human statistics of a data set's real listeners and of every row."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reactface_node.config import PerceptionConfig
from reactface_node.files.whole import write_text
from reactface_node.media.audio import integers_to_float
from reactface_node.perception.voice import VoiceActivity, speech_model
from reactface_node.research.data.behaviour import laughs
from reactface_node.research.data.clips import Clips
from reactface_node.research.evaluation.human import LISTENER, Statistic
from reactface_node.research.evaluation.meeting import Meeting
from reactface_node.research.evaluation.people import measure_people
from reactface_node.schema import FRAME_RATE_HZ, SAMPLE_RATE_HZ, SAMPLES_PER_FRAME

CLIPS, SAMPLES = 60, 3
"""At most so many clips, evenly spaced, and samples of each: a share has a standard error of about
.03 then, and the time does not depend on the size of the data set."""
TITLE = "Table 2c: human statistics"


@dataclass(frozen=True, eq=False)
class Speakers:
    """The speakers of the clips that the statistics are of. places: of the clips. frames: T.
    speaking: for each of them (T,) bool."""

    clips: Clips
    places: Sequence[int]
    frames: int
    speaking: Sequence[np.ndarray]

    @classmethod
    def of(cls, clips: Clips, frames: int, perception: PerceptionConfig) -> "Speakers":
        """Finds where the speakers speak in their sound, as a session does."""
        many = min(CLIPS, len(clips))
        places = np.linspace(0, len(clips) - 1, many).round().astype(int).tolist()
        voice = VoiceActivity(speech_model(perception))
        return cls(clips, places, frames, [heard(voice, clips.audio[n], frames) for n in places])

    def measure(self, predictions: np.ndarray) -> dict[str, float]:
        """The statistics of listeners (N, M, T, 58) to all clips, by their keys."""
        met = [
            self._meeting(place, predictions[place, :SAMPLES], speaking)
            for place, speaking in zip(self.places, self.speaking, strict=True)
        ]
        return measure_people(met)

    def _meeting(self, place: int, listeners: np.ndarray, speaking: np.ndarray) -> Meeting:
        speaker = np.asarray(self.clips.speaker[place, : self.frames])
        who = tuple(f"{place}.{index}" for index in range(len(listeners)))
        return Meeting(listeners, who, speaker, speaking, tuple(laughs(speaker)))


def heard(voice: VoiceActivity, sound: np.ndarray, frames: int) -> np.ndarray:
    """(frames,) bool: somebody speaks in 16 kHz sound."""
    voice.reset()
    mono, speaking = integers_to_float(np.asarray(sound)), np.zeros(frames, bool)
    for frame in range(frames):
        first = frame * SAMPLES_PER_FRAME
        part = mono[first : first + SAMPLES_PER_FRAME]
        voice.hear(frame / FRAME_RATE_HZ, part, SAMPLE_RATE_HZ)
        speaking[frame] = voice.active(frame / FRAME_RATE_HZ)
    return speaking


@dataclass(frozen=True)
class RowPeople:
    """values: by row of the table, by key."""

    values: Mapping[str, Mapping[str, float]]

    def statistics(self) -> list[Statistic]:
        """Those that at least one row has."""
        known = {key for found in self.values.values() for key in found}
        return [one for one in LISTENER if one.key in known]

    def markdown(self) -> str:
        """A line for each statistic, a column for each row; bold: as people."""
        head = ["", *self.values, "people", "source"]
        lines = [head, [":--", *["--:"] * len(self.values), "--:", ":--"]]
        for one in self.statistics():
            title = f"{one.title}, {one.unit}".rstrip(", ")
            cells = [_cell(one, found.get(one.key, math.nan)) for found in self.values.values()]
            lines.append([title, *cells, one.people, one.source])
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        note = (
            f"Bold: within the bounds of people. Reactions as they are, without playout; of at most"
            f" {CLIPS} clips and {SAMPLES} samples each. A distribution of people is 10/50/90 %."
        )
        return "\n\n".join([f"## {TITLE}", table, note]) + "\n"

    def to_json(self) -> dict[str, Any]:
        """Every value, unrounded, with the bounds; null for NaN."""
        rows = []
        for one in self.statistics():
            found = {name: values.get(one.key, math.nan) for name, values in self.values.items()}
            rows.append(
                {
                    "key": one.key,
                    "title": one.title,
                    "unit": one.unit,
                    "people": one.people,
                    "low": one.low,
                    "high": one.high,
                    "source": one.source,
                    "values": {n: v if math.isfinite(v) else None for n, v in found.items()},
                    "held": [name for name, value in found.items() if one.holds(value)],
                }
            )
        return {"title": TITLE, "rows": rows}

    def save(self, stem: Path) -> None:
        """Write ``stem``.md and .json, each atomically."""
        write_text(stem.with_suffix(".md"), self.markdown())
        write_text(stem.with_suffix(".json"), json.dumps(self.to_json(), indent=2) + "\n")


def _cell(one: Statistic, value: float) -> str:
    if not math.isfinite(value):
        return "-"
    return f"**{value:.3g}**" if one.holds(value) else f"{value:.3g}"

"""MARS and DualTalk with the turns and the report of ``conversations``.

Without ``--turns`` their clips are whole, as their papers use them, and the report says what of
them is left out.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reactface_node.errors import UserError
from reactface_node.files.progress import ProgressBar
from reactface_node.research.data.conversations import Conversations
from reactface_node.research.data.decode import (
    TrackerFactory,
    read_audio,
    video_frames,
)
from reactface_node.research.data.kept_report import FloorPart, Kept
from reactface_node.research.data.kind import DatasetChoice
from reactface_node.research.data.pairs import SHORTEST_FRAMES, PairSource, spans
from reactface_node.research.data.sides import (
    SideTrack,
    SpeechFactory,
    given_track,
    holds_sound,
)
from reactface_node.research.data.talks import LeftOut, Talk
from reactface_node.schema import FRAME_RATE_HZ


@dataclass(frozen=True, eq=False)
class PairSide:
    """One person of a pair; a ``TalkSide``."""

    source: PairSource
    name: str

    @property
    def settings(self) -> str:
        return json.dumps(self.source.facts, sort_keys=True)

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(self.source.facts.get("missing", ()))

    def files(self) -> Iterator[Path]:
        yield from (self.source.face_file(self.name), self.source.audio_file(self.name))
        yield from self.source.common_files()

    def problems(self) -> Iterator[str]:
        """None: those of the source are told before."""
        return iter(())

    def begins_s(self) -> float:
        return 0.0

    def length_s(self) -> float:
        return len(self.source.found(self.name)) / FRAME_RATE_HZ

    def read(self, tracker: TrackerFactory, speech: SpeechFactory) -> SideTrack:
        seen = self.source.found(self.name)
        face = np.where(seen[:, None], self.source.face(self.name), 0.0)
        return given_track(face, seen, self.sound(), speech)

    def has_sound(self) -> bool:
        return holds_sound(self.source.audio_file(self.name))

    def sound(self) -> np.ndarray | None:
        return read_audio(self.source.audio_file(self.name))

    def pictures(self) -> Iterator[np.ndarray]:
        video = self.source.video_file(self.name)
        if video is None:
            raise UserError(f"{self.source.root} holds no pictures: leave out --faces")
        return video_frames(video)


def in_turns(source: PairSource, choice: DatasetChoice) -> Conversations:
    """The pairs of a split as conversations, whose turns become clips; voices are found as
    ``choice`` says. UserError if all pairs are too short."""
    lasting = ProgressBar(source.conversations, f"reading {source.split}", unit="pair", leave=False)
    long = {pair for pair in lasting if _frames(source, pair) >= SHORTEST_FRAMES}
    talks = tuple(
        Talk(pair[0], (PairSide(source, pair[0]), PairSide(source, pair[1])))
        for pair in source.conversations
        if pair in long
    )
    seconds = f"{SHORTEST_FRAMES / FRAME_RATE_HZ:g} s"
    if not talks:
        raise UserError(f"{source.root}: no pair of the {source.split} split lasts {seconds}")
    short = [pair[0] for pair in source.conversations if pair not in long]
    note = f"Left out, since they last less than {seconds}: {', '.join(short)}."
    facts = {key: value for key, value in source.facts.items() if key not in ("kind", "missing")}
    return Conversations(
        source.root,
        source.split,
        str(source.facts["kind"]),
        talks,
        {**facts, "turns": True},
        left_out=_skipped(source),
        strict=not source.skip_broken,
        faces=source.faces,
        speakers=(0,) if source.one_way else (0, 1),
        notes=(note,) if short else (),
        **choice.reading(),
    )


def _frames(source: PairSource, pair: tuple[str, str]) -> int:
    return min(len(source.found(person)) for person in pair)


def kept_of_pairs(source: PairSource) -> Kept:
    """What the report tells of a split whose clips are whole."""
    names = {tuple(part[:2]): name for part, name in zip(source.parts, source.names, strict=True)}
    parts, lengths = [], {}
    for pair, (first, second) in enumerate(source.pairs):
        found = [source.found(person) for person in (first, second)]
        frames, start = min(map(len, found)), 0
        if pair < len(source.conversations):
            lengths[first] = frames / FRAME_RATE_HZ
        talk = source.conversations[pair % len(source.conversations)][0]
        for at, kept in [*spans(found), (frames, 0)]:
            for begin, end, name in (
                (start, at, ""),
                (at, at + kept, names.get((pair, at), "")),
            ):
                reason = "" if name else "a face is missing, or the rest is shorter than 4 s"
                if end > begin:
                    times_s = begin / FRAME_RATE_HZ, end / FRAME_RATE_HZ
                    parts.append(FloorPart(talk, first, second, *times_s, name, reason))
            start = at + kept
    title = f"What was kept of {source.root.name}, {source.split} ({source.facts['kind']})"
    skipped = [(one.talk, one.reason) for one in _skipped(source)]
    return Kept(title, parts, lengths, skipped, what="of both ways")


def _skipped(source: PairSource) -> tuple[LeftOut, ...]:
    return tuple(LeftOut(" and ".join(pair), why) for pair, why in source.broken.items())

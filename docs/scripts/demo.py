"""Draws docs/demo.png and docs/people.png: ``python docs/scripts/demo.py``.

It replays the recording in sample/, as ``make demo`` does, and shows frames of the video, and
curves of both people. Run it after the weights, the playout or the avatar have changed.
"""

import tempfile
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import cv2
import numpy as np

from reactface_node.config import Config
from reactface_node.files.figures import new_figure, save_figure
from reactface_node.media.containers import pictures
from reactface_node.render.sheet import save, sheet
from reactface_node.research.data.behaviour import SMILES
from reactface_node.ros.bags.replay import replay
from reactface_node.schema import FRAME_RATE_HZ, Reaction, index_of
from reactface_node.session.session import ReactionSession

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
MOMENTS = {2.2: "a smile to greet", 10.2: "surprise", 13.0: "after a laugh", 17.2: "something sad"}
"""Seconds of the recording, and what the speaker shows there."""
DEMO_PX = 216
FRAMES, ROWS, FRAME_PX = 8, 2, 150
SEED = 0  # as `reactface replay`
PITCH, YAW = 52, 53
LIDS = [index_of("eyeBlinkLeft"), index_of("eyeBlinkRight")]
CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "smile": lambda faces: faces[:, SMILES].mean(axis=1),
    "head pitch, deg": lambda faces: np.degrees(faces[:, PITCH]),
    "head yaw, deg": lambda faces: np.degrees(faces[:, YAW]),
    "lids": lambda faces: faces[:, LIDS].mean(axis=1),
}


class KeepingSession(ReactionSession):
    """A session that keeps its reactions."""

    kept: "list[Future[list[Reaction]]]"

    def poll_ahead(self, now_s: float) -> "Future[list[Reaction]]":
        self.kept.append(super().poll_ahead(now_s))
        return self.kept[-1]


def main() -> None:
    config = Config.load().replace(**{"playout.seed": SEED})
    sessions: list[KeepingSession] = []

    def load() -> KeepingSession:
        session = KeepingSession.load(config)
        assert isinstance(session, KeepingSession)
        session.kept = []
        sessions.append(session)
        return session

    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "x.mp4"
        replay(config, ROOT / "sample", Path(folder) / "bag", video, load)
        frames = [rgb for _, rgb in pictures(video)]
    reactions = [one for future in sessions[0].kept for one in future.result()]
    speaker = np.concatenate([one.speaker for one in reactions if one.speaker is not None])
    tiles = [
        (f"{second} s: {what}", _small(frames[round(second * FRAME_RATE_HZ)], DEMO_PX))
        for second, what in MOMENTS.items()
    ]
    save(DOCS / "demo.png", sheet(tiles, 2))
    draw_people(frames, speaker, np.concatenate([one.face for one in reactions]))


def draw_people(frames: list[np.ndarray], speaker: np.ndarray, listener: np.ndarray) -> None:
    """Write docs/people.png. frames: (H, W, 3) of the video; both people: (T, 58), the speaker 0
    where nothing is known."""
    speaker = np.where((speaker == 0).all(axis=1, keepdims=True), np.nan, speaker)
    figure = new_figure(11, 8, dpi=100)
    figure.set_layout_engine("constrained")
    panels = figure.subplots(len(CURVES) + 1, 1, height_ratios=[3.2, *(1 for _ in CURVES)])
    shown = np.linspace(1.0, len(frames) / FRAME_RATE_HZ - 2.0, FRAMES)
    small = [_small(frames[round(second * FRAME_RATE_HZ)], FRAME_PX) for second in shown]
    rows = [np.concatenate(part, axis=1) for part in np.array_split(np.array(small), ROWS)]
    panels[0].imshow(np.concatenate(rows))
    panels[0].set_axis_off()
    times = ", ".join(f"{second:.1f}" for second in shown)
    panels[0].set_title(f"Speaker and listener at {times} s", fontsize=10)
    for panel, (name, values) in zip(panels[1:], CURVES.items(), strict=True):
        for who, faces, colour in (("speaker", speaker, "0.5"), ("listener", listener, "C1")):
            seconds = np.arange(len(faces)) / FRAME_RATE_HZ
            panel.plot(seconds, values(faces), color=colour, linewidth=1.2, label=who)
        panel.set_ylabel(name, fontsize=9)
        panel.tick_params(labelsize=8)
        panel.margins(x=0)
    panels[1].legend(fontsize=8, loc="upper center", ncols=2)
    panels[-1].set_xlabel("s", fontsize=9)
    save_figure(figure, DOCS / "people.png")


def _small(rgb: np.ndarray, height: int) -> np.ndarray:
    width = round(rgb.shape[1] * height / rgb.shape[0])
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA))


if __name__ == "__main__":
    main()

"""The command ``reactface inspect``."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reactface_node.cli.options import RECORDING, add_command, load_config
from reactface_node.errors import UserError
from reactface_node.files.whole import check_new


def add_inspect(commands: Any) -> None:
    """Adds ``inspect`` to the parser's commands."""
    about = "report what is wrong with a rosbag2 or a video file: camera, face, microphone, timing"
    parser = add_command(commands, "inspect", _inspect, about)
    parser.add_argument("source", type=Path, nargs="?", metavar="BAG_OR_VIDEO", help=RECORDING)
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="FOLDER",
        help="compare the face finders on a folder of video clips instead",
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE.yaml",
        help="what the faces in these clips do (default: labels.yaml in FOLDER)",
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        metavar="OUT",
        help="figure to write, REPORT.png; with --compare a folder to make for contact sheets",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def _inspect(options: argparse.Namespace) -> None:
    if (options.source is None) == (options.compare is None):
        raise UserError("give either a bag or video file, or --compare FOLDER")
    if options.compare is not None:
        _compare(options)
        return
    if options.labels is not None:
        raise UserError("--labels has no use without --compare FOLDER; leave it out")
    config = load_config(options)
    draw = None if options.out is None else _drawing(options.out)
    from reactface_node.tools.inspection.analyse import analyse
    from reactface_node.tools.inspection.read import read_recording
    from reactface_node.tools.inspection.report import as_json, as_text

    recording = read_recording(options.source, config)
    report = analyse(recording, config)
    if draw is not None:
        draw(recording, report, options.out)
    print(json.dumps(as_json(report), indent=2) if options.json else as_text(report))
    if draw is not None and not options.json:
        print(f"\nwrote {options.out}")


def _compare(options: argparse.Namespace) -> None:
    config = load_config(options)
    if options.out is not None:
        check_new(options.out)
    from reactface_node.perception.library import import_failed

    try:
        from reactface_node.tools.inspection.compare import compare
        from reactface_node.tools.inspection.comparison_text import (
            comparison_json,
            comparison_text,
        )
    except ImportError as error:
        raise import_failed(error) from error
    found = compare(options.compare, options.labels, config, options.out)
    print(json.dumps(comparison_json(found), indent=2) if options.json else comparison_text(found))
    if options.out is not None and not options.json:
        print(f"\nwrote {options.out}")


def _drawing(path: Path) -> Callable[..., None]:
    """The function that draws the figure. UserError where ``path`` cannot be written or matplotlib
    is missing: before the recording is read, which takes minutes."""
    check_new(path)
    try:
        from reactface_node.tools.inspection.figures import draw_report
    except ImportError as error:
        if not (error.name or "").startswith("matplotlib"):
            raise
        raise UserError(
            f"-o needs matplotlib ({error}): pip install matplotlib, or leave -o out"
        ) from error
    return draw_report

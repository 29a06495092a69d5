"""The command ``reactface survey``."""

import argparse
from pathlib import Path
from typing import Any

from reactface_node.errors import UserError


def add_survey(commands: Any) -> None:
    """Adds ``survey`` to the parser's commands."""
    about = "perception survey: make the web page, count its answers"
    survey = commands.add_parser("survey", help=about, description=about)
    actions = survey.add_subparsers(dest="action", required=True, metavar="ACTION")
    make = actions.add_parser("make", help="make a web page of pairs of videos to compare")
    make.add_argument(
        "results", nargs="+", metavar="NAME=FOLDER", help="a method and the folder of its mp4 files"
    )
    make.add_argument("--ours", required=True, metavar="NAME", help="the method to compare with")
    make.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        help="folder of the page; the key is written beside it as OUT_key.json",
    )
    make.add_argument(
        "--pairs",
        type=int,
        default=8,
        help="clips per compared method, an even number (default: 8)",
    )
    make.set_defaults(run=_make)
    tally = actions.add_parser("tally", help="compute Table 8 from the downloaded answers")
    tally.add_argument("answers", nargs="+", type=Path, help="downloaded files of answers")
    tally.add_argument("--key", type=Path, required=True, help="the key that `make` wrote")
    tally.set_defaults(run=_tally)


def _make(options: argparse.Namespace) -> None:
    from reactface_node.research.evaluation.survey import make_survey

    results: dict[str, Path] = {}
    for pair in options.results:
        name, equals, folder = pair.partition("=")
        if not equals or not folder or name in results:
            raise UserError(f"'{pair}' is not NAME=FOLDER with a name of its own")
        results[name] = Path(folder)
    key = make_survey(results, options.ours, options.out, options.pairs)
    print(f"open {options.out / 'index.html'}; which side was which is in {key}")


def _tally(options: argparse.Namespace) -> None:
    from reactface_node.research.evaluation.preferences import markdown, tally

    print(markdown(tally(options.answers, options.key)))

"""Runs fault campaigns: ``python tests/campaign/run.py PART``; ``--help`` lists the parts.

The exit code is 1 if a fault was found. Failing inputs are saved under --out.
"""

import argparse
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    # Not this folder, whose modules would hide others of their names.
    sys.path[:] = [
        str(here.parent),
        str(here.parents[1]),
        *(p for p in sys.path if Path(p or ".").resolve() != here),
    ]

from campaign import checkpoints, configs, files, live, messages, soak, trackers
from campaign.tally import Tally

ALL = (
    "messages",
    "files",
    "configs",
    "checkpoints",
    "trackers",
    "soak",
    "soak --mode frame --hours 4",
    "soak --real-model --hours 1",
    "live",
)
PARTS = (messages, files, configs, checkpoints, trackers, soak, live)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("campaign", description=__doc__)
    commands = parser.add_subparsers(dest="part", required=True, metavar="PART")
    for part in PARTS:
        part.add(commands)
    commands.add_parser("all", help=f"one after the other: {'; '.join(ALL)}; about 80 minutes")
    for command in commands.choices.values():
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--out", type=Path, default=Path("out/campaign"))
    return parser


def main(arguments: list[str]) -> int:
    """0 if no fault was found."""
    options = build_parser().parse_args(arguments)
    folder = options.out / time.strftime("%Y%m%d-%H%M%S")
    tally = Tally(folder)
    chosen = [one.split() for one in ALL] if options.part == "all" else [arguments]
    for words in chosen:
        part = build_parser().parse_args(words)
        part.seed, part.out = options.seed, options.out
        part.act(part, tally)
    table = tally.table()
    print(table)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{options.part}.txt").write_text(table + "\n", encoding="utf-8")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The command ``reactface evaluate``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reactface_node.cli.options import add_command, load_config
from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.files.whole import make_folder

if TYPE_CHECKING:
    from reactface_node.research.evaluation.human_table import PeopleChoice


def add_evaluate(commands: Any) -> None:
    """Adds ``evaluate`` to the parser's commands."""
    about = "compute the paper's tables and figures: our model, baselines, ablations, probes"
    parser = add_command(commands, "evaluate", _evaluate, about)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="trained baselines")
    parser.add_argument("-o", "--out", type=Path, help="folder for tables, figures and data")
    parser.add_argument("--probes", action="store_true", help="run and print the probes alone")
    parser.add_argument(
        "--people",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="compare with statistics of people, on synthetic speakers and on the clips of FOLDER "
        "(with --probes: the clips of the probes)",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        metavar="N",
        help="human statistics of seeds 0 to N-1 (default: 3), or each ablation with N seeds (2)",
    )
    parser.add_argument(
        "--speech",
        type=Path,
        metavar="FILE",
        help="with --probes: also probe nods with this recorded voice",
    )
    parser.add_argument(
        "--ablations",
        nargs="*",
        metavar="TABLE",
        help="compute Tables 3-7, or only those named (table3 ...); trains a model for every row",
    )
    parser.add_argument(
        "--samples", type=int, help="M: reactions drawn for each speaker (default: 10)"
    )
    parser.add_argument(
        "--clips",
        type=int,
        help="number of test clips (default: 0 = all; with --people: for each seed, 6)",
    )
    parser.add_argument(
        "--band", type=int, help="largest shift of FRDist's dynamic time warping, in frames"
    )
    parser.add_argument("--i3d", type=Path, metavar="FILE", help="I3D weights, for FRRea")
    parser.add_argument(
        "--paper-scale",
        action="store_true",
        help="scale the metrics as the paper prints them, not as the released code does",
    )
    parser.add_argument(
        "--videos", type=int, metavar="N", help="write mp4s of the first N clips for every row"
    )


def _evaluate(options: argparse.Namespace) -> int:
    from reactface_node.research.evaluation.evaluate import (
        EvaluationChoice,
        ablate,
        evaluate,
        probe,
    )
    from reactface_node.research.evaluation.probes import as_text

    _refuse_unused(options)
    config = load_config(options)
    if options.probes:
        found = probe(config, options.speech, _people_choice(options))
        print(as_text(found))
        return 0 if all(one.passed for one in found) else 1
    if options.people is not None:
        return _people(config, options)
    if options.out is None:
        raise UserError("say where to write: reactface evaluate -o OUT")
    for name, least in (("samples", 1), ("clips", 0), ("band", 0), ("videos", 1), ("seeds", 1)):
        value = getattr(options, name)
        if value is not None and value < least:
            raise UserError(f"--{name} must be at least {least}, not {value}")
    choice = EvaluationChoice(
        tuple(options.runs),
        options.samples or 10,
        options.paper_scale,
        options.band,
        options.clips or 0,
        options.i3d,
        options.videos or 0,
        options.seeds or EvaluationChoice.seeds,
    )
    tables = (
        ablate(config, options.out, choice, options.ablations)
        if options.ablations is not None
        else [evaluate(config, options.out, choice)]
    )
    print("\n".join(table.markdown() for table in tables))
    return 0


def _people(config: Config, options: argparse.Namespace) -> int:
    from reactface_node.research.evaluation.human_table import compare_with_people

    choice = _people_choice(options)
    if options.out is not None:
        make_folder(options.out)
    table = compare_with_people(config, choice)
    if options.out is not None:
        table.save(options.out / "people")
    print(table.text())
    return 0 if table.passed else 1


def _people_choice(options: argparse.Namespace) -> "PeopleChoice":
    """The choice of --people and --seeds; what is not given has its default."""
    from reactface_node.research.data.labels import find_clips
    from reactface_node.research.evaluation.human_table import PeopleChoice

    given = {name: getattr(options, name) for name in ("seeds", "samples", "clips")}
    for name, value in given.items():
        if value is not None and value < 1:
            raise UserError(f"--{name} must be at least 1, not {value}")
    folder = Path(options.people) if options.people else None
    if folder is not None:
        find_clips(folder)
    chosen = {name: value for name, value in given.items() if value is not None}
    return PeopleChoice(folder, **chosen)


def _refuse_unused(options: argparse.Namespace) -> None:
    """UserError for an option that the chosen mode would ignore."""
    table_2 = ("runs", "band", "i3d", "paper_scale", "videos")
    modes = {
        "ablations": (options.ablations is not None, table_2),
        "probes": (options.probes, (*table_2, "ablations", "out", "samples", "clips")),
        "people": (options.people is not None, (*table_2, "ablations")),
    }
    for mode, (chosen, names) in modes.items():
        for name in names if chosen else ():
            value = getattr(options, name)
            # Without a RUN, ``runs`` is []. --ablations without a table is [] too, but given.
            absent = value is None or value is False or (name == "runs" and not value)
            if not absent:
                shown = {"runs": "a RUN", "out": "-o"}.get(name, f"--{name.replace('_', '-')}")
                raise UserError(f"--{mode} has no use for {shown}; leave it out")
    if options.speech is not None and not options.probes:
        raise UserError("--speech goes with --probes")
    seeded = options.people is not None or options.probes or options.ablations is not None
    if options.seeds is not None and not seeded:
        raise UserError("--seeds goes with --people, --probes or --ablations")

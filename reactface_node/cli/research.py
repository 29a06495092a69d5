"""The commands for researchers: ``reactface train | evaluate | data | survey``."""

import argparse
import json
from pathlib import Path
from typing import Any

from reactface_node.cli.options import add_command, load_config
from reactface_node.errors import UserError


def add_research(commands: Any) -> None:
    """Adds them to the parser's commands."""
    train = add_command(commands, "train", _train, "train a listener; run again, it goes on")
    train.add_argument("file", nargs="?", type=Path, metavar="CONFIG", help="a YAML config")
    train.add_argument("-o", "--out", type=Path, required=True, help="folder of the run")
    _add_evaluate(commands)
    _add_data(commands)
    _add_survey(commands)


def _add_evaluate(commands: Any) -> None:
    about = "the paper's tables and figures: ours, every baseline, the ablations, the probes"
    parser = add_command(commands, "evaluate", _evaluate, about)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="trained baselines")
    parser.add_argument("-o", "--out", type=Path, help="folder for tables, figures and data")
    parser.add_argument("--probes", action="store_true", help="only the probes, printed")
    parser.add_argument(
        "--speech", type=Path, metavar="FILE", help="with --probes: nods to a recorded voice too"
    )
    parser.add_argument(
        "--ablations",
        nargs="*",
        metavar="TABLE",
        help="Tables 3-7, or those named (table3 ...): trains every row",
    )
    parser.add_argument("--samples", type=int, help="M: reactions to every speaker; 10")
    parser.add_argument("--clips", type=int, help="test clips; 0 = all, the default")
    parser.add_argument("--band", type=int, help="frames that FRDist's time warp may stray")
    parser.add_argument("--i3d", type=Path, metavar="FILE", help="I3D weights, for FRRea")
    parser.add_argument(
        "--paper-scale", action="store_true", help="as the paper prints it, not as released"
    )
    parser.add_argument(
        "--videos", type=int, metavar="N", help="mp4s of the first N clips, for every row"
    )


def _add_data(commands: Any) -> None:
    about = "check a data set, or convert it into what training reads"
    parser = add_command(commands, "data", _data, about)
    parser.add_argument("action", choices=("check", "convert"))
    parser.add_argument("kind", metavar="KIND", help="react2023, rld or bags")
    parser.add_argument("source", type=Path, metavar="SOURCE")
    parser.add_argument("out", type=Path, nargs="?", metavar="OUT", help="folder to write")
    parser.add_argument("--split", default="", help="one split; all that are there by default")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0 = one a core")
    parser.add_argument(
        "--faces", action="store_true", help="face crops too: 113 MB a clip of 30 s"
    )
    parser.add_argument(
        "--no-labels", action="store_true", help="ignore REACT's neighbour matrices"
    )
    parser.add_argument("--mean-face", type=Path, help="FaceVerse's mean_face.npy")
    parser.add_argument("--listener-topic", default="/listener/image", help="in recorded bags")


def _add_survey(commands: Any) -> None:
    about = "perception survey: make the page, count its answers"
    survey = commands.add_parser("survey", help=about, description=about)
    actions = survey.add_subparsers(dest="action", required=True, metavar="ACTION")
    make = actions.add_parser("make", help="a web page of pairs of videos to compare")
    make.add_argument("results", nargs="+", metavar="NAME=FOLDER", help="mp4 files of a method")
    make.add_argument("--ours", required=True, metavar="NAME")
    make.add_argument("-o", "--out", type=Path, required=True, help="page folder; OUT_key.json too")
    make.add_argument("--pairs", type=int, default=8, help="clips for every competitor; even")
    make.set_defaults(run=_survey_make)
    tally = actions.add_parser("tally", help="Table 8 from the downloaded answers")
    tally.add_argument("answers", nargs="+", type=Path)
    tally.add_argument("--key", type=Path, required=True)
    tally.set_defaults(run=_survey_tally)


def _train(options: argparse.Namespace) -> None:
    from reactface_node.research.training.train import train

    if options.file is not None:
        options.config = options.file
    metrics = train(load_config(options), options.out)
    print(json.dumps(metrics, indent=2))


def _evaluate(options: argparse.Namespace) -> int:
    from reactface_node.research.evaluation.evaluate import (
        EvaluationChoice,
        ablate,
        evaluate,
        probe,
    )
    from reactface_node.research.evaluation.probes import as_text

    _refuse_ignored(options)
    config = load_config(options)
    if options.probes:
        found = probe(config, options.speech)
        print(as_text(found))
        return 0 if all(one.passed for one in found) else 1
    if options.out is None:
        raise UserError("say where to write: reactface evaluate -o OUT")
    for name, least in (("samples", 1), ("clips", 0), ("band", 0), ("videos", 1)):
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
    )
    tables = (
        ablate(config, options.out, choice, options.ablations)
        if options.ablations is not None
        else [evaluate(config, options.out, choice)]
    )
    print("\n".join(table.markdown() for table in tables))
    return 0


def _refuse_ignored(options: argparse.Namespace) -> None:
    """UserError that names what the probes or the ablations would not heed."""
    table_2 = ("runs", "band", "i3d", "paper_scale", "videos")
    modes = {
        "ablations": (options.ablations is not None, table_2),
        "probes": (options.probes, (*table_2, "ablations", "out", "samples", "clips")),
    }
    for mode, (chosen, names) in modes.items():
        for name in names if chosen else ():
            value = getattr(options, name)
            # RUNs are [] where none is given, --ablations is [] where no table is named.
            absent = value is None or value is False or (name == "runs" and not value)
            if not absent:
                shown = {"runs": "a RUN", "out": "-o"}.get(name, f"--{name.replace('_', '-')}")
                raise UserError(f"--{mode} has no use for {shown}; leave it out")
    if options.speech is not None and not options.probes:
        raise UserError("--speech goes with --probes")


def _data(options: argparse.Namespace) -> int:
    from reactface_node.research.data.datasets import DatasetChoice, check_command, convert_command

    if options.workers < 0:
        raise UserError(f"--workers must be at least 0, not {options.workers}")
    ros = load_config(options).ros
    choice = DatasetChoice(
        options.split,
        options.faces,
        not options.no_labels,
        options.mean_face,
        options.listener_topic,
    )
    if options.action == "check":
        return 2 if check_command(options.kind, options.source, choice, ros) else 0
    if options.out is None:
        raise UserError("say where to write: reactface data convert KIND SOURCE OUT")
    convert_command(options.kind, options.source, options.out, options.workers, choice, ros)
    return 0


def _survey_make(options: argparse.Namespace) -> None:
    from reactface_node.research.evaluation.survey import make_survey

    results: dict[str, Path] = {}
    for pair in options.results:
        name, equals, folder = pair.partition("=")
        if not equals or not folder or name in results:
            raise UserError(f"'{pair}' is not NAME=FOLDER with a name of its own")
        results[name] = Path(folder)
    key = make_survey(results, options.ours, options.out, options.pairs)
    print(f"open {options.out / 'index.html'}; which side was which is in {key}")


def _survey_tally(options: argparse.Namespace) -> None:
    from reactface_node.research.evaluation.preferences import markdown, tally

    print(markdown(tally(options.answers, options.key)))

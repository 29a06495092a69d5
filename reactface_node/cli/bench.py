"""The command ``reactface bench``."""

import argparse
import json
from pathlib import Path
from typing import Any

from reactface_node.cli.options import add_command, add_rendering, load_config, rendering
from reactface_node.config.settings import parse_overrides
from reactface_node.errors import UserError
from reactface_node.files.whole import check_writable, write_text


def add_bench(commands: Any) -> None:
    """Adds ``bench`` to the parser's commands."""
    about = "measure speed, latency and memory of this machine with the recording in sample/"
    parser = add_command(commands, "bench", _bench, about)
    add_rendering(parser)
    parser.add_argument(
        "--device", help="device of the model and of a portrait: cpu, cuda or cuda:N"
    )
    parser.add_argument(
        "--only",
        metavar="SECTIONS",
        default="",
        help="sections to run: pipeline,stages,flat,sessions,paced (default: all)",
    )
    parser.add_argument(
        "--untrained", action="store_true", help="use random weights even if trained ones exist"
    )
    _add_quick(parser)
    _add_lengths(parser)
    _add_comparisons(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "-o", "--out", type=Path, metavar="FILE", help="also write the JSON to this file"
    )


def _add_lengths(parser: argparse.ArgumentParser) -> None:
    """Adds how long and with what the sections run."""
    parser.add_argument(
        "--clip",
        type=float,
        metavar="S",
        help="pipeline: use the first S seconds of the recording (default: all)",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="N",
        help="flat: simulated minutes (default: those of 1, 10 and 60 that take less than two "
        "minutes)",
    )
    parser.add_argument(
        "--sessions", type=int, metavar="K", default=4, help="sessions run at once (default: 4)"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="S",
        default=20.0,
        help="paced: length of the run in seconds (default: 20)",
    )
    parser.add_argument(
        "--paced-images",
        choices=("sample", "720p"),
        default="sample",
        help="paced: the recording's JPEGs, or raw 1280x720 images, which take 330 MB on disk "
        "during the run (default: sample)",
    )


def _add_quick(parser: argparse.ArgumentParser) -> None:
    """Adds the short measurement."""
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only print, in under half a minute, one line: how fast this machine is, and what to "
        "set; needs no torch",
    )


def _add_comparisons(parser: argparse.ArgumentParser) -> None:
    """Adds measurements that are made instead of the sections."""
    parser.add_argument(
        "--compare",
        action="store_true",
        help="only compare, over a clip of 30 s, the paper's streaming state with the released "
        "code, which encodes the whole history again in every window",
    )
    parser.add_argument(
        "--whole", action="store_true", help="with --compare: measure every window of the clip"
    )
    parser.add_argument(
        "--contexts",
        metavar="S,S",
        help="only find the longest of these wav2vec 2.0 contexts, in seconds, that runs in real "
        "time",
    )


def _bench(options: argparse.Namespace) -> None:
    _check(options)
    if options.quick:
        _quick(options)
        return
    result = _measured(options)
    from reactface_node.tools.bench.table import table

    text = json.dumps(result, indent=1)
    if options.out is not None:
        write_text(options.out, text)
    print(text if options.json else table(result))


def _quick(options: argparse.Namespace) -> None:
    from reactface_node.tools.bench.quick import judged, quick

    config = load_config(options, **_device(options), **rendering(options))
    found = quick(config)
    if options.out is not None:
        write_text(options.out, json.dumps(found, indent=1))
    print(json.dumps(found, indent=1) if options.json else judged(found, config))


def _device(options: argparse.Namespace) -> dict[str, str | None]:
    return {"device": options.device, "render.device": options.device}


def _check(options: argparse.Namespace) -> None:
    """Raises UserError for options that cannot be used, before anything is measured."""
    for name in ("clip", "minutes", "sessions", "seconds"):
        value = getattr(options, name)
        if value is not None and not 0 < value < float("inf"):
            raise UserError(f"--{name} {value:g} is not above 0")
    if options.whole and not options.compare:
        raise UserError("--whole is of --compare: add it")
    if options.compare and options.contexts:
        raise UserError("--compare and --contexts are two measurements: leave one out")
    if options.out is not None:
        check_writable(options.out)


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    device = _device(options)
    if options.compare:
        from reactface_node.tools.bench.run import bench_compare

        named = parse_overrides(options.set)
        if options.device is not None:
            named |= device
        return bench_compare(named, options.config, options.untrained, options.whole)
    config = load_config(options, **device, **rendering(options))
    if options.contexts:
        from reactface_node.tools.bench.contexts import parse_contexts
        from reactface_node.tools.bench.run import bench_contexts

        return bench_contexts(config, parse_contexts(options.contexts), options.untrained)
    from reactface_node.tools.bench.run import BenchOptions, bench

    wanted = BenchOptions(
        tuple(name for name in options.only.split(",") if name),
        options.clip,
        options.minutes,
        options.sessions,
        options.seconds,
        options.paced_images,
        options.untrained,
    )
    return bench(config, wanted)

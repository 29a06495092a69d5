"""A data set of any kind through all commands: check, convert, train, evaluate, replay."""

import json

from reactface_node.cli.main import main
from reactface_node.research.data.datasets import KINDS
from rigs.evaluation import settings
from rigs.paths import ROOT

STEPS = 20


def write_bag(folder):
    """The first two seconds of the sample recording."""
    whole = (ROOT / "sample" / "sample.mcap").read_bytes()
    folder.mkdir(parents=True)
    (folder / "bag.mcap").write_bytes(whole[: len(whole) // 12])
    return folder


def whole_way(kind, root, out, capfd, monkeypatch, *options, **changes):
    """Runs the commands on ``root``, clips of at least 80 frames with a train and a test split;
    ``out`` is a new folder. options: of ``data check`` and ``data convert``. changes: settings, as
    ``model__width=32``.

    Returns the rows of the table, and what ``check`` and ``convert`` printed. Files in ``out``:
    converted, run, tables, bag, reaction.
    """
    monkeypatch.setattr("reactface_node.research.evaluation.rows.SPEED_FRAMES", 8)
    note = f"licence of {kind}: {KINDS[kind].licence}\n"
    assert main(["data", "check", kind, str(root), *options]) == 0, capfd.readouterr().out
    converted = out / "converted"
    assert (
        main(["data", "convert", kind, str(root), str(converted), "--workers", "1", *options]) == 0
    )
    told = capfd.readouterr().out
    assert told.count(note) == 2
    named = {"training__data": converted, "training__steps": STEPS, **changes}
    named["training__validate_every"] = STEPS
    assert main(["train", "-o", str(out / "run"), *settings(**named)]) == 0
    weights = settings(**named, weights=out / "run" / "weights.safetensors")
    assert main(["evaluate", "-o", str(out / "tables"), "--samples", "2", *weights]) == 0
    bag = write_bag(out / "bag")
    assert main(["replay", str(bag), "-o", str(out / "reaction"), *weights]) == 0
    assert (out / "reaction" / "metadata.yaml").is_file()
    return json.loads((out / "tables" / "table2.json").read_text())["rows"], told

"""The trained listeners that a table compares, and the names of their rows."""

from collections.abc import Sequence
from pathlib import Path

from reactface_node.config import Config
from reactface_node.engine.torch_stepper import load_listener
from reactface_node.errors import UserError
from reactface_node.research.evaluation.rows import OURS, trained
from reactface_node.research.training.learner import Reactor
from reactface_node.research.training.train import WEIGHTS


def weights_of(run: Path) -> Path:
    """A run's checkpoint, or the file itself; UserError if there is none."""
    path = run / WEIGHTS if run.is_dir() else run
    if not path.is_file():
        raise UserError(f"{run} holds no {WEIGHTS}: train it with `reactface train`")
    return path


def load_runs(config: Config, runs: Sequence[Path]) -> list[tuple[str, Reactor]]:
    """The runs and, last, the config's own weights, each with the name of its row.

    A baseline has its name in the paper. A second one of a kind, and a ReactFace other than the
    config's, have the name of their run too. UserError if weights are missing, damaged or of
    another shape, if the config's weights are a baseline's, or if two runs have the same name.
    """
    found: dict[str, Reactor] = {}
    for run in runs:
        title, reactor = trained(weights_of(run), config)
        if title == OURS:
            title = f"ReactFace: {_name(run)}"
        elif title in found:
            title = f"{title}: {_name(run)}"
        if title in found:
            raise UserError(f"two runs would be called '{title}'; rename the folder of {run}")
        found[title] = reactor
    return [*found.items(), (OURS, load_listener(config, config.device))]


def _name(run: Path) -> str:
    path = run.resolve()
    if path.is_dir():
        return path.name
    return path.parent.name if path.name == WEIGHTS else path.stem

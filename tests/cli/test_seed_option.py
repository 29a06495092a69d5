"""Which commands draw a fresh seed, and which repeat."""

import pytest

from reactface_node.cli.main import main
from reactface_node.config import FRESH_SEED
from reactface_node.errors import UserError

REPLAY = ["replay", "sample", "-o", "OUT"]


@pytest.fixture
def seen(monkeypatch, tmp_path):
    """The configs with which ``live`` and ``replay`` are called; they do nothing else."""
    configs = []

    def noted(config, *_):
        configs.append(config)
        raise UserError("this is far enough")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("reactface_node.ros.dds.live.live", noted)
    monkeypatch.setattr("reactface_node.ros.bags.replay.replay", noted)
    (tmp_path / "fresh.yaml").write_text("playout: {seed: fresh}\n")
    return configs


@pytest.mark.parametrize(
    ("command", "seed"),
    [
        (["live"], FRESH_SEED),
        (["live", "--set", "playout.seed=7"], 7),
        (["live", "--set", "playout.seed=fresh"], FRESH_SEED),
        (REPLAY, 0),
        ([*REPLAY, "--seed", "7"], 7),
        ([*REPLAY, "--set", "playout.seed=7"], 7),
        ([*REPLAY, "--set", "playout.seed=7", "--seed", "8"], 8),
        ([*REPLAY, "--seed", "fresh"], FRESH_SEED),
        ([*REPLAY, "--config", "fresh.yaml"], FRESH_SEED),
        ([*REPLAY, "--config", "fresh.yaml", "--seed", "0"], 0),
    ],
)
def test_a_live_robot_draws_a_seed_and_a_replay_keeps_a_number(seen, command, seed, capsys):
    assert main(command) == 2 and "this is far enough" in capsys.readouterr().err
    assert [config.playout.seed for config in seen] == [seed]


def test_the_commands_log_shows_the_seed(monkeypatch, tmp_path, caplog):
    from reactface_node.session.seeds import seed_from

    drawn = []
    monkeypatch.setattr(
        "reactface_node.ros.dds.live.live",
        lambda config, *_: drawn.append(seed_from(config.playout.seed)),
    )
    assert main(["live"]) == 0
    (line,) = caplog.messages
    assert f"seed {drawn[0]}" in line

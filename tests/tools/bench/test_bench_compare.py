"""Bench's two comparisons: streaming state beside encoded history, and contexts of wav2vec 2.0."""

import sys

import pytest
import torch
from rigs.bench import SETTINGS, quicken
from rigs.model_inputs import SMALL, small_config, small_model
from rigs.official import official_config, small_net

from reactface_node.cli.main import main
from reactface_node.errors import UserError
from reactface_node.model.official.session import OfficialListener
from reactface_node.tools.bench import run
from reactface_node.tools.bench.compare import ComparedStream, Speaker, compare, history_state
from reactface_node.tools.bench.contexts import contexts
from reactface_node.tools.bench.table import table

W, PIXELS = 8, 32


@pytest.fixture
def networks():
    """The paper's and the released one, small."""
    paper = small_model(small_config("paper")).requires_grad_(False)
    config = official_config(model__official_past="history")
    return paper, OfficialListener(small_net(config)).eval()


def test_a_history_that_is_made_is_what_a_session_would_carry(networks):
    _, official = networks
    speaker, stream = Speaker(W, "cpu", PIXELS), ComparedStream(official, 2)
    for index in range(3):
        stream.step(speaker.window(index))
        if index == 0:
            after_one = stream.state
    made = history_state(after_one, speaker, 3)
    assert torch.equal(made.video, stream.state.video)
    assert torch.equal(made.audio, stream.state.audio)
    assert history_state(after_one, speaker, 0) is after_one


@pytest.mark.parametrize("whole", [False, True])
def test_both_ways_are_measured_at_each_window_and_over_the_clip(networks, whole):
    found = compare(*networks, 1, "cpu", (1, 3, 4), whole, PIXELS)
    assert list(found["windows"]) == (["1", "2", "3", "4"] if whole else ["1", "3", "4"])
    for of in found["windows"].values():
        assert of["streaming"]["least_ms"] > 0 and of["history"]["least_ms"] > 0
        expected = of["history"]["least_ms"] / of["streaming"]["least_ms"]
        assert of["ratio"] == pytest.approx(expected, abs=0.01)
    assert found["windows"]["1"]["history"]["calls"] == 5
    clip = found["clip"]
    assert clip["seconds"] == 1.28
    assert clip["ratio"] == pytest.approx(clip["history_s"] / clip["streaming_s"], rel=0.2)


def test_what_lies_between_measured_windows_lies_on_straight_lines(networks, monkeypatch):
    taken = iter([0.010, 0.010] * 5 + [0.010, 0.030] * 3 + [0.020, 0.040] * 2)
    monkeypatch.setattr("reactface_node.tools.bench.compare.taken_s", lambda *_: next(taken))
    clip = compare(*networks, 1, "cpu", (1, 5), False, PIXELS)["clip"]
    assert clip["streaming_s"] == pytest.approx(0.050)
    assert clip["history_s"] == pytest.approx(0.010 + 0.015 + 0.020 + 0.025 + 0.030)
    assert clip["ratio"] == 2.0 and "straight lines" in clip["how"]


def test_the_comparison_needs_no_weights(monkeypatch):
    quicken(monkeypatch)
    before = torch.get_num_threads()
    named = {**SMALL, "threads": 1}
    result = run.bench_compare(named, None, True, False, (1, 2))
    assert result["about"]["paper"] == result["about"]["official"] == "random, seeded"
    assert torch.get_num_threads() == before
    printed = table(result)
    assert "window 2" in printed and "ratio" in printed


def test_the_longest_context_that_holds_real_time_is_found(monkeypatch):
    quicken(monkeypatch)
    # A second of context takes half of a window's time.
    at = {"context_s": 0.0}
    monkeypatch.setattr(
        "reactface_node.tools.bench.contexts.taken_s", lambda *_: 0.16 * at["context_s"]
    )

    def noted(config):
        at["context_s"] = config.model.wav2vec2_context_s
        return run.Engines(config)

    monkeypatch.setattr("reactface_node.tools.bench.contexts.Engines", noted)
    result = run.bench_contexts(small_config("paper", render__renderer="none"), [3, 1, 2], True)
    found = result["contexts"]
    assert list(found["contexts_s"]) == ["1", "2", "3"]
    assert [of["real_time_factor"] for of in found["contexts_s"].values()] == [2.0, 1.0, 0.667]
    assert found["longest_real_time_s"] == 2.0
    assert "holds real time: 2 s" in table(result)


def test_contexts_are_of_wav2vec2():
    with pytest.raises(UserError, match="take --profile paper"):
        contexts(small_config(), None, [1.0])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--only", "flat,speed"], "no section 'speed'; there are: pipeline, stages"),
        (["--minutes", "0"], "--minutes 0 is not above 0"),
        (["--minutes", "nan"], "--minutes nan is not above 0"),
        (["--sessions", "-1"], "--sessions -1 is not above 0"),
        (["--whole"], "--whole is of --compare"),
        (["--compare", "--contexts", "1"], "leave one out"),
        (["--contexts", "1,long"], "try 1,2,4,8"),
        (["--contexts", "1"], "take --profile paper"),
        (["--set", "weights=no.safetensors"], "no weights 'no.safetensors'"),
        (["--device", "cuda:9"], "device 'cuda:9' cannot be used here"),
        (["-o", "no/bench.json"], "there is no folder"),
        (["--compare", "--set", "model.widht=32"], "did you mean model.width"),
    ],
)
def test_a_mistake_is_one_line(options, says, capsys, monkeypatch):
    quicken(monkeypatch)
    assert main(["bench", *options]) == 2
    said = capsys.readouterr().err
    assert says in said and said.count("\n") == 1


def test_without_transformers_or_recording_it_is_one_line(capsys, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "transformers", None)
        assert main(["bench", "--compare", *SETTINGS]) == 2
    assert "pip install transformers" in capsys.readouterr().err
    config = small_config()
    monkeypatch.setattr("reactface_node.files.resources.folder", lambda name: tmp_path / name)
    with pytest.raises(UserError, match="the sample recording is not there"):
        run.BenchRecording(config)

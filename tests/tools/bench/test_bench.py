"""``reactface bench``: every section and its numbers, on small networks."""

import json
import math

import pytest
from rigs.bench import SETTINGS, InlineExecutor, SteppedTime, quicken

from reactface_node.cli.main import main
from reactface_node.tools.bench import run
from reactface_node.tools.bench.table import table

pytestmark = pytest.mark.slow

SMALL_BENCH = ["bench", *SETTINGS, "--untrained"]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    quicken(monkeypatch)


@pytest.fixture
def bench(tmp_path, capsys):
    """Runs it; the JSON of the file and what was printed."""

    def measured(*options):
        out = tmp_path / "bench.json"
        assert main([*SMALL_BENCH, *options, "-o", str(out)]) == 0
        return json.loads(out.read_text()), capsys.readouterr().out

    return measured


def numbers(value):
    """All of them, at any depth."""
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, int | float):
        yield value


def test_machine_settings_and_weights_are_told(bench):
    result, printed = bench("--only", "sessions", "--sessions", "2", "--render", "none")
    assert result["machine"]["packages"]["torch"] and result["machine"]["cores"] > 0
    assert result["settings"]["model"]["width"] == 32
    assert result["about"]["weights"] == "random, seeded"
    assert "weights: random, seeded" in printed
    together = result["sessions"]
    assert together["window"]["calls"] == 2 * together["windows_each"]
    assert together["real_time_factor"] > 0
    assert together["batch"]["real_time_factor"] > 0
    assert together["batch"]["window_of_all"]["calls"] == together["windows_each"]
    assert "in one batch" in printed


def test_the_pipeline_measures_every_stage_of_every_frame(bench):
    result, printed = bench("--only", "pipeline", "--clip", "3")
    found = result["pipeline"]
    assert set(found["stages"]) == {"decode", "track", "model", "playout", "render", "publish"}
    assert all(math.isfinite(value) and value >= 0 for value in numbers(found["stages"]))
    assert found["stages"]["decode"]["calls"] == 90
    assert found["stages"]["track"]["calls"] >= 72
    assert found["stages"]["model"]["calls"] == found["stages"]["playout"]["calls"] == 9
    assert found["stages"]["render"]["calls"] == found["frames"] > 55
    assert found["face_seen"] == 1.0
    assert found["overlapped"]["frames"] == found["frames"]
    assert found["overlapped"]["real_time_factor"] > 0 and "overlapped" in printed
    inside_s = sum(sum(of["raw_ms"]) for of in found["stages"].values()) / 1e3
    assert 0 < inside_s <= found["frames"] / found["frames_per_s"] * 1.01
    assert "decode" in printed and max(map(len, printed.splitlines()[3:])) <= 100


def test_stages_add_up_to_the_network_and_stay_above_their_floor(bench, monkeypatch):
    monkeypatch.setattr(run, "STAGES_S", 0.0)
    result, printed = bench("--only", "stages", "--set", "model.nods=true")
    stages = result["stages"]["stages"]
    parts = {
        "speech encoder",
        "face encoder",
        "alignment",
        "CIE",
        "LRD",
        "SLBS",
        "head",
        "speaker head",
        "nods",
        "laughs",
    }
    assert set(stages) == parts | {"model", "rest"}
    whole = stages["model"]
    assert whole["calls"] == 9
    for name in parts:
        part = stages[name]
        assert part["calls"] == 9 and part["gflop"] > 0 and part["gflop_per_s"] > 0
        assert 0 < part["p50_ms"] < whole["p50_ms"]
        assert part["moved_mb"] > 0 and part["floor_ms"] > 0
    summed = sum(stages[name].get("gflop", 0) for name in parts | {"rest"})
    assert summed == pytest.approx(whole["gflop"], rel=0.05)
    for index, taken in enumerate(whole["raw_ms"]):
        inside = sum(stages[name]["raw_ms"][index] for name in parts | {"rest"})
        assert inside == pytest.approx(taken, abs=0.01)
    assert min(stages["rest"]["raw_ms"]) >= 0
    assert "SLBS" in printed and "x floor" in printed


def test_of_a_session_memory_and_a_new_sessions_windows_are_measured_beside_it(bench):
    result, printed = bench("--only", "flat", "--minutes", "0.1")
    found = result["flat"]
    assert list(found["minutes"]) == ["0.1"]
    mark = found["minutes"]["0.1"]
    assert mark["window"]["calls"] == mark["new_session"]["calls"] == 19
    assert mark["to_new_session"] > 0 and mark["memory_mb"] > 50
    assert found["last_to_first"] == 1.0 and found["memory_growth_mb"] == 0.0
    assert found["simulated_minutes"] == pytest.approx(0.1, abs=0.01)
    assert "minute 0.1" in printed


@pytest.mark.parametrize("pictures", ["sample", "720p"])
def test_the_paced_run_publishes_every_frame_in_time(bench, monkeypatch, pictures):
    monkeypatch.setattr("reactface_node.tools.bench.pipeline.time", SteppedTime().module())
    monkeypatch.setattr("reactface_node.tools.bench.recording.HD_IMAGES", 5)
    monkeypatch.setattr(
        "reactface_node.perception.tracker_thread.ThreadPoolExecutor", InlineExecutor
    )
    # Frame by frame nothing else runs on the real clock, which is not stepped.
    paced = ("--only", "paced", "--seconds", "3", "--paced-images", pictures)
    result, printed = bench(*paced, "--set", "mode=frame")
    found = result["paced"]
    assert found["images"] == 90 and found["images_dropped"] == found["rejected"] == 0
    assert found["windows_skipped"] == found["frames_late"] == 0
    assert 60 <= found["frames"] <= 75
    # Nothing takes time here: a frame waits for its time alone, which is playout_delay_s after
    # the end of its window, less what the last chunk of sound came later than that.
    assert 0 < found["latency"]["p50_ms"] <= 62
    # The last windows may end before their time to be shown.
    assert found["windows"] - 2 <= found["latency"]["calls"] <= found["windows"]
    assert "0 skipped" in printed


def test_official_and_paper_have_stages_too(bench, monkeypatch):
    monkeypatch.setattr(run, "STAGES_S", 0.0)
    for profile in ("paper", "official"):
        result, _ = bench("--profile", profile, "--only", "stages", "--render", "none")
        stages = result["stages"]["stages"]
        for name in ("speech encoder", "face encoder", "alignment", "CIE", "LRD", "SLBS"):
            assert stages[name]["gflop"] > 0, (profile, name)
        assert stages["model"]["p50_ms"] > 0


def test_an_exported_model_is_measured_as_a_whole(exports, capsys):
    config, _, _ = exports("window")
    small = ["--set", "mode=window", "--set", f"weights={config.weights}"]
    command = ["bench", *small, "--json", "--only", "stages,sessions", "--sessions", "2"]
    assert main(command) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["about"]["weights"] == "exported, exported"
    assert list(result["stages"]["stages"]) == ["model"]
    assert result["stages"]["stages"]["model"]["p50_ms"] > 0
    assert "stages of a window" in table(result)
    assert result["sessions"]["real_time_factor"] > 0
    assert result["sessions"]["batch"]["real_time_factor"] > 0


def test_json_is_printed_if_asked_for(capsys):
    assert main([*SMALL_BENCH, "--only", "sessions", "--sessions", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["sessions"]["sessions"] == 1


def test_the_table_of_nothing_is_the_machine():
    machine = {"processor": "x", "cores": 2, "packages": {}}
    assert "x, 2 cores, no GPU" in table({"machine": machine, "about": {}})

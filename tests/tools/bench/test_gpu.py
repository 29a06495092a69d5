"""The measurements for a GPU run one after the other, within a time, and each is kept."""

from reactface_node.cli.main import build_parser
from reactface_node.tools.bench.gpu import MEASUREMENTS, measure_all


def test_the_options_are_those_of_the_command():
    for name, options in MEASUREMENTS:
        parsed = build_parser().parse_args(["bench", *options])
        assert parsed.device == "cuda" and name.isidentifier()


def test_a_measurement_that_fails_does_not_end_the_others(tmp_path):
    wrong = ("--only", "nothing")
    said = measure_all(tmp_path / "out", 60.0, (("one", wrong), ("two", ("--help",))))
    assert said["one"] == (
        "reactface bench: no section 'nothing'; there are: pipeline, stages, flat, sessions, paced"
    )
    assert said["two"] == "measured" and "--sessions" in (tmp_path / "out" / "two.txt").read_text()


def test_without_time_nothing_is_started(tmp_path):
    assert measure_all(tmp_path, 0.0) == {name: "no time left" for name, _ in MEASUREMENTS}

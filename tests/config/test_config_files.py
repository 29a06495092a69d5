"""Settings from files and command lines: any text gives a Config or an error of one line."""

import logging
import os

import pytest
from rigs.config_texts import BOMB, NAMES, texts

from reactface_node.config import Config
from reactface_node.config.settings import parse_overrides, settings
from reactface_node.errors import UserError
from reactface_node.files.text import (
    MOST_YAML_BYTES,
    Plain,
    meaning,
    parse_json,
    parse_yaml,
    read_json,
)


@pytest.fixture
def load(tmp_path):
    """Config.load of a file with that content."""

    def from_file(content: str | bytes, profile: str = "default") -> Config:
        path = tmp_path / "mine.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Config.load(profile, path)

    return from_file


def refused(act) -> str:
    """The one line that it is refused with."""
    with pytest.raises(UserError) as error:
        act()
    line = str(error.value)
    assert "\n" not in line and len(line) < 600
    return line


def by_set(*pairs: str) -> Config:
    return Config.load(overrides=parse_overrides(pairs))


NUMBERS = [("1e-3", 0.001), ("1E-1", 0.1), (".5", 0.5), ("+1", 1.0), ("1.", 1.0), ("1_0e-1", 1.0)]


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_numbers_are_read_as_numbers(load, text, value):
    assert load(f"playout: {{gain: {text}}}").playout.gain == value
    assert load(f"playout.gain: {text}").playout.gain == value
    assert by_set(f"playout.gain={text}").playout.gain == value


def test_negative_exponents_and_whole_numbers(load):
    name = "timeline.camera_to_microphone_offset_s"
    assert load(f"{name}: -1e-1").timeline.camera_to_microphone_offset_s == -0.1
    assert by_set(f"{name}=-1e-1").timeline.camera_to_microphone_offset_s == -0.1
    for text, value in (("1E5", 100_000), ("1_000", 1000), ("0123", 123), ("0x10", 16)):
        assert load(f"training.clips: {text}").training.clips == value
        assert by_set(f"training.clips={text}").training.clips == value
    for text in ("1.5", "1e-3", "12:30", "true", "'5'", "", "1e999", "9" * 100_000):
        assert "must be a whole number" in refused(lambda t=text: by_set(f"training.clips={t}"))


IDS = [
    "0123",
    "no",
    "on",
    "yes",
    "1_000",
    "12:30",
    "2024-01-01",
    "1e3",
    "0x10",
    "true",
    "null",
    "~",
    ".5",
    "9" * 5000,
    "=",
    "007",
]


@pytest.mark.parametrize("text", IDS)
def test_a_text_setting_has_the_text_as_it_is_written(load, text):
    assert load(f"ros: {{face_id: {text}}}").ros.face_id == text
    assert load(f"ros:\n  face_id: '{text}'\n").ros.face_id == text
    assert by_set(f"ros.face_id={text}").ros.face_id == text
    assert by_set(f"ros.face_id='{text}'").ros.face_id == text


@pytest.mark.parametrize("text", ["a: b", "#x", "[1", "{a}", "!!python x", "*a", "@b", " c ", "'"])
def test_a_text_of_the_command_line_is_no_yaml(text):
    assert by_set(f"ros.face_id={text}").ros.face_id == text


def test_truth_is_read_where_it_is_meant(load):
    for text in ("true", "yes", "on", "True"):
        assert load(f"playout.mirror: {text}").playout.mirror is True
        assert by_set(f"playout.mirror={text}").playout.mirror is True
    assert load("ros.load_shedding: off").ros.load_shedding is False
    assert "true or false, not 1" in refused(lambda: load("playout.mirror: 1"))
    assert "true or false, not 'true'" in refused(lambda: load("playout.mirror: 'true'"))


WRONG = {
    "playout: {gain: 1": "is not valid YAML",
    "- 1": "must hold names and values, not a list",
    "1": "must hold names and values, not a single value",
    "playout: 1": "'playout' is a section",
    "playout: [1]": "'playout' is a section",
    "playout: {gain: [1]}": "must be a number",
    "playout: {gain: {a: 1}}": "must be a number",
    "playout: {gain: 1, gain: 2}": "'gain' is there twice",
    "{playout: {gain: 1}, playout.gain: 2}": "'playout.gain' is there twice",
    "{playout.gain: 1, playout.gain.x: 2}": "unknown parameter 'playout.gain.x'",
    "[a]: 1": "a name must be a text",
    "{? {a: b} : c}": "a name must be a text",
    "1: 2": "unknown parameter '1'",
    "playout: {gain: .inf}": "must be within 0 .. 3",
    "playout: {gain: .nan}": "must be within 0 .. 3",
    "playout: {gain: 1e999}": "must be within 0 .. 3",
    "playout: {gain: " + "9" * 100_000 + "}": "must be a number",
    "playout: {samples: " + "9" * 60 + "}": "must be within 1 .. 64",
    "playout: {gain: !!python/name:os.system }": "the tag '!!python/name:os.system' is not read",
    "playout: !!python/object/apply:os.abort []": "the tag '!!python/object/apply:os.abort'",
    "playout: !mine {gain: 1}": "the tag '!mine' is not read",
    "ros: {face_id: !!binary aGk=}": "the tag '!!binary' is not read",
    "playout: &a {gain: *a}": "no value *a",
    "playout: {gain: *nobody}": "no value *nobody",
    "playout: {<<: 1}": "<< takes names and values",
    BOMB: "more than 20000 values",
    "a: " + "[" * 100_000: "nested too deeply",
    "a: " + "{b: " * 50_000: "nested too deeply",
    "- " * 100_000: "nested too deeply",
    "---\n{}\n---\n{}\n": "several documents",
    "playout:\n\tgain: 1\n": "is not valid YAML",
    "playout: {gain: 1}\x00": "is not valid YAML",
    'ros: {face_id: "\\0"}': "must be UTF-8 text",
    'ros: {face_id: "\\ud800"}': "must be UTF-8 text",
    '"\\ud800": 1': "unknown parameter '\\ud800'",
    'ros: {face_id: "\\UFFFFFFFF"}': "is not valid YAML",
    "%YAML " + "9" * 5000 + ".1\n--- {}": "is not valid YAML",
    "x" * 1000 + ": 1": "unknown parameter 'xxx",
}


@pytest.mark.parametrize("text", WRONG, ids=range(len(WRONG)))
def test_what_cannot_be_is_one_line(load, text):
    assert WRONG[text] in refused(lambda: load(text))


def test_what_holds_nothing_changes_nothing(load):
    for text in (
        "",
        "\n",
        "# playout: {gain: 2}\n",
        "---\n",
        "null",
        "~",
        "{}",
        "\ufeff",
        "--- \n...\n",
    ):
        assert load(text) == Config.load()
    assert load("playout:\n  # gain: 2\nmode: frame\n").mode == "frame"


def test_anchors_and_merge_keys(load):
    text = "playout: &p {gain: 2, samples: 3}\n"
    assert load(text + "training: {<<: {steps: 9}, seed: 4}").training.steps == 9
    both = load(
        "playout:\n  <<: [{gain: 2, samples: 3}, {gain: 1, play: 2}]\n  samples: 5\n"
    ).playout
    assert (both.gain, both.samples, both.play) == (2.0, 5, 2)
    assert load("ros: {face_id: &a 007, voice_id: *a}").ros.voice_id == "007"


def test_encodings(load):
    text = "ros: {face_id: café}"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert load(text.encode(encoding)).ros.face_id == "café"
    for data in (text.encode("latin-1"), b"\xff\xfea", text.encode("utf-16-le"), b"\x80"):
        assert "mine.yaml" in refused(lambda d=data: load(d))


def test_what_is_no_file_of_settings(tmp_path):
    pipe, large = tmp_path / "pipe.yaml", tmp_path / "large.yaml"
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.truncate(1 << 30)
    (tmp_path / "closed.yaml").symlink_to(tmp_path / "closed.yaml")
    for path, says in (
        (pipe, "no regular file"),
        (tmp_path, "cannot read"),
        ("/dev/zero", "no regular file"),
        (large, f"larger than {MOST_YAML_BYTES >> 10} KiB"),
        (tmp_path / "none.yaml", "No such file"),
        (tmp_path / "closed.yaml", "symbolic links"),
        (tmp_path / ("x" * 300), "File name too long"),
        ("a\0b", "null byte"),
    ):
        assert says in refused(lambda p=path: Config.load(path=p))


def test_only_a_config_or_a_line_comes_of_any_text(load):
    outcomes = []
    for index, text in enumerate(texts(400, seed=7)):
        name = NAMES[index % len(NAMES)]
        data = text.encode("utf-8", "surrogatepass")
        for act in (lambda d=data: load(d), lambda n=name, t=text: by_set(f"{n}={t}")):
            try:
                outcomes.append(isinstance(act(), Config))
            except UserError as error:
                assert "\n" not in str(error) and len(str(error)) < 600
                outcomes.append(False)
    # Both kinds of text are among them.
    assert len(outcomes) == 800 and 20 < sum(outcomes) < 400


# ROS parameter files


FLAT = "/**:\n  ros__parameters:\n    playout.gain: 1e-1\n    ros.face_id: 0123\n"
NESTED = "/**:\n  ros__parameters:\n    playout: {gain: 1e-1}\n    ros: {face_id: 0123}\n"


@pytest.mark.parametrize("text", [FLAT, NESTED])
@pytest.mark.parametrize(
    "node", ["/**", "/*", "reactface", "/reactface", "/ns/reactface", "/ns/of/mine", "ns:\n  mine"]
)
def test_a_ros_parameter_file_is_understood(load, text, node):
    first, rest = (
        text.replace("/**", node, 1).split("\n", 1)
        if "\n" not in node
        else ("ns:\n  mine:", "\n".join(f"  {line}" for line in text.splitlines()[1:]))
    )
    config = load(f"{first}\n{rest}")
    assert (config.playout.gain, config.ros.face_id) == (0.1, "0123")


def node(name: str, values: str) -> str:
    return f"{name}: {{ros__parameters: {{{values}}}}}\n"


def test_of_several_nodes_every_and_ours_are_taken(load):
    text = node("/face/reactface", "playout.gain: 2") + node("/camera", "width: 640")
    config = load(text + node("/**", "playout: {gain: 3, samples: 4}"))
    assert (config.playout.gain, config.playout.samples) == (2.0, 4)
    two = node("/a/reactface", "mode: frame") + node("/b/reactface", "mode: window")
    assert "/a/reactface and of /b/reactface" in refused(lambda: load(two))
    others = node("/camera", "width: 640") + node("/mic", "rate: 1")
    assert "none of /** or reactface" in refused(lambda: load(others))


def test_parameters_of_others_are_left_out_with_one_warning(load, caplog):
    with caplog.at_level(logging.WARNING):
        text = node("/**", "robot_name: pepper, use_sim_time: true, device_id: 3, mode: frame")
        assert load(text).mode == "frame"
        assert [r.getMessage().split(": ", 1)[1] for r in caplog.records] == [
            "left out what is no setting: 'robot_name' and 1 more"
        ]
    for wrong, says in (
        ("weigths: x", "did you mean weights?"),
        ("playout.gian: 1", "did you mean playout.gain?"),
        ("playuot: {gain: 1}", "did you mean playout?"),
        ("playout.gain: high", "must be a number"),
        ("playout.gain: 1, playout: {gain: 1}", "is there twice"),
    ):
        assert says in refused(lambda w=wrong: load(node("/**", w)))


def test_broken_ros_parameter_files(load):
    for text, says in (
        ("/**: {ros__parameters: 1}", "must hold names and values"),
        ("/**: {ros__parameters: [a]}", "must hold names and values"),
        (node("/**", "mode: frame") + "mode: window\n", "'mode' is in no node"),
        (node("/**", "mode: frame") + "playout: {gain: 1}\n", "'playout' is in no node"),
    ):
        assert says in refused(lambda t=text: load(t))
    assert load("/**:\n  ros__parameters:\n") == Config.load()


# Names


NO_NAMES = [
    "",
    ".",
    "..",
    "a..b",
    " playout.gain",
    "playout.",
    ".gain",
    "playout..gain",
    "self",
    "cls",
    "changes",
    "playout.gain.x",
    "playout.gain ",
    "x" * 100_000,
    "x." * 50_000,
    "playout." + "x" * 100_000,
    "\0",
    "\ud800",
    "playout.__doc__",
    1,
    None,
    True,
    1.5,
    b"playout",
    ("playout", "gain"),
    frozenset(),
]


@pytest.mark.parametrize("name", NO_NAMES, ids=range(len(NO_NAMES)))
def test_a_name_of_no_setting_is_one_line(name):
    assert "unknown parameter" in refused(lambda: Config().replace({name: 1.0}))
    assert "unknown parameter" in refused(lambda: Config().replace({"playout": {name: 1.0}}))


def test_names_that_are_given_together():
    for changes, says in (
        ({"playout": 1, "playout.gain": 1.5}, "'playout' is a section"),
        ({"playout.gain": 1.5, "playout": 1}, "'playout' is a section"),
        ({"playout.gain": 1.0, "playout.gain.x": 1.5}, "unknown parameter 'playout.gain.x'"),
        ({"playout.gain.x": 1.0, "playout.gain": 1.5}, "unknown parameter 'playout.gain.x'"),
        ({"playout.gain": 1.0, "playout": {"gain": 1.0}}, "'playout.gain' is there twice"),
        ({"playout": {"gain": {}}}, "must be a number"),
        ({"playout.gain": None}, "must be a number, not None"),
        ({"playout.gain": 10**5000}, "must be within"),
        ({"playout.gain": -(10**400)}, "must be within"),
        ({"playout.samples": 10**5000}, "must be within"),
        ({"ros.face_id": 10**5000}, "must be a text, not a huge number"),
        ({"ros.face_id": b"1"}, "must be a text"),
        ({"playout.gain": [1.0] * 100_000}, "must be a number, not [1.0"),
        ({"mode": "x\ny" * 1000}, "must be one of window, frame"),
    ):
        assert says in refused(lambda c=changes: Config().replace(c))
    assert "is a section" in refused(lambda: by_set("playout=1", "playout.gain=2"))
    assert Config().replace(**{"mode": "frame", "playout.gain": 2}).playout.gain == 2.0
    assert "unknown parameter 'self'" in refused(lambda: Config().replace(**{"self": 1}))


def test_a_change_touches_only_the_section_that_it_is_in():
    before = Config()
    after = before.replace({"playout.gain": 2})
    assert after.playout == before.replace({"playout": {"gain": 2.0}}).playout
    others = [item for item in vars(before) if item != "playout"]
    assert all(getattr(after, item) is getattr(before, item) for item in others)
    assert before.playout.gain == 1.0


def test_every_setting_takes_its_own_value_as_text():
    for item in settings(Config()):
        text = str(item.value).lower() if isinstance(item.value, bool) else str(item.value)
        assert Config().replace(parse_overrides([f"{item.name}={text}"])) == Config()


# The readers


def test_meaning():
    for text, value in (("1", 1), ("-1e-1", -0.1), ("no", False), ("", None), ("a", "a")):
        assert meaning(Plain(text)) == value and type(meaning(Plain(text))) is type(value)
    for text in ("1__0", "_1", "1e", ".", "-", "e5", "0x", "1.2.3", "\u0661", "1 0", "9" * 65):
        assert meaning(Plain(text)) == text
    assert meaning("1") == "1"


def test_yaml_of_lists_keeps_texts():
    assert parse_yaml("a: [0123, '1', [no]]", "x") == {"a": ["0123", "1", ["no"]]}


def test_json_is_an_object_or_a_line(tmp_path):
    assert parse_json('{"a": [1]}', "x") == {"a": [1]}
    for text in (
        "",
        "{",
        "[1]",
        "1",
        "null",
        "[" * 100_000,
        '{"a": ' * 100_000,
        "9" * 5000,
        "\x00",
    ):
        assert "x " in refused(lambda t=text: parse_json(t, "x"))
    (tmp_path / "a.json").write_bytes(b"\xff")
    for path in (tmp_path, tmp_path / "a.json", tmp_path / "b.json"):
        assert "cannot read" in refused(lambda p=path: read_json(p))

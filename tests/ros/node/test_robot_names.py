"""Names and settings of several robots in one process."""

import pytest

from reactface_node.cli.main import main
from reactface_node.config import Config
from reactface_node.errors import UserError
from reactface_node.ros.node.robots import MOST_ROBOTS, check_alone, namespaces


def test_names_are_namespaces_with_or_without_a_slash():
    assert namespaces("a") == ["a"]
    assert namespaces("a, /b,lab/c_2") == ["a", "b", "lab/c_2"]
    assert len(namespaces(",".join(f"r{index}" for index in range(MOST_ROBOTS)))) == MOST_ROBOTS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "'' is not the namespace"),
        ("a,,b", "'' is not the namespace"),
        ("a,2b", "'2b' is not the namespace"),
        ("a/,b", "'a/' is not the namespace"),
        ("a//b", "'a//b' is not the namespace"),
        ("a b", "'a b' is not the namespace"),
        ("~a", "'~a' is not the namespace"),
        ("ä", "'ä' is not the namespace"),
        ("a;rm", "'a;rm' is not the namespace"),
        ("a,b,/a", "two robots are named a"),
        ("a" * 101, "at most 100 characters"),
        (",".join(f"r{index}" for index in range(MOST_ROBOTS + 1)), "17 robots are too many"),
    ],
)
def test_other_names_are_refused_in_one_line(text, reason):
    with pytest.raises(UserError) as refused:
        namespaces(text)
    assert reason in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "setting", [{"web.port": 8000}, {"outputs.livelink": "pc"}, {"outputs.vmc": "pc:39539"}]
)
def test_what_only_one_robot_can_have_is_refused(setting):
    (name,) = setting
    check_alone(Config())
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        check_alone(Config().replace(**setting))


@pytest.mark.parametrize(
    "arguments",
    [
        ["live", "--robots", "a,a"],
        ["live", "--robots", "a,b", "--camera", "0"],
        ["live", "--robots", "a,b", "--mic", "none"],
        ["live", "--robots", "a,b", "--show"],
        ["live", "--robots", "a,b", "--set", "web.port=8123"],
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(arguments, capsys):
    assert main(arguments) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
